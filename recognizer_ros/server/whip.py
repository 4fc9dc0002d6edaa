"""``/whip`` and ``/whep``: what WebRTC peers ask for over HTTP, passed on to the camera node.

WHIP (RFC 9725) brings video to the robot, WHEP (draft-ietf-wish-whep) plays the robot's. The
camera node decides on offers and sessions; only what HTTP itself asks for is decided here.
"""

import re

from flask import Blueprint, Response, request
from werkzeug.exceptions import (
    BadRequest,
    LengthRequired,
    NotFound,
    RequestEntityTooLarge,
    UnprocessableEntity,
    UnsupportedMediaType,
)

from ..core.errors import NodeUnavailableError
from ..core.negotiation import Operation, Reply, Request
from . import current
from .describe import TEXT, Content, choice, described
from .problem import problem

blueprint = Blueprint('whip', __name__)

_OFFER = 'application/sdp'
_FRAGMENT = 'application/trickle-ice-sdpfrag'
_LIMIT = 256_000
"""Largest offer or fragment, bytes."""
_RETRY_S = 2
_LATER = frozenset({409, 503})
"""Answers after which the same request may succeed a little later."""
_SESSION = re.compile(r'[A-Za-z0-9_-]{1,128}')
_STRONG_ETAG = re.compile(r'"([^"]*)"')
_SDP = Content(TEXT, _OFFER)
_PATH = {'session': {**TEXT, 'pattern': f'^{_SESSION.pattern}$'}}


@blueprint.post('/whip')
@described(_SDP, _SDP, status=201, query={'take_over': choice('0', '1')})
def publish() -> Response:
    """Start to send video to the robot (WHIP, RFC 9725): SDP offer in, answer out. With the query
    ``take_over=1`` another sender is ended; else there being one is a 409.
    """
    return _ask(Request(Operation.PUBLISH, body=_body(_OFFER), take_over=_take_over()), _OFFER)


@blueprint.post('/whep')
@described(_SDP, _SDP, status=201)
def view() -> Response:
    """Start to play the robot's video (WHEP): SDP offer in, answer out."""
    return _ask(Request(Operation.VIEW, body=_body(_OFFER)), _OFFER)


@blueprint.get('/whip')
@blueprint.get('/whep')
@described(Content({}, _OFFER))
def endpoint() -> Response:
    """Return nothing, as both protocols want it; the type tells players what this is."""
    return Response(content_type=_OFFER)


@blueprint.get('/whip/<session>')
@blueprint.get('/whep/<session>')
@described(status=204, path=_PATH)
def session(session: str) -> Response:
    """Return nothing, as both protocols want it."""
    _check(session)
    return Response(status=204)


@blueprint.patch('/whip/<session>')
@blueprint.patch('/whep/<session>')
@described(body=Content(TEXT, _FRAGMENT), status=204, path=_PATH, headers={'If-Match': TEXT})
def trickle(session: str) -> Response:
    """Add ICE candidates to a session: SDP fragment in (RFC 8840)."""
    _check(session)
    return _ask(Request(Operation.PATCH, session, _body(_FRAGMENT), etag=_if_match()),
                _FRAGMENT)


@blueprint.delete('/whip/<session>')
@blueprint.delete('/whep/<session>')
@described(path=_PATH)
def hang_up(session: str) -> Response:
    """End a session."""
    _check(session)
    return _ask(Request(Operation.DELETE, session), 'text/plain')


@blueprint.after_request
def _name_types(response: Response) -> Response:
    if request.method == 'OPTIONS':
        name, kind = ('Patch', _FRAGMENT) if request.view_args else ('Post', _OFFER)
        response.headers[f'Accept-{name}'] = kind
    return response


def _ask(wanted: Request, kind: str) -> Response:
    """:param kind: content type of an answer that has a body."""
    done = _negotiate(wanted)
    if done.status >= 400:
        return _refusal(done)
    response = Response(done.body, done.status, content_type=kind)
    if not done.body:
        del response.headers['Content-Type']
    if done.status == 201:
        response.headers['Location'] = f'{request.path}/{done.session}'
        response.headers['Accept-Patch'] = _FRAGMENT
    if done.etag and done.status != 204:  # which must not carry one
        response.set_etag(done.etag)
    return response


def _negotiate(wanted: Request) -> Reply:
    try:
        return current.bridge().negotiate(wanted)
    except NodeUnavailableError as error:
        return Reply(503, body=str(error))


def _refusal(done: Reply) -> Response:
    response = problem(done.status, done.body)
    if done.status in _LATER:
        response.headers['Retry-After'] = str(_RETRY_S)
    return response


def _body(kind: str) -> str:
    """Return the text of the request, which must be of this content type."""
    if request.mimetype != kind:
        raise UnsupportedMediaType(f'send {kind}, not {request.mimetype[:80]!r}')
    if request.content_length is None:
        raise LengthRequired('send the body with a Content-Length')
    if request.content_length > _LIMIT:
        raise RequestEntityTooLarge(f'a body may have {_LIMIT} bytes at most')
    try:
        text = request.stream.read(_LIMIT).decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f'the body is not UTF-8: {error}') from None
    if not text or '\0' in text:  # a ROS string ends at a NUL
        raise BadRequest('the body is empty or binary: send SDP')
    return text


def _take_over() -> bool:
    given = request.args.get('take_over', '0')
    if given not in ('0', '1'):
        raise UnprocessableEntity(f'take_over must be 0 or 1, not {given[:40]!r}')
    return given == '1'


def _if_match() -> str:
    given = request.headers.get('If-Match', '').strip()
    strong = _STRONG_ETAG.fullmatch(given)
    # A weak one, or several, match nothing and are refused as such.
    return strong[1] if strong else given[:128]


def _check(session: str) -> None:
    if not _SESSION.fullmatch(session):
        raise NotFound('there is no such session')
