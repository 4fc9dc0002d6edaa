import asyncio
import threading

import pytest

from recognizer_ros.capture.webrtc.loop import LoopThread, port_range
from recognizer_ros.core.errors import ConfigError, NegotiationError


def test_a_range_of_ports_has_both_ends() -> None:
    assert list(port_range('50000-50002')) == [50000, 50001, 50002]
    assert len(port_range('')) == 0


@pytest.mark.parametrize('text', ['50000', '50001-50000', '80-90', '1000-2000', '60000-70000',
                                  'all', '50000-50100,50200-50300'])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match='udp_ports'):
        port_range(text)


def test_closing_ends_thread_and_tasks() -> None:
    before = threading.active_count()
    loop = LoopThread(range(0))
    waits = loop.submit(asyncio.sleep(60))
    loop.close()
    assert threading.active_count() == before
    assert waits.cancelled()
    with pytest.raises(NegotiationError) as caught:
        loop.submit(asyncio.sleep(0))
    assert caught.value.status == 503
    loop.soon(print, 'never')
