"""Quality of service of the topics, one place for all nodes."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

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
