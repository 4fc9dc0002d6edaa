"""Services of ``recorder`` on what is stored: list_samples, get_sample, edit_samples, undo."""

from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Protocol, TypeVar

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode

from ..core.errors import ConfigError, DatasetError, NodeUnavailableError, RecognizerError
from ..dataset import browse, images
from ..dataset.browse import Listed
from ..dataset.edits import Edited
from ..dataset.image_files import image_path
from ..dataset.store import SampleStore
from ..srv import EditSamples, GetSample, ListSamples, Undo
from . import conversions, lifecycle, qos
from .dataset_messages import refuse, to_edit, to_query, to_sample

_MOST_READS = 32
_SMALLEST_PX, _LARGEST_PX = 16, 4096
T = TypeVar('T')


class Submit(Protocol):
    """Does something with the store, in its one thread; as :meth:`Recording.submit`."""

    def __call__(self, work: Callable[[SampleStore], T], /) -> 'Future[T]': ...


class DatasetServices:
    """The services are there from the beginning, and answer while started.

    Edits go to the thread that writes frames, in order with them; reads have a connection and a
    thread of their own, so that nothing here keeps a frame waiting.

    :param changed: called in the callback's thread after an edit, before its answer.
    """

    def __init__(self, node: LifecycleNode, changed: Callable[[], None]) -> None:
        self._node, self._changed = node, changed
        self._root = Path()
        self._submit: Submit | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._places = BoundedSemaphore(_MOST_READS)
        # In the node's own group no other callback would run while one of these waits.
        group = ReentrantCallbackGroup()
        for kind, name, answer in (
                (ListSamples, 'list_samples', self._list), (GetSample, 'get_sample', self._get),
                (EditSamples, 'edit_samples', self._edit), (Undo, 'undo', self._undo)):
            node.create_service(kind, name, answer, qos_profile=qos.SERVICE, callback_group=group)

    def start(self, root: Path, submit: Submit) -> None:
        """Answer. :param root: of the data set."""
        self._root, self._submit = root, submit
        self._readers = ThreadPoolExecutor(1, 'reader')

    def stop(self) -> None:
        """Refuse from now on; a read under way is finished."""
        self._submit = None
        if self._readers:
            self._readers.shutdown(cancel_futures=True)
            self._readers = None

    async def _list(self, request: Any, response: Any) -> Any:
        try:
            query, root = to_query(request), self._root
            page = await self._done(self._read(lambda: browse.page(root, query)))
        except RecognizerError as error:
            return refuse(response, error)
        response.samples = [to_sample(listed) for listed in page.samples]
        response.total, response.revision, response.success = page.total, page.revision, True
        return response

    async def _get(self, request: Any, response: Any) -> Any:
        root, size = self._root, int(request.max_size)
        try:
            if size and not _SMALLEST_PX <= size <= _LARGEST_PX:
                raise ConfigError(f'max_size must be {_SMALLEST_PX} to {_LARGEST_PX} pixels, or 0')
            listed, data = await self._done(self._read(
                lambda: _sample(root, request.id, size, not request.without_image)))
        except RecognizerError as error:
            return refuse(response, error)
        response.sample, response.success = to_sample(listed), True
        if not request.without_image:
            response.image = conversions.jpeg_to_message(data, listed.stamp_ns, '')
        return response

    async def _edit(self, request: Any, response: Any) -> Any:
        revision = request.expected_revision
        try:
            edit = to_edit(request)
            edited = await self._done(self._write(lambda store: store.edit(edit, revision)))
        except RecognizerError as error:
            return refuse(response, error)
        return self._answer(response, edited)

    async def _undo(self, request: Any, response: Any) -> Any:
        redo, revision = request.redo, request.expected_revision
        try:
            edited = await self._done(self._write(
                lambda store: store.redo(revision) if redo else store.undo(revision)))
        except RecognizerError as error:
            return refuse(response, error)
        return self._answer(response, edited)

    def _answer(self, response: Any, edited: Edited) -> Any:
        if self._submit:  # not stopped meanwhile
            self._changed()
        response.changed, response.revision = edited.changed, edited.revision
        response.description, response.success = edited.description, True
        return response

    async def _done(self, work: 'Future[T]') -> T:
        await lifecycle.awaitable(self._node, work)
        try:
            return work.result()
        except CancelledError as error:
            raise _inactive() from error

    def _write(self, work: Callable[[SampleStore], T]) -> 'Future[T]':
        if not self._submit:
            raise _inactive()
        return self._submit(work)

    def _read(self, work: Callable[[], T]) -> 'Future[T]':
        if not self._readers:
            raise _inactive()
        if not self._places.acquire(blocking=False):
            raise NodeUnavailableError('too many requests at a time: try again')
        reading = self._readers.submit(work)
        reading.add_done_callback(lambda _: self._places.release())
        return reading


def _inactive() -> NodeUnavailableError:
    return NodeUnavailableError('the recorder is not active')


def _sample(root: Path, name: str, size: int, with_image: bool) -> tuple[Listed, bytes]:
    """A sample and its JPEG. :raises DatasetError: unknown, or its file cannot be read."""
    listed = browse.find(root, name)
    if not with_image:
        return listed, b''
    try:
        data = image_path(root, listed.sha256).read_bytes()
    except OSError as error:
        raise DatasetError(f'the image of sample {name} cannot be read: '
                           f'{error.strerror or error}') from error
    return listed, images.thumbnail(data, size) if size else data
