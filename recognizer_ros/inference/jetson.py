"""jetson_inference's imageNet as a backend: TensorRT on a Jetson, without ONNX Runtime's.

imageNet gives the largest of its outputs; told to leave none out, it gives all of them as they
are, without softmax. So it computes features, and a new head needs no new engine. What it does was
read in its sources (c/imageNet.cpp, c/tensorNet.cpp and python/bindings, October 2025):

- It squashes images by taking the nearest pixel, subtracts ImageNet's mean and divides by its
  standard deviation. An image of the network's size is left as it is, so we resize before.
- The network must be for one image; the file with labels must have a line for each output.
- It puts its engine and a checksum beside the file of the network, by shell commands without
  quotes, and chooses 16-bit numbers where the hardware has them.
- Built with TensorRT 10 or later, it uses its context before it has one: the process would die.
"""

import importlib.util
import shlex
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import ModelError
from ..core.predictions import Floats
from ..core.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from . import nvidia
from .preprocess import Pixels, resize


def lacking() -> str:
    """Why this machine cannot use it, without trying; empty: nothing is known."""
    if not importlib.util.find_spec('jetson_inference'):
        return 'the Python module jetson_inference is not installed'
    if nvidia.tensorrt()[0] >= 10:
        return 'it does not work with TensorRT 10 or later: use tensorrt or cuda'
    return ''


class JetsonBackend:
    """A network up to its features.

    :param network: its ONNX file. :param folder: gets files for imageNet, and its engine; with the
        engine in it loading takes seconds, else minutes.
    :raises ModelError: imageNet cannot run it, or would feed it otherwise than it was trained.
    """

    name = 'jetson_inference:fp16'

    def __init__(self, network: bytes, how: Preprocessing, folder: Path) -> None:
        if (how.mean, how.std) != (IMAGENET_MEAN, IMAGENET_STD):
            raise ModelError("imageNet knows no mean and standard deviation but ImageNet's")
        if shlex.quote(str(folder)) != str(folder):
            raise ModelError(f'imageNet cannot use the folder {folder}: set cache to one without '
                             'spaces and special characters')
        model, labels = folder / 'backbone.onnx', folder / 'labels.txt'
        file, self._outputs = _for_one_image(network)
        try:
            import jetson_inference
            import jetson_utils

            self._to_cuda = jetson_utils.cudaFromNumpy
            model.write_bytes(file)
            labels.write_text(''.join(f'{number}\n' for number in range(self._outputs)))
            self._net = jetson_inference.imageNet(
                model=str(model), labels=str(labels), input_blob='input', output_blob='features')
            self._net.SetThreshold(float('-inf'))
        except Exception as error:  # all that it raises is a bare Exception
            raise ModelError(f'imageNet cannot load the model: {error}') from error

    def prepare(self, image: Pixels, order: str, how: Preprocessing) -> Any:
        """A cudaImage, rgb8, of the network's size: resized as in training, and less to copy than
        the whole frame.
        """
        small = resize(image, how.width, how.height)
        return self._to_cuda(small if order == 'rgb' else small[:, :, ::-1])

    def infer(self, prepared: Any) -> Floats:
        """See :class:`~recognizer_ros.inference.backend.Backend`."""
        try:
            pairs = self._net.Classify(prepared, topK=0)
        except Exception as error:
            raise ModelError(f'imageNet refuses an image: {error}') from error
        if len(pairs) != self._outputs:  # it leaves out what is not a number
            raise ModelError(f'imageNet gives {len(pairs)} of {self._outputs} features')
        numbers, values = zip(*pairs, strict=True)
        features = np.empty((1, self._outputs), np.float32)
        features[0, list(numbers)] = values
        return features


def _for_one_image(network: bytes) -> tuple[bytes, int]:
    """The file for a batch of one, which is all that imageNet can build, and its outputs."""
    try:
        import onnx

        model = onnx.load_from_string(network)
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 1
        return (model.SerializeToString(),
                int(model.graph.output[0].type.tensor_type.shape.dim[1].dim_value))
    except Exception as error:  # a missing library, or whatever its parser raises
        raise ModelError(f'the model cannot be prepared for imageNet: {error}') from error
