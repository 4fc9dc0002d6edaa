"""A shell that takes commands one by one, and programs that go on until Ctrl-C."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import makers

_PATIENCE_S = 240.0  # a busy machine takes its time
_ENDED = (0, 130)  # by Ctrl-C


class Shell:
    """One bash: variables and folder stay from command to command. Use it with ``with``."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._answer, self._errors = folder / 'answer', folder / 'errors'
        self._bash = subprocess.Popen(
            ['bash'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
            env=environment, start_new_session=True)

    def __enter__(self) -> 'Shell':
        self._send('set -o pipefail')
        return self

    def __exit__(self, *error: object) -> None:
        _kill(self._bash)
        self._bash.communicate()

    def run(self, command: str) -> str:
        """Return its standard output. :raises AssertionError: it has failed."""
        # The folder may change, so the file has its whole path.
        self._send(f'{{ {command}\n}} </dev/null >{self._answer} 2>{self._errors}; echo $?')
        too_long = threading.Timer(_PATIENCE_S, _kill, [self._bash])
        too_long.start()
        assert self._bash.stdout
        status = self._bash.stdout.readline().strip()
        too_long.cancel()
        answer = self._answer.read_text(encoding='utf-8')
        assert status == '0', (
            f'status {status or "none in time"}: {answer} {self._errors.read_text()}')
        return answer

    def _send(self, line: str) -> None:
        assert self._bash.stdin
        self._bash.stdin.write(line + '\n')
        self._bash.stdin.flush()


class Program:
    """What a command started in the foreground of a terminal of its own. Use it with ``with``."""

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._log = folder / f'{abs(hash(command))}.log'
        self._output: IO[bytes] = self._log.open('wb')
        self._process = subprocess.Popen(
            ['bash', '-c', command], stdin=subprocess.DEVNULL, stdout=self._output,
            stderr=subprocess.STDOUT, cwd=folder, env=environment, start_new_session=True)

    def __enter__(self) -> 'Program':
        return self

    def __exit__(self, *error: object) -> None:
        """Ctrl-C, which reaches all its processes."""
        try:
            self.check()
            os.killpg(self._process.pid, signal.SIGINT)
            status = self._process.wait(_PATIENCE_S)
            assert status in _ENDED, self.said()
            assert 'Traceback' not in self.said()
        finally:
            _kill(self._process)
            self._output.close()

    def said(self) -> str:
        """All its output so far."""
        return self._log.read_text(encoding='utf-8', errors='replace')

    def check(self) -> None:
        """:raises AssertionError: it has ended."""
        assert self._process.poll() is None, self.said()

    def wait_for(self, pattern: str) -> str:
        """Wait until it says something; return the group of the pattern."""
        def said() -> 're.Match[str] | None':
            self.check()
            return re.search(pattern, self.said())

        makers.wait_for(said, _PATIENCE_S)
        found = said()
        assert found
        return found[1]


def _kill(process: 'subprocess.Popen[str] | subprocess.Popen[bytes]') -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
