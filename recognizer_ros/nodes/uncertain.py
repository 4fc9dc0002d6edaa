"""Service ``list_uncertain``: frames that the live model was not sure of, for a person to tag."""

import time

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from ..dataset import images
from ..inference.engine import Answer
from ..inference.preprocess import Pixels
from ..inference.uncertain import Kept, UncertainFrames
from ..msg import UncertainFrame
from ..srv import ListUncertain
from . import conversions

_JPEG_QUALITY = 95


class Uncertain:
    """Of one node. :param limit: frames kept at most; 0: none."""

    def __init__(self, node: LifecycleNode, limit: int) -> None:
        self._frames: UncertainFrames[Header] = UncertainFrames(time.time())
        self.clear, self.limit = self._frames.clear, self._frames.limit
        self.limit(limit)
        node.create_service(ListUncertain, 'list_uncertain', self._list)

    def see(self, answer: Answer[Header], unknown: float) -> None:
        """Look at an answered frame; cheap. From the engine's thread."""
        self._frames.see(answer, unknown, time.monotonic())

    def _list(self, request: ListUncertain.Request, response: ListUncertain.Response
              ) -> ListUncertain.Response:
        self._frames.forget(set(request.dismiss))
        frames = self._frames.frames()
        response.frames = [_message(kept) for kept in frames]
        wanted = next((kept for kept in frames if kept.id == request.image_of), None)
        if request.image_of and not wanted:
            response.message = (f'frame {request.image_of} is gone: it was dealt with, or newer '
                                'ones came')
            return response
        if wanted:
            response.image = conversions.jpeg_to_message(
                _encode(wanted.image, wanted.order), conversions.nanoseconds(wanted.tag.stamp),
                wanted.tag.frame_id)
        response.success = True
        return response


def _message(kept: Kept[Header]) -> UncertainFrame:
    return UncertainFrame(
        id=kept.id, header=kept.tag, labels=[item.label for item in kept.results],
        scores=[item.score for item in kept.results], unknown=kept.unknown,
        model_version=kept.version)


def _encode(image: Pixels, order: str) -> bytes:
    return images.encode_jpeg(image if order == 'bgr' else image[:, :, ::-1], _JPEG_QUALITY)
