"""Tries a network in a process of its own, before its bytes come into this one.

A small file can ask for more memory or time than there is, or end the process that loads it.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ..core.bundle import BACKBONE, Bundle
from ..core.errors import ModelError
from ..core.preprocessing import Preprocessing
from .onnx_runtime import OnnxRuntimeBackend
from .preprocess import probe

_CODE = ('import sys; sys.path[:] = sys.argv[4:]; '
         'from recognizer_ros.inference import trial; trial.run(*sys.argv[1:4])')
_EXTERNAL = b'\x0a\x08location\x12'
"""A key of ONNX that only stands in a file whose weights lie in another one."""
_ROOM = 1 << 30
_REMEMBERED = 64
_SLICE_S = 0.02


class Trial:
    """:cvar cpu_s: time of a processor that a network may take to load and run once.
    :cvar wall_s: the same by the clock: on a busy machine the trial waits for everybody else.
    """

    cpu_s = 30
    wall_s = 120.0

    def __init__(self) -> None:
        self._passed: deque[tuple[str, Preprocessing]] = deque(maxlen=_REMEMBERED)

    def check(self, file: Path, bundle: Bundle, is_late: Callable[[], bool]) -> None:
        """Run a network once, unless that has worked before.

        :raises ModelError: it does not work, or ``is_late`` says that nobody wants it any more.
        """
        key = bundle.sha256[BACKBONE], bundle.preprocessing
        if key in self._passed:
            return
        try:
            self._try(file, bundle.preprocessing, is_late)
        except (ModelError, OSError) as error:
            raise ModelError(f'model version {bundle.version}: {error}') from error
        self._passed.append(key)

    def _try(self, file: Path, how: Preprocessing, is_late: Callable[[], bool]) -> None:
        memory = 4 * file.stat().st_size + _ROOM
        command = [sys.executable, '-c', _CODE, str(memory), str(self.cpu_s),
                   json.dumps(asdict(how)), *sys.path]
        with file.open('rb') as data, subprocess.Popen(
                command, stdin=data, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                env={**os.environ, 'OPENBLAS_NUM_THREADS': '1', 'OMP_NUM_THREADS': '1'}) as child:
            try:
                self._wait(child, is_late)
            finally:
                child.kill()
            assert child.stderr
            said = child.stderr.read(1 << 16).decode(errors='replace').strip().splitlines()
        if child.returncode == -signal.SIGXCPU:
            raise ModelError(f'the network does not end within {self.cpu_s} s')
        if child.returncode < 0:
            raise ModelError('the network ends the process that runs it, '
                             f'{signal.Signals(-child.returncode).name}')
        if child.returncode:
            raise ModelError(said[-1] if said else 'the network cannot be tried')

    def _wait(self, child: 'subprocess.Popen[bytes]', is_late: Callable[[], bool]) -> None:
        end = time.monotonic() + self.wall_s
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_SLICE_S)
                return
            if is_late():
                raise ModelError('no longer wanted')
            if time.monotonic() > end:
                raise ModelError(f'the network does not end within {self.wall_s:.0f} s')


def run(memory: str, cpu_s: str, preprocessing: str) -> None:
    """What the child does: run the network that stands in its input.

    :param memory: address space that it may take besides what libraries have, bytes.
    :param cpu_s: see :class:`Trial`.
    """
    os.nice(19)  # frames go first
    how = Preprocessing(**json.loads(preprocessing))
    network = sys.stdin.buffer.read()
    if _EXTERNAL in network:
        sys.exit('the network keeps weights in other files (external data): export it as one')
    taken = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
    # At its hard limit a process is killed without a word; a soft one is told by the signal.
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s) + 1))
    for limit, most in ((resource.RLIMIT_AS, taken + int(memory)), (resource.RLIMIT_FSIZE, 0),
                        (resource.RLIMIT_NOFILE, 0), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (most, most))
    try:
        backend = OnnxRuntimeBackend(network, 1)
        backend.infer(backend.prepare(probe(how), 'rgb', how))
    except (ModelError, MemoryError) as error:
        sys.exit(str(error) or 'the network takes too much memory')
