"""Which requests are answered at all, and the headers of every answer.

On loopback anybody at this machine may do all; what is left to fear are other web sites open in
the same browser: DNS rebinding and cross-site writes. Open to other machines, each request needs a
token too; DNS rebinding then gains nothing, as cookies belong to the host's name.
"""

import re

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import (
    Forbidden,
    LengthRequired,
    RequestEntityTooLarge,
    TooManyRequests,
    Unauthorized,
)

from ..core.hosts import is_loopback
from . import current, session
from .access import Access, Scope
from .pace import Pace

WRITES = frozenset({'PUT', 'POST', 'DELETE', 'PATCH'})
_WRITES_HZ, _BURST = 50, 250
"""Of one address, where the page is open to others. Uploads come one after the other, Record says
twice a second that it is held."""
_HOST = re.compile(r'(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[^:\[\]]+))(?::\d{1,5})?')
_HEADERS = {
    'Content-Security-Policy': (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"),
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
}
_OPEN = frozenset({'static', 'page.index', 'session.session', 'session.enter', 'session.leave'})
"""What tells nothing of the robot: the page without its contents, and how to get in."""
_SCOPES = {
    'whip.view': Scope.VIEW, 'whip.trickle': Scope.VIEW, 'whip.hang_up': Scope.VIEW,
    'whip.publish': Scope.TAG, 'dataset.put_active_tags': Scope.TAG,
    'dataset.put_recording': Scope.TAG, 'dataset.upload': Scope.TAG, 'samples.edit': Scope.TAG,
    'samples.undo': Scope.TAG, 'samples.redo': Scope.TAG, 'classify.classify': Scope.VIEW,
    'uncertain.store': Scope.TAG, 'uncertain.forget': Scope.TAG,
}
"""Of writes; all others are for administrators, also those that are yet to come."""


def install(app: Flask) -> None:
    """Put the guard before and behind every request of an app."""
    pace = Pace(_WRITES_HZ, _BURST)
    app.before_request(lambda: _check(pace))
    app.after_request(_harden)


def needed(endpoint: str, method: str) -> Scope | None:
    """Return what a token must allow for this; ``None``: none is needed."""
    if endpoint in _OPEN:
        return None
    return _SCOPES.get(endpoint, Scope.ADMIN) if method in WRITES else Scope.VIEW


def require(scope: Scope) -> None:
    """Refuse a request that is not allowed so much.

    :raises Unauthorized: nobody has proved who they are. :raises Forbidden: not enough.
    """
    access = current.access()
    if access:
        _require(access, scope)


def _check(pace: Pace) -> None:
    # The size first: a refusal for another reason would make the server read the whole body.
    limit = current_app.config['MAX_CONTENT_LENGTH']
    if (request.content_length or 0) > limit:
        raise RequestEntityTooLarge(f'send at most {limit // 2**20} MiB')
    if 'Transfer-Encoding' in request.headers:
        raise LengthRequired('send the body with a Content-Length')
    host, access = request.headers.get('Host', ''), current.access()
    if not access and not _is_loopback_host(host):
        raise Forbidden(f'this page answers as localhost only, not as {host[:80]!r}')
    if request.headers.get('Sec-Fetch-Site', 'none') not in ('same-origin', 'none'):
        _check_foreign()
    if request.method in WRITES:
        _check_origin(f'{request.scheme}://{host}', access is not None and session.by_cookie())
        if access and not pace.allows(request.remote_addr or ''):
            raise TooManyRequests(f'more than {_WRITES_HZ} changes a second: slow down',
                                  retry_after=1)
    scope = needed(request.endpoint or '', request.method)
    if access and scope:
        _require(access, scope)


def _require(access: Access, scope: Scope) -> None:
    token = g.token = g.get('token') or session.holder(access)
    if not token:
        raise Unauthorized('a token is needed here: open the address that was shown with it')
    if token.scope < scope:
        raise Forbidden(f'this token allows to {token.scope.name.lower()}, not to '
                        f'{scope.name.lower()}: ask for another one')


def _is_loopback_host(host: str) -> bool:
    match = _HOST.fullmatch(host)
    return match is not None and is_loopback(match['v6'] or match['name'])


def _check_foreign() -> None:
    """Another web site may show a link to here, but not hold the places of our streams."""
    if request.method in WRITES or request.headers.get('Sec-Fetch-Dest') != 'document':
        raise Forbidden('another web site may not use this one')


def _check_origin(own: str, by_cookie: bool) -> None:
    """:param by_cookie: only a browser has a cookie, and it says where a write comes from."""
    origin = request.headers.get('Origin')
    if (by_cookie if origin is None else origin.lower() != own.lower()):
        raise Forbidden('another web site may not change anything here')


def _harden(response: Response) -> Response:
    response.headers.update(_HEADERS)
    response.headers.setdefault('Cache-Control', 'no-store')
    return response
