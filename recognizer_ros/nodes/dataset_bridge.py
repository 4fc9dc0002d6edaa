"""What is stored, asked of ``recorder`` over DDS."""

from rclpy.lifecycle import LifecycleNode

from ..core.errors import DatasetError, ImageError
from ..dataset.browse import Listed, Page, Query
from ..dataset.edits import Edit, Edited
from ..srv import AddSample, EditSamples, GetSample, ListSamples, Undo
from . import conversions, qos
from .dataset_messages import of_edit, of_query, raise_refusal, to_listed
from .service_calls import call

_READ_TIMEOUT_S = 10.0
_WRITE_TIMEOUT_S = 15.0
_EDIT_TIMEOUT_S = 60.0  # of up to 100,000 samples, behind what waits to be written


class RosSamples:
    """Implements :class:`recognizer_ros.server.bridge.Samples` with a node's services."""

    def __init__(self, node: LifecycleNode) -> None:
        self._add, self._list, self._get, self._edit, self._undo = (
            node.create_client(kind, name, qos_profile=qos.SERVICE) for kind, name in (
                (AddSample, 'add_sample'), (ListSamples, 'list_samples'),
                (GetSample, 'get_sample'), (EditSamples, 'edit_samples'), (Undo, 'undo')))

    def add(self, data: bytes, tags: tuple[str, ...], source: str, stamp_ns: int = 0) -> str:
        """See the protocol; likewise below."""
        request = AddSample.Request(tags=list(tags), source=source)
        request.image.data = conversions.byte_array(data)
        request.image.header.stamp = conversions.to_time(stamp_ns)
        answer = call(self._add, request, 'recorder', _WRITE_TIMEOUT_S)
        if not answer.success:
            kind = DatasetError if 'disk' in answer.message else ImageError
            raise kind(answer.message)
        return str(answer.id)

    def page(self, query: Query) -> Page:
        answer = call(self._list, of_query(query), 'recorder', _READ_TIMEOUT_S)
        raise_refusal(answer)
        return Page(tuple(map(to_listed, answer.samples)), answer.total, answer.revision)

    def find(self, sample: str) -> Listed:
        request = GetSample.Request(id=sample, without_image=True)
        answer = call(self._get, request, 'recorder', _READ_TIMEOUT_S)
        raise_refusal(answer)
        return to_listed(answer.sample)

    def image(self, sample: str, max_size: int) -> bytes:
        request = GetSample.Request(id=sample, max_size=max_size)
        answer = call(self._get, request, 'recorder', _READ_TIMEOUT_S)
        raise_refusal(answer)
        return bytes(answer.image.data)

    def edit(self, edit: Edit, expected_revision: int) -> Edited:
        answer = call(self._edit, of_edit(edit, expected_revision), 'recorder', _EDIT_TIMEOUT_S)
        raise_refusal(answer)
        return Edited(answer.changed, answer.revision, answer.description)

    def undo(self, redo: bool, expected_revision: int) -> Edited:
        request = Undo.Request(redo=redo, expected_revision=expected_revision)
        answer = call(self._undo, request, 'recorder', _EDIT_TIMEOUT_S)
        raise_refusal(answer)
        return Edited(answer.changed, answer.revision, answer.description)
