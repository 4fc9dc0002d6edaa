from collections.abc import Callable

import makers
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from recognizer_ros.core.errors import ModelError
from recognizer_ros.core.predictions import Floats
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.inference.explain import Explainer, blend
from recognizer_ros.inference.head import Head
from recognizer_ros.inference.onnx_file import Backbone
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend
from recognizer_ros.training.export import OnnxExporter
from recognizer_ros.training.nets import build

WIDTH, HEIGHT, MAPS = 12, 8, 4
RNG = np.random.default_rng(5)
HEAD = Head(RNG.normal(size=(3, MAPS)).astype(np.float32),
            np.array([0.5, -1, 2], np.float32))
IMAGE = RNG.normal(size=(1, 3, HEIGHT, WIDTH)).astype(np.float32)
CONVOLUTION = RNG.normal(size=(MAPS, 3, 3, 3)).astype(np.float32)
# What exporters make of the end of torchvision's networks.
POOLED = {
    'mean': [('ReduceMean', 'maps', [2, 3], {'keepdims': 0})],
    'mean, reshaped': [('ReduceMean', 'maps', [2, 3], {}), ('Reshape', None, [0, MAPS], {})],
    'pool, flattened': [('GlobalAveragePool', 'maps', None, {}), ('Flatten', None, None, {})],
    'mean of others, strided': [
        ('ReduceMean', 'maps', [2, 3], {}), ('Reshape', None, [-1], {}),
        ('Gather', None, list(range(MAPS)), {}), ('Reshape', None, [1, MAPS], {})],
}
NOT_POOLED = {
    'Relu': [*POOLED['mean'], ('Relu', None, None, {})],
    'GlobalMaxPool': [('GlobalMaxPool', 'maps', None, {}), ('Flatten', None, None, {})],
    'are not the means': [('ReduceMean', 'maps', [2], {'keepdims': 0}),
                          ('Gather', None, 3, {'axis': 2})],
    'nothing': [],
}
Nodes = list[tuple[str, str | None, list[int] | int | None, dict[str, int]]]


def network(end: Nodes, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """An ONNX file: a convolution, and an end as above. An input ``None`` is the last output."""
    nodes = [helper.make_node('Conv', ['input', 'weight'], ['maps'], pads=[1, 1, 1, 1])]
    constants = [numpy_helper.from_array(CONVOLUTION, 'weight')]
    for number, (operator, given, constant, attributes) in enumerate(end, 1):
        inputs = [given or nodes[-1].output[0]]
        if constant is not None:
            inputs.append(f'constant {number}')
            constants.append(numpy_helper.from_array(np.array(constant, np.int64), inputs[-1]))
        output = 'features' if number == len(end) else f'value {number}'
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
    graph = helper.make_graph(
        nodes, 'net', [helper.make_tensor_value_info('input', TensorProto.FLOAT,
                                                     [1, 3, size[1], size[0]])],
        [helper.make_tensor_value_info('features', TensorProto.FLOAT, [1, MAPS])], constants)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid('', 18)])
    return bytes(model.SerializeToString())


def explainer(data: bytes) -> Explainer:
    return Explainer('net', lambda: data)


@pytest.mark.parametrize('end', POOLED.values(), ids=POOLED)
def test_the_mean_of_the_evidence_and_the_bias_make_the_logit(end: Nodes) -> None:
    data = network(end)
    logits = HEAD(OnnxRuntimeBackend(data, 1).infer(IMAGE))[0]
    explain = explainer(data)
    for label, logit in enumerate(logits):
        evidence = explain.evidence(IMAGE, HEAD, label)
        assert evidence.shape == (HEIGHT, WIDTH)
        assert evidence.mean() + HEAD.bias[label] == pytest.approx(logit, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(('why', 'end'), NOT_POOLED.items(), ids=NOT_POOLED)
def test_a_network_that_does_not_end_so_is_refused_by_name(why: str, end: Nodes) -> None:
    for _ in range(2):  # the second time as well
        with pytest.raises(ModelError, match=rf'^answers of net cannot be explained: .*{why}'):
            explainer(network(end)).heat(IMAGE, HEAD, 0)


def test_a_network_as_it_is_exported_can_be_explained() -> None:
    net = build('resnet18', 2, 96, 64)
    prepared = OnnxExporter(net).prepare(net, Preprocessing(96, 64))
    image = np.random.default_rng(1).normal(size=(1, 3, 64, 96)).astype(np.float32)
    head = Head(net.head_layer.weight.detach().numpy(), net.head_layer.bias.detach().numpy())
    data = prepared.backbone.alone({})
    evidence = explainer(data).evidence(image, head, 1)
    assert evidence.shape == (2, 3)
    assert evidence.mean() + head.bias[1] == pytest.approx(
        head(OnnxRuntimeBackend(data, 1).infer(image))[0, 1], rel=1e-3)


def test_heat_is_where_the_label_is_from_none_to_all() -> None:
    image = np.zeros((1, 3, HEIGHT, WIDTH), np.float32)
    image[:, :, 5:, 8:] = 1
    seen = HEAD.weight @ CONVOLUTION.sum((1, 2, 3)) > 0
    for label, is_for in enumerate(seen):
        heat = explainer(network(POOLED['mean'])).heat(image, HEAD, label)
        assert heat.dtype == np.float32
        assert (heat.min(), heat.max()) == (0, 1)
        assert (heat[6:, 9:].mean() > heat[:4, :7].mean()) == is_for


def test_heat_of_an_image_without_a_difference_is_none() -> None:
    nothing = np.zeros_like(IMAGE)
    heat = explainer(network(POOLED['mean'])).heat(nothing, HEAD, 0)
    assert (heat == 0).all()


def test_one_place_explains_nothing() -> None:
    tiny = network(POOLED['mean'], (1, 1))
    with pytest.raises(ModelError, match='net_width'):
        explainer(tiny).heat(IMAGE[:, :, :1, :1], HEAD, 0)


def test_the_file_is_read_once_and_only_when_it_is_needed() -> None:
    reads = []

    def read() -> bytes:
        reads.append(1)
        return network(POOLED['mean'])

    explain = Explainer('net', read)
    assert reads == []
    explain.heat(IMAGE, HEAD, 0)
    explain.heat(IMAGE, HEAD, 1)
    assert reads == [1]


def cut(data: bytes) -> bytes:
    return data[:-7]


def other(data: bytes) -> bytes:
    model = onnx.load_from_string(data)
    model.graph.node[0].op_type = 'NoSuchOperator'
    return bytes(model.SerializeToString())


def circle(data: bytes) -> bytes:
    model = onnx.load_from_string(data)
    model.graph.node[-1].CopyFrom(helper.make_node('Identity', ['features'], ['features']))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(('spoil', 'why'), [
    (cut, 'damaged'), (lambda data: b'pickle', 'damaged'), (lambda data: b'', 'net'),
    (other, 'NoSuchOperator'), (circle, 'cannot be explained')],
    ids=['cut', 'text', 'empty', 'operator', 'circle'])
def test_a_file_that_cannot_be_used_is_refused(spoil: Callable[[bytes], bytes],
                                               why: str) -> None:
    with pytest.raises(ModelError, match=why):
        explainer(spoil(network(POOLED['mean']))).heat(IMAGE, HEAD, 0)


def test_an_input_of_another_size_is_refused() -> None:
    with pytest.raises(ModelError, match=r'net refuses an input of shape \(1, 3, 8, 6\)'):
        explainer(network(POOLED['mean'])).heat(IMAGE[:, :, :, :6], HEAD, 0)


def test_a_file_that_cannot_be_read_says_so() -> None:
    def read() -> bytes:
        raise ModelError('the file is gone')

    with pytest.raises(ModelError, match='the file is gone'):
        Explainer('net', read).heat(IMAGE, HEAD, 0)


def corner() -> Floats:
    heat = np.zeros((4, 6), np.float32)
    heat[0, 0] = 1
    return heat


def test_the_map_lies_over_the_image_as_large_as_it_is() -> None:
    image = makers.flat((100, 100, 100), 60, 40)
    image.flags.writeable = False
    drawn = blend(image, corner(), 'bgr')
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert (image == 100).all()
    assert (drawn[20:, 30:] == 100).all(), 'clear where there is no heat'
    blue, _, red = map(int, drawn[0, 0])
    assert red > 100 > blue, 'red where it is highest'


def test_the_map_is_smooth() -> None:
    drawn = blend(makers.flat(makers.BLACK, 60, 40), corner(), 'bgr').astype(int)
    assert np.abs(np.diff(drawn, axis=1)).max() < 60


def test_the_map_keeps_the_order_of_colours() -> None:
    image = makers.noise(2, 60, 40)
    assert (blend(image[:, :, ::-1], corner(), 'rgb') == blend(image, corner(), 'bgr')[:, :, ::-1]
            ).all()


def test_a_backbone_put_together_again_can_be_explained_too() -> None:
    data = Backbone(network(POOLED['mean'])).alone({'net': 'other'})
    assert explainer(data).heat(IMAGE, HEAD, 0).shape == (HEIGHT, WIDTH)
