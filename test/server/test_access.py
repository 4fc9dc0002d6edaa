"""Tokens in a folder."""

import json
import os
from pathlib import Path

import pytest

from recognizer_ros.core.errors import AccessError
from recognizer_ros.server.access import Access, Scope


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(tmp_path / 'access')


def test_a_token_opens_what_its_scope_says(access: Access) -> None:
    token = access.issue(Scope.TAG)
    found = access.find(token)
    assert found
    assert found.scope is Scope.TAG
    assert access.by_id(found.id) == found
    assert access.tokens == (found,)


@pytest.mark.parametrize('wrong', ['', 'x', 'a' * 10_000, '\0', 'é'])
def test_what_is_no_token_opens_nothing(access: Access, wrong: str) -> None:
    token = access.issue(Scope.ADMIN)
    for text in (wrong, token[:-1], token + 'x', token.swapcase()):
        assert access.find(text) is None


def test_the_file_opens_nothing_and_only_its_owner_reads_it(access: Access) -> None:
    token = access.issue(Scope.ADMIN)
    path = access.folder / 'access.json'
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert access.folder.stat().st_mode & 0o077 == 0
    [key] = json.loads(path.read_text())['tokens']
    assert access.find(key) is None


def test_what_another_process_does_holds_at_once(access: Access) -> None:
    other = Access(access.folder)
    token = other.issue(Scope.VIEW)
    found = access.find(token)
    assert found
    other.revoke(found.id)
    assert access.find(token) is access.by_id(found.id) is None
    assert other.secret == access.secret


def test_tokens_and_the_secret_survive(access: Access) -> None:
    token = access.issue(Scope.VIEW)
    again = Access(access.folder)
    assert again.find(token)
    assert again.secret == access.secret
    assert len(again.secret) == 32


def test_a_token_that_is_not_there_cannot_be_revoked(access: Access) -> None:
    with pytest.raises(AccessError, match='there is no token'):
        access.revoke('abcd')


@pytest.mark.parametrize('damage', ['', '{', '[]', '{"secret": "x", "tokens": {}}',
                                    '{"secret": "00", "tokens": {"a": {"scope": "god"}}}'])
def test_a_damaged_file_is_said(access: Access, damage: str) -> None:
    (access.folder / 'access.json').write_text(damage)
    with pytest.raises(AccessError, match='damaged: remove it'):
        Access(access.folder)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(AccessError, match='choose another folder'):
        Access(tmp_path / 'file' / 'access')


def test_who_guesses_is_made_to_wait_and_others_are_not(access: Access) -> None:
    for _ in range(10):
        assert access.may_try('192.0.2.1')
        access.has_failed('192.0.2.1')
    assert not access.may_try('192.0.2.1')
    assert access.may_try('192.0.2.2')


def test_a_write_that_fails_loses_nothing(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    token = access.issue(Scope.VIEW)

    def full(fd: int) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(AccessError, match='No space left'):
        access.issue(Scope.VIEW)
    assert len(access.tokens) == 1
    assert access.find(token)
