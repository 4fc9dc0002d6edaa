"""Node ``camera``: turns a source into ``image_raw``."""

import time
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from ..capture.feed import Feed
from ..capture.source import Frame
from ..capture.uri import hide
from ..core.config import CameraConfig
from ..core.timing import Rate
from ..dataset.images import encode_jpeg
from . import conversions, lifecycle, qos
from .calibration import Calibration
from .image_topic import ImageTopic
from .negotiation import Negotiation

_STATES = {'opening': (lifecycle.OK, 'waiting for the first frame'),
           'playing': (lifecycle.OK, 'frames come'),
           'late': (lifecycle.WARN, 'no frame has come for some seconds'),
           'deserted': (lifecycle.OK, 'nobody sends: choose a camera on the page, at "Camera of '
                        'this device"'),
           'ended': (lifecycle.WARN, 'the source has ended: name another, or set input_loop')}


class Camera(lifecycle.RecognizerNode[CameraConfig]):
    """See ``docs/reference.md`` for topics."""

    def __init__(self, **options: Any) -> None:
        super().__init__('camera', CameraConfig, **options)
        self._raw = qos.publisher(self, Image, 'image_raw', qos.IMAGE)
        self._jpeg = qos.publisher(self, CompressedImage, 'image_raw/compressed', qos.IMAGE)
        self._calibration = Calibration(self)
        self._negotiation = Negotiation(self)
        self._feed: Feed | None = None
        self._rate = Rate()

    def set_up(self) -> None:
        """Read the calibration."""
        self._calibration.load(self.config.camera_info)

    def start(self) -> None:
        """Open the source; a source that is not there is tried again and again."""
        incoming = self._negotiation.start(self.config, self.now_ns)
        self._feed = Feed(self.config, self.now_ns, self._publish, incoming,
                          topic=lambda name, stop: ImageTopic(self, name, stop))

    def stop(self) -> None:
        """Free the source."""
        if self._feed:
            self._feed.close()
            self._feed = None
        self._negotiation.stop()

    def configure_live(self, config: CameraConfig) -> None:
        """Source and JPEG quality."""
        if self._feed:
            self._feed.switch(config)
            self._negotiation.switch(config)

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """State of the source."""
        assert self._feed
        status = self._feed.status()
        state: str = status.state
        if state in ('opening', 'late') and self._negotiation.is_deserted:
            state = 'deserted'
        level, message = _STATES.get(state, (lifecycle.ERROR, status.reason))
        if level == lifecycle.OK and self._calibration.problem:
            level, message = lifecycle.WARN, self._calibration.problem
        return level, message, {
            'source': hide(self.config.input), 'state': state, 'frames': self._feed.frames,
            'rate Hz': f'{self._rate.hz(time.monotonic()):.1f}', 'failures': status.failures,
            'last failure': status.reason, 'next try s': f'{status.retry_s:.0f}',
            **self._negotiation.diagnose()}

    def _publish(self, frame: Frame) -> None:
        """In the feed's thread."""
        self._rate.tick(time.monotonic())
        self._negotiation.show(frame)
        if frame.relayed:
            return
        frame_id = self.config.frame_id
        message = conversions.array_to_image(frame.image, frame.stamp_ns, frame_id)
        self._raw.publish(message)
        self._calibration.publish(message)
        if self._jpeg.get_subscription_count():
            data = encode_jpeg(frame.image, self.config.jpeg_quality)
            self._jpeg.publish(conversions.jpeg_to_message(data, frame.stamp_ns, frame_id))


def main() -> int:
    """Run the node."""
    return lifecycle.run(Camera, profile='config/fastdds.xml')
