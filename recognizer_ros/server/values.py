"""Values that requests carry, checked."""

import json
import math
from typing import NoReturn

from flask import Response, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnprocessableEntity

BODY_LIMIT = 64 * 1024
"""Largest JSON value, bytes, where nothing else is said; uploads have their own limit."""


def body(limit: int = BODY_LIMIT) -> object:
    """Return the JSON value of the request.

    :raises BadRequest: not JSON. :raises RequestEntityTooLarge: over ``limit`` bytes.
    """
    data = request.stream.read(limit + 1)
    if len(data) > limit:
        raise RequestEntityTooLarge(f'a value may have {limit} bytes at most')
    try:
        value: object = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f'the body must be one JSON value: {error}') from None
    return value


def boolean() -> bool:
    """Return the request's value, true or false. :raises UnprocessableEntity: something else."""
    value = body()
    if not isinstance(value, bool):
        raise UnprocessableEntity(f'send true or false, not {_short(value)}')
    return value


def number() -> float:
    """Return the request's value, a number. :raises UnprocessableEntity: something else."""
    value = body()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnprocessableEntity(f'send a number, not {_short(value)}')
    try:
        return float(value)
    except OverflowError:
        raise UnprocessableEntity('the number is too large') from None


def text() -> str:
    """Return the request's value, a string. :raises UnprocessableEntity: something else."""
    value = body()
    if not isinstance(value, str):
        raise UnprocessableEntity(f'send a string, not {_short(value)}')
    return value


def query_number(name: str, low: float, high: float) -> float | None:
    """Return a number of the query, ``None`` when it is not there.

    :raises UnprocessableEntity: not a number within the limits.
    """
    given = request.args.get(name)
    if given is None:
        return None
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not low <= value <= high:  # also false for NaN
        raise UnprocessableEntity(f'{name} must be a number from {low:g} to {high:g}, not '
                                  f'{_short(given)}')
    return value


def query_whole(name: str, low: int, high: int) -> int | None:
    """Return a whole number of the query; otherwise as :func:`query_number`."""
    value = query_number(name, low, high)
    if value is not None and value != int(value):
        raise UnprocessableEntity(f'{name} must be a whole number')
    return None if value is None else int(value)


def done() -> Response:
    """Return the empty answer of a PUT that did what it was asked."""
    return Response(status=200, content_type='text/plain')


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is not a JSON value')


def _short(value: object) -> str:
    shown = json.dumps(value)
    return shown if len(shown) <= 40 else shown[:40] + '…'
