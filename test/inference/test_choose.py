"""Which backend is taken, and why not another.

GPUs are played by a stand-in for ONNX Runtime's session, which computes on the CPU.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import makers
import numpy as np
import onnxruntime as ort
import pytest
from makers import SMALL

from recognizer_ros.core.config import ClassifierConfig
from recognizer_ros.core.errors import ModelError
from recognizer_ros.inference import jetson, nvidia, providers
from recognizer_ros.inference.choose import Chooser

NET, OTHER = makers.colour_net(), makers.colour_net(gain=2.0)
BUNDLE = makers.bundle()
TENSORRT, CUDA, CPU = (f'{name}ExecutionProvider' for name in ('Tensorrt', 'CUDA', 'CPU'))
KNOWN = {
    CPU: set(),
    CUDA: {'device_id', 'gpu_mem_limit', 'arena_extend_strategy', 'cudnn_conv_algo_search',
           'do_copy_in_default_stream', 'cudnn_conv_use_max_workspace', 'use_tf32'},
    TENSORRT: {'device_id', 'trt_max_workspace_size', 'trt_fp16_enable', 'trt_engine_cache_enable',
               'trt_engine_cache_path', 'trt_timing_cache_enable', 'trt_timing_cache_path'}}
RealSession = ort.InferenceSession


@dataclass
class Machine:
    """One with a GPU.

    :ivar dropped: providers that ONNX Runtime leaves out without an error.
    :ivar refused: networks that TensorRT cannot compile. :ivar gain: of its answers.
    :ivar tries: providers asked for first. :ivar options: those given to TensorRT.
    :ivar compiled: engines made. :ivar timing: whether measurements of kernels were found.
    """

    dropped: set[str] = field(default_factory=set)
    refused: tuple[bytes, ...] = ()
    gain: float = 1.0
    tries: list[str] = field(default_factory=list)
    options: list[dict[str, str]] = field(default_factory=list)
    compiled: int = 0
    timing: list[bool] = field(default_factory=list)

    def session(self, model: bytes, options: Any, providers: list[Any], enable_fallback: int
                ) -> 'Session':
        asked = dict(item if isinstance(item, tuple) else (item, {}) for item in providers)
        for name, given in asked.items():
            if set(given) - KNOWN[name]:
                raise RuntimeError(f'Unknown provider option: {set(given) - KNOWN[name]}')
        self.tries.append(next(iter(asked)))
        if TENSORRT in asked:
            self.options.append(asked[TENSORRT])
            if model in self.refused:
                raise RuntimeError('no engine for this network\nbecause of an operator')
            engine = Path(asked[TENSORRT]['trt_engine_cache_path']) / 'TensorRT_sm87.engine'
            self.compiled += not engine.exists()
            engine.write_bytes(model)
            timing = Path(asked[TENSORRT]['trt_timing_cache_path']) / 'cache_sm87.timing'
            self.timing.append(timing.exists())
            timing.write_bytes(b'times')
        return Session(model, options, [name for name in asked if name not in self.dropped],
                       self.gain if TENSORRT in asked else 1.0)


class Session:
    def __init__(self, model: bytes, options: Any, names: list[str], gain: float) -> None:
        self._session = RealSession(model, options, providers=[CPU])
        self.get_inputs, self.get_outputs = self._session.get_inputs, self._session.get_outputs
        self._names, self._gain = names, gain

    def get_providers(self) -> list[str]:
        return self._names

    def run(self, outputs: None, inputs: dict[str, Any]) -> list[Any]:
        return [self._gain * self._session.run(outputs, inputs)[0]]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(nvidia, 'gpu', lambda: 'Orin 8.7')
    monkeypatch.setattr(nvidia, 'tensorrt', lambda: (10, 100300))
    monkeypatch.setattr(ort, 'get_available_providers', lambda: [TENSORRT, CUDA, CPU])
    monkeypatch.setattr(ort, 'InferenceSession', made.session)
    monkeypatch.setattr(providers, 'missing_library', lambda name: '')
    return made


@pytest.fixture
def chooser(tmp_path: Path) -> Callable[..., Chooser]:
    def make(backend: str = 'auto', **settings: Any) -> Chooser:
        return Chooser(replace(ClassifierConfig(), backend=backend, threads=1,
                               cache=str(tmp_path / 'cache'), **settings))
    return make


def red(backend: Any) -> Any:
    return backend.infer(backend.prepare(makers.flat(makers.RED), 'bgr', SMALL))


def test_without_a_gpu_it_is_the_cpu_and_it_says_why_once(
        chooser: Callable[..., Chooser], monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(nvidia, 'gpu', lambda: '')
    caplog.set_level(logging.INFO)
    choose = chooser()
    for net in (NET, OTHER):
        assert choose(net, BUNDLE).name == 'onnxruntime:cpu'
    assert choose.reasons == {
        'tensorrt': 'no NVIDIA GPU, or no driver for it',
        'cuda': 'no NVIDIA GPU, or no driver for it',
        'jetson_inference': 'the Python module jetson_inference is not installed'}
    assert len(caplog.messages) == 3


@pytest.mark.parametrize('name', ['tensorrt', 'cuda', 'jetson_inference'])
def test_one_that_was_asked_for_and_cannot_be_used_is_an_error(
        chooser: Callable[..., Chooser], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(nvidia, 'gpu', lambda: '')
    choose = chooser(name)
    with pytest.raises(ModelError, match=rf'^backend {name} cannot be used \(.*\): .*auto$'):
        choose(NET, BUNDLE)
    assert set(choose.reasons) == {name}


@pytest.mark.parametrize(('backend', 'precision', 'name'), [
    ('auto', 'fp16', 'tensorrt-fp16'), ('tensorrt', 'fp32', 'tensorrt-fp32'),
    ('cuda', 'fp16', 'cuda'), ('cpu', 'fp16', 'cpu')])
def test_the_first_that_works_or_the_one_asked_for(
        chooser: Callable[..., Chooser], machine: Machine, backend: str, precision: str,
        name: str) -> None:
    choose = chooser(backend, precision=precision)
    found = choose(NET, BUNDLE)
    assert found.name == f'onnxruntime:{name}'
    np.testing.assert_allclose(red(found), [[1, 0, 0]], atol=1e-6)
    assert choose.reasons == {}


def test_what_onnx_runtime_lacks_is_not_tried(
        chooser: Callable[..., Chooser], machine: Machine, monkeypatch: pytest.MonkeyPatch
        ) -> None:
    monkeypatch.setattr(ort, 'get_available_providers', lambda: [CUDA, CPU])
    choose = chooser()
    assert choose(NET, BUNDLE).name == 'onnxruntime:cuda'
    assert 'install onnxruntime-gpu' in choose.reasons['tensorrt']
    monkeypatch.setattr(nvidia, 'tensorrt', lambda: (0, 0))
    monkeypatch.setattr(ort, 'get_available_providers', lambda: [TENSORRT, CUDA, CPU])
    choose = chooser()
    assert choose(NET, BUNDLE).name == 'onnxruntime:cuda'
    assert 'libnvinfer' in choose.reasons['tensorrt']
    assert TENSORRT not in machine.tries


def test_a_provider_that_is_dropped_silently_is_found_out_and_not_tried_again(
        chooser: Callable[..., Chooser], machine: Machine, monkeypatch: pytest.MonkeyPatch
        ) -> None:
    machine.dropped = {TENSORRT, CUDA}
    monkeypatch.setattr(providers, 'missing_library',
                        lambda name: f'lib{name}.so.13: cannot open shared object file')
    choose = chooser()
    for net in (NET, OTHER):
        assert choose(net, BUNDLE).name == 'onnxruntime:cpu'
        assert choose.reasons['cuda'] == 'libcuda.so.13: cannot open shared object file'
    assert machine.tries == [TENSORRT, CUDA, CPU, CPU]


def test_a_network_that_tensorrt_cannot_compile_does_not_spoil_the_next(
        chooser: Callable[..., Chooser], machine: Machine) -> None:
    machine.refused = (NET,)
    choose = chooser()
    for _ in range(2):
        assert choose(NET, BUNDLE).name == 'onnxruntime:cuda'
        assert choose.reasons['tensorrt'].endswith('no engine for this network')
    assert machine.tries == [TENSORRT, CUDA, CUDA], 'known the second time'
    assert choose(OTHER, BUNDLE).name == 'onnxruntime:tensorrt-fp16'
    assert choose.reasons == {}


@pytest.mark.parametrize('gain', [1.2, np.nan, np.inf])
def test_answers_unlike_those_of_the_cpu_are_not_taken(
        chooser: Callable[..., Chooser], machine: Machine, tmp_path: Path, gain: float) -> None:
    machine.gain = gain
    choose = chooser()
    with np.errstate(invalid='ignore'):
        assert choose(NET, BUNDLE).name == 'onnxruntime:cuda'
    assert 'differ' in choose.reasons['tensorrt']
    assert not list((tmp_path / 'cache' / 'engines').iterdir()), 'nor is the engine kept'


def test_networks_share_what_makes_compiling_fast(
        chooser: Callable[..., Chooser], machine: Machine) -> None:
    choose = chooser()
    for net in (NET, OTHER):
        choose(net, BUNDLE)
    assert machine.timing == [False, True], 'the second finds it'
    assert machine.compiled == 2


@pytest.mark.parametrize(('precision', 'wanted'), [('fp16', 'True'), ('fp32', 'False')])
def test_the_precision_is_the_one_that_was_set(
        chooser: Callable[..., Chooser], machine: Machine, precision: str, wanted: str) -> None:
    chooser(precision=precision)(NET, BUNDLE)
    assert [given['trt_fp16_enable'] for given in machine.options] == [wanted]


def test_a_network_is_compiled_once(chooser: Callable[..., Chooser], machine: Machine) -> None:
    for _ in range(2):
        chooser()(NET, BUNDLE)
    assert machine.compiled == 1


@pytest.mark.parametrize('change', ['network', 'precision', 'gpu', 'TensorRT', 'ONNX Runtime'])
def test_an_engine_made_of_anything_else_is_not_used(
        chooser: Callable[..., Chooser], machine: Machine, monkeypatch: pytest.MonkeyPatch,
        change: str) -> None:
    chooser()(NET, BUNDLE)
    if change == 'gpu':
        monkeypatch.setattr(nvidia, 'gpu', lambda: 'Orin 8.6')
    elif change == 'TensorRT':
        monkeypatch.setattr(nvidia, 'tensorrt', lambda: (10, 100301))
    elif change == 'ONNX Runtime':
        monkeypatch.setattr(ort, '__version__', '1.99')
    chooser(precision='fp32' if change == 'precision' else 'fp16')(
        OTHER if change == 'network' else NET, BUNDLE)
    assert machine.compiled == 2


def test_imagenet_only_knows_sixteen_bits(
        chooser: Callable[..., Chooser], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetson, 'lacking', lambda: '')
    with pytest.raises(ModelError, match='knows no precision but fp16'):
        chooser('jetson_inference', precision='fp32')(NET, BUNDLE)


@pytest.mark.parametrize('backend', ['auto', 'cuda'])
def test_a_network_that_nothing_can_load_is_an_error(
        chooser: Callable[..., Chooser], machine: Machine, backend: str) -> None:
    choose = chooser(backend)
    with pytest.raises(ModelError, match='cannot load the model'):
        choose(b'no model', BUNDLE)
    assert choose(NET, BUNDLE).name != 'onnxruntime:cpu'


def test_a_library_that_does_not_load_is_named(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, '__file__', str(tmp_path / '__init__.py'))
    makers.photo(tmp_path / 'capi' / 'libonnxruntime_providers_cuda.so', b'no library')
    assert 'libonnxruntime_providers_cuda.so' in providers.missing_library('cuda')
    assert not providers.missing_library('tensorrt'), 'it is built in'
