import functools
import json
import mmap
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from recognizer_ros.core import memory
from recognizer_ros.core.errors import ExportError
from recognizer_ros.core.labels import LabelMode
from recognizer_ros.core.predictions import Floats
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.inference.head import Head
from recognizer_ros.inference.onnx_file import FEATURES, INPUT
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend
from recognizer_ros.inference.preprocess import probe, to_input
from recognizer_ros.training import nets
from recognizer_ros.training.export import OPSET, OnnxExporter, Prepared
from recognizer_ros.training.nets import Net

HOW = Preprocessing(41, 35)


@functools.cache
def traced(name: str) -> OnnxExporter:
    return OnnxExporter(nets.build(name, 2, HOW.width, HOW.height))


@pytest.fixture(params=['resnet18', 'mobilenet_v3_small', 'squeezenet1_1'])
def exporter(request: pytest.FixtureRequest) -> tuple[str, OnnxExporter]:
    return request.param, traced(request.param)


@pytest.fixture
def resnet() -> OnnxExporter:
    return traced('resnet18')


def settled(name: str, classes: int, how: Preprocessing = HOW) -> Net:
    """A network whose activations are of a usual size, and whose answers tell colours apart."""
    torch.manual_seed(classes)
    net = nets.build(name, classes, how.width, how.height)
    for layer in net.module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    net.module.train()
    batch = torch.from_numpy(images(16, how))
    with torch.no_grad():
        net.module(batch)
        net.module.eval()
        scale = float(net.features(batch).square().mean().sqrt())
    weight = torch.randn(classes, net.head_layer.in_features)
    net.replace_head(weight * 3 / (scale * weight.shape[1] ** 0.5), torch.randn(classes))
    return net


@torch.inference_mode()
def torch_answers(net: Net, batch: Floats, mode: LabelMode) -> Floats:
    logits = net.module(torch.from_numpy(batch))
    answer: Floats = (logits.softmax(1) if mode == 'single' else logits.sigmoid()).numpy()
    return answer


def images(count: int, how: Preprocessing = HOW) -> Floats:
    rng = np.random.default_rng(0)
    colours = rng.normal(size=(count, 3, 1, 1))
    noise = rng.normal(size=(count, 3, how.height, how.width))
    return (colours + 0.3 * noise).astype(np.float32)


def head(net: Net) -> Head:
    return Head(net.head_layer.weight.detach().numpy(), net.head_layer.bias.detach().numpy())


def whole(prepared: Prepared, net: Net, mode: LabelMode = 'single') -> bytes:
    return prepared.backbone.with_head(head(net), mode, {})


def answers(prepared: Prepared, net: Net, mode: LabelMode = 'single') -> Floats:
    """What is expected of the classifier on the test frame."""
    last = head(net)
    return prepared.answer(last.weight, last.bias, mode)


@pytest.mark.parametrize('mode', ['single', 'multi'])
def test_onnx_answers_as_torch_whatever_the_weights_and_the_number_of_classes(
        exporter: tuple[str, OnnxExporter], mode: LabelMode) -> None:
    name, exports = exporter
    for classes in (5, 2):
        net = settled(name, classes)
        prepared = exports.prepare(net, HOW)
        backend = OnnxRuntimeBackend(whole(prepared, net, mode), 1)
        batch = images(3)
        wanted = torch_answers(net, batch, mode)
        assert wanted.std(0).max() > 0.01  # different images have different answers
        assert np.abs(backend.infer(batch) - wanted).max() <= 1e-4
        for image, row in zip(batch, wanted, strict=True):
            assert np.abs(backend.infer(image[None])[0] - row).max() <= 1e-4
        test = to_input(probe(HOW), HOW)
        np.testing.assert_allclose(answers(prepared, net, mode),
                                   torch_answers(net, test, mode)[0], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'side'), [
    ('vit_b_32', 64), ('swin_t', 32), ('convnext_tiny', 32), ('googlenet', 32),
    ('regnet_y_400mf', 32)])
def test_a_network_of_each_kind_is_trained_a_step_and_exported(name: str, side: int) -> None:
    how = Preprocessing(side, side)
    net = settled(name, 3, how)
    before = [part.detach().clone() for part in net.module.parameters()]
    batch = images(4, how)
    net.module.train()
    torch.nn.functional.cross_entropy(net.module(torch.from_numpy(batch)),
                                      torch.tensor([0, 1, 2, 0])).backward()
    torch.optim.SGD(net.module.parameters(), lr=1e-3).step()
    moved = [not torch.equal(old, part) for old, part in
             zip(before, net.module.parameters(), strict=True)]
    assert sum(moved) > 0.9 * len(moved)
    net.module.eval()
    found = OnnxRuntimeBackend(whole(OnnxExporter(net).prepare(net, how), net), 1).infer(batch)
    assert np.abs(found - torch_answers(net, batch, 'single')).max() <= 1e-4


def test_the_backbone_is_one_file_from_any_number_of_images_to_features(
        resnet: OnnxExporter) -> None:
    net = settled('resnet18', 2)
    data = resnet.prepare(net, HOW).backbone.alone({})
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    assert [(item.domain, item.version) for item in model.opset_import] == [('', OPSET)]
    assert {item.data_location for item in model.graph.initializer} == {
        onnx.TensorProto.DEFAULT}
    assert not any(item.external_data for item in model.graph.initializer)
    ends = (*model.graph.input, *model.graph.output)
    assert [item.name for item in ends] == [INPUT, FEATURES]
    assert [[dim.dim_param or dim.dim_value for dim in item.type.tensor_type.shape.dim]
            for item in ends] == [['n', 3, HOW.height, HOW.width], ['n', 512]]
    with torch.inference_mode():
        for count in (1, 3):
            np.testing.assert_allclose(OnnxRuntimeBackend(data, 1).infer(images(count)),
                                       net.features(torch.from_numpy(images(count))).numpy(),
                                       atol=1e-4)


def test_the_backbone_tells_what_it_is(resnet: OnnxExporter) -> None:
    data = resnet.prepare(settled('resnet18', 5), HOW).backbone.alone({})
    session = onnxruntime.InferenceSession(data, providers=['CPUExecutionProvider'])
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts['preprocessing']) == json.loads(json.dumps(asdict(HOW)))
    assert facts['net'] == 'resnet18'
    assert facts['torch_version'] == torch.__version__


def test_nothing_of_the_machine_it_was_made_on_is_in_the_file(resnet: OnnxExporter) -> None:
    net = settled('resnet18', 2)
    data = whole(resnet.prepare(net, HOW), net)
    assert b'site-packages' not in data
    assert str(Path(torch.__file__).parent).encode() not in data


def test_the_same_weights_make_the_same_bytes(resnet: OnnxExporter) -> None:
    net = settled('resnet18', 2)
    first = resnet.prepare(net, HOW)
    other = resnet.prepare(settled('resnet18', 5), HOW)
    again = resnet.prepare(net, HOW)
    assert again.backbone.alone({}) == first.backbone.alone({}) != other.backbone.alone({})
    assert whole(again, net) == whole(first, net)


def test_exports_leave_nothing_behind(resnet: OnnxExporter) -> None:
    def resident() -> int:
        memory.give_back()
        return int(Path('/proc/self/statm').read_text().split()[1]) * mmap.PAGESIZE

    net = settled('resnet18', 2)
    size = len(resnet.prepare(net, HOW).backbone.alone({}))
    resnet.prepare(net, HOW)
    before = resident()
    for _ in range(8):
        resnet.prepare(net, HOW)
    assert resident() - before < 2 * size


def test_a_network_is_traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = nets.build('squeezenet1_1', 2, HOW.width, HOW.height)
    second = nets.build('squeezenet1_1', 3, HOW.width, HOW.height)
    OnnxExporter(first)
    monkeypatch.setattr(torch.onnx, 'export', None)
    model = onnx.load_from_string(OnnxExporter(second).prepare(second, HOW).backbone.alone({}))
    weights = {item.name: item.raw_data for item in model.graph.initializer}
    name, weight = next(iter(second.module.named_parameters()))
    assert weights[name] == weight.detach().numpy().tobytes()


def test_another_head_needs_no_other_backbone(resnet: OnnxExporter) -> None:
    net = settled('resnet18', 2)
    prepared = resnet.prepare(net, HOW)
    net.replace_head(torch.randn(5, 512) * 0.1, torch.randn(5))
    backend = OnnxRuntimeBackend(whole(prepared, net, 'multi'), 1)
    found = backend.infer(to_input(probe(HOW), HOW))[0]
    np.testing.assert_allclose(found, answers(prepared, net, 'multi'), atol=1e-5)
    assert found.std() > 0.01


@pytest.mark.parametrize('threads', [1, 2])
def test_onnx_runtime_merges_batch_normalisation_into_the_convolutions(
        resnet: OnnxExporter, tmp_path: Path, threads: int) -> None:
    net = settled('resnet18', 2)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / 'merged.onnx')
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    onnxruntime.InferenceSession(whole(resnet.prepare(net, HOW), net), options,
                                 providers=['CPUExecutionProvider'])
    left = Counter(node.op_type for node in onnx.load(tmp_path / 'merged.onnx').graph.node)
    assert left['Conv'] == 20
    assert not left['BatchNormalization']
    assert not left['Expand']


@pytest.mark.parametrize('part', ['head', 'backbone'])
def test_weights_that_are_not_finite_are_refused_and_the_next_export_is_good(
        exporter: tuple[str, OnnxExporter], part: str) -> None:
    name, exports = exporter
    net = settled(name, 2)
    good = whole(exports.prepare(net, HOW), net)
    spoiled = net.copy()
    if part == 'head':
        spoiled.replace_head(torch.full_like(net.head_layer.weight, float('nan')), torch.zeros(2))
    else:
        next(spoiled.module.parameters()).data.fill_(float('nan'))
    with pytest.raises(ExportError, match=rf'{name} answers with numbers that are not finite: '
                                          'train it again with a smaller learning rate'):
        answers(exports.prepare(spoiled, HOW), spoiled)
    assert whole(exports.prepare(net, HOW), net) == good


def test_a_net_that_cannot_be_exported_is_named() -> None:
    class Branching(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = torch.nn.Linear(3, 2)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.last(image.sum((2, 3)) * (1 if float(image.sum()) > 0 else 2))

    with pytest.raises(ExportError, match='branching cannot be exported to ONNX: '):
        OnnxExporter(Net('branching', Branching(), 'last', 8, 8))
