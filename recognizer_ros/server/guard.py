"""Which requests are answered at all, and the headers of every answer.

The page has no access control yet and listens on loopback only; what is left to fear are other
web sites open in the same browser: DNS rebinding and cross-site writes.
"""

import ipaddress
import re

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import Forbidden, LengthRequired, RequestEntityTooLarge

_WRITES = frozenset({'PUT', 'POST', 'DELETE', 'PATCH'})
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


def install(app: Flask) -> None:
    """Put the guard before and behind every request of an app."""
    app.before_request(_check)
    app.after_request(_harden)


def is_loopback(name: str) -> bool:
    """Whether a host name or address without port means this machine itself."""
    if name.lower() == 'localhost':
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check() -> None:
    # The size first: a refusal for another reason would make the server read the whole body.
    limit = current_app.config['MAX_CONTENT_LENGTH']
    if (request.content_length or 0) > limit:
        raise RequestEntityTooLarge(f'send at most {limit // 2**20} MiB')
    if 'Transfer-Encoding' in request.headers:
        raise LengthRequired('send the body with a Content-Length')
    host = request.headers.get('Host', '')
    if not _is_loopback_host(host):
        raise Forbidden(f'this page answers as localhost only, not as {host[:80]!r}')
    if request.method in _WRITES:
        _check_write(f'{request.scheme}://{host}')


def _is_loopback_host(host: str) -> bool:
    match = _HOST.fullmatch(host)
    return match is not None and is_loopback(match['v6'] or match['name'])


def _check_write(own: str) -> None:
    origin = request.headers.get('Origin')
    site = request.headers.get('Sec-Fetch-Site', 'none')
    if origin is not None and origin.lower() != own.lower():
        raise Forbidden('another web site may not change anything here')
    if site not in ('same-origin', 'none'):
        raise Forbidden('another web site may not change anything here')


def _harden(response: Response) -> Response:
    response.headers.update(_HEADERS)
    response.headers.setdefault('Cache-Control', 'no-store')
    return response
