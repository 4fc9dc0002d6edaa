import threading

from recognizer_ros.core.latest import Latest


def test_the_newest_wins_and_what_it_replaced_is_counted() -> None:
    place: Latest[int] = Latest()
    for number in range(4):
        place.put(number)
    assert place.take(0) == 3
    assert place.take(0) is None
    assert place.replaced == 3


def test_taken_values_are_not_counted() -> None:
    place: Latest[int] = Latest()
    place.put(0)
    assert place.take(0) == 0
    place.put(1)
    assert place.take(0) == 1
    assert place.replaced == 0


def test_take_waits_for_a_value() -> None:
    place: Latest[str] = Latest()
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(place.take(20)))
    thread.start()
    place.put('here')
    thread.join(20)
    assert found == ['here']


def test_close_wakes_whoever_waits() -> None:
    place: Latest[str] = Latest()
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(place.take()))
    thread.start()
    place.close()
    thread.join(20)
    assert not thread.is_alive()
    assert found == [None]
    place.put('too late')
    assert place.take() is None
    assert place.closed
