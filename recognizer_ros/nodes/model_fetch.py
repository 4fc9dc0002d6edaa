"""From the announcement of a model version to an offer to the engine, with its network."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlparse

from rclpy.lifecycle import LifecycleNode

from ..core import bundle as bundles
from ..core.bundle import BACKBONE, Bundle
from ..core.config import ClassifierConfig
from ..core.errors import ModelError, NodeUnavailableError
from ..core.updates import Updates
from ..inference.engine import Offer
from ..inference.model_cache import ModelCache, Network, Patience, Piece
from ..inference.trial import Trial
from ..msg import ModelUpdate
from ..srv import GetModel
from . import conversions

_SLICE_S = 0.02


class ModelFetch:
    """This machine's files, those it has fetched before, and the trainer that has the others.

    :cvar chunk: bytes asked for at a time. :cvar answer_s: time for such an answer.
    """

    chunk = 1 << 20
    answer_s = 10.0
    patience = Patience()

    def __init__(self, node: LifecycleNode, config: ClassifierConfig) -> None:
        self._client = node.create_client(GetModel, 'get_model')
        self._cache = ModelCache(Path(config.cache).expanduser() / 'models',
                                 config.cache_limit * 2**20 // 2, self.patience)  # see Chooser
        self._trial, self._updates = Trial(), Updates()
        self._in_hand: Bundle | None = None

    @property
    def progress(self) -> str:
        """What is being fetched, for people; empty when nothing is."""
        return self._cache.progress

    def offer(self, message: ModelUpdate, in_use: Bundle | None) -> Offer | None:
        """What to do about an announcement; ``None``: nothing, it is being done.

        :param in_use: the version that answers.
        :raises ModelError: it must not be taken.
        """
        try:
            bundle = bundles.from_json(message.bundle)
            wanted = Network.of(bundle)
        except ModelError as error:
            raise ModelError(f'model version {message.model.version}: {error}') from error
        if self._updates.repeats(bundle, self._in_hand):
            return None
        self._updates.admit(bundle, conversions.nanoseconds(message.stamp), in_use)
        return Offer(bundle, lambda is_late: self._find(message.uri, bundle, wanted, is_late),
                     bytes(message.head))

    def _find(self, uri: str, bundle: Bundle, wanted: Network, is_late: Callable[[], bool]
              ) -> Path:
        """The file of the network, which was tried; takes as long as the bytes take to come."""
        self._in_hand = bundle
        try:
            self._cache.sweep(wanted)
            path, why = _local(uri, wanted)
            if path:
                self._trial.check(path, bundle, is_late)
                return path
            return self._fetched(bundle, wanted, why, is_late)
        finally:
            self._in_hand = None

    def _fetched(self, bundle: Bundle, wanted: Network, why: str, is_late: Callable[[], bool]
                 ) -> Path:
        try:
            path = self._cache.get(wanted, lambda offset: self._read(wanted, offset, is_late),
                                   is_late)
        except ModelError as error:
            raise ModelError(f'{error}; {why}') from error
        try:
            self._trial.check(path, bundle, is_late)
        except ModelError:
            if not is_late():
                self._cache.forget(wanted)
            raise
        return path

    def _read(self, wanted: Network, offset: int, is_late: Callable[[], bool]) -> Piece:
        """:raises NodeUnavailableError: the trainer does not answer, or has no such version now.
        """
        done = threading.Event()
        if not self._client.service_is_ready():
            raise NodeUnavailableError('no trainer answers: is its node running?')
        future = self._client.call_async(GetModel.Request(
            version=wanted.version, file=BACKBONE, offset=offset, length=self.chunk))
        future.add_done_callback(lambda _: done.set())
        end = time.monotonic() + self.answer_s
        while not done.wait(_SLICE_S):
            if is_late() or time.monotonic() > end or not self._client.service_is_ready():
                self._client.remove_pending_request(future)
                raise NodeUnavailableError('the trainer has left off answering')
        answer = future.result()
        if not answer.success:
            raise NodeUnavailableError(f'the trainer says: {answer.message}')
        return Piece(Network(answer.version, answer.size, answer.sha256), bytes(answer.data))


def _local(uri: str, wanted: Network) -> tuple[Path | None, str]:
    """The file on this machine that a URI names, or why it cannot be used."""
    try:
        parts = urlparse(uri)
        path = Path(unquote(parts.path))
        if parts.scheme != 'file' or parts.netloc not in ('', 'localhost'):
            return None, f'{uri!r} is no file:// of this machine'
        if wanted.is_in(path):
            return path, ''
        return None, f'{path} is damaged: it has another SHA-256'
    except (OSError, ValueError) as error:  # a URI may be no URI, or hold a zero byte
        return None, f'{uri!r} cannot be read here ({getattr(error, "strerror", error)})'
