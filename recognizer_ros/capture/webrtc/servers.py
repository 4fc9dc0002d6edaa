"""STUN and TURN servers, as they are set."""

import re

from aiortc import RTCIceServer

from ...core.errors import ConfigError

_SERVER = re.compile(r'(stun|turns?):(?:([^:@]+):([^@]+)@)?([^@\s]+)')


def ice_servers(text: str) -> list[RTCIceServer]:
    """Take STUN and TURN servers apart: ``stun:HOST:PORT, turn:USER:PASSWORD@HOST:PORT``.

    :raises ConfigError: one of them is none.
    """
    return [_server(part) for part in re.split(r'[,\s]+', text) if part]


def _server(text: str) -> RTCIceServer:
    found = _SERVER.fullmatch(text)
    if not found:
        raise ConfigError('ice_servers: write each as stun:HOST:PORT or '
                          'turn:USER:PASSWORD@HOST:PORT, separated by commas')
    scheme, user, password, host = found.groups()
    return RTCIceServer(f'{scheme}:{host}', user, password)
