"""Tags: what people type, and what is stored."""

from collections.abc import Iterable
from typing import Literal

from .errors import LabelError

LabelMode = Literal['single', 'multi']

MAX_LABEL_LENGTH = 64
MAX_LABELS = 16
_SEPARATORS = str.maketrans({';': ',', '\n': ','})


def normalise(tags: Iterable[str]) -> tuple[str, ...]:
    """Trim, lower-case, squeeze inner white space, drop empties and duplicates; keep the order.

    :raises LabelError: a tag is too long, holds a separator or a control character, or there are
        too many.
    """
    cleaned = [' '.join(tag.lower().split()) for tag in tags]
    unique = tuple(dict.fromkeys(tag for tag in cleaned if tag))
    if len(unique) > MAX_LABELS:
        raise LabelError(f'{len(unique)} tags are too many: give at most {MAX_LABELS}')
    for tag in unique:
        if len(tag) > MAX_LABEL_LENGTH:
            raise LabelError(f'tag {tag[:20]!r}… is too long: use at most {MAX_LABEL_LENGTH} '
                             'characters')
        if ',' in tag or ';' in tag or not tag.isprintable():
            raise LabelError(f'tag {tag!r} holds a separator or a control character: leave it out')
    return unique


def parse(text: str) -> tuple[str, ...]:
    """Tags of one line of text, separated by ``,`` or ``;``.

    :raises LabelError: as :func:`normalise`.
    """
    return normalise(text.translate(_SEPARATORS).split(','))


def join(tags: Iterable[str]) -> str:
    """The line that :func:`parse` reads back."""
    return ','.join(tags)
