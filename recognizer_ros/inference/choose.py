"""The backend for a network: the one that was asked for, or the first that works."""

import hashlib
import logging
from pathlib import Path

import numpy as np
import onnxruntime as ort

from ..core.bundle import Bundle
from ..core.config import ClassifierConfig
from ..core.errors import ModelError
from ..core.predictions import Floats
from ..core.preprocessing import Preprocessing
from . import jetson, nvidia, providers
from .backend import Backend
from .engine_cache import EngineCache
from .jetson import JetsonBackend
from .onnx_runtime import OnnxRuntimeBackend
from .preprocess import probe

ORDER = ('tensorrt', 'cuda', 'jetson_inference', 'cpu')
ROUNDING = 0.01
"""Largest difference of features from those on the CPU, in parts of the largest of them: 16-bit
numbers make some thousandths; a network that overflows them, far more."""
_log = logging.getLogger(__name__)


class Chooser:
    """Loads networks with what works. For one thread.

    :ivar reasons: why backends that come before the one in use are not used: a short line each.
    """

    def __init__(self, config: ClassifierConfig) -> None:
        self._config = config
        self._names = ORDER if config.backend == 'auto' else (config.backend,)
        # The other half of the room is for networks fetched from another machine.
        self._engines = EngineCache(Path(config.cache).expanduser() / 'engines',
                                    config.cache_limit * 2**20 // 2)
        self._lacking: dict[str, str] = {}
        self._refused: dict[str, tuple[str, str]] = {}
        self.reasons: dict[str, str] = {}

    def __call__(self, network: bytes, bundle: Bundle) -> Backend:
        """Load a network and run it once.

        :raises ModelError: it does not work with the backend that was asked for; or with none.
        """
        reasons: dict[str, str] = {}
        sha256 = hashlib.sha256(network).hexdigest()
        for name in self._names:
            found = self._try(name, network, sha256, bundle.preprocessing)
            if not isinstance(found, str):
                self.reasons = reasons
                return found
            reasons[name] = found
            if self.reasons.get(name) != found:
                _log.info('backend %s is not used: %s', name, found)
        self.reasons = reasons
        raise ModelError(f'backend {name} cannot be used ({found}): choose another, or auto')

    def _try(self, name: str, network: bytes, sha256: str, how: Preprocessing) -> Backend | str:
        """The backend, or why not."""
        if name == 'cpu':
            return OnnxRuntimeBackend(network, self._config.threads)
        if name not in self._lacking:
            self._lacking[name] = (jetson.lacking() if name == 'jetson_inference' else
                                   providers.lacking(name))
        refused, reason = self._refused.get(name, ('', ''))
        if self._lacking[name] or refused == sha256:
            return self._lacking[name] or reason
        try:
            return self._make(name, network, sha256, how)
        except (ModelError, OSError) as error:
            self._refused[name] = sha256, str(error)
            if name != 'jetson_inference':  # does this network fail, or would any?
                self._lacking[name] = providers.missing_library(name)
            return self._lacking[name] or str(error)

    def _make(self, name: str, network: bytes, sha256: str, how: Preprocessing) -> Backend:
        threads, precision = self._config.threads, self._config.precision
        if name == 'cuda':
            providers.preload()
            return _tried(OnnxRuntimeBackend(network, threads, providers.cuda(precision)), how)
        _log.info('loading a network with %s: minutes, if it must be compiled first', name)
        if name == 'jetson_inference':
            if precision != 'fp16':
                raise ModelError('it knows no precision but fp16')
            with self._engines.folder(name, sha256, *_machine()) as engine:
                return _tried(JetsonBackend(network, how, engine), how, network)
        providers.preload()
        with (self._engines.folder('timing', *_machine()) as timing,
              self._engines.folder(name, sha256, precision, *_machine()) as engine):
            provider = providers.tensorrt(precision, engine, timing)
            return _tried(OnnxRuntimeBackend(network, threads, provider), how, network)


def _machine() -> tuple[str, ...]:
    """All that a compiled network depends on besides itself."""
    return nvidia.gpu(), *map(str, nvidia.tensorrt()), ort.__version__


def _tried(backend: Backend, how: Preprocessing, network: bytes = b'') -> Backend:
    """The same, if it can run the test frame; it is warm then.

    :param network: to compare with the CPU; empty: its answers are exact enough.
    """
    features = _features(backend, how)
    wanted = _features(OnnxRuntimeBackend(network), how) if network else features
    difference = np.abs(features - wanted).max() / np.abs(wanted).max().clip(1e-6)
    if not difference <= ROUNDING:  # NaN is never within
        raise ModelError(f'its features differ by {difference:.0%} from those on the CPU; '
                         'precision fp32 may help')
    return backend


def _features(backend: Backend, how: Preprocessing) -> Floats:
    return backend.infer(backend.prepare(probe(how), 'rgb', how))
