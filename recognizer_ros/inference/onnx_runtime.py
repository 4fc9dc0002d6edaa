"""ONNX Runtime as a backend."""

import os
from pathlib import Path

import numpy as np
import onnxruntime as ort

from ..core.errors import ModelError
from ..core.predictions import Floats
from ..core.preprocessing import Preprocessing
from .preprocess import Pixels, from_camera


class OnnxRuntimeBackend:
    """A network in an ONNX file, or in its bytes, on the CPU.

    :param threads: 0: as many as the process may use cores.
    :raises ModelError: it is not a network with one input (n, 3, height, width) and one output.
    """

    name = 'onnxruntime:cpu'

    def __init__(self, model: Path | bytes, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        # Waiting threads would keep cores busy that camera and trainer need.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(
                model if isinstance(model, bytes) else str(model), options,
                providers=['CPUExecutionProvider'])
        except Exception as error:  # its exceptions share no other base
            raise ModelError('ONNX Runtime cannot load the model: '
                             f'{str(error).splitlines()[0][:200]}') from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0].shape) != 4:
            raise ModelError('the model must have one image input and one output')
        self._input, self._shape = inputs[0].name, inputs[0].shape

    def prepare(self, image: Pixels, order: str, how: Preprocessing) -> Floats:
        """See :class:`~recognizer_ros.inference.backend.Backend`; shape (1, 3, height, width)."""
        return from_camera(image, how, order)

    def infer(self, batch: Floats) -> Floats:
        """What the network makes of inputs, shape (n, 3, height, width): shape (n, F).

        :raises ModelError: it refuses them.
        """
        try:
            return np.asarray(self._session.run(None, {self._input: batch})[0], np.float32)
        except Exception as error:
            raise ModelError(f'the model refuses an input of shape {batch.shape}: '
                             f'{str(error).splitlines()[0][:200]}') from error
