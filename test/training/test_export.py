from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from recognizer_ros.core.errors import ExportError
from recognizer_ros.core.predictions import Floats
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend
from recognizer_ros.inference.preprocess import probe, to_input
from recognizer_ros.training import nets
from recognizer_ros.training.export import OnnxExporter
from recognizer_ros.training.nets import Net

HOW = Preprocessing(41, 35)


@pytest.fixture(scope='module', params=['resnet18', 'mobilenet_v3_small', 'squeezenet1_1'])
def exporter(request: pytest.FixtureRequest) -> tuple[str, OnnxExporter]:
    return request.param, OnnxExporter(nets.build(request.param, 2, HOW.width, HOW.height))


def settled(name: str, classes: int) -> Net:
    """A network whose activations are of a usual size."""
    torch.manual_seed(classes)
    net = nets.build(name, classes, HOW.width, HOW.height)
    net.module.train()
    with torch.no_grad():
        for _ in range(20):
            net.module(torch.randn(4, 3, HOW.height, HOW.width))
    net.module.eval()
    return net


@torch.inference_mode()
def torch_logits(net: Net, batch: Floats) -> Floats:
    answer: Floats = net.module(torch.from_numpy(batch)).numpy()
    return answer


def test_onnx_answers_as_torch_whatever_the_weights_and_the_number_of_classes(
        exporter: tuple[str, OnnxExporter]) -> None:
    name, exports = exporter
    rng = np.random.default_rng(0)
    images = [rng.normal(size=(1, 3, HOW.height, HOW.width)).astype(np.float32) for _ in range(3)]
    for classes in (5, 2):
        net = settled(name, classes)
        data, expected = exports.export(net, HOW)
        backend = OnnxRuntimeBackend(data, 1)
        for image in images:
            assert backend.infer(image).shape == (1, classes)
            assert np.abs(backend.infer(image) - torch_logits(net, image)).max() <= 1e-4
        np.testing.assert_allclose(expected, torch_logits(net, to_input(probe(HOW), HOW))[0],
                                   atol=1e-4)


def test_an_export_is_one_file_with_fixed_shapes(exporter: tuple[str, OnnxExporter]) -> None:
    data, _ = exporter[1].export(nets.build(exporter[0], 2, HOW.width, HOW.height), HOW)
    model = onnx.load_from_string(data)
    assert {item.data_location for item in model.graph.initializer} == {
        onnx.TensorProto.DEFAULT}
    assert not any(item.external_data for item in model.graph.initializer)
    shapes = [[dim.dim_value for dim in item.type.tensor_type.shape.dim]
              for item in (*model.graph.input, *model.graph.output)]
    assert shapes == [[1, 3, HOW.height, HOW.width], [1, 2]]


def test_onnx_runtime_merges_batch_normalisation_into_the_convolutions(tmp_path: Path) -> None:
    net = settled('resnet18', 2)
    data, _ = OnnxExporter(net).export(net, HOW)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / 'merged.onnx')
    options.log_severity_level = 3
    onnxruntime.InferenceSession(data, options, providers=['CPUExecutionProvider'])
    left = Counter(node.op_type for node in onnx.load(tmp_path / 'merged.onnx').graph.node)
    assert left['Conv'] == 20
    assert not left['BatchNormalization']
    assert not left['Expand']


def test_weights_that_are_not_finite_are_refused_and_the_next_export_is_good(
        exporter: tuple[str, OnnxExporter]) -> None:
    name, exports = exporter
    net = nets.build(name, 2, HOW.width, HOW.height)
    good, _ = exports.export(net, HOW)
    spoiled = net.copy()
    spoiled.replace_head(torch.full_like(net.head_layer.weight, float('nan')), torch.zeros(2))
    with pytest.raises(ExportError, match=rf'{name} answers with numbers that are not finite: '
                                          'train it again with a smaller learning rate'):
        exports.export(spoiled, HOW)
    assert exports.export(net, HOW)[0] == good


def test_a_net_that_cannot_be_exported_is_named() -> None:
    class Branching(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = torch.nn.Linear(3, 2)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.last(image.sum((2, 3)) * (1 if float(image.sum()) > 0 else 2))

    with pytest.raises(ExportError, match='branching cannot be exported to ONNX: '):
        OnnxExporter(Net('branching', Branching(), 'last', 8, 8))
