"""Alerts for the page, made of what nodes diagnose of themselves."""

from diagnostic_msgs.msg import DiagnosticStatus

from ..server.state import Alert

_LEVELS = {DiagnosticStatus.OK: 'info', DiagnosticStatus.WARN: 'warning',
           DiagnosticStatus.ERROR: 'error', DiagnosticStatus.STALE: 'warning'}
_GOOD_NEWS_MS = 5000


class Alerts:
    """The newest alert of each node. :ivar now: them, oldest first."""

    def __init__(self) -> None:
        self.now: tuple[Alert, ...] = ()
        self._said: dict[str, tuple[bytes, str]] = {}

    def take(self, node: str, status: DiagnosticStatus, time_ms: int) -> None:
        """Take in a node's word, which comes again and again; :param time_ms: Unix time."""
        said = (status.level, status.message)
        before, self._said[node] = self._said.get(node), said
        bad = status.level in (DiagnosticStatus.WARN, DiagnosticStatus.ERROR)
        was_bad = before is not None and before[0] != DiagnosticStatus.OK
        if bad and said != before:
            self._add(_LEVELS[status.level], node, status.message, 0, time_ms)
        elif was_bad and not bad:
            self._add('info', node, f'{node}: {status.message}', _GOOD_NEWS_MS, time_ms)

    def _add(self, level: str, node: str, message: str, duration_ms: int, time_ms: int) -> None:
        """The one before of the same node is over."""
        number = self.now[-1].id + 1 if self.now else 1
        kept = tuple(alert for alert in self.now if alert.category != node)
        self.now = (*kept, Alert(number, time_ms, level, node, message, duration_ms))
