"""Answers without an end: events and video."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fake_bridge import WEB, FakeBridge, busy_state
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from recognizer_ros.core import stamps
from recognizer_ros.core.config import WebConfig
from recognizer_ros.server import current, events
from recognizer_ros.server.app import create_app
from recognizer_ros.server.sections import NAMES, joined, sections
from recognizer_ros.server.state import Classification

JPEGS = (b'\xff\xd8one\xff\xd9', b'\xff\xd8two\xff\xd9')


def open_stream(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    names = {name.replace('_', '-'): value for name, value in headers.items()}
    return client.get(path, buffered=False, headers=names)


def messages(response: TestResponse) -> Iterator[tuple[str, Any]]:
    """Yield (id, data) of events; a beat has the id 'beat'."""
    for chunk in response.response:
        lines = dict(line.split(': ', 1) for line in chunk.decode().splitlines() if line)
        if 'data' in lines:
            yield lines.get('id', lines.get('event', '')), json.loads(lines['data'])


def test_state(client: FlaskClient) -> None:
    state = client.get('/api/v1/state').get_json()
    assert tuple(state) == NAMES
    assert state['tags'] == {'active': ['mug'], 'recording': False}
    assert state['dataset']['class_samples'] == [204, 121, 87]
    assert state['classification']['results'][0] == {'label': 'mug', 'score': 0.9731}
    assert state['alerts'][1]['message'] == 'The camera was lost.'


def test_what_is_not_a_number_is_null() -> None:
    training = replace(busy_state().training, loss=float('nan'), eta_s=float('inf'))
    text = joined(sections(replace(busy_state(), training=training)))
    assert json.loads(text)['training']['loss'] is None
    assert json.loads(text)['training']['eta_s'] is None


def test_the_first_event_holds_everything(client: FlaskClient) -> None:
    with open_stream(client, '/api/v1/events') as response:
        assert response.mimetype == 'text/event-stream'
        number, data = next(messages(response))
    assert number.endswith('-1')
    assert data == client.get('/api/v1/state').get_json()


def test_later_events_hold_what_changed(client: FlaskClient, bridge: FakeBridge) -> None:
    with open_stream(client, '/api/v1/events') as response:
        stream = messages(response)
        first, _ = next(stream)
        bridge.change(tags=('tape',))
        second, data = next(stream)
        assert data == {'tags': {'active': ['tape'], 'recording': False}}
        bridge.change(training=replace(busy_state().training, epoch=4), alerts=())
        third, data = next(stream)
    assert set(data) == {'training', 'alerts'}
    assert len({first, second, third}) == 3


def first_event(client: FlaskClient, query: str = '', **headers: str) -> tuple[str, Any]:
    with open_stream(client, f'/api/v1/events{query}', **headers) as response:
        return next(messages(response))


@pytest.mark.parametrize('how', ['header', 'query', 'both'])
def test_a_page_that_was_away_gets_what_it_missed(client: FlaskClient, bridge: FakeBridge,
                                                  how: str) -> None:
    before, _ = first_event(client)
    bridge.change(tags=('tape',))
    last, _ = first_event(client)
    bridge.change(alerts=())
    if how == 'header':
        number, data = first_event(client, Last_Event_ID=last)
    elif how == 'query':
        number, data = first_event(client, f'?last_event_id={last}')
    else:  # the browser's own word is the newer one
        number, data = first_event(client, f'?last_event_id={before}', Last_Event_ID=last)
    assert data == {'alerts': []}
    assert number not in (before, last)
    _, data = first_event(client, Last_Event_ID=before)
    assert data == {'alerts': [], 'tags': {'active': ['tape'], 'recording': False}}


def test_a_page_that_missed_nothing_hears_at_once(client: FlaskClient, bridge: FakeBridge) -> None:
    last, _ = first_event(client)
    with open_stream(client, '/api/v1/events', Last_Event_ID=last) as response:
        stream = messages(response)
        assert next(stream) == ('beat', 0)
        bridge.change(tags=('tape',))
        assert next(stream)[1] == {'tags': {'active': ['tape'], 'recording': False}}


def test_what_changed_back_is_told_too(client: FlaskClient, bridge: FakeBridge) -> None:
    """Somebody else has seen it in between; the page that was away has not."""
    last, _ = first_event(client)
    bridge.change(tags=('tape',))
    first_event(client)
    bridge.change(tags=('mug',))
    _, data = first_event(client, Last_Event_ID=last)
    assert data == {'tags': {'active': ['mug'], 'recording': False}}


def test_ids_of_another_life_of_the_server_mean_nothing(client: FlaskClient) -> None:
    other = create_app(FakeBridge(), WebConfig(), WEB).test_client()
    last, everything = first_event(other)
    assert first_event(client, Last_Event_ID=last)[1] == everything


@pytest.mark.parametrize('last', ['{life}-2', '{life}-999999999999999999', '{life}-', '{life}-x',
                                  '{life}--1', '{life}-1e9', '1', '', '-', 'x' * 5000, 'ü'])
def test_ids_that_were_never_given_mean_nothing(client: FlaskClient, last: str) -> None:
    first, everything = first_event(client)
    last = last.replace('{life}', first.partition('-')[0])
    assert first_event(client, Last_Event_ID=last)[1] == everything
    assert client.get('/api/v1/state').get_json() == everything


def test_results(client: FlaskClient, bridge: FakeBridge) -> None:
    stamp_ns = 1_700_000_000_500_000_000
    bridge.change(classification=replace(busy_state().classification, stamp_ns=stamp_ns))
    answer = client.get('/api/v1/results').get_json()
    assert stamps.parse(answer['stamp']) == stamp_ns
    assert answer['results'] == [{'label': 'mug', 'score': 0.9731},
                                 {'label': 'red mug', 'score': 0.0213}]
    assert answer['model_version'] == 6
    bridge.change(classification=Classification())
    answer = client.get('/api/v1/results').get_json()
    assert (answer['stamp'], answer['results'], answer['model_version']) == (None, [], 0)


def test_a_new_state_with_nothing_new_is_not_sent(client: FlaskClient, bridge: FakeBridge) -> None:
    with open_stream(client, '/api/v1/events') as response:
        stream = messages(response)
        next(stream)
        bridge.change(tags=('mug',))
        bridge.change(tags=('tape',))
        assert next(stream)[1]['tags']['active'] == ['tape']


def test_many_changes_become_few_events(client: FlaskClient, bridge: FakeBridge,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, 'GAP_S', 0.3)
    with open_stream(client, '/api/v1/events') as response:
        stream = messages(response)
        next(stream)
        changes = threading.Thread(target=lambda: [
            bridge.change(tags=(f'tag {number}',)) for number in range(1000)])
        changes.start()
        changes.join()
        last = next(data for _, data in stream if data['tags']['active'] == ['tag 999'])
        bridge.change(tags=('end',))
        number, _ = next(stream)
    assert last
    assert int(number.partition('-')[2]) <= 4


def test_silence_is_broken_by_a_beat(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, 'BEAT_S', 0.1)
    with open_stream(client, '/api/v1/events') as response:
        stream = messages(response)
        next(stream)
        assert [next(stream) for _ in range(2)] == [('beat', 0)] * 2


def test_video(app: Flask) -> None:
    bridge = FakeBridge(frames=JPEGS)
    replace_bridge(app, bridge)
    client = app.test_client()
    with open_stream(client, '/video.mjpeg') as response:
        kind, options = response.mimetype, response.mimetype_params
        chunks = iter(response.response)
        text = b''.join(next(chunks) for _ in range(4))
    assert kind == 'multipart/x-mixed-replace'
    parts = text.split(b'--' + options['boundary'].encode() + b'\r\n')
    head, image = parts[1].removesuffix(b'\r\n').split(b'\r\n\r\n')
    assert head == b'Content-Type: image/jpeg\r\nContent-Length: 7'
    assert image == JPEGS[0]
    assert JPEGS[1] in parts[2]
    assert bridge.viewers == 0


def test_video_ends_when_the_camera_sends_nothing(client: FlaskClient, bridge: FakeBridge) -> None:
    with open_stream(client, '/video.mjpeg') as response:
        assert list(response.response) == [b'--frame\r\n']
    assert bridge.viewers == 0


@pytest.mark.parametrize('path', ['/video.mjpeg', '/api/v1/events'])
def test_places_are_limited_and_given_back(client: FlaskClient, path: str) -> None:
    first, second = open_stream(client, path), open_stream(client, path)
    full = client.get(path)
    assert full.status_code == 503
    assert full.mimetype == 'application/problem+json'
    assert int(full.headers['Retry-After']) > 0
    first.close()  # never read: its place is free all the same
    third = open_stream(client, path)
    assert third.status_code == 200
    for stream in (second, third):
        stream.close()


def test_video_does_not_take_the_places_of_events(client: FlaskClient) -> None:
    opened = [open_stream(client, path) for path in ('/video.mjpeg', '/api/v1/events') * 2]
    assert [stream.status_code for stream in opened] == [200] * 4
    for stream in opened:
        stream.close()


def test_streams_end_when_the_server_stops(app: Flask, client: FlaskClient) -> None:
    streams = current.of(app).streams
    opened = [open_stream(client, path) for path in ('/video.mjpeg', '/api/v1/events')]
    assert not streams.stop(0.0)
    for stream in opened:
        list(stream.response)
        stream.close()
    assert streams.stop(0.0)
    assert client.get('/api/v1/events').status_code == 503


def replace_bridge(app: Flask, bridge: FakeBridge) -> None:
    current.attach(app, replace(current.of(app), bridge=bridge))
