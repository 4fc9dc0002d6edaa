"""``/api/v1/samples`` and ``/api/v1/edits``: look through what is stored, and change it."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import NotFound, UnprocessableEntity

from ..core import labels, sample_id, stamps
from ..core.errors import ConfigError, DatasetError
from ..core.split import Split
from ..dataset import edits
from ..dataset.browse import MAX_LIMIT, Listed, Query, State
from ..dataset.edits import Edit, Edited
from . import current, guard, values
from .access import Scope
from .describe import (
    JPEG,
    SAMPLE_ID,
    SWITCH,
    TEXT,
    TIME,
    array,
    choice,
    described,
    integer,
    record,
)

blueprint = Blueprint('samples', __name__, url_prefix='/api/v1')

_EDIT_LIMIT = 8 * 2**20  # bytes; as many ids as an edit takes
_MAX_NUMBER = 2**32 - 1
_Body = Mapping[str, Any]

_OPERATIONS: dict[str, tuple[tuple[str, ...], Callable[[_Body], Edit]]] = {
    'set_tags': (('ids', 'tags'), lambda body: edits.SetTags(_ids(body), _tags(body))),
    'add_tags': (('ids', 'tags'), lambda body: edits.AddTags(_ids(body), _tags(body))),
    'remove_tags': (('ids', 'tags'), lambda body: edits.RemoveTags(_ids(body), _tags(body))),
    'rename_class': (('from', 'to'), lambda body: edits.RenameClass(_name(body, 'from'),
                                                                    _name(body, 'to'))),
    'delete': (('ids',), lambda body: edits.Delete(_ids(body))),
    'restore': (('ids',), lambda body: edits.Restore(_ids(body))),
    'purge': (('ids',), lambda body: edits.Purge(_ids(body))),
    'set_split': (('ids', 'split'),
                  lambda body: edits.SetSplit(_ids(body), _split(body.get('split')))),
    'quarantine': (('ids', 'reason'),
                   lambda body: edits.Quarantine(_ids(body), _name(body, 'reason'))),
}
"""Fields and maker of each."""

_EXPECTED = {'expected_revision': integer(0, 2**63 - 1)}
_FIELDS = {'ids': array(SAMPLE_ID, edits.MAX_IDS), 'tags': array(TEXT),
           'from': TEXT, 'to': TEXT, 'split': choice('train', 'validation'), 'reason': TEXT}
_EDIT = {'oneOf': [record(
    _EXPECTED, operation=choice(name), **{field: _FIELDS[field] for field in known})
    for name, (known, _) in _OPERATIONS.items()]}
_UNDO = record(_EXPECTED)
_EDITED = record(changed=integer(0), revision=integer(0), description=TEXT)
_SPLIT = choice(*(split.name.lower() for split in Split))
_SAMPLE = record(
    id=SAMPLE_ID, tags=array(TEXT), stamp=TIME, stamp_ns=integer(), burst=integer(0), source=TEXT,
    split=_SPLIT, split_pinned=SWITCH, width=integer(1), height=integer(1), quarantined=TEXT,
    deleted=SWITCH)
_QUERY = {
    'tag': array(TEXT), 'burst': integer(1, _MAX_NUMBER), 'split': _SPLIT, 'since': TEXT,
    'until': TEXT, 'state': choice(*(state.name.lower() for state in State)),
    'offset': integer(0, _MAX_NUMBER), 'limit': integer(1, MAX_LIMIT)}


@blueprint.get('/samples')
@described(record(samples=array(_SAMPLE), total=integer(0), revision=integer(0)), query=_QUERY)
def samples() -> Response:
    """Return a page of the stored samples, newest first, how many match, and the revision.

    Filters of the query: ``tag`` (any of them, may be repeated), ``burst``, ``split`` (train,
    validation, gap), ``since`` and ``until`` (ISO 8601, or seconds since 1970), ``state``
    (normal, quarantined, deleted); then ``offset`` and ``limit`` (1 to 1000; 100).
    """
    unknown = sorted(set(request.args) - set(_QUERY))
    if unknown:
        raise UnprocessableEntity(f'unknown filter {unknown[0][:40]!r}: choose from '
                                  f'{", ".join(_QUERY)}')
    page = current.bridge().samples.page(_query())
    return jsonify({'samples': [_shown(listed) for listed in page.samples], 'total': page.total,
                    'revision': page.revision})


@blueprint.get('/samples/<sample>')
@described(_SAMPLE, path={'sample': SAMPLE_ID})
def sample(sample: str) -> Response:
    """Return what is known of a sample."""
    return jsonify(_shown(current.bridge().samples.find(_id_of_path(sample))))


@blueprint.get('/samples/<sample>/image')
@described(JPEG, path={'sample': SAMPLE_ID}, query={'size': integer(16, 4096)})
def image(sample: str) -> Response:
    """Return the JPEG of a sample; the query ``size``: longest side, pixels, 16 to 4096."""
    size = values.query_whole('size', 16, 4096) or 0
    data = current.bridge().samples.image(_id_of_path(sample), size)
    answer = Response(data, content_type='image/jpeg')
    answer.headers['Cache-Control'] = 'private, max-age=86400'  # an id names these very bytes
    return answer


@blueprint.post('/edits')
@described(_EDITED, _EDIT)
def edit() -> Response:
    """Make one edit: a JSON object with ``operation``, what it is about, and where wanted the
    ``expected_revision``.

    Operations: ``set_tags``, ``add_tags``, ``remove_tags`` (``ids``, ``tags``), ``rename_class``
    (``from``, ``to``), ``delete``, ``restore`` (``ids``), ``purge`` (``ids``, empty: all deleted
    ones), ``set_split`` (``ids``, ``split``), ``quarantine`` (``ids``, ``reason``).
    """
    body = _object(_EDIT_LIMIT)
    name = body.get('operation')
    if not isinstance(name, str) or name not in _OPERATIONS:
        raise UnprocessableEntity(f'operation must be one of {", ".join(_OPERATIONS)}')
    if name == 'purge':  # which nobody can undo
        guard.require(Scope.ADMIN)
    known, make = _OPERATIONS[name]
    _check_fields(body, ('operation', *known))
    try:
        wanted = edits.checked(make(body))
    except DatasetError as error:  # of the request, not of the data set: that was not asked yet
        raise ConfigError(str(error)) from error
    return _edited(current.bridge().samples.edit(wanted, _expected(body)))


@blueprint.post('/undo')
@described(_EDITED, _UNDO)
def undo() -> Response:
    """Take back the last edit; a JSON object, in it where wanted the ``expected_revision``."""
    return _undo(False)


@blueprint.post('/redo')
@described(_EDITED, _UNDO)
def redo() -> Response:
    """Do again what was undone last; as undo."""
    return _undo(True)


def _undo(again: bool) -> Response:
    body = _object(values.BODY_LIMIT)
    _check_fields(body, ())
    return _edited(current.bridge().samples.undo(again, _expected(body)))


def _edited(done: Edited) -> Response:
    return jsonify({'changed': done.changed, 'revision': done.revision,
                    'description': done.description})


def _shown(listed: Listed) -> dict[str, object]:
    return {'id': listed.sha256, 'tags': listed.tags, 'stamp': stamps.show(listed.stamp_ns),
            'stamp_ns': listed.stamp_ns, 'burst': listed.burst, 'source': listed.source,
            'split': listed.split.name.lower(), 'split_pinned': listed.pinned,
            'width': listed.width, 'height': listed.height, 'quarantined': listed.quarantined,
            'deleted': listed.deleted}


def _query() -> Query:
    """:raises UnprocessableEntity: a filter makes no sense; likewise ConfigError, LabelError."""
    given = request.args
    split, since, until = given.get('split'), given.get('since'), given.get('until')
    return Query(
        labels.normalise(given.getlist('tag')), values.query_whole('burst', 1, _MAX_NUMBER) or 0,
        None if split is None else _split(split), stamps.parse(since) if since else 0,
        stamps.parse(until) if until else 0, _state(given.get('state', 'normal')),
        values.query_whole('offset', 0, _MAX_NUMBER) or 0,
        values.query_whole('limit', 1, MAX_LIMIT) or Query.limit)


def _split(name: object) -> Split:
    named = {split.name.lower(): split for split in Split}
    if not isinstance(name, str) or name not in named:
        raise UnprocessableEntity(f'split must be one of {", ".join(named)}')
    return named[name]


def _state(name: str) -> State:
    named = {state.name.lower(): state for state in State}
    if name not in named:
        raise UnprocessableEntity(f'state must be one of {", ".join(named)}')
    return named[name]


def _id_of_path(text: str) -> str:
    try:
        return sample_id.check(text)
    except ConfigError as error:
        raise NotFound(str(error)) from error


def _object(limit: int) -> _Body:
    body = values.body(limit)
    if not isinstance(body, dict):
        raise UnprocessableEntity('send a JSON object')
    return body


def _check_fields(body: _Body, known: tuple[str, ...]) -> None:
    allowed = (*known, 'expected_revision')
    unknown = sorted(set(body) - set(allowed))
    if unknown:
        raise UnprocessableEntity(f'unknown field {unknown[0][:40]!r}: choose from '
                                  f'{", ".join(allowed)}')


def _expected(body: _Body) -> int:
    value = body.get('expected_revision', 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise UnprocessableEntity('expected_revision must be a whole number from 0')
    return value


def _ids(body: _Body) -> tuple[str, ...]:
    if 'ids' not in body:  # what is forgotten purges nothing
        raise UnprocessableEntity('ids are missing')
    return tuple(map(sample_id.check, _texts(body, 'ids')))


def _tags(body: _Body) -> tuple[str, ...]:
    if 'tags' not in body:  # what is forgotten takes no tags away
        raise UnprocessableEntity('tags are missing')
    return labels.normalise(_texts(body, 'tags'))


def _texts(body: _Body, name: str) -> list[str]:
    value = body[name]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UnprocessableEntity(f'{name} must be a list of strings')
    return value


def _name(body: _Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise UnprocessableEntity(f'{name} must be a string')
    return value
