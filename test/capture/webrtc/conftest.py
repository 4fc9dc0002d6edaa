import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aioice.ice
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for clients.py

from clients import Client, clients

from recognizer_ros.capture.webrtc.peers import Peers
from recognizer_ros.core.config import CameraConfig


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice leaves the one address out that every machine has."""
    monkeypatch.setattr(aioice.ice, 'get_host_addresses', lambda **_: ['127.0.0.1'])


@pytest.fixture
def peers_of(clock: Callable[[], int]) -> Iterator[Callable[..., Peers]]:
    """Makes peers with settings; closes them."""
    made: list[Peers] = []

    def make(**values: Any) -> Peers:
        made.append(Peers(CameraConfig(input='webrtc://', **values), clock))
        return made[-1]

    yield make
    for peers in made:
        peers.close()


@pytest.fixture
def peers(peers_of: Callable[..., Peers]) -> Peers:
    return peers_of()


@pytest.fixture
def client() -> Iterator[Callable[[], Client]]:
    with clients() as make:
        yield make


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()
