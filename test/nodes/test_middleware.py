"""The profile of Fast DDS is named as its version wants it, and never over the user's."""

from pathlib import Path

import pytest

from recognizer_ros.core import resources
from recognizer_ros.nodes import middleware

FILE = 'config/fastdds.xml'


@pytest.fixture(autouse=True)
def _no_profile_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(('folder', 'expected'), [
    ('fastrtps', 'FASTRTPS_DEFAULT_PROFILES_FILE'),  # Jazzy and before
    ('fastdds', 'FASTDDS_DEFAULT_PROFILES_FILE'),
])
def test_the_variable_is_that_of_the_installed_version(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, expected: str) -> None:
    (tmp_path / 'share' / folder).mkdir(parents=True)
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/nowhere:{tmp_path}')
    assert middleware.profile(FILE) == {expected: str(resources.find(FILE))}


@pytest.mark.parametrize('name', ['FASTDDS_DEFAULT_PROFILES_FILE',
                                  'FASTRTPS_DEFAULT_PROFILES_FILE'])
def test_a_profile_of_the_users_stays(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, '/mine.xml')
    assert middleware.profile(FILE) == {}
