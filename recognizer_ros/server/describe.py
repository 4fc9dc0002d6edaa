"""What a view says of itself for the OpenAPI document: stands beside the view.

The shapes are JSON Schema (draft 2020-12), which OpenAPI 3.1 takes as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

Schema = Mapping[str, Any]
_View = TypeVar('_View', bound=Callable[..., object])


@dataclass(frozen=True)
class Content:
    """A body of a request or an answer. :param kind: its content type."""

    schema: Schema
    kind: str = 'application/json'


@dataclass(frozen=True)
class Described:
    """One view. :param answer: what it carries when all went well; ``None``: nothing.

    :param path: of each variable of the path. :param query: of each parameter; all optional.
    :param headers: likewise.
    """

    answer: Content | None = None
    body: Content | None = None
    path: Mapping[str, Schema] = field(default_factory=dict)
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    status: int = 200


_views: dict[object, Described] = {}


def described(answer: Content | Schema | None = None, body: Content | Schema | None = None,
              **more: Any) -> Callable[[_View], _View]:
    """Decorate a view with what it takes and gives; a bare schema is of JSON."""
    said = Described(_content(answer), _content(body), **more)

    def keep(view: _View) -> _View:
        _views[view] = said
        return view

    return keep


def find(view: object) -> Described | None:
    """Return what was said of a view."""
    return _views.get(view)


TEXT: Schema = {'type': 'string'}
SWITCH: Schema = {'type': 'boolean'}
TIME: Schema = {'type': 'string', 'format': 'date-time'}
SAMPLE_ID: Schema = {'type': 'string', 'pattern': '^[0-9a-f]{64}$'}
FILE: Schema = {'type': 'string', 'contentMediaType': 'application/octet-stream'}
JPEG = Content({}, 'image/jpeg')


def number(low: float | None = None, high: float | None = None) -> Schema:
    """A number within limits; ``None``: there is none."""
    return _between('number', low, high)


def integer(low: int | None = None, high: int | None = None) -> Schema:
    """Likewise, a whole one."""
    return _between('integer', low, high)


def choice(*names: str) -> Schema:
    """One of these strings."""
    return {'type': 'string', 'enum': list(names)}


def array(items: Schema, most: int | None = None) -> Schema:
    """A list. :param most: how many items it may have."""
    limit = {} if most is None else {'maxItems': most}
    return {'type': 'array', 'items': items, **limit}


def optional(schema: Schema) -> Schema:
    """This, or null."""
    return {'anyOf': [schema, {'type': 'null'}]}


def record(missing: Mapping[str, Schema] | None = None, /, **fields: Schema) -> Schema:
    """An object of these fields and no others. :param missing: fields that may be missing."""
    return {'type': 'object', 'properties': {**fields, **(missing or {})},
            'required': list(fields), 'additionalProperties': False}


def shape(kind: Any) -> Schema:
    """What :func:`recognizer_ros.server.sections.finite` makes of a value of this type: a
    dataclass is an object, a float that is not finite null.

    :raises TypeError: it cannot be JSON.
    """
    if is_dataclass(kind) and isinstance(kind, type):
        types = get_type_hints(kind)
        return record(**{item.name: shape(types[item.name]) for item in fields(kind)})
    if get_origin(kind) is Literal:
        return choice(*get_args(kind))
    if get_origin(kind) is tuple:
        return array(shape(get_args(kind)[0]))
    if isinstance(kind, UnionType) or type(None) in get_args(kind):
        return optional(shape(next(one for one in get_args(kind) if one is not type(None))))
    return _PLAIN[kind] if kind in _PLAIN else _unknown(kind)


_PLAIN: dict[Any, Schema] = {
    str: TEXT, bool: SWITCH, int: {'type': 'integer'}, float: {'type': ['number', 'null']}}


def _unknown(kind: Any) -> Schema:
    raise TypeError(f'{kind} has no JSON schema')


def _between(kind: str, low: float | None, high: float | None) -> Schema:
    limits = {'minimum': low, 'maximum': high}
    return {'type': kind, **{name: at for name, at in limits.items() if at is not None}}


def _content(given: Content | Schema | None) -> Content | None:
    return given if given is None or isinstance(given, Content) else Content(given)
