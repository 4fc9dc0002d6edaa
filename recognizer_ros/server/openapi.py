"""``/api/v1/openapi.json``: what this server answers, written from its routes and views."""

import inspect
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify
from werkzeug.routing import Rule

from . import current, guard
from .describe import TEXT, Content, Described, Schema, described, find, integer, record

blueprint = Blueprint('openapi', __name__, url_prefix='/api/v1')

_VARIABLE = re.compile(r'<(?:[a-z]+:)?(\w+)>')
_PROBLEM = record(title=TEXT, status=integer(400, 599), detail=TEXT)
_STATIC = Described(Content({}, '*/*'))
_HEAD = {'title': 'recognizer_ros', 'version': '1', 'description': (
    "The original Recognizer's paths, and those of this one under /api/v1. What is refused is "
    'a problem document (RFC 9457).')}


@blueprint.get('/openapi.json')
@described({'type': 'object'})
def openapi() -> Response:
    """Return this document."""
    return jsonify(document(current_app))


def document(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of an app: each of its routes is in it."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        path = paths.setdefault(_VARIABLE.sub(r'{\1}', rule.rule), {})
        for method in sorted((rule.methods or set()) - {'HEAD', 'OPTIONS'}):
            path[method.lower()] = _operation(app, rule, method)
    components: dict[str, Any] = {
        'schemas': {'problem': _PROBLEM},
        'responses': {'problem': {
            'description': 'Refused, or failed; the detail says why, for a person.',
            'content': {'application/problem+json': {
                'schema': {'$ref': '#/components/schemas/problem'}}}}}}
    if current.of(app).access:
        components['securitySchemes'] = {
            'token': {'type': 'http', 'scheme': 'bearer'},
            'cookie': {'type': 'apiKey', 'in': 'cookie',
                       'name': app.config['SESSION_COOKIE_NAME']}}
    return {'openapi': '3.1.0', 'info': _HEAD, 'paths': dict(sorted(paths.items())),
            'components': components}


def _operation(app: Flask, rule: Rule, method: str) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    said = _STATIC if rule.endpoint == 'static' else find(view) or Described()
    text = 'A file of the page.' if rule.endpoint == 'static' else inspect.getdoc(view) or ''
    first, _, rest = text.replace('``', '`').partition('\n\n')
    status = HTTPStatus(said.status)
    operation: dict[str, Any] = {
        'operationId': re.sub(r'\W+', '_', f'{method.lower()}{rule.rule}').strip('_'),
        'tags': [rule.endpoint.partition('.')[0]],
        'summary': ' '.join(first.split()),
        'parameters': list(_parameters(rule, said)),
        'responses': {str(status.value): {'description': status.phrase, **_shown(said.answer)},
                      'default': {'$ref': '#/components/responses/problem'}}}
    if rest:
        operation['description'] = rest
    if said.body:
        operation['requestBody'] = {'required': True, **_shown(said.body)}
    if current.of(app).access:
        scope = guard.needed(rule.endpoint, method)
        names = [scope.name.lower()] if scope else []
        operation['security'] = [{'token': names}, {'cookie': names}] if scope else []
    return operation


def _parameters(rule: Rule, said: Described) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        yield _parameter('path', name, said.path.get(name, TEXT), True)
    for name, schema in said.query.items():
        yield _parameter('query', name, schema, False)
    for name, schema in said.headers.items():
        yield _parameter('header', name, schema, False)


def _parameter(place: str, name: str, schema: Schema, required: bool) -> dict[str, Any]:
    return {'name': name, 'in': place, 'required': required, 'schema': schema}


def _shown(content: Content | None) -> dict[str, Any]:
    return {'content': {content.kind: {'schema': content.schema}}} if content else {}
