import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))

from fake_bridge import WEB, FakeBridge

from recognizer_ros.core.config import WebConfig
from recognizer_ros.server.app import create_app


@pytest.fixture
def bridge() -> FakeBridge:
    return FakeBridge()


@pytest.fixture
def app(bridge: FakeBridge) -> Flask:
    return create_app(bridge, WebConfig(streams=2, upload_limit=1, title='Bench <3'), WEB)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as client:
        yield client
