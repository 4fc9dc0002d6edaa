from dataclasses import replace

import makers
import pytest

from recognizer_ros.core.bundle import HEAD
from recognizer_ros.core.errors import ModelError
from recognizer_ros.core.updates import Updates

FIRST, SECOND = makers.bundle(version=1), makers.bundle(version=2)


@pytest.fixture
def updates() -> Updates:
    """Version 2 went live at 200, and is in use."""
    updates = Updates()
    updates.admit(FIRST, 100, None)
    updates.admit(SECOND, 200, FIRST)
    return updates


def test_what_went_live_before_the_version_in_use_is_refused(updates: Updates) -> None:
    with pytest.raises(ModelError, match='model version 1: went live before version 2, which is '
                                         'in use: activate it again'):
        updates.admit(FIRST, 199, SECOND)


def test_a_rollback_and_what_follows_it_are_taken(updates: Updates) -> None:
    back, third = replace(FIRST), makers.bundle(version=3)
    updates.admit(back, 300, SECOND)
    updates.admit(third, 400, back)
    with pytest.raises(ModelError, match='went live before version 3'):
        updates.admit(SECOND, 399, third)


def test_only_the_version_in_use_counts_not_one_that_could_not_be_loaded(updates: Updates) -> None:
    updates.admit(makers.bundle(version=9), 900, SECOND)
    updates.admit(makers.bundle(version=3), 300, SECOND)


@pytest.mark.parametrize('stamp_ns', [0, 200])
def test_a_time_that_is_not_known_or_the_same_is_no_reason(updates: Updates,
                                                          stamp_ns: int) -> None:
    updates.admit(makers.bundle(version=3), stamp_ns, SECOND)


def test_without_a_version_in_use_any_is_taken(updates: Updates) -> None:
    updates.admit(FIRST, 1, None)


def test_the_version_in_use_with_other_bytes_is_refused(updates: Updates) -> None:
    other = replace(SECOND, sha256={**SECOND.sha256, HEAD: 'f' * 64})
    with pytest.raises(ModelError, match='model version 2: claims to be the version in use but '
                                         'has other bytes'):
        updates.admit(other, 300, SECOND)
    updates.admit(replace(SECOND), 200, SECOND)  # the same announcement again
    updates.admit(replace(other, created_ns=5), 300, SECOND)  # of another data folder


def test_only_the_last_version_while_it_is_loaded_is_said_again(updates: Updates) -> None:
    assert updates.repeats(replace(SECOND), SECOND)
    assert not updates.repeats(replace(SECOND), None)  # it was loaded, or could not be
    assert not updates.repeats(FIRST, SECOND)
    updates.admit(FIRST, 300, None)
    assert not updates.repeats(replace(SECOND), SECOND)  # the first one waits to replace it
