import hashlib
import json
import random
from dataclasses import asdict, replace

import makers
import numpy as np
import onnx
import onnxruntime
import pytest

from recognizer_ros.core.bundle import BACKBONE, HEAD, Bundle
from recognizer_ros.core.errors import ExportError, ModelError
from recognizer_ros.core.labels import LabelMode
from recognizer_ros.inference import onnx_file
from recognizer_ros.inference.head import Head
from recognizer_ros.inference.onnx_file import Backbone, assemble
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend

NET = makers.colour_net()
HEAD_OF_THREE = makers.colour_head()
LABELS = ('mug', 'grüne tasse', 'none of "these"')


def described(backbone: bytes, head: bytes, mode: LabelMode = 'single') -> Bundle:
    """A version that consists of these bytes."""
    return replace(makers.bundle(LABELS, version=7, mode=mode), sha256={
        BACKBONE: hashlib.sha256(backbone).hexdigest(), HEAD: hashlib.sha256(head).hexdigest()})


@pytest.mark.parametrize('mode', ['single', 'multi'])
def test_the_whole_file_answers_as_backbone_and_head(mode: LabelMode) -> None:
    head = HEAD_OF_THREE.to_bytes()
    whole = assemble(NET, head, described(NET, head, mode))
    onnx.checker.check_model(onnx.load_from_string(whole), full_check=True)
    image = np.random.default_rng(0).normal(
        size=(1, 3, makers.SMALL.height, makers.SMALL.width)).astype(np.float32)
    wanted = HEAD_OF_THREE.scores(OnnxRuntimeBackend(NET, 1).infer(image), mode)
    np.testing.assert_allclose(OnnxRuntimeBackend(whole, 1).infer(image), wanted, atol=1e-6)
    assert (mode == 'single') == (abs(wanted.sum() - 1) < 1e-5)


def test_the_file_alone_tells_how_to_use_it() -> None:
    head = HEAD_OF_THREE.to_bytes()
    whole = assemble(NET, head, described(NET, head, 'multi'))
    session = onnxruntime.InferenceSession(whole, providers=['CPUExecutionProvider'])
    facts = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(facts['labels'])) == LABELS
    assert json.loads(facts['preprocessing']) == json.loads(json.dumps(asdict(makers.SMALL)))
    assert (facts['net'], facts['label_mode'], facts['version']) == ('resnet18', 'multi', '7')


def test_what_the_backbone_says_of_itself_is_kept() -> None:
    told = Backbone(NET).alone({'torch_version': '2.9', 'net': 'resnet18'})
    whole = Backbone(told).with_head(HEAD_OF_THREE, 'single', {'net': 'other', 'labels': '[]'})
    assert {item.key: item.value for item in onnx.load_from_string(whole).metadata_props} == {
        'torch_version': '2.9', 'net': 'other', 'labels': '[]'}


def test_a_backbone_alone_is_what_it_was() -> None:
    before, after = onnx.load_from_string(NET), onnx.load_from_string(Backbone(NET).alone({}))
    assert after.graph.node == before.graph.node
    assert after.graph.initializer == before.graph.initializer
    assert after.opset_import == before.opset_import
    assert [item.name for item in (*after.graph.input, *after.graph.output)] == [
        'input', 'features']
    assert Backbone(Backbone(NET).alone({})).alone({}) == Backbone(NET).alone({})


def test_a_head_may_lie_otherwise_in_memory() -> None:
    turned = Head(np.asfortranarray(HEAD_OF_THREE.weight + 1), HEAD_OF_THREE.bias)
    straight = Head(HEAD_OF_THREE.weight + 1, HEAD_OF_THREE.bias)
    assert Backbone(NET).with_head(turned, 'single', {}) == Backbone(NET).with_head(
        straight, 'single', {})


@pytest.mark.parametrize('data', [b'', b'\x00' * 64, b'\x80\x04K\x07.', b'PK\x03\x04', NET[:-1],
                                  NET[:40], b'\xff' * 99],
                         ids=['nothing', 'zeros', 'pickle', 'torch', 'cut', 'cut short', 'ff'])
def test_what_is_no_backbone_is_refused(data: bytes) -> None:
    with pytest.raises(ExportError, match='the file of the backbone is'):
        Backbone(data)


def test_a_file_cut_or_spoilt_anywhere_makes_no_other_error() -> None:
    draw = random.Random(0)
    cut = [NET[:size] for size in range(len(NET))]
    spoilt = [bytearray(NET) for _ in range(500)]
    for data in spoilt:
        data[draw.randrange(len(NET))] ^= 1 << draw.randrange(8)
    refused = 0
    for bad in (*cut, *map(bytes, spoilt)):
        try:
            Backbone(bad).with_head(HEAD_OF_THREE, 'single', {})
        except ExportError:
            refused += 1
    assert refused > len(cut) / 2


def test_a_whole_network_is_no_backbone() -> None:
    whole = Backbone(NET).with_head(HEAD_OF_THREE, 'single', {})
    with pytest.raises(ExportError, match='the file of the backbone is not one'):
        Backbone(whole)


def test_a_head_for_other_features_is_refused() -> None:
    other = Head(np.zeros((2, 7), np.float32), np.zeros(2, np.float32))
    with pytest.raises(ExportError, match=r'a head of shape \(2, 7\) does not go with 3 features'):
        Backbone(NET).with_head(other, 'single', {})


@pytest.mark.parametrize('part', [BACKBONE, HEAD])
def test_other_bytes_than_described_are_refused(part: str) -> None:
    head = HEAD_OF_THREE.to_bytes()
    bundle = described(NET, head)
    bundle = replace(bundle, sha256={**bundle.sha256, part: 'f' * 64})
    with pytest.raises(ModelError, match=f'{part} of model version 7 is damaged'):
        assemble(NET, head, bundle)


def test_more_than_onnx_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, 'MAX_BYTES', len(NET))
    with pytest.raises(ExportError, match='do not fit into an ONNX file, which holds 2: choose a '
                                          'smaller net'):
        Backbone(NET).with_head(HEAD_OF_THREE, 'single', {})
