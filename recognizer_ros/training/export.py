"""Networks as ONNX files.

Tracing a network takes seconds, so it is done once; each export then fills in the weights, which
keep their names. So nothing may be computed from weights before; ONNX Runtime does when it loads
the file.
"""

import contextlib
import copy
import io
import logging
import warnings

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnxscript import ir, optimizer

from ..core.errors import ExportError
from ..core.predictions import Floats
from ..core.preprocessing import Preprocessing
from ..inference.onnx_runtime import OnnxRuntimeBackend
from ..inference.preprocess import probe, to_input
from .nets import Net

TOLERANCE = 1e-3


class OnnxExporter:
    """Exports networks of one architecture and input size, whatever their weights and labels.

    :raises ExportError: the network cannot be exported.
    """

    def __init__(self, net: Net) -> None:
        self._trace(net)

    def _trace(self, net: Net) -> None:
        self._outputs = net.outputs
        traced = copy.deepcopy(net.module).to('cpu').eval()
        example = torch.zeros(1, 3, net.height, net.width)
        # The exporter prints and warns; none of it is for our users.
        for name in ('torch.onnx', 'onnx_ir', 'onnxscript'):
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter('ignore')
                program = torch.onnx.export(traced, (example,), input_names=['input'],
                                            output_names=['output'], dynamo=True, optimize=False,
                                            verbose=False)
                assert program is not None
                _fold_shapes(program.model)
            self._model: onnx.ModelProto = program.model_proto
        except Exception as error:  # the exporter lets through whatever its parts raise
            raise ExportError(f'{net.name} cannot be exported to ONNX: '
                              f'{str(error).splitlines()[0][:200]}') from error
        self._initializers = {item.name: item for item in self._model.graph.initializer}

    def export(self, net: Net, how: Preprocessing) -> tuple[bytes, Floats]:
        """Return the ONNX file and its logits on the model's test frame, shape (labels,).

        :raises ExportError: the file answers otherwise than the network.
        """
        if net.outputs != self._outputs and not net.has_linear_head:
            self._trace(net)  # what follows the last layer holds the number of classes
        for name, tensor in net.module.state_dict().items():
            if name in self._initializers:
                value = tensor.detach().cpu().numpy()
                self._initializers[name].CopyFrom(numpy_helper.from_array(value, name))
        dims = self._model.graph.output[0].type.tensor_type.shape.dim
        dims[-1].dim_value = net.outputs
        del self._model.graph.value_info[:]
        data = self._model.SerializeToString()
        return data, _verify(data, net, how)


def _fold_shapes(model: ir.Model) -> None:
    """Compute beforehand what depends on shapes alone: a convolution without bias is traced as one
    with zeros expanded to its shape, and ONNX Runtime would not merge it with batch normalisation.
    """
    weights = set(model.graph.initializers)

    def should_fold(node: ir.Node) -> bool | None:
        inputs = {value.name for value in node.inputs if value}
        return False if node.op_type != 'Shape' and inputs & weights else None

    optimizer.fold_constants(model, onnx_shape_inference=True, should_fold=should_fold)


@torch.inference_mode()
def _verify(data: bytes, net: Net, how: Preprocessing) -> Floats:
    test = to_input(probe(how), how)
    device = next(net.module.parameters()).device
    wanted = net.module.eval()(torch.from_numpy(test).to(device)).float().cpu().numpy()
    logits = OnnxRuntimeBackend(data).infer(test)
    if not np.all(np.isfinite(wanted)):
        raise ExportError(f'{net.name} answers with numbers that are not finite: train it again '
                          'with a smaller learning rate')
    if np.abs(logits - wanted).max() > TOLERANCE * max(1.0, float(np.abs(wanted).max())):
        raise ExportError(f'the ONNX file of {net.name} answers otherwise than the network')
    return np.asarray(logits[0], np.float32)
