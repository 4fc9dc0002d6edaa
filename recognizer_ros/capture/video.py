"""A video file, played as if a camera saw it."""

import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .pacer import Pacer, RateLimit
from .scale import fit
from .skipped import Skipped
from .source import Clock, Frame, Image

# Time stamps of damaged files jump; nobody waits longer than this for the next picture.
LONGEST_GAP_S = 10.0
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, -90: cv2.ROTATE_90_CLOCKWISE,
          180: cv2.ROTATE_180, -180: cv2.ROTATE_180}


class VideoSource:
    """A video at the speed of its own time stamps, thinned out to at most ``input_rate``.

    Pieces that cannot be decoded are left out and counted in ``skipped``.

    :raises SourceError: there is no such file, or nothing in it that can be shown.
    """

    def __init__(self, path: str, config: CameraConfig, clock: Clock, stop: threading.Event,
                 pacer: Pacer | None = None) -> None:
        self._path = Path(path).expanduser()
        self._config, self._clock, self._stop = config, clock, stop
        self._pacer = pacer or Pacer(stop)
        self.skipped = Skipped()
        if not self._path.is_file():
            raise SourceError(f'no file {self._path}: check the path after file://')
        self._frames = self._played()
        self._first = next(self._frames, None)

    def read(self) -> Frame | None:
        """See :class:`~.source.Source`."""
        step, self._first = self._first, None
        if step is None:
            step = next(self._frames, None)
        if step is None or not self._pacer.wait(step[0]):
            return None
        return Frame(step[1], self._clock())

    def close(self) -> None:
        """See :class:`~.source.Source`."""
        self._frames.close()
        self._first = None

    def _played(self) -> Generator[tuple[float, Image], None, None]:
        """Give the gap to the frame before, seconds, and the picture; over and over if looped."""
        while True:
            empty = True
            for step in self._once():
                empty = False
                yield step
            if self._stop.is_set():
                return
            if empty:
                raise SourceError(f'no frame of {self._path} can be decoded: try another file')
            if not self._config.input_loop:
                return

    def _once(self) -> Iterator[tuple[float, Image]]:
        period_s = 1 / self._config.input_rate
        limit, before_s = RateLimit(self._config.input_rate), None
        for time_s, frame in self._timed():
            if not limit.passes(time_s):
                continue
            gap_s = period_s if before_s is None else time_s - before_s
            before_s = time_s
            yield min(gap_s, LONGEST_GAP_S), fit(upright(frame), self._config)

    def _timed(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Give frames with times that never go back; raw streams have none of their own."""
        with self._opened() as container:
            stream = container.streams.video[0]
            step_s = 1 / float(stream.average_rate or self._config.input_rate)
            time_s = -step_s
            for frame in self._decoded(container):
                own_s = frame.time
                time_s = time_s + step_s if own_s is None else max(own_s, time_s)
                yield time_s, frame

    def _opened(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self._path))
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f'{self._path} cannot be opened as video: try an mp4, mkv, avi, '
                              'mjpeg or y4m file') from error
        if not container.streams.video:
            container.close()
            raise SourceError(f'{self._path} has no video track: try another file')
        container.streams.video[0].thread_type = 'AUTO'
        return container

    def _decoded(self, container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
        packets = container.demux(video=0)
        while not self._stop.is_set():
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                self.skipped.add(f'rest of the file ({error})')
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except (av.FFmpegError, OSError, ValueError):
                self.skipped.add(_place(packet))
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self.skipped.add(_place(packet))
                elif isinstance(frame, av.VideoFrame):
                    yield frame


def _place(packet: 'av.Packet[Any]') -> str:
    if packet.pts is None or packet.time_base is None:
        return 'at an unknown time'
    return f'at {float(packet.pts * packet.time_base):.2f} s'


def upright(frame: av.VideoFrame) -> Image:
    """Return the picture as it was held: phones store how they were turned beside it."""
    picture = np.asarray(frame.to_ndarray(format='bgr24'), np.uint8)
    turn = _TURNS.get(getattr(frame, 'rotation', 0))
    return picture if turn is None else np.asarray(cv2.rotate(picture, turn), np.uint8)
