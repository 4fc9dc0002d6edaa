"""A source read in a thread of its own; opened again when it fails, or when another is wanted."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .failures import STEADY_S, BackOff, Quiet
from .open import check_uri, open_source
from .source import Clock, Frame, Incoming, OpenTopic
from .uri import hide, parse

_LATE_S = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """What a feed does.

    :param state: late: open, but no frame has come for some seconds; ended: at the end of photos
        or a video that are not to be shown again.
    :param reason: of the last failure, for people; empty: there was none.
    :param failures: since the feed was made.
    :param retry_s: until the source is opened again; 0 when it is not failed.
    """

    state: Literal['opening', 'playing', 'late', 'failed', 'ended'] = 'opening'
    reason: str = ''
    failures: int = 0
    retry_s: float = 0.0


class Feed:
    """Delivers frames until closed.

    :param deliver: called in the feed's thread with each frame, one after the other. After
        :meth:`switch` returns, no frame of the earlier source is delivered.
    :param incoming: gives the frames of ``webrtc://``. :param topic: opens ``topic://``.
    :ivar frames: delivered so far.
    """

    def __init__(self, config: CameraConfig, clock: Clock, deliver: Callable[[Frame], None],
                 incoming: Incoming | None = None, topic: OpenTopic | None = None) -> None:
        self._config, self._clock, self._deliver = config, clock, deliver
        self._incoming, self._topic = incoming, topic
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._ending = threading.Event()
        self._back_off, self._quiet = BackOff(random.Random()), Quiet()
        self._status, self._retry_at_s, self._newest_s = Status(), 0.0, 0.0
        self.frames = 0
        self._thread = threading.Thread(target=self._run, name='feed', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and free the source."""
        self._ending.set()
        with self._turn:
            self._stop.set()
        self._thread.join()

    def switch(self, config: CameraConfig) -> None:
        """Show another source, or the same one with other settings.

        :raises SourceError: the URI is not one; nothing changes.
        """
        check_uri(config.input)
        with self._turn:
            if config.input == self._config.input:
                self._config = config
                return
            self._config = config
            self._stop.set()
            self._stop = threading.Event()

    def status(self) -> Status:
        """What it does now."""
        status, now_s = self._status, time.monotonic()
        if status.state == 'failed':
            return replace(status, retry_s=max(0.0, self._retry_at_s - now_s))
        late_s = max(_LATE_S, 3 / self._config.input_rate)
        if status.state == 'playing' and now_s - self._newest_s > late_s:
            return replace(status, state='late')
        return status

    def _run(self) -> None:
        while not self._ending.is_set():
            with self._turn:
                config, stop = self._config, self._stop
            reason, played_s = self._play(config, stop)
            if not stop.is_set():
                self._rest(config, stop, reason, played_s)
            if stop.is_set():
                self._back_off.reset()
                self._status = Status(failures=self._status.failures)

    def _rest(self, config: CameraConfig, stop: threading.Event, reason: str, played_s: float
              ) -> None:
        """Say what happened, and wait until it is time to open the source again."""
        if not reason and _is_over(config):
            self._status = replace(self._status, state='ended')
            stop.wait()
            return
        if played_s > STEADY_S:
            self._quiet.forget()
        reason = reason or f'{hide(config.input)} has ended: it is opened again'
        wait_s, now_s = self._back_off.next_s(played_s), time.monotonic()
        if self._quiet.passes(reason, now_s):
            _log.error('%s', reason)
        self._retry_at_s = now_s + wait_s
        self._status = Status('failed', reason, self._status.failures + 1)
        stop.wait(wait_s)

    def _play(self, config: CameraConfig, stop: threading.Event) -> tuple[str, float]:
        """Deliver frames of one source until it ends; return why, and how long it played."""
        began_s = 0.0
        try:
            source = open_source(config, self._clock, stop, self._incoming, self._topic)
            try:
                while frame := source.read():
                    with self._turn:
                        if stop.is_set():
                            break
                        self._deliver(frame)
                        self._playing()
                    began_s = began_s or self._newest_s
            finally:
                source.close()
            reason = ''
        except SourceError as error:
            reason = str(error)
        except Exception as error:  # of a library, or of who gets the frames: the feed goes on
            reason = hide(f'{config.input} failed ({type(error).__name__}: {error})')
        return reason, self._newest_s - began_s if began_s else 0.0

    def _playing(self) -> None:
        self.frames += 1
        self._newest_s = time.monotonic()
        if self._status.state == 'playing':
            return
        self._status = replace(self._status, state='playing')
        if self._status.reason and self._quiet.passes(f'frames come, after: {self._status.reason}',
                                                      self._newest_s):
            _log.info('frames come again')


def _is_over(config: CameraConfig) -> bool:
    return parse(config.input).kind in ('file', 'folder') and not config.input_loop
