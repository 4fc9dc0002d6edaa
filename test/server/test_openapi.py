"""The OpenAPI document."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from fake_bridge import WEB, FakeBridge
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from recognizer_ros.core.config import WebConfig
from recognizer_ros.server.app import create_app
from recognizer_ros.server.describe import find, shape
from recognizer_ros.server.openapi import document


@pytest.fixture
def told(client: FlaskClient) -> Any:
    return client.get('/api/v1/openapi.json').get_json()


def test_it_is_valid(told: Any) -> None:
    assert told['openapi'] == '3.1.0'
    assert not list(OpenAPIV31SpecValidator(told).iter_errors())


def test_every_route_is_in_it_and_described(app: Flask, told: Any) -> None:
    routes = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r'<(?:\w+:)?(\w+)>', r'{\1}', rule.rule)
        routes |= {(path, method.lower()) for method in rule.methods or ()
                   if method not in ('HEAD', 'OPTIONS')}
        view = app.view_functions[rule.endpoint]
        assert rule.endpoint == 'static' or find(view), f'{rule.endpoint} is not described'
    assert routes == {(path, method) for path, item in told['paths'].items() for method in item}
    assert ('/dataset/recording', 'put') in routes
    assert ('/whip/{session}', 'patch') in routes


def test_each_operation_says_what_it_does_and_has_a_name_of_its_own(told: Any) -> None:
    operations = [one for item in told['paths'].values() for one in item.values()]
    assert all(one['summary'].endswith(('.', ':')) for one in operations)
    names = [one['operationId'] for one in operations]
    assert len(set(names)) == len(names)


def test_it_says_what_a_token_is_needed_for(told: Any, tmp_path: Path) -> None:
    assert 'securitySchemes' not in told['components']
    paths = document(create_app(FakeBridge(), WebConfig(
        host='0.0.0.0', port=8051, access=str(tmp_path / 'access')), WEB))
    schemes = paths['components']['securitySchemes']
    assert schemes['cookie'] == {'type': 'apiKey', 'in': 'cookie',
                                 'name': '__Host-recognizer-8051'}
    assert schemes['token']['scheme'] == 'bearer'
    for path, method, scope in (('/api/v1/state', 'get', 'view'), ('/whep', 'post', 'view'),
                                ('/dataset/upload', 'post', 'tag'),
                                ('/api/v1/models/live', 'put', 'admin')):
        assert paths['paths'][path][method]['security'] == [{'token': [scope]},
                                                            {'cookie': [scope]}]
    assert paths['paths']['/api/v1/session']['post']['security'] == []
    assert not list(OpenAPIV31SpecValidator(paths).iter_errors())


@dataclass(frozen=True)
class Inner:
    names: tuple[str, ...]
    mode: Literal['a', 'b'] | None


@dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    loss: float
    count: int | None


def test_the_shape_of_a_dataclass() -> None:
    inner = {'type': 'object', 'additionalProperties': False, 'required': ['names', 'mode'],
             'properties': {'names': {'type': 'array', 'items': {'type': 'string'}},
                            'mode': {'anyOf': [{'type': 'string', 'enum': ['a', 'b']},
                                               {'type': 'null'}]}}}
    assert shape(Outer)['properties'] == {
        'inner': {'type': 'array', 'items': inner}, 'loss': {'type': ['number', 'null']},
        'count': {'anyOf': [{'type': 'integer'}, {'type': 'null'}]}}
    with pytest.raises(TypeError, match='no JSON schema'):
        shape(bytes)
