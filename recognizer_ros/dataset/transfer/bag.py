"""rosbag2 recordings, read by the library rosbags; no ROS is needed.

Messages are read by the definitions that are known here, never by code made of definitions in the
bag.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import DatasetError
from ...core.lease import TagsMessage
from . import frames
from .ranges import RangeTagger, Tagger, TopicTagger, read_ranges
from .source import Candidate, Options, Source

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Reader
    from rosbags.typesys.store import Typestore

METADATA = 'metadata.yaml'
TAGS_TYPE = 'recognizer_ros/msg/Tags'
# As msg/Tags.msg, which is not installed where there is no ROS.
TAGS_DEFINITION = """
builtin_interfaces/Time stamp
string sender
string[] tags
bool recording
builtin_interfaces/Duration lease
"""
_IMAGE_TYPES = (frames.IMAGE, frames.COMPRESSED)
_log = logging.getLogger(__name__)


def is_bag(path: Path) -> bool:
    """The path looks like a rosbag2: its folder, or one of its files."""
    return (path / METADATA).is_file() or (
        path.suffix.lower() in ('.mcap', '.db3') and path.is_file())


@contextmanager
def open_bag(path: Path, options: Options) -> Iterator[Source]:
    """Open a recording.

    :raises DatasetError: it cannot be read, or it is not clear which topic holds the images or
        the tags.
    """
    ranges = read_ranges(options.ranges) if options.ranges else None
    types = _known_types()
    with ExitStack() as stack:
        reader, second = _opened(path, stack), _opened(path, stack)
        topic = _choose(reader, options.image_topic, _IMAGE_TYPES, 'image')
        if ranges is not None:
            tagger: Tagger = RangeTagger(ranges, reader.start_time)
            empty = f'none was recorded at a time that {options.ranges} names'
        else:
            tags_topic = _choose(reader, options.tags_topic, (TAGS_TYPE,), 'tags')
            tagger = TopicTagger(_tags(_Topic(path, second, types, tags_topic, (TAGS_TYPE,))))
            empty = f'{tags_topic} names tags for none'
        images = _Topic(path, reader, types, topic, _IMAGE_TYPES)
        yield Source(path.name, 'rosbag2', images.count(), empty, _candidates(images, tagger))


@dataclass(frozen=True)
class _Topic:
    """A topic of an open recording. :param kinds: types of message to take from it."""

    path: Path
    reader: 'Reader'
    types: 'Typestore'
    name: str
    kinds: tuple[str, ...]

    def count(self) -> int:
        """How many messages it has."""
        return sum(item.msgcount for item in self._connections())

    def messages(self) -> Iterator[tuple[int, int, Any]]:
        """When each message was recorded, its size in bytes, and the message.

        :raises DatasetError: the recording is damaged.
        """
        with _reading(self.path):
            for connection, logged_ns, raw in self.reader.messages(self._connections()):
                try:
                    message: Any = self.types.deserialize_cdr(raw, connection.msgtype)
                except Exception as error:  # whatever the library trips over in damaged bytes
                    _log.warning('a message at %d of %s in %s left out, it is damaged: %s',
                                 logged_ns, self.name, self.path, error)
                    continue
                yield logged_ns, len(raw), message

    def _connections(self) -> list['Connection']:
        return [item for item in self.reader.connections
                if item.topic == self.name and item.msgtype in self.kinds]


def _candidates(images: _Topic, tagger: Tagger) -> Iterator[Candidate]:
    """The frames for which there are tags."""
    for logged_ns, size, message in images.messages():
        stamp_ns = _nanoseconds(message.header.stamp)
        press = tagger.at(stamp_ns or logged_ns, logged_ns)
        if press:
            yield Candidate(f'frame {stamp_ns or logged_ns} of {images.name} in {images.path}',
                            partial(frames.image_file, message), press.tags, press.number,
                            stamp_ns=stamp_ns or logged_ns, size=size)


def _tags(topic: _Topic) -> Iterator[tuple[int, TagsMessage]]:
    for logged_ns, _, message in topic.messages():
        yield logged_ns, TagsMessage(
            _nanoseconds(message.stamp), message.sender, tuple(message.tags), message.recording,
            _nanoseconds(message.lease))


def _known_types() -> 'Typestore':
    try:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore
    except ImportError as error:
        raise DatasetError('rosbag2 recordings need the library rosbags: install it with '
                           '`pip install rosbags`') from error
    types = get_typestore(Stores.ROS2_JAZZY)
    types.register(get_types_from_msg(TAGS_DEFINITION, TAGS_TYPE))
    return types


def _opened(path: Path, stack: ExitStack) -> 'Reader':
    from rosbags.rosbag2 import Reader

    with _reading(path):
        return stack.enter_context(Reader(path))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what the library raises into ours; its errors have no common base.

    :raises DatasetError: the recording is damaged.
    """
    try:
        yield
    except Exception as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise DatasetError(f'{path} cannot be read as a rosbag2 ({reason}): try '
                           '`ros2 bag reindex` or `mcap recover`') from error


def _choose(reader: 'Reader', wanted: str, types: tuple[str, ...], what: str) -> str:
    """The topic to read. :raises DatasetError: there is none, or several and none is named."""
    found = sorted({item.topic for item in reader.connections if item.msgtype in types})
    if wanted in found:
        return wanted
    listed = ', '.join(found)
    if wanted:
        raise DatasetError(f'{reader.path} has no {what} topic {wanted!r}: it has '
                           f'{listed or "none"}')
    if not found:
        kinds = ' or '.join(types)
        way_out = 'name the times in a CSV' if what == 'tags' else 'record one'
        raise DatasetError(f'{reader.path} has no {what} topic ({kinds}): {way_out}')
    if len(found) > 1:
        raise DatasetError(f'{reader.path} has several {what} topics: choose one of {listed}')
    return found[0]


def _nanoseconds(time: Any) -> int:
    return int(time.sec) * 10**9 + int(time.nanosec)
