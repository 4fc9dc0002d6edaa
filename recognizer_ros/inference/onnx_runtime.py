"""ONNX Runtime as a backend."""

import os
from pathlib import Path

import numpy as np
import onnxruntime as ort

from ..core.errors import ModelError
from ..core.predictions import Floats
from ..core.preprocessing import Preprocessing
from .preprocess import Pixels, from_camera
from .providers import CPU, Provider

BATCH = 'n'
"""What :mod:`recognizer_ros.training.export` calls the number of images."""


class OnnxRuntimeBackend:
    """A network in an ONNX file, or in its bytes.

    :param threads: of the CPU. 0: as many as the process may use cores.
    :raises ModelError: it is not a network with one input (n, 3, height, width) and one output, or
        the provider does not work.
    """

    def __init__(self, model: Path | bytes, threads: int = 0, provider: Provider = CPU) -> None:
        self.name = f'onnxruntime:{provider.name}'
        try:
            self._session = ort.InferenceSession(
                model if isinstance(model, bytes) else str(model), _options(threads, provider),
                providers=[*provider.options, 'CPUExecutionProvider'], enable_fallback=0)
        except Exception as error:  # its exceptions share no other base
            raise ModelError(f'ONNX Runtime cannot load the model: {_line(error)}') from error
        for name, _ in provider.options:  # which it drops without an error
            if name not in self._session.get_providers():
                raise ModelError(f'ONNX Runtime cannot start its {name}')
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0].shape) != 4:
            raise ModelError('the model must have one image input and one output')
        self._input = inputs[0].name

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
                             f'{_line(error)}') from error


def _options(threads: int, provider: Provider) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
    # Waiting threads would keep cores busy that camera and trainer need.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    # Small shares of work: nobody waits long for a thread that another process holds up.
    options.add_session_config_entry('session.dynamic_block_base', '4')
    # It would read weights from other files, in the working directory: none can be in here.
    options.add_session_config_entry('session.model_external_initializers_file_folder_path',
                                     os.devnull)
    options.log_severity_level = 3
    if provider.one_image:
        options.add_free_dimension_override_by_name(BATCH, 1)
    return options


def _line(error: Exception) -> str:
    return str(error).strip().partition('\n')[0][:200]
