import hashlib
from dataclasses import replace
from pathlib import Path

import makers
import numpy as np
import onnx
import pytest

from recognizer_ros.core.bundle import Bundle
from recognizer_ros.core.errors import ModelError
from recognizer_ros.inference.model import load
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend


def written(folder: Path, data: bytes, bundle: Bundle) -> tuple[Path, Bundle]:
    """A file and a description with the checksum of that file."""
    path = makers.photo(folder / 'model.onnx', data)
    return path, replace(bundle, sha256={'model.onnx': hashlib.sha256(data).hexdigest()})


def test_a_model_tells_colours(tmp_path: Path) -> None:
    model = load(*makers.model(tmp_path))
    for label, colour in makers.COLOURS.items():
        scores = model.scores(makers.flat(colour))
        assert (scores.shape, scores.dtype) == ((3,), np.float32)
        assert scores.sum() == pytest.approx(1)
        assert model.bundle.labels[scores.argmax()] == label
        assert scores.max() > 0.99


def test_the_order_of_channels_is_respected(tmp_path: Path) -> None:
    model = load(*makers.model(tmp_path))
    image = makers.noise(0)
    np.testing.assert_array_equal(model.scores(image, 'bgr'),
                                  model.scores(np.ascontiguousarray(image[:, :, ::-1]), 'rgb'))
    assert model.scores(makers.flat(makers.RED), 'rgb').argmax() == 2


def test_several_labels_may_hold_at_once(tmp_path: Path) -> None:
    model = load(*makers.model(tmp_path, mode='multi'))
    scores = model.scores(makers.flat((0, 255, 255)))  # red and green
    np.testing.assert_allclose(scores, [1, 1, 0.5], atol=1e-3)


def test_the_file_must_be_there(tmp_path: Path) -> None:
    path, bundle = makers.model(tmp_path)
    path.unlink()
    with pytest.raises(ModelError, match=r'model version 1: cannot read .*\(No such file'):
        load(path, bundle)


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    path, bundle = makers.model(tmp_path)
    makers.photo(path, makers.colour_net(weights=np.ones((3, 3), np.float32)))
    with pytest.raises(ModelError, match=r'model version 1: .* is damaged \(its SHA-256 is'):
        load(path, bundle)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path, bundle = makers.model(tmp_path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelError, match='is damaged'):
        load(path, bundle)


@pytest.mark.parametrize('data', [b'', b'not a network', makers.colour_net()[:-10], b'\x00' * 99],
                         ids=['0 bytes', 'text', 'cut short', 'zeros'])
def test_what_is_no_network_is_refused_though_the_checksum_holds(tmp_path: Path,
                                                                 data: bytes) -> None:
    with pytest.raises(ModelError, match='ONNX Runtime cannot load the model') as raised:
        load(*written(tmp_path, data, makers.bundle()))
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('outputs', [1, 2, 4])
def test_as_many_outputs_as_labels(tmp_path: Path, outputs: int) -> None:
    with pytest.raises(ModelError, match=f'model version 1: {outputs} outputs for 3 labels'):
        load(*written(tmp_path, makers.colour_net(outputs), makers.bundle()))


def test_other_answers_than_in_training_are_refused(tmp_path: Path) -> None:
    path, bundle = makers.model(tmp_path)
    a, b, c = bundle.probe
    load(path, replace(bundle, probe=(a + 0.005, b - 0.005, c)))
    for probe in ((a + 0.2, b, c), (b, a + 1, c), (0.0, 0.0, 0.0), (a, b, makers.NAN)):
        with pytest.raises(ModelError, match='answers on the test frame differ'):
            load(path, replace(bundle, probe=probe))


@pytest.mark.parametrize('spoilt', [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, spoilt: float) -> None:
    weights = np.eye(3, dtype=np.float32)
    weights[1, 1] = spoilt
    path, bundle = makers.model(tmp_path, weights=weights)
    for probe in (bundle.probe, (0.0, 0.0, 0.0)):
        with pytest.raises(ModelError, match='differ'):
            load(path, replace(bundle, probe=probe))


def test_another_input_size_than_described_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r'refuses an input of shape \(1, 3, 6, 8\)') as raised:
        load(*written(tmp_path, makers.colour_net(size=(16, 12)), makers.bundle()))
    assert '\n' not in str(raised.value)


def test_a_network_with_two_outputs_is_refused() -> None:
    model = onnx.load_from_string(makers.colour_net())
    model.graph.output.append(
        onnx.helper.make_tensor_value_info('flat', onnx.TensorProto.FLOAT, [1, 3]))
    with pytest.raises(ModelError, match='one image input and one output'):
        OnnxRuntimeBackend(model.SerializeToString())
