"""Samples, queries, edits and errors of the data set, between messages and values."""

from typing import Any

from ..core.errors import (
    ConfigError,
    ConflictError,
    DatasetError,
    DiskFullError,
    ImageError,
    LabelError,
    NodeUnavailableError,
    NotFoundError,
    RecognizerError,
)
from ..core.split import Split
from ..dataset import edits
from ..dataset.browse import MAX_LIMIT, Listed, Query, State
from ..msg import ErrorCode, Sample
from ..srv import EditSamples, ListSamples
from . import conversions

_DEFAULT_LIMIT = 100
_LAST_NS = 2**31 * 10**9 - 1  # what a stamp of ROS can hold; an imported one may be anything
_CODES: tuple[tuple[type[RecognizerError], int], ...] = (
    (ConfigError, ErrorCode.INVALID), (LabelError, ErrorCode.INVALID),
    (NotFoundError, ErrorCode.NOT_FOUND), (ConflictError, ErrorCode.CONFLICT),
    (DiskFullError, ErrorCode.DISK_FULL), (DatasetError, ErrorCode.FAILED),
    (ImageError, ErrorCode.FAILED))
_ERRORS: dict[int, type[RecognizerError]] = {
    ErrorCode.INVALID: ConfigError, ErrorCode.NOT_FOUND: NotFoundError,
    ErrorCode.CONFLICT: ConflictError, ErrorCode.UNAVAILABLE: NodeUnavailableError,
    ErrorCode.DISK_FULL: DiskFullError}
_WITH_TAGS: dict[int, type[edits.SetTags | edits.AddTags | edits.RemoveTags]] = {
    EditSamples.Request.SET_TAGS: edits.SetTags, EditSamples.Request.ADD_TAGS: edits.AddTags,
    EditSamples.Request.REMOVE_TAGS: edits.RemoveTags}
_WITHOUT: dict[int, type[edits.Delete | edits.Restore | edits.Purge]] = {
    EditSamples.Request.DELETE: edits.Delete, EditSamples.Request.RESTORE: edits.Restore,
    EditSamples.Request.PURGE: edits.Purge}
_OPERATIONS: dict[type, int] = {
    kind: number for number, kind in (*_WITH_TAGS.items(), *_WITHOUT.items())}


def refuse(response: Any, error: RecognizerError) -> Any:
    """Answer with an error."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), ErrorCode.UNAVAILABLE)
    response.message, response.error = str(error), ErrorCode(value=code)
    return response


def raise_refusal(response: Any) -> None:
    """:raises RecognizerError: the answer is an error; of a fitting type."""
    if not response.success:
        raise _ERRORS.get(response.error.value, DatasetError)(response.message)


def to_sample(listed: Listed) -> Sample:
    """A message of what is known of a sample."""
    return Sample(
        id=listed.sha256, tags=list(listed.tags),
        stamp=conversions.to_time(min(listed.stamp_ns, _LAST_NS)),
        burst=listed.burst, source=listed.source, split=int(listed.split),
        split_pinned=listed.pinned, width=listed.width, height=listed.height,
        quarantined=bool(listed.quarantined), reason=listed.quarantined, deleted=listed.deleted)


def to_listed(sample: Sample) -> Listed:
    """The inverse."""
    return Listed(
        sample.id, tuple(sample.tags), conversions.nanoseconds(sample.stamp), sample.burst,
        sample.source, Split(sample.split), sample.split_pinned, sample.width, sample.height,
        sample.reason, sample.deleted)


def to_query(request: ListSamples.Request) -> Query:
    """:raises ConfigError: a value is not one of the constants, or out of its range."""
    if request.limit > MAX_LIMIT:
        raise ConfigError(f'limit must be 1 to {MAX_LIMIT}, or 0 for {_DEFAULT_LIMIT}')
    try:
        split = None if request.split == request.ANY else Split(request.split - 1)
        state = State(request.state)
    except ValueError as error:
        raise ConfigError('split and state must be one of their constants in '
                          'ListSamples.srv') from error
    return Query(
        tuple(request.tags), request.burst, split, conversions.nanoseconds(request.since),
        conversions.nanoseconds(request.until), state, request.offset,
        request.limit or _DEFAULT_LIMIT)


def of_query(query: Query) -> ListSamples.Request:
    """The inverse."""
    return ListSamples.Request(
        tags=list(query.tags), burst=query.burst,
        split=ListSamples.Request.ANY if query.split is None else int(query.split) + 1,
        since=conversions.to_time(query.since_ns), until=conversions.to_time(query.until_ns),
        state=int(query.state), offset=query.offset, limit=query.limit)


def to_edit(request: EditSamples.Request) -> edits.Edit:
    """:raises ConfigError: the request makes no sense. :raises LabelError: nor does a tag."""
    try:
        return edits.checked(_edit(request))
    except DatasetError as error:
        raise ConfigError(str(error)) from error


def _edit(request: EditSamples.Request) -> edits.Edit:
    ids, operation = tuple(request.ids), request.operation
    if operation in _WITH_TAGS:
        return _WITH_TAGS[operation](ids, tuple(request.tags))
    if operation in _WITHOUT:
        return _WITHOUT[operation](ids)
    if operation == request.RENAME_CLASS:
        return edits.RenameClass(request.from_label, request.to_label)
    if operation == request.QUARANTINE:
        return edits.Quarantine(ids, request.reason)
    if operation == request.SET_SPLIT and request.split in tuple(Split):
        return edits.SetSplit(ids, Split(request.split))
    raise ConfigError('operation and split must be one of their constants in EditSamples.srv and '
                      'Sample.msg')


def of_edit(edit: edits.Edit, expected_revision: int) -> EditSamples.Request:
    """The inverse."""
    request = EditSamples.Request(expected_revision=expected_revision)
    if isinstance(edit, edits.RenameClass):
        request.operation = request.RENAME_CLASS
        request.from_label, request.to_label = edit.old, edit.new
        return request
    request.ids = list(edit.ids)
    if isinstance(edit, edits.SetSplit):
        request.operation, request.split = request.SET_SPLIT, int(edit.split)
        return request
    if isinstance(edit, edits.Quarantine):
        request.operation, request.reason = request.QUARANTINE, edit.reason
        return request
    request.operation = _OPERATIONS[type(edit)]
    if isinstance(edit, edits.SetTags | edits.AddTags | edits.RemoveTags):
        request.tags = list(edit.tags)
    return request
