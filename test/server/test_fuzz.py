"""Two thousand requests made from the OpenAPI document, good and bad ones: none of them breaks
the server, what the document forbids is refused, and each answer is as it says."""

from collections import Counter
from collections.abc import Iterator

import pytest

pytest.importorskip('schemathesis', reason='schemathesis needs Python 3.11')

import schemathesis
from fake_bridge import WEB, FakeBridge
from hypothesis import settings
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from recognizer_ros.core.config import WebConfig
from recognizer_ros.core.negotiation import Operation, Reply, Request
from recognizer_ros.server.app import create_app

ENDLESS = ['/video.mjpeg', '/api/v1/events']
"""Left out: an answer without an end is none to wait for. test_streams.py has them."""
CASES, EACH = 2000, 45
LEFT_OUT = [positive_data_acceptance]
"""What a tag or a time may be is more than a schema can say: 422 answers some that fit it."""
LEFT_TO_NODES = [*LEFT_OUT, negative_data_rejection]
"""Whether bytes are an image or an offer is what recorder, classifier and camera decide."""
STATUS = {Operation.PUBLISH: 201, Operation.VIEW: 201, Operation.PATCH: 204,
           Operation.DELETE: 200}


@schemathesis.serializer('application/sdp', 'application/trickle-ice-sdpfrag', 'image/jpeg')
def as_bytes(context: schemathesis.SerializationContext, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors='surrogatepass')


def camera(request: Request) -> Reply:
    status = STATUS[request.operation]
    return Reply(status, 'abc', 'v=0\r\n' if status == 201 else '', 'etag')


BRIDGE = FakeBridge()
BRIDGE.peers = camera
SCHEMA = schemathesis.openapi.from_wsgi(
    '/api/v1/openapi.json', create_app(BRIDGE, WebConfig(upload_limit=1), WEB)
).exclude(path=ENDLESS)
made: Counter[str] = Counter()


@pytest.fixture(scope='module', autouse=True)
def enough() -> Iterator[None]:
    yield
    if len(made) == SCHEMA.statistic.operations.selected:  # and not some of them only
        assert made.total() >= CASES


@SCHEMA.parametrize()
@settings(max_examples=EACH, derandomize=True, deadline=None, database=None)
def test_no_request_breaks_it(case: schemathesis.Case) -> None:
    made[case.operation.label] += 1
    BRIDGE.calls.clear()
    of_bytes = any(body.media_type != 'application/json' for body in case.operation.body)
    case.call_and_validate(excluded_checks=LEFT_TO_NODES if of_bytes else LEFT_OUT)
