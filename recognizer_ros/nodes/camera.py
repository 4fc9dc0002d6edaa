"""Node ``camera``: turns a source into ``image_raw``."""

import os
import time
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from ..capture.feed import Feed
from ..capture.source import Frame
from ..core import resources
from ..core.config import CameraConfig
from ..core.timing import Rate
from ..dataset.images import encode_jpeg
from . import conversions, lifecycle, qos


class Camera(lifecycle.RecognizerNode[CameraConfig]):
    """See ``docs/reference.md`` for topics."""

    def __init__(self, **options: Any) -> None:
        super().__init__('camera', CameraConfig, **options)
        self._raw = self.create_publisher(Image, 'image_raw', qos.IMAGE)
        self._jpeg = self.create_publisher(CompressedImage, 'image_raw/compressed', qos.IMAGE)
        self._feed: Feed | None = None
        self._rate = Rate()

    def start(self) -> None:
        """Open the source; a source that is not there is tried again and again."""
        self._feed = Feed(self.config, self.now_ns, self._publish)

    def stop(self) -> None:
        """Free the source."""
        if self._feed:
            self._feed.close()
            self._feed = None

    def configure_live(self, config: CameraConfig) -> None:
        """Source and JPEG quality."""
        if self._feed:
            self._feed.switch(config)

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """State of the source."""
        assert self._feed
        problem = self._feed.problem
        return (lifecycle.ERROR if problem else lifecycle.OK), problem or 'frames come', {
            'source': self.config.input, 'frames': self._feed.frames,
            'rate Hz': f'{self._rate.hz(time.monotonic()):.1f}'}

    def _publish(self, frame: Frame) -> None:
        """In the feed's thread."""
        frame_id = self.config.frame_id
        self._raw.publish(conversions.array_to_image(frame.image, frame.stamp_ns, frame_id))
        if self._jpeg.get_subscription_count():
            data = encode_jpeg(frame.image, self.config.jpeg_quality)
            self._jpeg.publish(conversions.jpeg_to_message(data, frame.stamp_ns, frame_id))
        self._rate.tick(time.monotonic())


def main() -> int:
    """Run the node."""
    # Room for whole images in shared memory, see the file; a user's own profile comes first.
    os.environ.setdefault(lifecycle.PROFILE, str(resources.find('config/fastdds.xml')))
    return lifecycle.run(Camera)
