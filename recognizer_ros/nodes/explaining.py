"""Answers "why?": a heat map of the newest answered frame, on request."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ..core.errors import ModelError, RecognizerError
from ..inference.engine import Answer
from ..inference.explain import Explainer, blend
from ..inference.preprocess import from_camera
from ..srv import Explain
from . import conversions, lifecycle, qos


class Explaining:
    """Service ``explain`` and topic ``explanation`` of a node.

    :param newest: the newest answer; ``None``: there is none.
    """

    def __init__(self, node: LifecycleNode, newest: Callable[[], Answer[Header] | None]) -> None:
        self._node, self._newest = node, newest
        self._pictures = node.create_publisher(Image, 'explanation', qos.RESULT)
        self._worker = ThreadPoolExecutor(1)  # it runs the network once more
        self._explainer: tuple[str, Explainer] | None = None
        node.create_service(Explain, 'explain', self._explain,
                            callback_group=ReentrantCallbackGroup())  # it waits for a thread

    def forget(self) -> None:
        """Free the network that was loaded for it."""
        self._explainer = None

    async def _explain(self, request: Explain.Request, response: Explain.Response
                       ) -> Explain.Response:
        work = self._worker.submit(self._explained, request.label, response)
        await lifecycle.awaitable(self._node, work)
        try:
            work.result()
            response.success = True
            self._pictures.publish(response.image)
        except RecognizerError as error:
            response = Explain.Response(message=str(error))
        return response

    def _explained(self, wanted: str, response: Explain.Response) -> None:
        """:raises ModelError: there is nothing to explain, or this network cannot be."""
        answer = self._newest()
        if not answer:
            raise ModelError('no frame was answered yet: point the camera at something')
        bundle = answer.model.bundle
        label = wanted or bundle.labels[answer.scores.argmax()]
        if label not in bundle.labels:
            raise ModelError(f'model version {bundle.version} does not know {wanted!r}: ask for '
                             'one of ' + ', '.join(bundle.labels))
        place = bundle.labels.index(label)
        prepared = from_camera(answer.image, bundle.preprocessing, answer.order)
        heat = self._of(answer).heat(prepared, answer.model.head, place)
        response.label, response.score = label, float(answer.scores[place])
        response.model_version = bundle.version
        response.image = conversions.picture(blend(answer.image, heat, answer.order), answer.tag,
                                             f'{answer.order}8')
        response.heat = conversions.picture(heat, answer.tag, '32FC1')

    def _of(self, answer: Answer[Header]) -> Explainer:
        """What explains answers of this backbone; the last one stays loaded."""
        bundle = answer.model.bundle
        if not self._explainer or self._explainer[0] != bundle.backbone_sha256:
            self._explainer = bundle.backbone_sha256, Explainer(bundle.net, answer.model.network)
        return self._explainer[1]
