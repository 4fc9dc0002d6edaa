"""Steps that run once for given inputs, show that they are alive, and can be interrupted."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


class SetupError(Exception):
    """What is wrong and the way out, in one line."""


class CommandError(Exception):
    """A command ended with an error; ``output`` is all that it said."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        module = command.index('-m') + 1 if '-m' in command else 0
        super().__init__(f'{Path(command[module]).name} failed')
        self.output = output


@dataclass(frozen=True)
class Step:
    """One part of the set-up.

    :param inputs: digest of all that the result depends on, besides the steps in ``after``.
    :param after: names of steps whose new result makes this one out of date.
    :param product: what is there once the step has run; it runs again when that is gone.
    :param gib: room on the disk that it takes, GiB.
    """

    name: str
    title: str
    inputs: str
    action: Callable[[], None]
    after: tuple[str, ...] = ()
    product: Path | None = None
    gib: float = 0.1


def digest(*parts: str | bytes) -> str:
    """One hash of all parts; the borders between parts count."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, 'big') + data)
    return total.hexdigest()


def pending(steps: Sequence[Step], stamps: Path) -> list[Step]:
    """Those steps, in order, that are out of date, and all that follow from them."""
    names: set[str] = set()
    result = []
    for step in steps:
        if names.intersection(step.after) or not _is_done(step, stamps):
            names.add(step.name)
            result.append(step)
    return result


def run_steps(steps: Sequence[Step], stamps: Path, screen: 'Screen') -> None:
    """Run what is pending. A stamp is written after its step: an interrupted one runs again."""
    todo = pending(steps, stamps)
    for step in todo:
        (stamps / step.name).unlink(missing_ok=True)
    for number, step in enumerate(todo, 1):
        with screen.step(f'[{number}/{len(todo)}] {step.title}'):
            step.action()
        stamps.mkdir(parents=True, exist_ok=True)
        part = stamps / f'{step.name}.part'
        part.write_text(step.inputs)
        part.replace(stamps / step.name)


def _is_done(step: Step, stamps: Path) -> bool:
    if step.product and not step.product.exists():
        return False
    try:
        return (stamps / step.name).read_text() == step.inputs
    except OSError:
        return False


class Screen:
    """Says which step runs, for how long, and how much it has written, so that nothing looks hung.

    :param every_s: seconds between signs of life where the output is no terminal.
    """

    def __init__(self, out: TextIO, disk: Path, every_s: float = 20.0) -> None:
        self._out = out
        self._disk = disk
        self._live = out.isatty()
        self._every_s = 0.5 if self._live else every_s

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show ``title`` and keep showing that it goes on until the block ends."""
        started, free = time.monotonic(), shutil.disk_usage(self._disk).free
        ended = threading.Event()

        def spent() -> str:
            grown = (free - shutil.disk_usage(self._disk).free) / 2**30
            size = f', {grown:.1f} GiB' if grown >= 0.05 else ''
            return f'{time.monotonic() - started:.0f} s{size}'

        def beat() -> None:
            while not ended.wait(self._every_s):
                self._write(f'\r{title} … {spent()} ' if self._live else f'    … {spent()}\n')

        self._write(f'{title} …' if self._live else f'{title}\n')
        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            self._end(ended, thread, '\n' if self._live else '')
            raise
        shown = f'\r{title}: {spent()}    \n' if self._live else f'    {spent()}\n'
        self._end(ended, thread, shown)

    def _end(self, ended: threading.Event, thread: threading.Thread, text: str) -> None:
        ended.set()
        thread.join()
        self._write(text)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def command(line: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> str:
    """Run a command with its output in ``log``; returns that output.

    :raises CommandError: it ended with an error.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('wb') as out:
        done = subprocess.run(
            line, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    output = log.read_text(errors='replace')
    if done.returncode:
        raise CommandError(line, output)
    return output


@contextmanager
def only_one(folder: Path, out: TextIO = sys.stderr) -> Iterator[None]:
    """Hold the folder's lock, so that two set-ups at once wait for each other and say so."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('another set-up runs in this folder: waiting for it', file=out, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
