"""Files of networks that nobody should load."""

import os
import pickle
from pathlib import Path

import numpy as np
import onnx
from makers import colour_net
from onnx import TensorProto, helper, numpy_helper


def endless() -> bytes:
    """It would run for thousands of years."""
    body = helper.make_graph(
        [helper.make_node('Identity', ['go'], ['go on']),
         helper.make_node('Sin', ['value'], ['next'])], 'body',
        [helper.make_tensor_value_info('turn', TensorProto.INT64, []),
         helper.make_tensor_value_info('go', TensorProto.BOOL, []),
         helper.make_tensor_value_info('value', TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info('go on', TensorProto.BOOL, []),
         helper.make_tensor_value_info('next', TensorProto.FLOAT, [1, 3])])
    return _followed_by(
        [helper.make_node('Loop', ['turns', 'true', 'colours'], ['features'], body=body)],
        turns=np.array(2**62, np.int64), true=np.array(True))


def huge() -> bytes:
    """A few hundred bytes that ask for 3 GB."""
    return _followed_by(
        [helper.make_node('Expand', ['colours', 'shape'], ['many']),
         helper.make_node('ReduceMax', ['many'], ['features'], axes=[0], keepdims=1)],
        shape=np.array([250_000_000, 3], np.int64))


def unknown_operator() -> bytes:
    """No library has it."""
    return _followed_by([helper.make_node('Teleport', ['colours'], ['features'])])


def external(location: str) -> bytes:
    """Its one weight lies in another file."""
    model = onnx.load_from_string(colour_net())
    weight = model.graph.initializer[0]
    weight.ClearField('raw_data')
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (('location', location), ('offset', '0'), ('length', '4')):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    return bytes(model.SerializeToString())


def pickled(target: Path) -> bytes:
    """Whoever unpickles it makes a folder."""
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(target),)

    return pickle.dumps(Trap())


def _followed_by(nodes: list[onnx.NodeProto], **constants: np.ndarray) -> bytes:
    """A network of colours whose features go through more operators."""
    model = onnx.load_from_string(colour_net())
    model.graph.node[-1].output[0] = 'colours'
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items())
    return bytes(model.SerializeToString())
