"""Installs Python packages: by uv, which is many times faster, or by pip where uv cannot."""

import ast
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from standalone.steps import CommandError, SetupError, command

UV = 'uv==0.13.9'

# What pip and uv say when they cannot reach the index, as opposed to: the index has no such file.
_UNREACHABLE = re.compile(
    r'name resolution|failed to resolve|dns error|error sending request|failed to fetch'
    r'|connection refused|connection reset|connecterror|newconnectionerror|max retries exceeded'
    r'|read timed out|operation timed out|network is unreachable|proxyerror|tunnel'
    r'|certificate verify failed',
    re.IGNORECASE,
)
_NO_ROOM = re.compile(r'no space left on device', re.IGNORECASE)

# pip's settings and the variables that mean the same to uv.
_UV_NAMES = {
    'index-url': 'UV_DEFAULT_INDEX',
    'extra-index-url': 'UV_INDEX',
    'find-links': 'UV_FIND_LINKS',
    'trusted-host': 'UV_INSECURE_HOST',
    'cert': 'SSL_CERT_FILE',
    'proxy': 'ALL_PROXY',
    'no-index': 'UV_NO_INDEX',
}


# What an activated shell of this repository sets, and the lists that it adds to.
_OWN = ('VIRTUAL_ENV', 'PYTHONHOME', '_ROS_WHEELS_BOOTSTRAP_COMPLETE', 'RECOGNIZER_ROS_PREFIX')
_LISTS = (
    'PATH',
    'PYTHONPATH',
    'LD_LIBRARY_PATH',
    'AMENT_PREFIX_PATH',
    'CMAKE_PREFIX_PATH',
    'COLCON_PREFIX_PATH',
)


@dataclass(frozen=True)
class Installer:
    """pip and uv of one virtual environment.

    :param logs: folder for what they say.
    """

    venv: Path
    logs: Path
    env: Mapping[str, str]

    def prepare(self) -> None:
        """Install uv; without it (a mirror may lack it) pip does the work.

        :raises SetupError: the package index cannot be reached.
        """
        try:
            self._pip('uv', UV)
        except CommandError as error:
            if _UNREACHABLE.search(error.output):
                raise _explained(error) from error

    def install(self, name: str, arguments: Sequence[str]) -> None:
        """Install what ``arguments`` (of ``pip install``) say.

        :raises SetupError: neither uv nor pip could; the reason in one line where it is known.
        """
        if (self.venv / 'bin/uv').exists():
            line = [f'{self.venv}/bin/uv', 'pip', 'install', '--python', f'{self.venv}/bin/python']
            log = self.logs / f'{name}-uv.log'
            try:
                command([*line, *arguments], log, self._uv_env(), self.venv)
                return
            except CommandError as error:
                if _NO_ROOM.search(error.output):
                    raise _explained(error) from error
        try:
            self._pip(name, *arguments)
        except CommandError as error:
            raise _explained(error) from error

    def _pip(self, name: str, *arguments: str) -> None:
        line = [str(self.venv / 'bin/python'), '-m', 'pip', 'install', '--no-input', *arguments]
        command(line, self.logs / f'{name}-pip.log', {'PIP_RETRIES': '2', **self.env}, self.venv)

    def _uv_env(self) -> dict[str, str]:
        listed = command(
            [str(self.venv / 'bin/python'), '-m', 'pip', 'config', 'list'],
            self.logs / 'pip-config.log', self.env, self.venv,
        )  # fmt: skip
        return {**uv_settings(listed), **self.env}


def uv_settings(pip_config: str) -> dict[str, str]:
    """What ``pip config list`` says, as uv's environment: the same index and certificates.

    Like pip, uv then takes the best version of all indexes, and trusts what the system trusts.
    """
    found: dict[str, str] = {}
    lines = sorted(pip_config.splitlines(), key=lambda line: line.startswith(':env:'))
    for line in lines:
        name, equals, value = line.partition('=')
        option = name.rpartition('.')[2].strip()
        if equals and option in _UV_NAMES:
            words = str(ast.literal_eval(value)).split()
            found[_UV_NAMES[option]] = (',' if option == 'find-links' else ' ').join(words)
    return {'UV_INDEX_STRATEGY': 'unsafe-best-match', 'UV_SYSTEM_CERTS': '1', **found}


def _explained(error: CommandError) -> SetupError:
    if _NO_ROOM.search(error.output):
        return SetupError('the disk is full: free some room and run this again')
    if _UNREACHABLE.search(error.output):
        return SetupError(
            'pip cannot reach its package index: check the network or the proxy and run this '
            'again, what is installed is kept'
        )
    tail = [line.strip() for line in error.output.splitlines() if line.strip()][-12:]
    return SetupError('\n    '.join([f'{error}, its last words were:', *tail]))


def clean_environment(environ: Mapping[str, str], root: Path) -> dict[str, str]:
    """The environment without what an activated shell of this repository put there."""
    kept = dict(environ)
    for name in _OWN:
        kept.pop(name, None)
    for name in _LISTS:
        parts = [part for part in kept.pop(name, '').split(os.pathsep) if part]
        parts = [part for part in parts if root not in (Path(part), *Path(part).parents)]
        if parts:
            kept[name] = os.pathsep.join(parts)
    return kept


def make_venv(venv: Path, python: str, env: Mapping[str, str], *, system: bool) -> None:
    """A fresh virtual environment; whatever was there, perhaps half made, goes.

    :param system: it also sees the packages of the Python below it.
    :raises SetupError: Python cannot make one.
    """
    shutil.rmtree(venv, ignore_errors=True)
    options = ['--system-site-packages'] if system else []
    # It cannot lie inside an environment that does not exist yet.
    log = venv.with_name(f'{venv.name}.log')
    try:
        command([python, '-m', 'venv', *options, str(venv)], log, env, venv.parent)
    except CommandError as error:
        raise _explained(error) from error
    finally:
        log.unlink(missing_ok=True)
