"""Where in an image a label was seen: class-activation maps (Zhou et al., 2016).

Where features are the means of feature maps, a logit is the mean of the maps' weighted sum, plus
the bias. That sum, place by place, is the map: what each place adds to the logit.
"""

from collections.abc import Callable
from functools import cached_property

import cv2
import numpy as np
import onnxruntime as ort

from ..core.errors import ModelError
from ..core.predictions import Floats
from .head import Head
from .preprocess import Pixels
from .protobuf import field, fields

# Numbers of fields in onnx.proto; the onnx library is not on every robot.
_GRAPH, _NODE, _GRAPH_OUTPUT = 7, 1, 12
_INPUT, _OUTPUT, _OPERATOR = 1, 2, 4
_NAME = 1
_POOLS = {'GlobalAveragePool', 'AveragePool', 'ReduceMean'}
_MOVES = {'Reshape', 'Flatten', 'Squeeze', 'Identity', 'Dropout', 'Gather', 'Slice', 'Transpose'}
_FEATURES = 'features'
_TOLERANCE = 1e-3
_OPACITY = 0.7


class Explainer:
    """Makes maps for the versions of one backbone. Not for several threads at once.

    :param net: its name, for people.
    :param read: gives its file; asked when the first map is wanted. It may raise ModelError.
    """

    def __init__(self, net: str, read: Callable[[], bytes]) -> None:
        self._net, self._read = net, read

    def evidence(self, prepared: Floats, head: Head, label: int) -> Floats:
        """What each place adds to a logit, of any size; its mean and the bias make the logit.

        :param prepared: network's input, shape (1, 3, height, width). :param label: row of the
            head.
        :return: shape (h', w'), as large as the maps of the network.
        :raises ModelError: features of this network are not the means of maps, or the file cannot
            be used.
        """
        features, maps = self._run(prepared)
        if maps.ndim != 4 or not np.allclose(maps.mean((2, 3)), features, _TOLERANCE,
                                             _TOLERANCE * max(1.0, np.abs(features).max())):
            raise self._refusal('its features are not the means of feature maps')
        if maps.shape[2:] == (1, 1):
            raise ModelError(f'{self._net} sees images of this size as a single place: train with '
                             'a larger net_width and net_height')
        return np.asarray(np.tensordot(head.weight[label], maps[0], 1), np.float32)

    def heat(self, prepared: Floats, head: Head, label: int) -> Floats:
        """:meth:`evidence` stretched to 0 to 1: from least to most."""
        evidence = self.evidence(prepared, head, label)
        least, most = evidence.min(), evidence.max()
        heat: Floats = (evidence - least) / max(most - least, np.finfo(np.float32).tiny)
        return heat

    def _run(self, prepared: Floats) -> tuple[Floats, Floats]:
        session = self._session
        try:
            features, maps = session.run(None, {'input': prepared})
        except Exception as error:  # its exceptions share no other base
            raise ModelError(f'{self._net} refuses an input of shape {prepared.shape}: '
                             f'{str(error).splitlines()[0][:200]}') from error
        return features, maps

    @cached_property
    def _session(self) -> ort.InferenceSession:
        data = self._read()
        maps = self._maps(memoryview(data))
        second_output = field(_GRAPH, field(_GRAPH_OUTPUT, field(_NAME, maps.encode())))
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # the classifier goes on beside it
        options.log_severity_level = 3
        try:
            return ort.InferenceSession(data + second_output, options,
                                        providers=['CPUExecutionProvider'])
        except Exception as error:
            raise ModelError(f'ONNX Runtime cannot load {self._net}: '
                             f'{str(error).splitlines()[0][:200]}') from error

    def _maps(self, data: memoryview) -> str:
        """The name of what is pooled into the features."""
        try:
            makers = _makers(data)
        except (ValueError, IndexError, UnicodeDecodeError) as error:
            raise ModelError(f'the file of {self._net} is damaged') from error
        operator, given = makers.pop(_FEATURES, ('nothing', ''))
        while operator in _MOVES:
            operator, given = makers.pop(given, ('nothing', ''))
        if operator not in _POOLS:
            raise self._refusal(f'its features come out of {operator}, not of an average over the '
                                'image')
        return given

    def _refusal(self, why: str) -> ModelError:
        return ModelError(f'answers of {self._net} cannot be explained: {why}; use a net that '
                          'ends in pooled features, such as resnet18')


def blend(image: Pixels, heat: Floats, order: str) -> Pixels:
    """Draw a map, 0 to 1, over an image: blue to red, clear where it is 0.

    :param image: shape (h, w, 3), channels in ``order`` bgr or rgb; it stays as it is.
    """
    height, width = image.shape[:2]
    smooth = np.clip(cv2.resize(heat, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    colours = cv2.applyColorMap(np.rint(smooth * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    if order == 'rgb':
        colours = colours[:, :, ::-1]
    share = _OPACITY * smooth[:, :, None]
    blended: Pixels = np.rint(image * (1 - share) + colours * share).astype(np.uint8)
    return blended


def _makers(data: memoryview) -> dict[str, tuple[str, str]]:
    """By output: the operator that makes it, and its first input."""
    found: dict[str, tuple[str, str]] = {}
    for number, _, graph in fields(data):
        for inner, _, node in fields(graph) if number == _GRAPH else ():
            if inner == _NODE:
                parts = [(part, bytes(content)) for part, _, content in fields(node)
                         if part in (_INPUT, _OUTPUT, _OPERATOR)]
                given, operator = (next((content.decode() for part, content in parts
                                         if part == wanted), '')
                                   for wanted in (_INPUT, _OPERATOR))
                found |= {content.decode(): (operator, given) for part, content in parts
                          if part == _OUTPUT}
    return found
