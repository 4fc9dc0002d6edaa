"""Writes requirements-*.txt from requirements-*.in: ``python3 standalone/lock.py`` (needs uv).

One resolution over all sets, so that they fit together, for every Python that the wheels of
ROS 2 support. Other distributions of ROS 2 take what Jazzy was resolved to, but for ROS itself.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
SETS = ('jazzy', 'robot', 'train', 'dev')
OTHERS = ('kilted',)
_TARGET = (
    "sys_platform == 'linux' and platform_machine == 'x86_64' and implementation_name == 'cpython'"
    " and platform_python_implementation == 'CPython'"
    " and python_version >= '3.10' and python_version < '3.15'"
)
_HEADER = '# Written by standalone/lock.py from {}.in; for Python 3.10 to 3.14 on Linux, x86_64.\n'
# Asked for by a package of ROS; it is an old lark, and both write the same folder.
_LEFT_OUT = ('lark-parser==',)
# True on every machine that the pins are for, so it need not be repeated on each line.
_TRIVIAL = ('implementation_name', 'platform_', 'sys_platform', "python_full_version < '3.15'")


def main() -> int:
    """Resolve all sets at once, then write each set's part."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / 'pyproject.toml').write_text(f'[tool.uv]\nenvironments = ["{_TARGET}"]\n')
        every, shared = folder / 'every.txt', folder / 'shared.txt'
        every.write_text(_resolve(folder, [str(_source(name)) for name in SETS]))
        lines = every.read_text().splitlines(keepends=True)
        shared.write_text(''.join(line for line in lines if not line.startswith('ros-')))
        for names, limits in ((SETS, every), (OTHERS, shared)):
            for name in names:
                _write(name, _resolve(folder, [str(_source(name)), '-c', str(limits)]))
    return 0


def _source(name: str) -> Path:
    return HERE / f'requirements-{name}.in'


def _write(name: str, resolved: str) -> None:
    source = _source(name)
    kept = [_short(line) for line in resolved.splitlines() if not line.startswith(_LEFT_OUT)]
    text = _HEADER.format(source.stem) + ''.join(f'{line}\n' for line in kept)
    source.with_suffix('.txt').write_text(text)


def _resolve(folder: Path, arguments: Sequence[str]) -> str:
    line = ['uv', 'pip', 'compile', '--universal', '--python-version', '3.10', '--quiet']
    line += ['--no-header', '--no-annotate', *arguments]
    return subprocess.check_output(line, cwd=folder, text=True)


def _short(line: str) -> str:
    requirement, _, marker = line.partition(' ; ')
    kept = [part for part in marker.split(' and ') if part and not part.startswith(_TRIVIAL)]
    return f'{requirement} ; {" and ".join(kept)}' if kept else requirement


if __name__ == '__main__':
    sys.exit(main())
