"""Refusals of the classifier's services, between messages and errors."""

from typing import Any

from ..core.errors import ImageError, ModelError, NodeUnavailableError, RecognizerError
from ..msg import ErrorCode

_CODES: tuple[tuple[type[RecognizerError], int], ...] = (
    (ImageError, ErrorCode.INVALID), (ModelError, ErrorCode.FAILED),
    (NodeUnavailableError, ErrorCode.UNAVAILABLE))


def code_of(error: RecognizerError) -> ErrorCode:
    """For programs."""
    return ErrorCode(value=next((code for kind, code in _CODES if isinstance(error, kind)),
                                ErrorCode.FAILED))


def raise_refusal(response: Any) -> None:
    """:raises ImageError: likewise ModelError, NodeUnavailableError: the answer is this error."""
    if not response.success:
        kind = next((kind for kind, code in _CODES if code == response.error.value), ModelError)
        raise kind(response.message)
