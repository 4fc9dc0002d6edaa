"""Node ``recorder``: writes frames and uploads with their tags into the data set."""

from pathlib import Path
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock
from sensor_msgs.msg import CompressedImage, Image

from ..core.config import RecorderConfig
from ..core.errors import ImageError, LabelError, RecognizerError
from ..core.labels import normalise
from ..core.lease import TagsMessage
from ..dataset.images import Pixels
from ..dataset.recording import Recording, RecordingStatus
from ..dataset.selection import Frame
from ..dataset.store import SampleStore
from ..msg import DatasetStatus, Tags
from ..srv import AddSample
from . import conversions, cvbridge, lifecycle, qos
from .dataset_services import DatasetServices
from .latched import Latched

_TICK_S = 0.05
_REFRESH_NS = 10**9


class Recorder(lifecycle.RecognizerNode[RecorderConfig]):
    """See ``docs/reference.md`` for topics and services."""

    def __init__(self, **options: Any) -> None:
        super().__init__('recorder', RecorderConfig, **options)
        self._status = Latched(self, DatasetStatus, 'dataset')
        self._store: SampleStore | None = None
        self._recording: Recording | None = None
        self._told: RecordingStatus | None = None
        self._told_ns = 0
        self._refused = ''
        self._entities: list[Any] = []
        # Not in the group of images and tags, which would wait while an upload is written.
        self.create_service(AddSample, 'add_sample', self._add_sample, qos_profile=qos.SERVICE,
                            callback_group=ReentrantCallbackGroup())
        self._dataset = DatasetServices(self, self._tick)

    def set_up(self) -> None:
        """Take the data folder."""
        cvbridge.load()  # takes a moment; not in the first image's callback
        self._store = SampleStore(Path(self.config.data).expanduser(),
                                  self.config.disk_reserve << 20)

    def start(self) -> None:
        """Listen to images and tags."""
        assert self._store
        self._recording = Recording(self._store, lambda: self.config)
        self._dataset.start(self._store.root, self._recording.submit)
        images = ((CompressedImage, 'image_raw/compressed', self._on_file)
                  if self.config.transport == 'compressed' else
                  (Image, 'image_raw', self._on_image))
        self._entities = [
            qos.subscription(self, *images, qos.RECORDED),
            self.create_subscription(Tags, 'tags', self._on_tags, qos.TAGS),
            self.create_timer(_TICK_S, self._tick, clock=Clock()),
        ]

    def stop(self) -> None:
        """Write what was captured, then leave off."""
        self._dataset.stop()
        lifecycle.destroy(self, self._entities)
        if self._recording:
            self._recording.close()
            self._publish(self._recording.tick(self.now_ns()))
            self._recording = None

    def tear_down(self) -> None:
        """Let go of the data folder."""
        if self._store:
            self._store.close()
            self._store = None

    def configure_live(self, config: RecorderConfig) -> None:
        """Disk reserve; the others are asked for at each frame."""
        if self._store:
            self._store.reserve_bytes = config.disk_reserve << 20

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """Counts and troubles."""
        told = self._told
        if not told:
            return lifecycle.OK, 'starting', {}
        problem = told.error or self._refused
        message = problem or ('recording ' + ', '.join(told.active_tags) if told.recording
                              else 'ready')
        return (lifecycle.ERROR if problem else lifecycle.OK), message, {
            'samples': told.stats.samples, 'revision': told.stats.revision,
            'dropped': told.dropped, 'skipped': told.skipped, 'duplicates': told.duplicates,
            'pending': told.pending, 'free MiB': told.free_bytes >> 20}

    def _on_image(self, message: Image) -> None:
        assert self._recording
        try:
            image, order = conversions.image_to_array(message)
        except ImageError as error:
            self._refuse(error)
            return
        self._offer(message, image, order)

    def _on_file(self, message: CompressedImage) -> None:
        try:
            self._offer(message, conversions.jpeg_of(message))
        except ImageError as error:
            self._refuse(error)

    def _offer(self, message: Image | CompressedImage, image: Pixels | bytes,
               order: str = 'bgr') -> None:
        assert self._recording
        stamp_ns = conversions.nanoseconds(message.header.stamp)
        self._recording.offer(Frame(stamp_ns, image, order), self.now_ns())

    def _on_tags(self, message: Tags) -> None:
        assert self._recording
        lease = message.lease
        try:
            self._recording.say(TagsMessage(
                conversions.nanoseconds(message.stamp), message.sender, tuple(message.tags),
                message.recording, lease.sec * 10**9 + lease.nanosec))
            self._refused = ''
        except LabelError as error:
            self._refuse(error)

    def _refuse(self, error: RecognizerError) -> None:
        self._refused = str(error)
        self.get_logger().warning(self._refused, throttle_duration_sec=10.0)

    async def _add_sample(self, request: AddSample.Request,
                          response: AddSample.Response) -> AddSample.Response:
        if not self._recording:
            response.message = 'the recorder is not active'
            return response
        stamp = conversions.nanoseconds(request.image.header.stamp) or self.now_ns()
        try:
            work = self._recording.upload(bytes(request.image.data), normalise(request.tags),
                                          request.source or 'upload', stamp)
            await lifecycle.awaitable(self, work)
            response.id, response.duplicate = work.result().sha256, work.result().duplicate
            response.success = True
            status = self._recording.tick(self.now_ns()) if self._recording else None
            response.revision = status.stats.revision if status else 0
        except RecognizerError as error:
            response.message = str(error)
        return response

    def _tick(self) -> None:
        assert self._recording
        now_ns = self.now_ns()
        status = self._recording.tick(now_ns)
        if status != self._told or (status.recording and now_ns - self._told_ns > _REFRESH_NS):
            self._publish(status)

    def _publish(self, status: RecordingStatus) -> None:
        self._told, self._told_ns = status, self.now_ns()
        stats = status.stats
        self._status.publish(DatasetStatus(
            stamp=conversions.to_time(self._told_ns), data=str(Path(self.config.data).absolute()),
            revision=stats.revision, samples=stats.samples,
            validation_samples=stats.validation_samples, bursts=stats.bursts,
            quarantined=stats.quarantined, classes=list(stats.classes),
            class_samples=list(stats.class_samples), class_bursts=list(stats.class_bursts),
            multi_label=stats.multi_label, recording=status.recording,
            active_tags=list(status.active_tags), sender=status.sender, burst=status.burst,
            burst_samples=status.burst_samples, dropped=status.dropped, skipped=status.skipped,
            duplicates=status.duplicates, pending=status.pending, free_bytes=status.free_bytes,
            error=status.error))


def main() -> int:
    """Run the node."""
    return lifecycle.run(Recorder)
