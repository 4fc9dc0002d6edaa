"""The five nodes as processes, started by honcho from a Procfile."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from ..core import resources
from ..core.config import NODES, Value
from ..core.errors import DemoError

_PATIENCE_S = 15.0
_START_S = 5.0
_POLL_S = 0.05
_STARTED = re.compile(r'started \(pid=(\d+)\)')


def write_parameters(path: Path, parameters: Mapping[str, Mapping[str, Value]]) -> None:
    """Write a ROS parameters file (JSON is YAML) for the nodes named, in any namespace."""
    path.write_text(json.dumps({f'/**/{node}': {'ros__parameters': dict(values)}
                                for node, values in parameters.items() if values}, indent=1))


def command(parameters: Path, namespace: str = '') -> tuple[list[str], dict[str, str]]:
    """The command line that starts all nodes, and its environment."""
    remap = f' -r __ns:=/{namespace}' if namespace else ''
    environment = {**os.environ, 'PYTHONUNBUFFERED': '1', 'RECOGNIZER_PYTHON': sys.executable,
                   'RECOGNIZER_RESPAWN': str(resources.find('standalone/respawn.sh')),
                   'RECOGNIZER_ROS_ARGS': f'--params-file {parameters}{remap}'}
    return [sys.executable, '-m', 'honcho', '--procfile',
            str(resources.find('standalone/Procfile')), 'start'], environment


class Stack:
    """The running nodes; ``with`` ends them.

    :param log: where their output goes.
    """

    def __init__(self, parameters: Path, namespace: str, log: Path) -> None:
        argv, environment = command(parameters, namespace)
        self._log_path = log
        self._log: IO[bytes] = log.open('wb')
        # A session of its own: Ctrl-C reaches us alone, and we end the nodes in order.
        self._process = subprocess.Popen(argv, env=environment, stdout=self._log,
                                         stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                         start_new_session=True)

    def check(self) -> None:
        """:raises DemoError: a node has ended, and with it all."""
        if self._process.poll() is not None:
            lines = self._log_path.read_text(errors='replace').splitlines()
            errors = [line for line in lines if 'error' in line.lower()] or lines[-3:]
            raise DemoError('the nodes have ended: ' + ' / '.join(errors[:3])
                            + f' (more in {self._log_path})')

    def __enter__(self) -> 'Stack':
        return self

    def __exit__(self, *error: object) -> None:
        # honcho breaks off, and leaves its processes behind, when it is interrupted while it
        # still starts them.
        end = time.monotonic() + _START_S
        while (self._process.poll() is None and len(self._pids()) < len(NODES)
               and time.monotonic() < end):
            time.sleep(_POLL_S)
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        self._log.close()

    def _pids(self) -> list[int]:
        """Processes that honcho says it has started; each leads a group of its own."""
        return [int(pid) for pid in _STARTED.findall(self._log_path.read_text(errors='replace'))]
