"""What WebRTC peers ask of the camera, and what it answers: as in ``srv/Negotiate.srv``."""

from dataclasses import dataclass
from enum import Enum


class Operation(Enum):
    """What a peer asks for."""

    PUBLISH = 'publish'
    VIEW = 'view'
    PATCH = 'patch'
    DELETE = 'delete'


@dataclass(frozen=True)
class Request:
    """One request of a peer.

    :param session: which one, of PATCH and DELETE. :param body: SDP offer or fragment.
    :param take_over: PUBLISH ends another sender instead of being refused.
    :param etag: of If-Match, without quotes; ``*``: any; empty: not given.
    """

    operation: Operation
    session: str = ''
    body: str = ''
    take_over: bool = False
    etag: str = ''


@dataclass(frozen=True)
class Reply:
    """The answer.

    :param status: of HTTP. :param body: SDP, or from 400 on one sentence for people.
    :param etag: of the ICE session, without quotes; empty: none.
    """

    status: int
    session: str = ''
    body: str = ''
    etag: str = ''
