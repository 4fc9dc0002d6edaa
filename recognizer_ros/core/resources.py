"""Where web/, config/, launch/ and bench/ lie: beside the sources, or under share/."""

from pathlib import Path

from .errors import ConfigError

_PACKAGE = Path(__file__).absolute().parents[1]


def find(name: str) -> Path:
    """Return the path of a file or folder that comes with the package.

    :raises ConfigError: the installation is incomplete.
    """
    # <prefix>/lib/python3.x/site-packages/recognizer_ros and <prefix>/share/recognizer_ros
    roots = [*(up / 'share' / 'recognizer_ros' for up in _PACKAGE.parents[:5]), _PACKAGE.parent]
    for root in roots:
        if (root / name).exists():
            return root / name
    raise ConfigError(f'{name} is not beside the package nor under share/recognizer_ros: '
                      'install the package again')
