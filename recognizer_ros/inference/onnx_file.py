"""A version as one ONNX file: put together from its backbone and its head, without PyTorch.

A file is a protocol buffer whose graph is a list of fields, in any order: so the fields of a
backbone's graph followed by those of a head's are the graph of both. The weights are never parsed,
only copied: the ``onnx`` library would need seconds for the larger ones.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto, helper, numpy_helper

from ..core.bundle import BACKBONE, HEAD, Bundle
from ..core.errors import ExportError, ModelError
from ..core.labels import LabelMode
from ..core.preprocessing import Preprocessing
from . import head as heads
from .head import Head
from .protobuf import fields, opening

INPUT, FEATURES, OUTPUT = 'input', 'features', 'output'
MAX_BYTES = 2**31 - 1
_GRAPH = onnx.ModelProto.GRAPH_FIELD_NUMBER
_INPUT, _OUTPUT = onnx.GraphProto.INPUT_FIELD_NUMBER, onnx.GraphProto.OUTPUT_FIELD_NUMBER


class Backbone:
    """The file of a network up to its features, ready to take a head.

    :param data: ``input`` (n, 3, height, width) to ``features`` (n, F).
    :raises ExportError: it is another file.
    """

    def __init__(self, data: bytes) -> None:
        try:
            self._take_apart(memoryview(data))
        except (DecodeError, IndexError, ValueError) as error:
            raise ExportError('the file of the backbone is damaged') from error

    def _take_apart(self, data: memoryview) -> None:
        shell, names = [], []
        self._graph: list[memoryview] = []
        for number, field, content in fields(data):
            if number != _GRAPH:
                shell.append(field)
                continue
            for inner, part, value in fields(content):
                if inner in (_INPUT, _OUTPUT):
                    info = onnx.ValueInfoProto.FromString(value)
                    names.append(info.name)
                if inner == _OUTPUT:
                    self._features = info.type.tensor_type.shape.dim[-1].dim_value
                else:
                    self._graph.append(part)
        if names != [INPUT, FEATURES]:
            raise ExportError('the file of the backbone is not one')
        self._shell = onnx.ModelProto.FromString(b''.join(shell))

    def alone(self, facts: Mapping[str, str]) -> bytes:
        """The file of the backbone. :param facts: metadata besides its own, likewise below."""
        return self._file(onnx.GraphProto(output=[_rows(FEATURES, self._features)]), facts)

    def with_head(self, head: Head, mode: LabelMode, facts: Mapping[str, str]) -> bytes:
        """The file of the whole network, from ``input`` to probabilities, (n, labels).

        :raises ExportError: the head is for other features, or all is too large.
        """
        if head.weight.shape[1] != self._features:
            raise ExportError(f'a head of shape {head.weight.shape} does not go with '
                              f'{self._features} features')
        activation = (helper.make_node('Sigmoid', ['logits'], [OUTPUT]) if mode == 'multi' else
                      helper.make_node('Softmax', ['logits'], [OUTPUT], axis=-1))
        return self._file(onnx.GraphProto(
            node=[helper.make_node('Gemm', [FEATURES, 'head.weight', 'head.bias'], ['logits'],
                                   transB=1), activation],
            initializer=[numpy_helper.from_array(np.ascontiguousarray(head.weight), 'head.weight'),
                         numpy_helper.from_array(np.ascontiguousarray(head.bias), 'head.bias')],
            output=[_rows(OUTPUT, len(head.bias))]), facts)

    def _file(self, rest: onnx.GraphProto, facts: Mapping[str, str]) -> bytes:
        shell, tail = onnx.ModelProto(), rest.SerializeToString()
        shell.CopyFrom(self._shell)
        own = {item.key: item.value for item in shell.metadata_props}
        helper.set_model_props(shell, {**own, **facts})
        size = sum(map(len, self._graph)) + len(tail)
        start = shell.SerializeToString() + opening(_GRAPH, size)
        if len(start) + size > MAX_BYTES:
            raise ExportError(f'{size / 2**30:.1f} GiB do not fit into an ONNX file, which '
                              'holds 2: choose a smaller net')
        return b''.join((start, *self._graph, tail))


def assemble(backbone: bytes, head: bytes, bundle: Bundle) -> bytes:
    """A version as one file, which tells by its metadata how to use it.

    :raises ModelError: other bytes than described. :raises ExportError: see :class:`Backbone`.
    """
    for name, data in ((BACKBONE, backbone), (HEAD, head)):
        if hashlib.sha256(data).hexdigest() != bundle.sha256[name]:
            raise ModelError(f'{name} of model version {bundle.version} is damaged: choose '
                             'another version')
    return Backbone(backbone).with_head(heads.from_bytes(head), bundle.label_mode, {
        **facts(bundle.net, bundle.preprocessing), 'version': str(bundle.version),
        'labels': json.dumps(bundle.labels), 'label_mode': bundle.label_mode})


def facts(net: str, how: Preprocessing) -> dict[str, str]:
    """What others need to know to use a backbone: text by name; preprocessing as JSON."""
    return {'net': net, 'preprocessing': json.dumps(asdict(how))}


def _rows(name: str, width: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ['n', width])
