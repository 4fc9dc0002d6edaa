"""What the page is made of."""

import gzip

import pytest
from fake_bridge import WEB
from flask.testing import FlaskClient

GZIP = {'Accept-Encoding': 'gzip, deflate, br'}


@pytest.mark.parametrize('path', ['/', '/static/main.js', '/static/theme.css', '/static/icon.svg'])
def test_it_is_compressed_for_who_can_read_that(client: FlaskClient, path: str) -> None:
    plain, packed = (client.get(path, headers=headers, buffered=True)
                     for headers in ({}, GZIP))
    assert 'Content-Encoding' not in plain.headers
    assert packed.headers['Content-Encoding'] == 'gzip'
    assert gzip.decompress(packed.data) == plain.data
    assert packed.content_length == len(packed.data)
    assert packed.content_type == plain.content_type
    for answer in (plain, packed):
        assert 'Accept-Encoding' in answer.headers['Vary']


def test_what_a_browser_has_is_not_sent_again(client: FlaskClient) -> None:
    etag = client.get('/static/main.js', headers=GZIP, buffered=True).headers['ETag']
    again = client.get('/static/main.js', headers={**GZIP, 'If-None-Match': etag}, buffered=True)
    assert (again.status_code, again.data) == (304, b'')


def test_a_head_and_a_part_are_not_compressed(client: FlaskClient) -> None:
    head = client.head('/static/main.js', headers=GZIP, buffered=True)
    assert 'Content-Encoding' not in head.headers
    part = client.get('/static/main.js', headers={**GZIP, 'Range': 'bytes=0-9'}, buffered=True)
    assert part.status_code == 206
    assert part.data == (WEB / 'static' / 'main.js').read_bytes()[:10]


def test_answers_of_the_api_are_not_compressed(client: FlaskClient) -> None:
    assert 'Content-Encoding' not in client.get('/api/v1/state', headers=GZIP).headers
