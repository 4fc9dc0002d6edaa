"""The parts of the page that need no document, in node."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_what_needs_no_document() -> None:
    node = shutil.which('node')
    if node is None:
        reason = 'needs node: install it, for example with apt install nodejs'
        if os.environ.get('RECOGNIZER_REQUIRE_BROWSER'):
            pytest.fail(reason)
        pytest.skip(reason)  # needs node; where it is required this fails instead, see above
    files = sorted(str(path) for path in HERE.glob('*.test.mjs'))
    done = subprocess.run([node, '--test', *files], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '# fail 0' in done.stdout
