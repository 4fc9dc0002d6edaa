"""A source read in a thread of its own; opened again when it fails, or when another is wanted."""

import logging
import random
import threading
from collections.abc import Callable

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .open import check_uri, open_source
from .source import Clock, Frame

_BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
_log = logging.getLogger(__name__)


class Feed:
    """Delivers frames until closed.

    :param deliver: called in the feed's thread with each frame, one after the other. After
        :meth:`switch` returns, no frame of the earlier source is delivered.
    :ivar problem: what keeps frames from coming, for people; empty while they come.
    :ivar frames: delivered so far.
    """

    def __init__(self, config: CameraConfig, clock: Clock,
                 deliver: Callable[[Frame], None]) -> None:
        self._config, self._clock, self._deliver = config, clock, deliver
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._ending = threading.Event()
        self._jitter = random.Random()
        self.problem = 'opening the source'
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

    def _run(self) -> None:
        failures = 0
        while not self._ending.is_set():
            with self._turn:
                config, stop = self._config, self._stop
            try:
                delivered = self._play(config, stop)
                failures = 0 if delivered else failures
                said = f'{config.input} has ended'
            except SourceError as error:
                said = str(error)
            if stop.is_set():
                failures = 0
                continue
            if said != self.problem:
                _log.error('%s', said)
            self.problem = said
            wait_s = _BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)]
            failures += 1
            stop.wait(wait_s * self._jitter.uniform(0.8, 1.2))

    def _play(self, config: CameraConfig, stop: threading.Event) -> int:
        """Deliver frames of one source until it ends; return how many."""
        source = open_source(config, self._clock, stop)
        count = 0
        try:
            while frame := source.read():
                with self._turn:
                    if stop.is_set():
                        break
                    self._deliver(frame)
                    self.problem = ''
                    self.frames += 1
                count += 1
        finally:
            source.close()
        return count
