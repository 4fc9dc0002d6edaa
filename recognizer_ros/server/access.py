"""Who may do what on a page that is open to other machines: tokens, each with a scope.

Only the SHA-256 of a token is kept. It is a random number of 192 bits, so no dictionary holds it
and a slow hash would add nothing.
"""

import hashlib
import json
import os
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from ..core.errors import AccessError
from ..core.files import write_durably

_FILE = 'access.json'
_MOST = 1000
_FAILURES, _WINDOW_S = 10, 60.0


class Scope(IntEnum):
    """What a token allows; each allows what those before it do."""

    VIEW = 1
    """Look."""
    TAG = 2
    """Record, send a camera, upload, edit what is stored."""
    ADMIN = 3
    """Turn training and classification on and off, their settings, versions, purge."""


@dataclass(frozen=True)
class Token:
    """What is known of a token. :param id: names it, and opens nothing."""

    id: str
    scope: Scope
    created_s: int


class Access:
    """The tokens of one folder, read again when the file has changed. For several threads.

    :param folder: made when missing; nobody else may read what is in it.
    :ivar secret: signs cookies.
    :raises AccessError: it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._path = folder, folder / _FILE
        self._lock = threading.Lock()
        self._read_ns = 0
        self._tokens: dict[str, Token] = {}  # by hash
        self._failed = _Failures()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._path.exists():
                self._write({'secret': secrets.token_hex(32), 'tokens': {}})
        except OSError as error:
            raise AccessError(f'cannot keep tokens in {folder}: {error.strerror}; make it '
                              'writable, or choose another folder (access)') from error
        self.secret = bytes.fromhex(self._content()['secret'])

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All that are valid, oldest first."""
        with self._lock:
            self._refresh()
            return tuple(self._tokens.values())

    def issue(self, scope: Scope) -> str:
        """Make a token and return it: nobody can look it up later. :raises AccessError: too many
        tokens, or they cannot be written."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            content = self._content()
            if len(content['tokens']) >= _MOST:
                raise AccessError(f'there are {_MOST} tokens: revoke some first')
            content['tokens'][_hash(token)] = {'scope': scope.name.lower(),
                                               'created_s': int(time.time())}
            self._write(content)
        return token

    def revoke(self, name: str) -> None:
        """Make a token and the sessions that it opened worthless.

        :param name: its id. :raises AccessError: there is no such token.
        """
        with self._lock:
            content = self._content()
            found = [key for key in content['tokens'] if _id(key) == name]
            if not found:
                raise AccessError(f'there is no token {name[:40]!r}: list them')
            del content['tokens'][found[0]]
            self._write(content)

    def find(self, token: str) -> Token | None:
        """Return what is known of a token; ``None``: it is none."""
        with self._lock:
            self._refresh()
            return self._tokens.get(_hash(token))

    def by_id(self, name: str) -> Token | None:
        """Likewise, of an id."""
        return next((token for token in self.tokens if token.id == name), None)

    def may_try(self, address: str) -> bool:
        """Whether this address has not failed too often lately."""
        return self._failed.count(address, time.monotonic()) < _FAILURES

    def has_failed(self, address: str) -> None:
        """Count a wrong token."""
        self._failed.add(address, time.monotonic())

    def _refresh(self) -> None:
        changed_ns = self._path.stat().st_mtime_ns
        if changed_ns != self._read_ns:
            self._tokens = {key: Token(_id(key), Scope[told['scope'].upper()], told['created_s'])
                            for key, told in self._content()['tokens'].items()}
            self._read_ns = changed_ns

    def _content(self) -> Any:
        try:
            content = json.loads(self._path.read_bytes())
            for told in content['tokens'].values():
                Scope[told['scope'].upper()]
                int(told['created_s'])
            bytes.fromhex(content['secret'])
        except OSError as error:
            raise AccessError(f'cannot read {self._path}: {error.strerror}') from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AccessError(f'{self._path} is damaged: remove it and make new tokens') from error
        return content

    def _write(self, content: Any) -> None:
        before = os.umask(0o077)
        try:
            write_durably(self._path, json.dumps(content, indent=1).encode())
        except OSError as error:
            raise AccessError(f'cannot write {self._path}: {error.strerror}') from error
        finally:
            os.umask(before)


class _Failures:
    """Wrong tokens of each address in the last minute; of the last thousand addresses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def count(self, address: str, now_s: float) -> int:
        with self._lock:
            return sum(now_s - at_s < _WINDOW_S for at_s in self._times.get(address, ()))

    def add(self, address: str, now_s: float) -> None:
        with self._lock:
            times = self._times.pop(address, [])
            self._times[address] = [*times[1 - _FAILURES:], now_s]
            while len(self._times) > _MOST:
                self._times.popitem(last=False)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _id(key: str) -> str:
    return key[:8]
