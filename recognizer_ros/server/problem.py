"""Errors as ``application/problem+json`` (RFC 9457): title, status, detail."""

import json
from http import HTTPStatus

from flask import Flask, Response, current_app
from werkzeug.exceptions import HTTPException

from ..core.errors import (
    ConfigError,
    DataLockedError,
    DatasetError,
    DiskFullError,
    ImageError,
    LabelError,
    ModelError,
    NodeUnavailableError,
    NotFoundError,
    RecognizerError,
)

# Looked up in this order; any other RecognizerError is 500.
_STATUS: tuple[tuple[type[RecognizerError], int], ...] = (
    (ConfigError, 422),
    (LabelError, 422),
    (ImageError, 422),
    (NodeUnavailableError, 503),
    (DataLockedError, 503),
    (DiskFullError, 507),
    (NotFoundError, 404),
    (DatasetError, 409),
    (ModelError, 409),
)


def problem(status: int, detail: str) -> Response:
    """Return the answer for one error."""
    body = {'title': HTTPStatus(status).phrase, 'status': status, 'detail': detail}
    return Response(json.dumps(body), status, content_type='application/problem+json')


def install(app: Flask) -> None:
    """Make every error of an app a problem document."""
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(RecognizerError, _of_ours)
    app.register_error_handler(Exception, _of_bug)


def _of_http(error: HTTPException) -> Response:
    answer = problem(error.code or 500, error.description or '')
    answer.headers.extend([item for item in error.get_headers() if item[0] in
                           ('Allow', 'Retry-After')])
    return answer


def _of_ours(error: RecognizerError) -> Response:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    return problem(status, str(error))


def _of_bug(error: Exception) -> Response:
    # Flask logs only what no handler takes.
    current_app.logger.error('request failed', exc_info=error)
    return problem(500, 'the server failed: its log says where')
