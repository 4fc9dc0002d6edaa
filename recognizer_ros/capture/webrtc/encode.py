"""Pictures for viewers: each is converted once and encoded once, however many watch."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from ...core.latest import Latest
from ..source import Image

_CLOCK_HZ = 90_000  # of RTP video (RFC 6184, RFC 7741)
_LIVE_S = 1.0
_REPEAT_S = 0.5
_KEY_GAP_S = 0.5
_RAISE_S = 2.0
_BITS_PER_PIXEL = 4.0  # a second; 1.2 Mbit/s for 640 × 480
# Receivers estimate at most half as much again as comes: a wider step would never be taken.
_LEVELS = (1.0, 0.7, 0.5, 0.35, 0.25)
_LEAST_BITRATE, _MOST_BITRATE = 100_000, 3_000_000
_EMPTY = np.full((480, 640, 3), 32, np.uint8)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Coded:
    """A coded picture.

    :param key: needs none before it.
    :param live: shows what the camera sees, not that it sees nothing.
    """

    packet: 'av.Packet[Any]'
    key: bool
    live: bool


class Encoder:
    """One codec, with a new context for each size and bit rate. Used by one thread.

    :ivar most_bitrate: what those who watch can take, bits per second; set from any thread.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._context: Any = None
        self._key_wanted = threading.Event()
        self._key_s = self._level_s = 0.0
        self.most_bitrate: int | None = None

    def want_key(self) -> None:
        """Make one of the next pictures a key frame; from any thread."""
        self._key_wanted.set()

    def encode(self, frame: av.VideoFrame, now_s: float) -> tuple[bytes, bool]:
        """Return the coded picture and whether it is a key frame; no bytes: it was left out."""
        self._fit(frame, now_s)
        key = self._key_wanted.is_set() and now_s - self._key_s > _KEY_GAP_S
        if key:
            self._key_wanted.clear()
        frame.pict_type = PictureType.I if key else PictureType.NONE
        packets = self._context.encode(frame)
        key = any(packet.is_keyframe for packet in packets)
        if key:
            self._key_s = now_s
        return b''.join(bytes(packet) for packet in packets), key

    def _fit(self, frame: av.VideoFrame, now_s: float) -> None:
        """Have a context of the right size and rate."""
        size, before = (frame.width, frame.height), self._context
        same = before is not None and (before.width, before.height) == size
        rate = _bit_rate(*size, self.most_bitrate)
        if same and (rate == before.bit_rate
                     or (rate > before.bit_rate and now_s - self._level_s < _RAISE_S)):
            return
        make = _vp8 if self._codec == 'VP8' else _h264
        self._context, self._level_s = make(*size, rate), now_s


class Broadcast:
    """Shows the newest frame to viewers, in a thread of its own; slow work drops frames.

    With no frame for a second the viewers see "no video", slowly: no player stalls, and no old
    picture looks as if it were new.

    :param deliver: called in the thread with the name of the codec and the coded picture.
    :param gap_s: between frames, at most, while all is well.
    """

    def __init__(self, deliver: Callable[[str, Coded], None], gap_s: float = 0.1) -> None:
        self._deliver, self._live_s = deliver, max(_LIVE_S, 2 * gap_s)
        self._latest: Latest[Image] = Latest()
        self._encoders: dict[str, Encoder] = {}
        self._last = _EMPTY
        self._pts = 0
        self._said = ''
        self._thread = threading.Thread(target=self._run, name='viewers', daemon=True)
        self._thread.start()

    def show(self, image: Image) -> None:
        """Show a frame, height × width × 3, BGR, which nobody changes any more."""
        self._latest.put(image)

    def watch(self, bitrates: dict[str, int | None]) -> None:
        """Encode for these codecs from now on. The value is what all who watch can take."""
        encoders = {codec: self._encoders.get(codec) or Encoder(codec) for codec in bitrates}
        for codec, encoder in encoders.items():
            encoder.most_bitrate = bitrates[codec]
        self._encoders = encoders

    def want_key(self, codec: str) -> None:
        """Make one of the next pictures a key frame."""
        encoder = self._encoders.get(codec)
        if encoder:
            encoder.want_key()

    def close(self) -> None:
        """End the thread."""
        self._latest.close()
        self._thread.join()

    def _run(self) -> None:
        wait_s = self._live_s
        while not self._latest.closed:
            image = self._latest.take(wait_s)
            wait_s = _REPEAT_S if image is None else self._live_s
            if image is not None:
                self._last = image
            encoders = dict(self._encoders)
            if encoders and not self._latest.closed:
                self._send(encoders, self._last if image is None else image, image is not None)

    def _send(self, encoders: dict[str, Encoder], image: Image, live: bool) -> None:
        frame = to_frame(image if live else no_video(image))
        now_s = time.monotonic()
        # RTP wants times that rise.
        self._pts = max(self._pts + 1, int(now_s * _CLOCK_HZ))
        for codec, encoder in encoders.items():
            frame.pts, frame.time_base = self._pts, Fraction(1, _CLOCK_HZ)
            try:
                data, key = encoder.encode(frame, now_s)
            except (av.FFmpegError, ValueError) as error:
                self._complain(codec, frame, error)
                continue
            if data:
                packet: av.Packet[Any] = av.Packet(data)
                packet.pts, packet.time_base = self._pts, Fraction(1, _CLOCK_HZ)
                self._deliver(codec, Coded(packet, key, live))

    def _complain(self, codec: str, frame: av.VideoFrame, error: Exception) -> None:
        said = f'{codec} cannot encode {frame.width} × {frame.height}: {error}'
        if said != self._said:
            _log.error('%s', said)
        self._said = said


def to_frame(image: Image) -> av.VideoFrame:
    """Return a picture as encoders take it: of even size, and no smaller than a block."""
    height, width = (max(16, side & ~1) for side in image.shape[:2])
    even = image[:height, :width]
    if even.shape[:2] != (height, width):
        even = np.asarray(cv2.resize(even, (width, height)), np.uint8)
    planes = cv2.cvtColor(even, cv2.COLOR_BGR2YUV_I420)
    return av.VideoFrame.from_ndarray(np.asarray(planes, np.uint8), format='yuv420p')


def no_video(image: Image) -> Image:
    """Return a picture that cannot be taken for a live one."""
    dark = np.asarray(image // 4, np.uint8)
    scale = dark.shape[1] / 320
    cv2.putText(dark, 'no video', (round(80 * scale), dark.shape[0] // 2),
                cv2.FONT_HERSHEY_SIMPLEX, scale, (200, 200, 200), max(1, round(2 * scale)))
    return dark


def _bit_rate(width: int, height: int, most: int | None) -> int:
    """Return a bit rate of a few steps, as each change costs a key frame."""
    best = min(_MOST_BITRATE, max(_LEAST_BITRATE, round(width * height * _BITS_PER_PIXEL)))
    fitting = [round(best * level) for level in _LEVELS
               if most is None or best * level <= most]
    return fitting[0] if fitting else round(best * _LEVELS[-1])


def _context(codec: str, width: int, height: int, bit_rate: int, options: dict[str, str]) -> Any:
    context: Any = av.CodecContext.create(codec, 'w')
    context.width, context.height, context.pix_fmt = width, height, 'yuv420p'
    context.time_base, context.framerate = Fraction(1, _CLOCK_HZ), Fraction(30)
    context.bit_rate, context.gop_size = bit_rate, 300
    context.thread_count = 2 if width * height > 640 * 480 else 1
    context.options = {'maxrate': str(bit_rate), 'bufsize': str(bit_rate // 2), **options}
    return context


def _vp8(width: int, height: int, bit_rate: int) -> Any:
    return _context('libvpx', width, height, bit_rate, {
        'deadline': 'realtime', 'cpu-used': '-8', 'lag-in-frames': '0', 'error-resilient': '1',
        'minrate': str(bit_rate), 'static-thresh': '100'})


def _h264(width: int, height: int, bit_rate: int) -> Any:
    # Every browser that has H.264 has this profile. forced-idr: a decoder can begin there.
    return _context('libx264', width, height, bit_rate, {
        'preset': 'ultrafast', 'tune': 'zerolatency', 'profile': 'baseline', 'forced-idr': '1'})
