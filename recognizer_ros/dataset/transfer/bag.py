"""rosbag2 recordings, read by the library rosbags; no ROS is needed.

Messages are read by the definitions that are known here, never by code made of definitions in the
bag.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import DatasetError, LabelError
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
    library = _library()
    with _bag_errors(path), library.reader(path) as reader, library.reader(path) as second:
        topic = _choose(reader, options.image_topic, _IMAGE_TYPES, 'image')
        total = sum(item.msgcount for item in _connections(reader, topic, _IMAGE_TYPES))
        if ranges is not None:
            tagger: Tagger = RangeTagger(ranges, reader.start_time)
            empty = f'none was recorded at a time that {options.ranges} names'
        else:
            tags_topic = _choose(reader, options.tags_topic, (TAGS_TYPE,), 'tags')
            tagger = TopicTagger(_tags(second, tags_topic, library.types))
            empty = f'{tags_topic} names tags for none'
        bag = _Bag(path, reader, library.types, topic, tagger)
        yield Source(path.name, 'rosbag2', total, empty, bag.candidates())


@dataclass(frozen=True)
class _Library:
    types: 'Typestore'

    def reader(self, path: Path) -> 'Reader':
        from rosbags.rosbag2 import Reader

        return Reader(path)


@dataclass(frozen=True)
class _Bag:
    """An open recording, and what to take of it."""

    path: Path
    reader: 'Reader'
    types: 'Typestore'
    topic: str
    tagger: Tagger

    def candidates(self) -> Iterator[Candidate]:
        """The frames for which there are tags."""
        for connection, logged_ns, raw in _messages(self.reader, self.path, self.topic,
                                                    _IMAGE_TYPES):
            message = self._message(raw, connection.msgtype, logged_ns)
            if message is None:
                continue
            stamp_ns = _nanoseconds(message.header.stamp) or logged_ns
            press = self.tagger.at(stamp_ns, logged_ns)
            if press:
                yield Candidate(f'frame {stamp_ns} of {self.topic} in {self.path}',
                                partial(frames.image_file, message), press.tags, press.number,
                                stamp_ns=stamp_ns, size=len(raw))

    def _message(self, raw: bytes, kind: str, logged_ns: int) -> Any:
        try:
            return self.types.deserialize_cdr(raw, kind)
        except Exception as error:  # whatever the library trips over in damaged bytes
            _log.warning('a message at %d of %s in %s is damaged: %s', logged_ns, self.topic,
                         self.path, error)
            return None


def _library() -> _Library:
    try:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore
    except ImportError as error:
        raise DatasetError('rosbag2 recordings need the library rosbags: install it with '
                           '`pip install rosbags`') from error
    types = get_typestore(Stores.ROS2_JAZZY)
    types.register(get_types_from_msg(TAGS_DEFINITION, TAGS_TYPE))
    return _Library(types)


@contextmanager
def _bag_errors(path: Path) -> Iterator[None]:
    """Turn what the library raises into ours; it names no common base of its errors."""
    import apsw
    from rosbags.rosbag2 import ReaderError

    try:
        yield
    except (ReaderError, apsw.Error, OSError, EOFError, ValueError, KeyError) as error:
        raise DatasetError(f'{path} cannot be read as a rosbag2 ({error}): try '
                           '`ros2 bag reindex`') from error


def _messages(reader: 'Reader', path: Path, topic: str, types: tuple[str, ...]
              ) -> Iterator[tuple['Connection', int, bytes]]:
    with _bag_errors(path):
        yield from reader.messages(_connections(reader, topic, types))


def _connections(reader: 'Reader', topic: str, types: tuple[str, ...]) -> list['Connection']:
    return [item for item in reader.connections if item.topic == topic and item.msgtype in types]


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


def _tags(reader: 'Reader', topic: str, types: 'Typestore') -> Iterator[tuple[int, TagsMessage]]:
    """Tags messages; those that break the rules count as little as in a live recording."""
    for _, logged_ns, raw in reader.messages(_connections(reader, topic, (TAGS_TYPE,))):
        message: Any = types.deserialize_cdr(raw, TAGS_TYPE)
        yield logged_ns, TagsMessage(
            _nanoseconds(message.stamp), message.sender, tuple(message.tags), message.recording,
            _nanoseconds(message.lease))


def _nanoseconds(time: Any) -> int:
    return int(time.sec) * 10**9 + int(time.nanosec)
