"""Who changed what: a line for each write, where the page is open to other machines."""

import json
import logging
import threading
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from flask import Flask, Response, g, request

from ..core.errors import AccessError
from . import guard
from .access import Access

_FILE = 'audit.log'
_BYTES, _FILES = 1 << 20, 5
_ALIKE_S = 10.0
"""While Record is held the page says so twice a second; the like of it is counted."""


def install(app: Flask, access: Access) -> None:
    """Write the audit log of an app. :raises AccessError: it cannot be written."""
    log = _Log(access.folder / _FILE)

    def note(response: Response) -> Response:
        if request.method in guard.WRITES:
            log.add(request.remote_addr or '', _who(), request.method, request.path,
                    response.status_code)
        return response

    app.after_request(note)


def _who() -> str:
    token = g.get('token')
    return f'{token.id} {token.scope.name.lower()}' if token else ''


class _Log:
    def __init__(self, path: Path) -> None:
        try:
            path.touch(mode=0o600)
            handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_FILES, delay=True)
        except OSError as error:
            raise AccessError(f'cannot write {path}: {error.strerror}') from error
        handler.setFormatter(logging.Formatter('%(message)s'))
        self._handler, self._lock = handler, threading.Lock()
        self._last: tuple[object, ...] = ()
        self._at_s, self._alike = 0.0, 0

    def add(self, *what: object) -> None:
        """Write a line of address, token, method, path and status."""
        with self._lock:
            now_s = time.monotonic()
            if what == self._last and now_s - self._at_s < _ALIKE_S:
                self._alike += 1
                return
            address, who, method, path, status = what
            line = {'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
                    'address': address, 'token': who, 'method': method, 'path': path,
                    'status': status, 'alike_before': self._alike}
            self._handler.emit(logging.LogRecord('audit', logging.INFO, '', 0, json.dumps(line),
                                                 None, None))
            self._handler.close()  # opened again for the next one
            self._last, self._at_s, self._alike = what, now_s, 0
