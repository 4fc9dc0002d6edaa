"""A certificate of our own."""

import datetime
import http.client
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from fake_bridge import WEB, FakeBridge

from recognizer_ros.core.config import WebConfig
from recognizer_ros.core.errors import AccessError
from recognizer_ros.server import certificate, current
from recognizer_ros.server.access import Scope
from recognizer_ros.server.app import create_app
from recognizer_ros.server.serve import Server


def test_it_names_this_machine_and_only_its_owner_reads_the_key(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, 'own_addresses', lambda: ['192.168.1.7', 'fd00::7'])
    key, cert = certificate.own_pair(tmp_path)
    assert key.stat().st_mode & 0o077 == 0
    made = x509.load_pem_x509_certificate(cert.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert 'localhost' in names.get_values_for_type(x509.DNSName)
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == ['192.168.1.7', 'fd00::7']
    left = made.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc)
    assert 300 < left.days < 398
    assert len(certificate.fingerprint(cert)) == 95


def test_it_is_kept_until_it_does_not_fit_any_more(tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, 'own_addresses', lambda: ['192.168.1.7'])
    _, cert = certificate.own_pair(tmp_path)
    first = cert.read_bytes()
    certificate.own_pair(tmp_path)
    assert cert.read_bytes() == first
    monkeypatch.setattr(certificate, 'own_addresses', lambda: ['192.168.1.8'])
    certificate.own_pair(tmp_path)
    second = cert.read_bytes()
    assert second != first
    monkeypatch.setattr(certificate, '_LEFT_DAYS', 400)  # too little is left of it
    certificate.own_pair(tmp_path)
    assert cert.read_bytes() != second
    cert.write_text('damaged')
    certificate.own_pair(tmp_path)
    assert cert.read_bytes().startswith(b'-----BEGIN')


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match='cannot write a certificate'):
        certificate.own_pair(tmp_path / 'missing')


def test_an_open_page_is_served_by_https_with_it(tmp_path: Path) -> None:
    config = WebConfig(host='0.0.0.0', port=0, access=str(tmp_path / 'access'))
    app = create_app(FakeBridge(), config, WEB)
    access = current.of(app).access
    assert access
    token = access.issue(Scope.VIEW)
    server = Server(app, config)
    server.start()
    try:
        port = urlsplit(server.url).port
        assert server.url.startswith('https://')
        trusting = ssl.create_default_context(cafile=str(access.folder / 'tls-cert.pem'))
        connection = http.client.HTTPSConnection('localhost', port, timeout=10, context=trusting)
        connection.request('GET', '/api/v1/state', headers={'Authorization': f'Bearer {token}'})
        assert connection.getresponse().status == 200
        connection.close()
        # A reset is a refusal too.
        with socket.create_connection(('localhost', port or 0), 10) as plain, suppress(
                ConnectionResetError):
            plain.sendall(b'GET /api/v1/state HTTP/1.0\r\n\r\n')
            assert b'200' not in plain.recv(1000)
    finally:
        server.stop()
