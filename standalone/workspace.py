"""Builds messages and package with colcon, on top of the wheels or of a ROS 2 of the machine."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from standalone.steps import CommandError, SetupError, command, digest

_INTERFACES = ('msg/*.msg', 'srv/*.srv', 'action/*.action')
_INSTALLED = ('recognizer_ros', 'launch', 'config', 'web', 'bench')
_MADE = ('build', 'install', 'log')
_MIRROR = 'build/src/recognizer_ros'
# PyTorch too: Python compiles it once, for which nobody wants to wait in front of a camera.
_FIRST_IMPORTS = ('rclpy, vision_msgs.msg, recognizer_ros.msg, recognizer_ros.nodes, '
                  'recognizer_ros.training.learner')
_LAST_ERRORS = 15

# Paths of the machine on which the wheels were built, in the CMake files that they export.
_NUMPY_INCLUDE = re.compile(
    r'/opt/python/cp\d+-cp\d+/lib/python[\d.]+/site-packages/numpy/_core/include'
)
_PYTHON_INCLUDE = re.compile(r'/opt/python/cp\d+-cp\d+/include/python[\d.]+')
# rclpy uses the C half of the messages only. Without the C++ half they build in half the time.
_CPP_GENERATORS = re.compile(
    r'(ament_register_extension\(\s*")rosidl_generate_idl_interfaces("\s*"rosidl_\w+_cpp")'
)


@dataclass(frozen=True)
class Workspace:
    """Where the sources lie and what they are built with.

    :param env: environment of the build: compiler, and ROS where the machine has one.
    :param wheels: ROS comes from the wheels in ``venv``.
    """

    root: Path
    venv: Path
    env: Mapping[str, str]
    wheels: bool

    def inputs(self) -> str:
        """Digest of what the built workspace depends on.

        Installed files are links, so only their names count; interfaces and build files count
        with all that they say.
        """
        names = [str(path.relative_to(self.root)) for path in self._installed()]
        built = list(self._built())
        names += ['', *(str(path.relative_to(self.root)) for path in built)]
        return digest(*names, *(path.read_bytes() for path in built))

    def build(self) -> None:
        """Run colcon for the stand-in messages, where they are needed, and the package.

        :raises SetupError: the build failed, with the compiler's last words.
        """
        self._start_anew_if_moved()
        self._mirror()
        tool = shutil.which('colcon', path=self._env()['PATH']) or 'colcon'
        line = [tool, '--log-base', 'log', 'build', '--merge-install', '--symlink-install']
        line += ['--base-paths', _MIRROR]
        line += [] if self._has_vision_msgs() else ['standalone/vision_msgs']
        line += ['--event-handlers', 'console_direct+', '--cmake-args', *self._cmake_arguments()]
        try:
            command(line, self._stamps / 'build.log', self._env(), self.root)
        except CommandError as error:
            raise SetupError(_build_errors(error.output, self._stamps / 'build.log')) from error
        _drop_dead_links(self.root / 'install')

    def verify(self) -> None:
        """Import what was built in an activated shell, as every later command does.

        :raises SetupError: it cannot be imported.
        """
        line = ['sh', '-c', f'. standalone/activate && exec python -c "import {_FIRST_IMPORTS}"']
        try:
            command(line, self._stamps / 'verify.log', self.env, self.root)
        except CommandError as error:
            last = error.output.strip().splitlines()[-1:]
            raise SetupError(
                f'what was built cannot be imported ({"".join(last)}): make clean, run this again'
            ) from error

    @property
    def _stamps(self) -> Path:
        return self.venv / '.recognizer'

    def _installed(self) -> Iterable[Path]:
        for folder in _INSTALLED:
            files = (path for path in (self.root / folder).rglob('*') if path.is_file())
            yield from sorted(path for path in files if '__pycache__' not in path.parts)

    def _built(self) -> Iterable[Path]:
        yield from (self.root / name for name in ('CMakeLists.txt', 'package.xml'))
        yield from self._interfaces()
        if self.wheels:
            stand_in = (self.root / 'standalone/vision_msgs').rglob('*')
            yield from sorted(path for path in stand_in if path.is_file())

    def _interfaces(self) -> list[Path]:
        return sorted(path for pattern in _INTERFACES for path in self.root.glob(pattern))

    def _start_anew_if_moved(self) -> None:
        """CMake's cache names the environment and every message: another one's leads astray."""
        made_of = digest(
            (self._stamps / 'venv').read_text(), *(path.name for path in self._interfaces())
        )
        note = self.root / 'build/.made_of'
        if not note.is_file() or note.read_text() != made_of:
            for folder in _MADE:
                shutil.rmtree(self.root / folder, ignore_errors=True)
            note.parent.mkdir()
            note.write_text(made_of)

    def _mirror(self) -> None:
        """Links to the sources: CMake refuses headers (numpy's, in .venv) below what it builds."""
        folder = self.root / _MIRROR
        folder.mkdir(parents=True, exist_ok=True)
        _drop_dead_links(folder)
        for path in self.root.iterdir():
            link = folder / path.name
            if not (path.name.startswith('.') or path.name in _MADE or link.is_symlink()):
                link.symlink_to(path)

    def _has_vision_msgs(self) -> bool:
        prefixes = self._env().get('AMENT_PREFIX_PATH', '').split(os.pathsep)
        return any(Path(prefix, 'share/vision_msgs/package.xml').is_file() for prefix in prefixes)

    def _cmake_arguments(self) -> list[str]:
        arguments = [f'-DPython3_EXECUTABLE={self.venv}/bin/python', '-DBUILD_TESTING=OFF']
        # Unoptimised code compiles faster, and converting messages is not where the time goes.
        return [*arguments, '-GNinja', '-DCMAKE_BUILD_TYPE=None'] if self.wheels else arguments

    def _env(self) -> dict[str, str]:
        env = {**self.env, 'VIRTUAL_ENV': str(self.venv)}
        env['PATH'] = f'{self.venv}/bin{os.pathsep}{env.get("PATH", os.defpath)}'
        if self.wheels:
            env['AMENT_PREFIX_PATH'] = env['CMAKE_PREFIX_PATH'] = str(self.venv)
            env['LD_LIBRARY_PATH'] = os.pathsep.join(map(str, library_folders(self.venv)))
            env['_ROS_WHEELS_BOOTSTRAP_COMPLETE'] = '1'
        return env


def library_folders(venv: Path) -> list[Path]:
    """Where the wheels' shared libraries lie."""
    return [venv / 'lib', *sorted(venv.glob('lib/python3*/site-packages/ros_*.libs'))]


def repair_wheels(venv: Path, env: Mapping[str, str]) -> None:
    """Make the wheels' CMake files fit this machine, without the C++ half of new messages."""
    code = "import numpy, sysconfig as s; print(numpy.get_include()); print(s.get_path('include'))"
    python = [str(venv / 'bin/python'), '-c', code]
    said = subprocess.check_output(python, env=dict(env), text=True)
    numpy_include, python_include = said.splitlines()
    for path in venv.glob('share/**/*.cmake'):
        before = path.read_text()
        after = repaired(before, numpy_include, python_include)
        if after != before:
            # A new file: the old one may be a hard link into the installer's cache.
            part = path.with_suffix('.part')
            part.write_text(after)
            part.replace(path)


def repaired(text: str, numpy_include: str, python_include: str) -> str:
    """One CMake file of the wheels, with this machine's paths."""
    text = _NUMPY_INCLUDE.sub(lambda _: numpy_include, text)
    text = _PYTHON_INCLUDE.sub(lambda _: python_include, text)
    return _CPP_GENERATORS.sub(r'\1rosidl_generate_unused\2', text)


def _build_errors(output: str, log: Path) -> str:
    told = [
        line.rstrip() for line in output.splitlines() if re.search(r'[Ee]rror|not found', line)
    ]
    return '\n    '.join(
        [f'the build failed, all that it said is in {log}:', *told[:_LAST_ERRORS]]
    )


def _drop_dead_links(folder: Path) -> None:
    """Links to files that were removed from the sources: Python would still list them."""
    for path in folder.rglob('*'):
        if path.is_symlink() and not path.exists():
            path.unlink()
