"""``/api/v1/session``: a token for a cookie, so that scripts of the page never hold the token."""

from collections.abc import Generator, Iterator
from contextlib import closing

from flask import Blueprint, Flask, Response, g, jsonify, request
from flask import session as cookie
from werkzeug.exceptions import TooManyRequests, Unauthorized

from . import current, values
from .access import Access, Scope, Token
from .describe import SWITCH, TEXT, choice, described, optional, record

blueprint = Blueprint('session', __name__, url_prefix='/api/v1/session')

_DAYS = 30
_KEY = 'token'


def install(app: Flask, access: Access, port: int) -> None:
    """Let an app sign its cookies. Two robots behind one host name have a cookie each."""
    app.secret_key = access.secret
    app.config.update(
        SESSION_COOKIE_NAME=f'__Host-recognizer-{port}', SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE='Strict',
        SESSION_REFRESH_EACH_REQUEST=False, PERMANENT_SESSION_LIFETIME=_DAYS * 86_400)


@blueprint.get('')
@described(record(needed=SWITCH, scope=optional(choice('view', 'tag', 'admin'))))
def session() -> Response:
    """Return whether a token is needed, and the scope of the one in use: view, tag, admin or
    null. On a page that answers this machine only, all is allowed."""
    access = current.access()
    token = holder(access) if access else None
    scope = token.scope if token else None if access else Scope.ADMIN
    return jsonify({'needed': access is not None, 'scope': scope.name.lower() if scope else None})


@blueprint.post('')
@described(body=TEXT)
def enter() -> Response:
    """Begin a session with a token, sent as a JSON string."""
    access, given = current.access(), values.text()
    if access:
        token = g.token = check(access, given)
        cookie.permanent = True
        cookie[_KEY] = token.id
    return values.done()


@blueprint.delete('')
@described()
def leave() -> Response:
    """End the session."""
    if current.access():
        cookie.clear()
    return values.done()


def holder(access: Access) -> Token | None:
    """Whose request this is, by cookie or ``Authorization: Bearer``; ``None``: nobody's.

    :raises Unauthorized: a wrong token. :raises TooManyRequests: too many of them.
    """
    given = request.authorization
    if given is not None and given.type == 'bearer':
        return check(access, given.token or '')
    return access.by_id(str(cookie[_KEY])) if _KEY in cookie else None


def by_cookie() -> bool:
    """Whether the browser has sent the proof by itself."""
    return request.authorization is None and _KEY in cookie


def while_valid(chunks: Generator[bytes, None, None]) -> Iterator[bytes]:
    """Give chunks as long as the token of this request is not revoked."""
    access, token = current.access(), g.get('token')
    return _while_valid(access, token, chunks) if access and token else chunks


def _while_valid(access: Access, token: Token, chunks: Generator[bytes, None, None]
                 ) -> Iterator[bytes]:
    with closing(chunks):
        for chunk in chunks:
            if not access.by_id(token.id):
                return
            yield chunk


def check(access: Access, given: str) -> Token:
    """Return what is known of a token; parameters and errors as above."""
    address = request.remote_addr or ''
    if not access.may_try(address):
        raise TooManyRequests('too many wrong tokens: wait a minute', retry_after=60)
    token = access.find(given)
    if not token:
        access.has_failed(address)
        raise Unauthorized('this token is not known, or was revoked: ask for another one')
    return token
