"""Which announced model versions a classifier may take."""

from collections import deque

from .bundle import Bundle
from .errors import ModelError

_KEPT = 8
"""More are never on their way to be loaded."""


class Updates:
    """Remembers which versions were taken, and when they went live."""

    def __init__(self) -> None:
        self._stamps: deque[tuple[Bundle, int]] = deque(maxlen=_KEPT)

    def admit(self, bundle: Bundle, stamp_ns: int, in_use: Bundle | None) -> None:
        """Take a version, unless the one in use tells that it is none to go on with.

        :param stamp_ns: when it went live; 0: not known. :param in_use: admitted before.
        :raises ModelError: it went live earlier, or has the number of the one in use and other
            bytes.
        """
        if in_use:
            name = f'model version {bundle.version}'
            if (_number(bundle) == _number(in_use)) and bundle.sha256 != in_use.sha256:
                raise ModelError(f'{name}: claims to be the version in use but has other bytes')
            latest_ns = next((ns for known, ns in self._stamps if known is in_use), 0)
            if 0 < stamp_ns < latest_ns:
                raise ModelError(f'{name}: went live before version {in_use.version}, which is in '
                                 'use: activate it again to go back to it')
        self._stamps.append((bundle, stamp_ns))

    def repeats(self, bundle: Bundle, in_hand: Bundle | None) -> bool:
        """Whether this is the version that was taken last, and still is being loaded: to begin
        anew would only delay it."""
        return (in_hand is not None and self._stamps[-1][0] is in_hand
                and (_number(bundle), bundle.sha256) == (_number(in_hand), in_hand.sha256))


def _number(bundle: Bundle) -> tuple[int, int]:
    return bundle.version, bundle.created_ns
