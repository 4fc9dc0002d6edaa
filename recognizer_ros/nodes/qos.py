"""Quality of service of the topics, one place for all nodes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription

from ..core.errors import ConfigError

IMAGE = QoSProfile(depth=1, history=HistoryPolicy.KEEP_LAST,
                   reliability=ReliabilityPolicy.BEST_EFFORT,
                   durability=DurabilityPolicy.VOLATILE)
RECORDED = QoSProfile(depth=10, history=HistoryPolicy.KEEP_LAST,
                      reliability=ReliabilityPolicy.BEST_EFFORT,
                      durability=DurabilityPolicy.VOLATILE)
"""As IMAGE, for the one who wants every image and not only the newest."""
RESULT = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
TAGS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE,
                     durability=DurabilityPolicy.TRANSIENT_LOCAL)
SERVICE = QoSProfile(depth=64, reliability=ReliabilityPolicy.RELIABLE)
"""As that of every service, but deeper: of more than ten requests at a time none is lost."""

_MAX_DEPTH = 1000


def publisher(node: Node, kind: type, topic: str, profile: QoSProfile) -> Publisher:
    """A publisher whose user may set reliability and depth at the start, by the parameters
    ``qos_overrides./TOPIC.publisher.reliability`` and ``.depth``.

    :raises ConfigError: they make no sense.
    """
    with _refused(topic):
        return node.create_publisher(kind, topic, copy(profile),
                                     qos_overriding_options=_OVERRIDING)


def subscription(node: Node, kind: type, topic: str, callback: Callable[..., None],
                 profile: QoSProfile) -> Subscription:
    """The same of a subscription; ``subscription`` in place of ``publisher``."""
    with _refused(topic):
        return node.create_subscription(kind, topic, callback, copy(profile),
                                        qos_overriding_options=_OVERRIDING)


def _checked(profile: QoSProfile) -> SetParametersResult:
    return SetParametersResult(successful=1 <= profile.depth <= _MAX_DEPTH)


# Not history: keep_all would keep every image that its reader is too slow for.
_OVERRIDING = QoSOverridingOptions((QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY),
                                   callback=_checked)


@contextmanager
def _refused(topic: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # rclpy has no type of its own for some of them
        raise ConfigError(f'qos_overrides of {topic}: reliability must be reliable or best_effort,'
                          f' depth between 1 and {_MAX_DEPTH}') from error
