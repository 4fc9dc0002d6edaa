"""imageNet as a backend. It needs a Jetson, so a stand-in computes what its sources say.

The stand-in has the signatures of python/bindings/PyImageNet.cpp and PyNumpy.cpp, and does what
c/imageNet.cpp and c/tensorNet.cpp do, with ONNX Runtime in the place of TensorRT.
"""

import hashlib
import sys
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import makers
import numpy as np
import onnx
import onnxruntime as ort
import pytest

from recognizer_ros.core.config import ClassifierConfig
from recognizer_ros.core.errors import ModelError
from recognizer_ros.core.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from recognizer_ros.inference import jetson, nvidia
from recognizer_ros.inference.choose import Chooser
from recognizer_ros.inference.jetson import JetsonBackend
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend

HOW = Preprocessing(16, 12)


class CudaImage:
    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels


def cuda_from_numpy(array: np.ndarray, isBGR: int = 0, timestamp: int = 0) -> CudaImage:  # noqa: N803
    if not isinstance(array, np.ndarray):
        raise Exception("Object passed to cudaFromNumpy() wasn't a numpy ndarray")
    assert array.dtype == np.uint8
    assert array.shape[2] == 3
    assert not isBGR
    return CudaImage(np.array(array))


class ImageNet:
    """``built`` counts the engines made, which take minutes."""

    built = 0

    def __init__(self, network: str = 'googlenet', argv: list[str] | None = None,
                 model: str | None = None, labels: str | None = None, input_blob: str = 'data',
                 output_blob: str = 'prob') -> None:
        for argument in (network, model, labels, input_blob, output_blob):
            if not isinstance(argument, str):
                raise TypeError('argument must be str')
        self._threshold = 0.01
        file = Path(model)
        net = onnx.load(file)
        dims = [[dim.dim_value for dim in value.type.tensor_type.shape.dim]
                for value in (net.graph.input[0], net.graph.output[0])]
        names = net.graph.input[0].name, net.graph.output[0].name
        self._classes = dims[1][1]
        if (0 in (*dims[0], *dims[1]) or names != (input_blob, output_blob)
                or len(Path(labels).read_text().splitlines()) != self._classes):
            raise Exception('jetson.inference -- imageNet failed to load network')
        self._size = dims[0][3], dims[0][2]
        self._load_engine(file)
        self._session = ort.InferenceSession(file.read_bytes(), providers=['CPUExecutionProvider'])

    def _load_engine(self, file: Path) -> None:
        engine = Path(f'{file}.1.1.8602.GPU.FP16.engine')
        checksum, digest = Path(f'{file}.sha256sum'), hashlib.sha256(file.read_bytes()).hexdigest()
        if not (engine.exists() and checksum.exists() and checksum.read_text() == digest):
            type(self).built += 1
            engine.write_bytes(b'engine')
            checksum.write_text(digest)

    def SetThreshold(self, threshold: float, /) -> None:  # noqa: N802
        self._threshold = np.float32(threshold)

    def Classify(self, image: CudaImage, width: int = 0, height: int = 0,  # noqa: N802
                 format: str = 'rgba32f', topK: int = -1) -> Any:  # noqa: N803
        if not isinstance(image, CudaImage):
            raise Exception("function wasn't passed a valid cudaImage or cudaMemory object")
        assert topK == 0
        across, down = self._size
        rows, columns = np.mgrid[0:down, 0:across]
        high, wide = image.pixels.shape[:2]
        nearest = image.pixels[rows * high // down, columns * wide // across]
        inputs = ((nearest / 255 - IMAGENET_MEAN) / IMAGENET_STD).transpose(2, 0, 1)[None]
        outputs = self._session.run(None, {'input': inputs.astype(np.float32)})[0][0]
        pairs = [(number, float(value)) for number, value in enumerate(outputs)
                 if value >= self._threshold]
        return sorted(pairs, key=lambda pair: -pair[1])


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Jetson with TensorRT 8."""
    inference, utils = ModuleType('jetson_inference'), ModuleType('jetson_utils')
    inference.__spec__ = ModuleSpec('jetson_inference', None)
    inference.imageNet, utils.cudaFromNumpy = ImageNet, cuda_from_numpy
    monkeypatch.setitem(sys.modules, 'jetson_inference', inference)
    monkeypatch.setitem(sys.modules, 'jetson_utils', utils)
    monkeypatch.setattr(nvidia, 'tensorrt', lambda: (8, 8602))
    monkeypatch.setattr(ImageNet, 'built', 0)


def net(gain: float = 1.0) -> bytes:
    """A network for any number of images, as training exports it."""
    model = onnx.load_from_string(makers.colour_net((HOW.width, HOW.height), gain))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = 'n'
    return bytes(model.SerializeToString())


@pytest.mark.parametrize('gain', [1.0, -3.0])
@pytest.mark.parametrize('size', [(16, 12), (64, 48), (9, 31)])
def test_its_features_are_those_of_onnx_runtime(tmp_path: Path, gain: float,
                                                size: tuple[int, int]) -> None:
    """Also those below its threshold, and for images of any size and order."""
    ours, theirs = OnnxRuntimeBackend(net(gain), 1), JetsonBackend(net(gain), HOW, tmp_path)
    for order in ('bgr', 'rgb'):
        image = makers.noise(3, *size)
        np.testing.assert_allclose(theirs.infer(theirs.prepare(image, order, HOW)),
                                   ours.infer(ours.prepare(image, order, HOW)), atol=1e-4)


def test_an_engine_in_the_folder_is_used_again(tmp_path: Path) -> None:
    JetsonBackend(net(), HOW, tmp_path)
    JetsonBackend(net(), HOW, tmp_path)
    assert ImageNet.built == 1


def test_it_is_chosen_and_its_engine_is_kept_for_the_next_start(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, 'gpu', lambda: 'Orin 8.7')
    config = replace(ClassifierConfig(), backend='jetson_inference', cache=str(tmp_path / 'cache'))
    for _ in range(2):
        backend = Chooser(config)(net(), makers.bundle(preprocessing=HOW))
        assert backend.name == 'jetson_inference:fp16'
    assert ImageNet.built == 1
    Chooser(config)(net(2.0), makers.bundle(preprocessing=HOW))
    assert ImageNet.built == 2


def test_features_that_are_no_numbers_are_an_error(tmp_path: Path) -> None:
    backend = JetsonBackend(net(np.nan), HOW, tmp_path)
    with pytest.raises(ModelError, match='gives 0 of 3 features'):
        backend.infer(backend.prepare(makers.noise(1), 'bgr', HOW))


@pytest.mark.parametrize('how', [
    Preprocessing(16, 12, mean=(0.5, 0.5, 0.5)), Preprocessing(16, 12, std=(1.0, 1.0, 1.0))])
def test_another_normalisation_than_it_knows_is_refused(tmp_path: Path,
                                                        how: Preprocessing) -> None:
    with pytest.raises(ModelError, match='no mean and standard deviation'):
        JetsonBackend(net(), how, tmp_path)


@pytest.mark.parametrize('name', ['my cache', "it's", 'a;b', '$HOME'])
def test_a_folder_that_its_shell_commands_would_not_find_is_refused(tmp_path: Path,
                                                                    name: str) -> None:
    with pytest.raises(ModelError, match='without spaces and special characters'):
        JetsonBackend(net(), HOW, tmp_path / name)


@pytest.mark.parametrize('data', [b'', b'no model', net()[:-20]])
def test_a_damaged_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ModelError, match='cannot be prepared for imageNet'):
        JetsonBackend(data, HOW, tmp_path)


def test_a_network_that_it_cannot_load_is_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(net())
    model.graph.input[0].name = model.graph.node[0].input[0] = 'image'
    with pytest.raises(ModelError, match='imageNet failed to load network'):
        JetsonBackend(model.SerializeToString(), HOW, tmp_path)


def test_it_is_not_tried_where_it_would_crash_or_is_absent(
        monkeypatch: pytest.MonkeyPatch) -> None:
    assert not jetson.lacking()
    monkeypatch.setattr(nvidia, 'tensorrt', lambda: (10, 100300))
    assert 'TensorRT 10' in jetson.lacking()
    monkeypatch.delitem(sys.modules, 'jetson_inference')
    assert 'not installed' in jetson.lacking()
