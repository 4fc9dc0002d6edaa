"""``recognizer token``."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from recognizer_ros import cli_token
from recognizer_ros.cli import main
from recognizer_ros.server.access import Access, Scope


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / 'access'


@pytest.mark.parametrize('scope', Scope)
def test_a_new_token_is_shown_once_as_an_address(
        folder: Path, capsys: pytest.CaptureFixture[str], scope: Scope) -> None:
    assert main(['token', 'new', '--access', str(folder), '--scope', scope.name.lower(), '--url',
                 'https://robot.local:8050/']) == 0
    said = capsys.readouterr().out
    found = re.search(r'(?m)^https://robot\.local:8050/#token=(\S+)$', said)
    assert found
    token = Access(folder).find(found[1])
    assert token
    assert token.scope is scope
    main(['token', 'list', '--access', str(folder)])
    listed = capsys.readouterr().out
    assert listed.startswith(f'{token.id}  {scope.name.lower()}')
    assert found[1] not in listed


def test_a_revoked_token(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = Access(folder).issue(Scope.TAG)
    known = Access(folder).find(token)
    assert known
    assert main(['token', 'revoke', '--access', str(folder), known.id]) == 0
    assert Access(folder).find(token) is None
    assert main(['token', 'revoke', '--access', str(folder), known.id]) == 1
    assert 'there is no token' in capsys.readouterr().err


def test_the_address_is_one_that_others_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    from recognizer_ros.server import certificate
    monkeypatch.setattr(certificate, 'own_addresses', lambda: ['192.168.1.7', '127.0.0.1'])
    assert cli_token.page_url('0.0.0.0', 8050) == 'https://192.168.1.7:8050/'
    assert cli_token.page_url('robot.local', 9000) == 'https://robot.local:9000/'
    assert cli_token.page_url('fd00::7', 8050) == 'https://[fd00::7]:8050/'
