import hashlib
from dataclasses import replace
from pathlib import Path

import makers
import numpy as np
import onnx
import pytest

from recognizer_ros.core.bundle import HEAD, Bundle
from recognizer_ros.core.errors import ModelError
from recognizer_ros.inference.backend import Backend
from recognizer_ros.inference.head import Head
from recognizer_ros.inference.model import Model, load
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend
from recognizer_ros.inference.preprocess import probe, to_input
from recognizer_ros.registry.store import Version

OTHER = 10 * np.eye(3, dtype=np.float32)[[2, 0, 1]]


def loaded(version: Version, head: bytes | None = None) -> Model:
    return load(lambda: version.backbone, version.head_bytes() if head is None else head,
                version.bundle)


def of_bytes(folder: Path, backbone: bytes, head: bytes | None = None) -> Version:
    """A version whose checksums hold, whatever its files are."""
    return makers.stored(folder, backbone, head or makers.colour_head().to_bytes(),
                         makers.bundle())


def test_a_model_tells_colours(tmp_path: Path) -> None:
    model = loaded(makers.model(tmp_path))
    for label, colour in makers.COLOURS.items():
        scores = model.scores(makers.flat(colour))
        assert (scores.shape, scores.dtype) == ((3,), np.float32)
        assert scores.sum() == pytest.approx(1)
        assert model.bundle.labels[scores.argmax()] == label
        assert scores.max() > 0.99


def test_the_order_of_channels_is_respected(tmp_path: Path) -> None:
    model = loaded(makers.model(tmp_path))
    image = makers.noise(0)
    np.testing.assert_array_equal(model.scores(image, 'bgr'),
                                  model.scores(np.ascontiguousarray(image[:, :, ::-1]), 'rgb'))
    assert model.scores(makers.flat(makers.RED), 'rgb').argmax() == 2


def test_several_labels_may_hold_at_once(tmp_path: Path) -> None:
    model = loaded(makers.model(tmp_path, mode='multi'))
    scores = model.scores(makers.flat((0, 255, 255)))  # red and green
    np.testing.assert_allclose(scores, [1, 1, 0.5], atol=1e-3)


def test_the_file_must_be_there(tmp_path: Path) -> None:
    version = makers.model(tmp_path)
    version.backbone.unlink()
    with pytest.raises(ModelError, match=r'model version 1: cannot read .*\(No such file'):
        loaded(version)


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    version = makers.model(tmp_path)
    version.backbone.write_bytes(makers.colour_net(gain=2))
    with pytest.raises(ModelError, match=r'model version 1: .* is damaged \(its SHA-256 is'):
        loaded(version)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    version = makers.model(tmp_path)
    version.backbone.write_bytes(version.backbone.read_bytes()[:-10])
    with pytest.raises(ModelError, match='is damaged'):
        loaded(version)


@pytest.mark.parametrize('data', [b'', b'not a network', makers.colour_net()[:-10], b'\x00' * 99],
                         ids=['0 bytes', 'text', 'cut short', 'zeros'])
def test_what_is_no_network_is_refused_though_the_checksum_holds(tmp_path: Path,
                                                                 data: bytes) -> None:
    with pytest.raises(ModelError, match='ONNX Runtime cannot load the model') as raised:
        loaded(of_bytes(tmp_path, data))
    assert '\n' not in str(raised.value)


def net_with_output(of: str, shape: list[int]) -> bytes:
    """A network of colours that gives something else than one row of features."""
    model = onnx.load_from_string(makers.colour_net())
    if not shape:
        model.graph.node.append(onnx.helper.make_node('ReduceSum', ['features'], [of], keepdims=0))
    del model.graph.output[:]
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(of, onnx.TensorProto.FLOAT, shape))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize('data', [net_with_output('mean', [1, 3, 1, 1]),
                                  net_with_output('sum', [])], ids=['image', 'number'])
def test_features_that_are_no_row_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ModelError, match=r'model version 1: a head of shape .* and features of'):
        loaded(of_bytes(tmp_path, data))


@pytest.mark.parametrize('outputs', [1, 2, 4])
def test_as_many_outputs_as_labels(tmp_path: Path, outputs: int) -> None:
    version = of_bytes(tmp_path, makers.colour_net(), makers.colour_head(outputs).to_bytes())
    with pytest.raises(ModelError, match=rf'model version 1: a head of shape \({outputs}, 3\) for '
                                         '3 labels'):
        loaded(version)


@pytest.mark.parametrize('features', [1, 2, 512])
def test_a_head_for_other_features_is_refused(tmp_path: Path, features: int) -> None:
    head = Head(np.zeros((3, features), np.float32), np.zeros(3, np.float32))
    with pytest.raises(ModelError, match=rf'a head of shape \(3, {features}\) for 3 labels'):
        loaded(of_bytes(tmp_path, makers.colour_net(), head.to_bytes()))


def test_a_head_of_other_bytes_is_refused(tmp_path: Path) -> None:
    version = makers.model(tmp_path)
    for data in (b'', version.head_bytes()[:-1], makers.colour_head(weights=OTHER).to_bytes()):
        with pytest.raises(ModelError, match='model version 1: its head is damaged'):
            loaded(version, data)


def test_other_answers_than_in_training_are_refused(tmp_path: Path) -> None:
    version = makers.model(tmp_path)
    path, head, bundle = version.backbone, version.head_bytes(), version.bundle
    a, b, c = bundle.probe
    load(lambda: path, head, replace(bundle, probe=(a + 0.005, b - 0.005, c)))
    for wrong in ((a + 0.02, b, c), (a, b - 0.02, c), (0.0, 0.0, 0.0), (a, b, makers.NAN)):
        with pytest.raises(ModelError, match='answers on the test frame differ'):
            load(lambda: path, head, replace(bundle, probe=wrong))


@pytest.mark.parametrize('spoilt', [np.nan, np.inf])
def test_a_backbone_whose_features_are_no_numbers_is_refused(tmp_path: Path,
                                                             spoilt: float) -> None:
    version = of_bytes(tmp_path, makers.colour_net(gain=spoilt))
    with pytest.raises(ModelError, match='not finite'), np.errstate(invalid='ignore'):
        loaded(version)


def test_another_input_size_than_described_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r'refuses an input of shape \(1, 3, 6, 8\)') as raised:
        loaded(of_bytes(tmp_path, makers.colour_net(size=(16, 12))))
    assert '\n' not in str(raised.value)


def test_a_network_with_two_outputs_is_refused() -> None:
    model = onnx.load_from_string(makers.colour_net())
    model.graph.output.append(
        onnx.helper.make_tensor_value_info('mean', onnx.TensorProto.FLOAT, [1, 3, 1, 1]))
    with pytest.raises(ModelError, match='one image input and one output'):
        OnnxRuntimeBackend(model.SerializeToString())


def no_backend(network: bytes, bundle: Bundle) -> Backend:
    raise AssertionError('the backbone was loaded again')


def test_another_head_on_the_backbone_in_use_needs_no_second_network(tmp_path: Path) -> None:
    former = loaded(makers.model(tmp_path))
    other = makers.model(tmp_path, ('blau', 'rot', 'grün'), 2, weights=OTHER)
    other.backbone.unlink()  # nor its file
    model = load(lambda: other.backbone, other.head_bytes(), other.bundle, no_backend, former)
    assert model.backend is former.backend
    assert model.bundle is other.bundle
    for colour, label in ((makers.RED, 'rot'), (makers.GREEN, 'grün'), (makers.BLUE, 'blau')):
        assert model.bundle.labels[model.scores(makers.flat(colour)).argmax()] == label
    assert former.scores(makers.flat(makers.RED)).argmax() == 0, 'the former one answers as before'


def test_more_classes_on_the_backbone_in_use(tmp_path: Path) -> None:
    former = loaded(makers.model(tmp_path, ('red', 'green'), weights=10 * np.eye(2, 3)))
    other = makers.model(tmp_path, version=2)
    model = load(lambda: other.backbone, other.head_bytes(), other.bundle, no_backend, former)
    assert model.scores(makers.flat(makers.BLUE)).argmax() == 2


def test_another_backbone_than_the_one_in_use_is_loaded(tmp_path: Path) -> None:
    former = loaded(makers.model(tmp_path))
    other = makers.model(tmp_path, version=2, gain=0.5)
    model = load(lambda: other.backbone, other.head_bytes(), other.bundle, former=former)
    assert model.backend is not former.backend
    np.testing.assert_allclose(model.scores(makers.flat(makers.RED)),
                               np.exp([5, 0, 0]) / np.exp([5, 0, 0]).sum(), rtol=1e-4)
    other.backbone.write_bytes(b'')
    with pytest.raises(ModelError, match='is damaged'):
        load(lambda: other.backbone, other.head_bytes(), other.bundle, former=former)


def test_the_same_backbone_behind_another_preprocessing_is_tried_anew(tmp_path: Path) -> None:
    first = makers.model(tmp_path)
    former = loaded(first)
    how = replace(makers.SMALL, std=(0.1, 1.0, 1.0))
    features = former.backend.infer(to_input(probe(how), how))
    expected = tuple(map(float, former.head.scores(features, 'single')[0]))
    other = replace(first.bundle, version=2, preprocessing=how, probe=expected)
    model = load(lambda: first.backbone, first.head_bytes(), other, former=former)
    assert model.bundle.preprocessing == how
    with pytest.raises(ModelError, match='differ'):
        load(lambda: first.backbone, first.head_bytes(), replace(other, probe=first.bundle.probe),
             former=former)


def spoilt(version: Version, kind: str) -> tuple[bytes, Bundle]:
    """Head and bundle of a version of which one is not as it should be."""
    weights, data, bundle = OTHER.copy(), version.head_bytes(), version.bundle
    if kind == 'checksum':
        return data + b' ', bundle
    if kind == 'labels':
        return data, replace(bundle, labels=('red', 'green'), probe=bundle.probe[:2])
    if kind == 'answers':
        return data, replace(bundle, probe=(0.8, 0.1, 0.1))  # about a third each
    if kind == 'shape':
        weights = weights[:, :2]
    elif kind == 'NaN':
        weights[1, 1] = makers.NAN
    data = b'no head' if kind == 'no head' else makers.colour_head(weights=weights).to_bytes()
    return data, replace(bundle, sha256={**bundle.sha256, HEAD: hashlib.sha256(data).hexdigest()})


@pytest.mark.parametrize(('kind', 'said'), [
    ('checksum', 'its head is damaged'), ('labels', r'a head of shape \(3, 3\) for 2 labels'),
    ('answers', 'answers on the test frame differ'), ('shape', r'a head of shape \(3, 2\)'),
    ('NaN', 'not finite'), ('no head', 'the file of the head is damaged')])
def test_a_wrong_head_on_the_backbone_in_use_is_refused(tmp_path: Path, kind: str,
                                                        said: str) -> None:
    former = loaded(makers.model(tmp_path))
    other = makers.model(tmp_path, version=2, weights=OTHER)
    head, bundle = spoilt(other, kind)
    with pytest.raises(ModelError, match=f'model version 2: .*{said}') as raised:
        load(lambda: other.backbone, head, bundle, no_backend, former)
    assert '\n' not in str(raised.value)
    assert former.scores(makers.flat(makers.RED)).argmax() == 0
