"""Networks as ONNX files.

Tracing a network takes seconds and leaves about a megabyte behind in PyTorch, so it is done once
in a process; each export then fills in the weights, which keep their names. So nothing may be
computed from weights before; ONNX Runtime does when it loads the file.
"""

import contextlib
import io
import logging
import warnings
from dataclasses import dataclass

import numpy as np
import onnx
import torch
import torchvision
from onnx import helper
from onnxscript import ir, optimizer

from ..core.errors import ExportError
from ..core.labels import LabelMode
from ..core.predictions import Floats, probabilities
from ..core.preprocessing import Preprocessing
from ..inference.onnx_file import FEATURES, INPUT, Backbone, facts
from ..inference.onnx_runtime import OnnxRuntimeBackend
from ..inference.preprocess import probe, to_input
from .nets import Net

OPSET = 18
TOLERANCE = 1e-3
"""Largest difference between the features of the network and of its file, of the largest one."""
MORE_ROUNDING = 10.0
"""Deep networks with random weights make much of rounding errors: then those of the file may be so
many times as large as PyTorch's own."""


@dataclass(frozen=True)
class Prepared:
    """A backbone ready to be stored. :param probe: features of the test frame, shape (1, F)."""

    net: str
    backbone: Backbone
    probe: Floats

    def answer(self, weight: Floats, bias: Floats, mode: LabelMode) -> Floats:
        """Probabilities of the test frame with a head, shape (labels,).

        :raises ExportError: numbers are not finite, or shapes do not fit.
        """
        logits = self.probe @ weight.T + bias
        _check_finite(logits, self.net)
        row: Floats = probabilities(logits, mode)[0]
        return row


class OnnxExporter:
    """Exports networks of one architecture and input size, whatever their weights and labels.

    :raises ExportError: the network cannot be exported.
    """

    def __init__(self, net: Net) -> None:
        self._name = net.name
        self._traced = _traced(net)

    def prepare(self, net: Net, how: Preprocessing) -> Prepared:
        """Export a backbone, and try it out.

        :raises ExportError: the file answers otherwise than the network.
        """
        model = onnx.ModelProto()  # each time another one: protobuf keeps what was replaced in it
        model.CopyFrom(self._traced)
        weights = net.module.state_dict()
        for item in model.graph.initializer:
            if item.name in weights:
                item.raw_data = weights[item.name].detach().cpu().numpy().tobytes()
        helper.set_model_props(model, {
            **facts(self._name, how), 'torch_version': torch.__version__,
            'torchvision_version': torchvision.__version__})
        backbone = Backbone(model.SerializeToString())
        return Prepared(self._name, backbone, _tried(backbone.alone({}), net, how))


_newest: dict[tuple[str, int, int], onnx.ModelProto] = {}
"""The last graph, by name and size of its network."""


def _traced(net: Net) -> onnx.ModelProto:
    key = net.name, net.width, net.height
    graph = _newest.get(key)
    if not graph:
        graph = _trace(net)
        _newest.clear()
        _newest[key] = graph
    return graph


def _trace(net: Net) -> onnx.ModelProto:
    """The graph of a backbone, whatever the number of images; names in place of its weights."""
    module = net.copy().backbone().to('cpu')
    images = torch.zeros(2, 3, net.height, net.width)
    # The exporter prints and warns; none of it is for our users.
    for name in ('torch.onnx', 'onnx_ir', 'onnxscript'):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            program = torch.onnx.export(
                module, (images,), input_names=[INPUT], output_names=[FEATURES], dynamo=True,
                dynamic_shapes=({0: torch.export.Dim('n')},), opset_version=OPSET, optimize=False,
                verbose=False)
            assert program is not None
            _fold_shapes(program.model)
        return _stripped(program.model_proto, set(module.state_dict()))
    except Exception as error:  # the exporter lets through whatever its parts raise
        raise ExportError(f'{net.name} cannot be exported to ONNX: '
                          f'{str(error).splitlines()[0][:200]}') from error


def _fold_shapes(model: ir.Model) -> None:
    """Compute beforehand what depends on shapes alone: a convolution without bias is traced as one
    with zeros expanded to its shape, and ONNX Runtime would not merge it with batch normalisation.
    """
    weights = set(model.graph.initializers)

    def should_fold(node: ir.Node) -> bool | None:
        inputs = {value.name for value in node.inputs if value}
        return False if node.op_type != 'Shape' and inputs & weights else None

    optimizer.fold_constants(model, onnx_shape_inference=True, should_fold=should_fold)


def _stripped(model: onnx.ModelProto, weights: set[str]) -> onnx.ModelProto:
    """Without the weights, and what the exporter notes down: places in source files, shapes in
    between."""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    for item in (model.graph, *model.graph.node, *model.graph.initializer, *model.graph.input,
                 *model.graph.output):
        item.doc_string = ''
        del item.metadata_props[:]
    for item in model.graph.initializer:
        if item.name in weights:
            item.raw_data = b''
    stripped = onnx.ModelProto()
    stripped.CopyFrom(model)
    return stripped


@torch.inference_mode()
def _tried(data: bytes, net: Net, how: Preprocessing) -> Floats:
    """The features of the test frame, shape (1, features), if file and network agree on them."""
    test = to_input(probe(how), how)
    on_cpu = next(net.module.parameters()).device.type == 'cpu'
    backbone = (net if on_cpu else net.copy()).backbone().to('cpu')  # a GPU may round to ten bits
    wanted = backbone(torch.from_numpy(test)).numpy()
    _check_finite(wanted, net.name)
    found = OnnxRuntimeBackend(data).infer(test)
    if np.abs(found - wanted).max() > TOLERANCE * max(1.0, float(np.abs(wanted).max())):
        exact = net.copy().backbone().to('cpu', torch.float64)(torch.from_numpy(test).double())
        ours, theirs = (np.abs(some - exact.numpy()).max() for some in (found, wanted))
        if ours > MORE_ROUNDING * theirs:
            raise ExportError(f'the ONNX file of {net.name} answers otherwise than the network')
    return found


def _check_finite(numbers: Floats, name: str) -> None:
    if not np.all(np.isfinite(numbers)):
        raise ExportError(f'{name} answers with numbers that are not finite: train it again '
                          'with a smaller learning rate')
