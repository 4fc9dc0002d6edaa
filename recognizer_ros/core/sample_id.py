"""Names of samples, as people and programs give them."""

import re

from .errors import ConfigError

_ID = re.compile('[0-9a-f]{64}')


def check(text: str) -> str:
    """Return what is a SHA-256 in lower-case hexadecimal. :raises ConfigError: it is none."""
    if not _ID.fullmatch(text):
        raise ConfigError(f'{text[:70]!r} is no id of a sample: it has 64 digits, 0-9 and a-f')
    return text
