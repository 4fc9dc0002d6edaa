"""ONNX Runtime as a backend; what needs a GPU is in test_choose.py."""

import os
import subprocess
import sys
from pathlib import Path

import makers
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from makers import SMALL
from onnx import TensorProto, helper, numpy_helper

from recognizer_ros.core.errors import ModelError
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend
from recognizer_ros.inference.providers import Provider, cuda

IMAGES = np.random.default_rng(1).random((4, 3, SMALL.height, SMALL.width), np.float32)


def mixer(count: int | str = 'n', beside: str = '') -> bytes:
    """A network of ``count`` images whose weights lie in a file beside it, if that is named."""
    weights = numpy_helper.from_array(np.full((3, 3, 1, 1), 2, np.float32), 'weights')
    if beside:
        onnx.external_data_helper.set_external_data(weights, beside)
        weights.ClearField('raw_data')
    graph = helper.make_graph(
        [helper.make_node('Conv', ['input', 'weights'], ['mixed']),
         helper.make_node('GlobalAveragePool', ['mixed'], ['mean']),
         helper.make_node('Flatten', ['mean'], ['features'])], 'mixer',
        [helper.make_tensor_value_info('input', TensorProto.FLOAT,
                                       [count, 3, SMALL.height, SMALL.width])],
        [helper.make_tensor_value_info('features', TensorProto.FLOAT, [count, 3])], [weights])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid('', 17)])
    return bytes(model.SerializeToString())


def wanted(images: np.ndarray) -> np.ndarray:
    return np.repeat(images.sum(1).mean((1, 2))[:, None] * 2, 3, 1)


def test_bytes_and_a_file_answer_alike(tmp_path: Path) -> None:
    file = makers.photo(tmp_path / 'net.onnx', mixer())
    for backend in (OnnxRuntimeBackend(mixer()), OnnxRuntimeBackend(file, 1)):
        assert backend.name == 'onnxruntime:cpu'
        np.testing.assert_allclose(backend.infer(IMAGES), wanted(IMAGES), rtol=1e-5)


def test_a_frame_is_prepared_and_understood() -> None:
    backend = OnnxRuntimeBackend(makers.colour_net(), 1)
    for image, order in ((makers.flat(makers.RED), 'bgr'),
                         (makers.flat(makers.RED)[:, :, ::-1], 'rgb')):
        features = backend.infer(backend.prepare(image, order, SMALL))
        np.testing.assert_allclose(features, [[1, 0, 0]], atol=1e-6)


def test_a_network_for_one_image_takes_one() -> None:
    backend = OnnxRuntimeBackend(mixer(), 1, Provider('cpu-one', one_image=True))
    assert backend.name == 'onnxruntime:cpu-one'
    np.testing.assert_allclose(backend.infer(IMAGES[:1]), wanted(IMAGES[:1]), rtol=1e-5)
    with pytest.raises(ModelError, match='refuses an input'):
        backend.infer(IMAGES)


@pytest.mark.parametrize('where', ['weights.bin', '../weights.bin', '/{}/weights.bin'])
def test_weights_outside_the_file_are_refused(tmp_path: Path, where: str,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime would take those in the working directory."""
    for folder in (tmp_path, tmp_path / 'here'):
        makers.photo(folder / 'weights.bin', np.full(9, 2, np.float32).tobytes())
    monkeypatch.chdir(tmp_path / 'here')
    with pytest.raises(ModelError, match='External data') as raised:
        OnnxRuntimeBackend(mixer(beside=where.format(tmp_path)), 1)
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('data', [b'', b'no model', mixer()[:-20]])
def test_a_damaged_file_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match=r'cannot load the model: .+'):
        OnnxRuntimeBackend(data, 1)


@pytest.mark.skipif('CUDAExecutionProvider' in ort.get_available_providers(), reason='it is there')
@pytest.mark.filterwarnings('ignore:Specified provider')
def test_a_provider_that_is_dropped_is_no_silent_cpu() -> None:
    with pytest.raises(ModelError, match='cannot start its CUDAExecutionProvider'):
        OnnxRuntimeBackend(mixer(), 1, cuda('fp32'))


def test_nobody_is_told_of_what_is_loaded(tmp_path: Path) -> None:
    """Its telemetry would leave a mark where temporary files go."""
    (tmp_path / 'mixer.onnx').write_bytes(mixer())
    (tmp_path / 'marks').mkdir()
    silenced = ('CI', 'ORT_DISABLE_TELEMETRY')  # what else would keep it still
    code = ('import sys; from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend; '
            'OnnxRuntimeBackend(open(sys.argv[1], "rb").read())')
    subprocess.run([sys.executable, '-c', code, str(tmp_path / 'mixer.onnx')], check=True,
                   timeout=60, env={**{name: value for name, value in os.environ.items()
                                       if name not in silenced},
                                    'TMPDIR': str(tmp_path / 'marks')})
    assert list((tmp_path / 'marks').iterdir()) == []
