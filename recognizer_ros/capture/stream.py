"""Streams that PyAV opens: RTSP, HTTP (Motion JPEG, HLS), cameras that send H.264 or H.265."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import av
import av.error
from av.codec.context import Flags

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .newest import Frames, LiveSource
from .pacer import Pacer, RateLimit
from .scale import fit
from .source import Clock, Frame
from .uri import SourceUri, hide
from .video import LONGEST_GAP_S, upright

TIMEOUTS_S = (5.0, 5.0)
"""To open a stream, twice at most (connect, find out what it is), and for each packet."""
_BAD_PACKETS = 300  # a decoder may join between two key frames, and these may be 10 s apart
_ERRORS = (av.FFmpegError, OSError, ValueError)
_ADVICE = 'check the network and the server'
_SILENT = f'does not answer: {_ADVICE}'
_OPTIONS = {
    # UDP only from a server that refuses TCP; audio would only fill the line. The frame rate is
    # not wanted, and to count it takes a second.
    'rtsp': {'rtsp_flags': 'prefer_tcp', 'allowed_media_types': 'video', 'fpsprobesize': '0'},
    # A playlist must not name files of this machine. A live one is shown from its newest piece.
    'http': {'protocol_whitelist': 'http,https,tcp,tls,crypto,httpproxy',
             'live_start_index': '-1', 'fpsprobesize': '0'},
}
_REASONS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
     'wants another user or password: write them before the host, USER:PASSWORD@HOST'),
    ((av.error.HTTPNotFoundError,), 'is not known to the server: check the path'),
    ((av.error.ConnectionRefusedError,),
     'is refused: start the server, or check its address and port'),
    ((av.error.ExitError, av.error.TimeoutError), _SILENT),
    ((av.error.InvalidDataError,), 'sends what is no video: check the path, or the server'),
)

Opened = Callable[[], av.container.InputContainer]


def open_stream(uri: SourceUri, config: CameraConfig, clock: Clock, stop: threading.Event,
                timeouts_s: tuple[float, float] = TIMEOUTS_S) -> LiveSource:
    """Open a stream of a server; what goes wrong is told when it is read."""
    name = hide(uri.path)
    options = {**_OPTIONS[uri.kind], 'max_delay': str(config.input_latency * 1000)}
    opened = partial(_opened, name, uri.path, options, timeouts_s)
    return LiveSource(name, partial(_played, name, opened, config, clock), stop, _ADVICE)


def coded_camera(path: str, config: CameraConfig, clock: Clock, closed: threading.Event) -> Frames:
    """Give the frames of a camera of this machine that codes them itself."""
    options = {'input_format': 'hevc' if config.input_codec == 'h265' else config.input_codec,
               'framerate': f'{config.input_rate:g}'}
    if config.input_width and config.input_height:
        options['video_size'] = f'{config.input_width}x{config.input_height}'
    name = f'camera {path}'
    opened = partial(_opened, name, path, options, TIMEOUTS_S, 'v4l2')
    return _played(name, opened, config, clock, closed)


def _opened(name: str, url: str, options: dict[str, str], timeouts_s: tuple[float, float],
            kind: str | None = None) -> av.container.InputContainer:
    began_s = time.monotonic()
    try:
        container = av.open(url, format=kind, options=options, timeout=timeouts_s)
    except _ERRORS as error:
        late = time.monotonic() - began_s > timeouts_s[0]
        # Not from the error, which names the password.
        raise SourceError(f'{name} {_reason(error, late)}') from None
    if not container.streams.video:
        container.close()
        raise SourceError(f'{name} has no video: check the path')
    return container


def _played(name: str, opened: Opened, config: CameraConfig, clock: Clock,
            closed: threading.Event) -> Frames:
    """Give frames as they arrive; where pieces of video arrive, at the speed of their times."""
    with opened() as container:
        paced = _in_pieces(container)
        codec = container.streams.video[0].codec_context
        if codec.name == 'mjpeg':
            codec.options = {'err_detect': 'explode'}  # else half a picture passes for one
        if not paced:
            codec.flags |= Flags.low_delay
        limit, pacer, before_s = RateLimit(config.input_rate), Pacer(closed), 0.0
        for frame, arrived_ns in _decoded(name, container, clock, closed):
            if frame is not None and paced:
                time_s = before_s if frame.time is None else frame.time
                gap_s, before_s = min(max(time_s - before_s, 0.0), LONGEST_GAP_S), time_s
                if not pacer.wait(gap_s):
                    return
            if frame is None or not limit.passes(time.monotonic()):
                yield None
            else:
                yield Frame(fit(upright(frame), config), clock() if paced else arrived_ns)


def _in_pieces(container: av.container.InputContainer) -> bool:
    """Whether the server sends faster than it is to be shown: HLS, or a video file."""
    kind = container.format.name
    return kind == 'hls' or (kind != 'rtsp' and container.duration is not None)


def _decoded(name: str, container: av.container.InputContainer, clock: Clock,
             closed: threading.Event) -> Iterator[tuple[av.VideoFrame | None, int]]:
    """Give each frame with the time at which it arrived, nanoseconds; ``None``: a damaged one."""
    packets, arrivals, bad = container.demux(video=0), _Arrivals(), 0
    while not closed.is_set():
        try:
            packet = next(packets, None)
        except _ERRORS as error:
            raise SourceError(f'{name} {_reason(error)}') from None
        if packet is None:
            return
        arrivals.add(packet.pts, clock())
        try:
            good = [] if packet.is_corrupt else [
                frame for frame in packet.decode()
                if isinstance(frame, av.VideoFrame) and not frame.is_corrupt]
        except _ERRORS:
            good = []
        bad = 0 if good else bad + 1
        if bad >= _BAD_PACKETS:
            raise SourceError(f'{name} sends only damaged pictures: {_ADVICE}')
        for frame in good:
            yield frame, arrivals.of(frame.pts)
        if not good:
            yield None, 0


class _Arrivals:
    """When the packet of a frame arrived; decoders hold frames back and change their order."""

    def __init__(self) -> None:
        self._times: deque[tuple[int | None, int]] = deque(maxlen=64)

    def add(self, pts: int | None, time_ns: int) -> None:
        self._times.appendleft((pts, time_ns))

    def of(self, pts: int | None) -> int:
        return next((time_ns for known, time_ns in self._times if known == pts),
                    self._times[0][1])


def _reason(error: Exception, late: bool = False) -> str:
    """Return what is wrong, and what to do. :param late: the time was over; RTSP hides that."""
    if late:
        return _SILENT
    for kinds, reason in _REASONS:
        if isinstance(error, kinds):
            return reason
    said = getattr(error, 'strerror', None) or type(error).__name__
    return f'cannot be read ({said}): check the address, the network and the server'
