"""Version, messages and installed files of the package."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ament_index_python import get_package_share_directory

ROOT = Path(__file__).resolve().parents[2]
# Services' success and message, a stamp (of the message itself), and this package's own types.
PLAIN = re.compile(r'(bool success|string message|std_msgs/Header header)$|\S+/Time stamp$|[A-Z]')
INTERFACES = sorted(
    path for kind in ('msg', 'srv', 'action') for path in (ROOT / kind).glob(f'*.{kind}')
)


def version():
    return ElementTree.parse(ROOT / 'package.xml').findtext('version')


def test_changelog_tells_of_this_version():
    """The newest release is this one, or this one is still forthcoming."""
    headings = re.findall(r'^(\d+\.\d+\.\d+|Forthcoming)\b.*\n-{3,}$', text('CHANGELOG.rst'), re.M)
    released = [heading for heading in headings if heading != 'Forthcoming']
    assert headings
    assert released[:1] in ([], [version()])


def test_setup_has_this_version():
    line = [sys.executable, 'setup.py', '--version']
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == version()


def text(name):
    return (ROOT / name).read_text()


@pytest.mark.parametrize('path', INTERFACES, ids=lambda path: path.name)
def test_every_field_is_explained(path):
    """By a comment right above it or above fields that it follows without a gap.

    Not asked for where the name or the type, which has its own page, says it all.
    """
    explained = False
    for line in path.read_text().splitlines():
        words = line.split()
        if words in ([], ['---']):
            explained = False
        elif words[0].startswith('#'):
            explained = True
        elif '=' not in line and not PLAIN.match(line):
            assert explained, f'{path.name}: {line}'


@pytest.mark.parametrize('path', INTERFACES, ids=lambda path: path.name)
def test_every_interface_is_built(path):
    module = importlib.import_module(f'recognizer_ros.{path.suffix[1:]}')
    built = getattr(module, path.stem)
    lines = [line.partition('#')[0] for line in path.read_text().partition('---')[0].splitlines()]
    fields = [line.split()[1] for line in lines if line.strip() and '=' not in line]
    first = {'.msg': None, '.srv': 'Request', '.action': 'Goal'}[path.suffix]
    message = getattr(built, first) if first else built
    assert list(message.get_fields_and_field_types()) == fields


@pytest.mark.parametrize('folder', ['bench', 'config', 'launch', 'web'])
def test_files_of_the_package_are_installed(folder):
    share = Path(get_package_share_directory('recognizer_ros'))
    sources = [path for path in (ROOT / folder).rglob('*') if path.is_file()]
    names = {path.relative_to(ROOT) for path in sources if '__pycache__' not in path.parts}
    assert {name for name in names if not (share / name).is_file()} == set()
