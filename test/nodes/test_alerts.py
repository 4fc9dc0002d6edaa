from diagnostic_msgs.msg import DiagnosticStatus

from recognizer_ros.nodes.alerts import Alerts
from recognizer_ros.server.state import Alert

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def told(*words: tuple[str, bytes, str]) -> Alerts:
    """After these words of nodes, one a second."""
    alerts = Alerts()
    for second, (node, level, message) in enumerate(words, 1):
        alerts.take(node, DiagnosticStatus(level=level, message=message), 1000 * second)
    return alerts


def test_all_is_well() -> None:
    assert told(('camera', OK, 'open'), ('trainer', OK, 'rests')).now == ()


def test_what_goes_wrong_stays_until_it_is_over() -> None:
    lost, slow = ('camera', ERROR, 'lost'), ('camera', WARN, 'slow')
    assert told(lost, lost, lost).now == (Alert(1, 1000, 'error', 'camera', 'lost', 0),)
    assert told(lost, lost, slow).now == (Alert(2, 3000, 'warning', 'camera', 'slow', 0),)
    assert told(lost, ('camera', OK, 'open')).now == (
        Alert(2, 2000, 'info', 'camera', 'camera: open', 5000),)


def test_good_news_comes_once() -> None:
    open_ = ('camera', OK, 'open')
    assert told(('camera', ERROR, 'lost'), open_, open_).now[-1].time_ms == 2000


def test_each_node_has_one_alert() -> None:
    now = told(('camera', ERROR, 'lost'), ('trainer', WARN, 'no data'),
               ('camera', WARN, 'slow')).now
    assert [(alert.id, alert.category, alert.message) for alert in now] == [
        (2, 'trainer', 'no data'), (3, 'camera', 'slow')]
