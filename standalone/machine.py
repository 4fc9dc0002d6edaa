"""What the machine must have. A check takes what it looks at and raises one line: the way out."""

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from standalone.steps import SetupError

# The Pythons and the machines that the pinned wheels of ROS 2 are built for.
OLDEST, NEWEST = (3, 10), (3, 14)
OLDEST_GLIBC = (2, 28)
COMPILERS = (('C', 'CC', ['cc', 'gcc', 'clang']), ('C++', 'CXX', ['c++', 'g++', 'clang++']))
ANOTHER_PYTHON = 'choose one with: make PYTHON=python3.12'


def sourced_distro(environ: Mapping[str, str], importable: Callable[[str], bool]) -> str | None:
    """The name of the ROS 2 installation whose setup file was sourced, None without one."""
    distro = environ.get('ROS_DISTRO')
    if not distro:
        return None
    if not importable('rclpy'):
        raise SetupError(
            f'ROS_DISTRO={distro} is set, but this Python ({platform.python_version()}) cannot '
            "import rclpy: use that ROS's Python (make PYTHON=/usr/bin/python3), or unset "
            'ROS_DISTRO to take ROS from wheels'
        )
    return distro


def check_python(version: tuple[int, int], *, wheels: bool) -> None:
    """The code, and the wheels where they are used, are made for this Python."""
    name = '.'.join(map(str, version))
    if version < OLDEST:
        raise SetupError(f'Python {name} is too old, 3.10 is needed: {ANOTHER_PYTHON}')
    if wheels and version > NEWEST:
        raise SetupError(
            f'Python {name} is too new, ROS 2 has wheels for 3.10 to 3.14: {ANOTHER_PYTHON}'
        )


def check_system(system: str, machine: str, libc: tuple[str, str]) -> None:
    """Wheels of ROS 2 exist for this kind of machine."""
    way_out = 'install ROS 2 itself, source its setup file, and run this again'
    if system != 'Linux' or machine not in ('x86_64', 'AMD64'):
        raise SetupError(
            f'wheels of ROS 2 exist for Linux on x86_64, not for {system} on {machine}: {way_out}'
        )
    name, version = libc
    numbers = tuple(int(part) for part in version.split('.')[:2] if part.isdigit())
    if name != 'glibc' or numbers < OLDEST_GLIBC:
        raise SetupError(
            'wheels of ROS 2 need glibc 2.28 or later, this is '
            f'{name or "another libc"} {version}: {way_out}'
        )


def check_venv(modules: Callable[[str], bool], version: tuple[int, int]) -> None:
    """Python can make virtual environments (Debian packs that apart)."""
    if not (modules('venv') and modules('ensurepip')):
        name = '.'.join(map(str, version))
        raise SetupError(
            f'Python {name} cannot make virtual environments: apt install python{name}-venv, '
            'or the package of your system that has ensurepip'
        )


def check_headers(folder: Path) -> None:
    """Python's C headers are there: the messages are compiled."""
    if not (folder / 'Python.h').is_file():
        raise SetupError(
            f"Python's headers are missing ({folder}/Python.h): apt install python3-dev, "
            'or the package of your system that has them'
        )


def check_compiler(found: Callable[[str], str | None], environ: Mapping[str, str]) -> None:
    """A C and a C++ compiler are there: the messages are compiled."""
    for language, variable, usual in COMPILERS:
        names = environ.get(variable, '').split()[:1] or usual
        if not any(found(name) for name in names):
            raise SetupError(
                f'no {language} compiler ({" or ".join(names)}): apt install g++, '
                f'or set {variable} to one'
            )


def check_build_tool(found: Callable[[str], str | None]) -> None:
    """With a ROS of the machine, CMake and make come from the machine as well."""
    for name in ('cmake', 'make'):
        if not found(name):
            raise SetupError(f'{name} is missing: apt install {name}')


def check_disk(free_gib: float, needed_gib: float, folder: Path) -> None:
    """What is still to be installed has room."""
    if free_gib < needed_gib:
        raise SetupError(
            f'{folder} has {free_gib:.1f} GiB free, the set-up needs {needed_gib:.1f} GiB: '
            'free some, or copy the repository to a larger disk'
        )


def importable(name: str) -> bool:
    """Whether this Python finds the module, without importing it."""
    return importlib.util.find_spec(name) is not None


def check_machine(*, wheels: bool) -> None:
    """All checks of what does not change during the set-up, on the real machine."""
    version = sys.version_info[:2]
    check_python(version, wheels=wheels)
    if wheels:
        check_system(platform.system(), platform.machine(), platform.libc_ver())
    else:
        check_build_tool(shutil.which)
    check_venv(importable, version)
    check_compiler(shutil.which, os.environ)
    check_headers(Path(sysconfig.get_path('include')))


def check_room(folder: Path, sizes: Iterable[float]) -> None:
    """The steps still to run fit on the folder's disk."""
    check_disk(shutil.disk_usage(folder).free / 2**30, sum(sizes), folder)
