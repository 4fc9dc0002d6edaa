"""Service ``classify_image``: what the live model says of an image given as a file."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from rclpy.callback_groups import ReentrantCallbackGroup
from std_msgs.msg import Header

from ..core.config import ClassifierConfig
from ..core.errors import ModelError, NodeUnavailableError, RecognizerError
from ..core.predictions import select
from ..dataset import images
from ..inference.engine import Engine
from ..inference.single import SingleImages
from ..srv import ClassifyImage
from . import lifecycle
from .answer_messages import code_of

_PLACES = 4
"""One image is classified, the others wait; more are refused."""


class ImageClassifier:
    """Beside the engine, in a thread of its own.

    :param engine: that of the node; ``None`` while it is not active.
    """

    def __init__(self, node: lifecycle.RecognizerNode[ClassifierConfig],
                 engine: Callable[[], Engine[Header] | None]) -> None:
        self._node, self._engine = node, engine
        self._images, self._worker = SingleImages(), ThreadPoolExecutor(1, 'classify_image')
        self._places = BoundedSemaphore(_PLACES)
        node.create_service(ClassifyImage, 'classify_image', self._classify,
                            callback_group=ReentrantCallbackGroup())  # it waits for a thread

    def forget(self) -> None:
        """Free the network that was loaded for it."""
        self._images.forget()

    async def _classify(self, request: ClassifyImage.Request, response: ClassifyImage.Response
                        ) -> ClassifyImage.Response:
        try:
            if not self._places.acquire(blocking=False):
                raise NodeUnavailableError('too many images at a time: try again')
            work = self._worker.submit(self._classified, bytes(request.image.data), response)
            work.add_done_callback(lambda _: self._places.release())
            await lifecycle.awaitable(self._node, work)
            work.result()
        except RecognizerError as error:
            return ClassifyImage.Response(message=str(error), error=code_of(error))
        response.success = True
        return response

    def _classified(self, data: bytes, response: ClassifyImage.Response) -> None:
        """:raises ImageError: not a usable image. :raises ModelError: there is no model.
        :raises NodeUnavailableError: the node is not active.
        """
        engine, unknown = self._engine(), self._node.config.unknown
        if not engine:
            raise NodeUnavailableError('the classifier is not active')
        model = engine.model
        if not model:
            raise ModelError('there is no model yet: record two classes')
        jpeg, *_ = images.accept(data)  # it is seen as it would be stored
        opinion = self._images.judge(images.decode(jpeg), model, unknown)
        labels = model.bundle.labels
        best = select(opinion.scores, labels, 0.0, len(labels))
        response.labels = [item.label for item in best]
        response.scores = [item.score for item in best]
        response.unknown = opinion.is_unknown(unknown)
        response.model_version = model.bundle.version
