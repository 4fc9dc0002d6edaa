import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import makers
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from recognizer_ros.core.errors import DatasetError
from recognizer_ros.dataset import images
from recognizer_ros.dataset.browse import Listed
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.transfer import bag, frames
from recognizer_ros.dataset.transfer.importer import Imported
from recognizer_ros.dataset.transfer.opening import open_source
from recognizer_ros.dataset.transfer.source import Options

Take = Callable[..., Imported]
Held = Callable[..., list[Listed]]
Pixels = images.Pixels

ROOT = Path(__file__).resolve().parents[3]
S = 10**9
START = 1_700_000_000 * S
STORAGES = [StoragePlugin.SQLITE3, StoragePlugin.MCAP]

TYPES = get_typestore(Stores.ROS2_JAZZY)
TYPES.register(get_types_from_msg((ROOT / 'msg' / 'Tags.msg').read_text(), bag.TAGS_TYPE))


@dataclass(frozen=True)
class Said:
    """A message of a bag. :param at_s: when it was recorded, seconds after the start."""

    at_s: float
    topic: str
    kind: str
    data: bytes


def message(kind: str, **fields: Any) -> bytes:
    return bytes(TYPES.serialize_cdr(TYPES.types[kind](**fields), kind))


def time(ns: int, kind: str = 'Time') -> Any:
    return TYPES.types[f'builtin_interfaces/msg/{kind}'](sec=ns // S, nanosec=ns % S)


def header(at_s: float) -> Any:
    stamp = time(START + round(at_s * S)) if at_s >= 0 else time(0)
    return TYPES.types['std_msgs/msg/Header'](stamp=stamp, frame_id='camera')


def compressed(at_s: float, data: bytes, topic: str = '/image_raw/compressed',
               late_s: float = 0.0) -> Said:
    return Said(at_s + late_s, topic, frames.COMPRESSED, message(
        frames.COMPRESSED, header=header(at_s), format='jpeg',
        data=np.frombuffer(data, np.uint8)))


def raw(at_s: float, pixels: Pixels, encoding: str = 'bgr8', topic: str = '/image_raw',
        padding: int = 0) -> Said:
    rows = pixels.reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    return Said(at_s, topic, frames.IMAGE, message(
        frames.IMAGE, header=header(at_s), height=pixels.shape[0], width=pixels.shape[1],
        encoding=encoding, is_bigendian=0, step=rows.shape[1], data=rows.reshape(-1)))


def tags(at_s: float, names: Sequence[str], recording: bool = True, lease_s: float = 1.0,
         late_s: float = 0.0, topic: str = '/tags', sender: str = 'web') -> Said:
    return Said(at_s + late_s, topic, bag.TAGS_TYPE, message(
        bag.TAGS_TYPE, stamp=time(START + round(at_s * S)), sender=sender, tags=list(names),
        recording=recording, lease=time(round(lease_s * S), 'Duration')))


def write(path: Path, said: Sequence[Said], storage: StoragePlugin = StoragePlugin.MCAP,
          compression: CompressionMode = CompressionMode.NONE) -> Path:
    with Writer(path, version=9, storage_plugin=storage) if not compression.value else (
            _compressed(path, storage, compression)) as writer:
        known: dict[tuple[str, str], Any] = {}
        for item in sorted(said, key=lambda item: item.at_s):
            key = item.topic, item.kind
            if key not in known:
                known[key] = writer.add_connection(item.topic, item.kind, typestore=TYPES)
            writer.write(known[key], START + round(item.at_s * S), item.data)
    return path


def _compressed(path: Path, storage: StoragePlugin, mode: CompressionMode) -> Writer:
    writer = Writer(path, version=9, storage_plugin=storage)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    return writer


def jpeg(seed: int) -> bytes:
    return makers.jpeg(makers.noise(seed))


def seconds(found: Sequence[Listed]) -> list[tuple[float, tuple[str, ...], int]]:
    return [((item.stamp_ns - START) / S, item.tags, item.burst) for item in found]


def test_the_definition_is_that_of_the_package() -> None:
    """Which is not installed where there is no ROS."""
    lines = (line.partition('#')[0].strip()
             for line in (ROOT / 'msg' / 'Tags.msg').read_text().splitlines())
    assert bag.TAGS_DEFINITION.split('\n')[1:-1] == [line for line in lines if line]


@pytest.mark.parametrize('storage', STORAGES)
@pytest.mark.parametrize('single_file', [False, True])
def test_presses_of_record_become_bursts(take: Take, held: Held, tmp_path: Path,
                                         storage: StoragePlugin, single_file: bool) -> None:
    data = [jpeg(number) for number in range(10)]
    path = write(tmp_path / 'bag', [
        *(compressed(number * 0.5, data[number]) for number in range(10)),
        tags(0.9, ['Mug']), tags(1.6, ['Mug']), tags(2.2, [], recording=False),
        tags(3.4, ['mug', 'red'], lease_s=0.7)], storage)
    if single_file:
        path = next(item for item in path.iterdir() if item.suffix in ('.mcap', '.db3'))
    done = take(path)
    assert (done.samples, done.classes, done.bursts) == (5, 2, 2)
    found = held()
    assert seconds(found) == [(1.0, ('mug',), 1), (1.5, ('mug',), 1), (2.0, ('mug',), 1),
                              (3.5, ('mug', 'red'), 2), (4.0, ('mug', 'red'), 2)]
    assert [image_path(tmp_path / 'data', item.sha256).read_bytes() for item in found] == [
        data[2], data[3], data[4], data[7], data[8]]
    assert {item.source for item in found} == {f'import:{path.name}'}


@pytest.mark.parametrize('mode', [CompressionMode.FILE, CompressionMode.MESSAGE])
def test_compressed_recordings_are_read(take: Take, tmp_path: Path, mode: CompressionMode) -> None:
    path = write(tmp_path / 'bag', [tags(0, ['mug']), compressed(0.5, jpeg(1))],
                 StoragePlugin.SQLITE3, mode)
    assert take(path).samples == 1


def test_tags_count_from_their_stamp_however_late_they_or_the_frames_were_recorded(
        take: Take, held: Held, tmp_path: Path) -> None:
    take(write(tmp_path / 'bag', [
        tags(1.0, ['mug'], late_s=3.0, lease_s=5), tags(2.0, [], recording=False, late_s=3.0),
        tags(3.0, ['pen'], late_s=3.0),
        compressed(0.9, jpeg(1)), compressed(1.1, jpeg(2)), compressed(1.9, jpeg(3), late_s=8),
        compressed(2.5, jpeg(4)), compressed(3.5, jpeg(5), late_s=0.2)]))
    assert seconds(held()) == [(1.1, ('mug',), 1), (1.9, ('mug',), 1), (3.5, ('pen',), 2)]


def test_frames_without_a_stamp_have_the_time_of_recording(take: Take, held: Held,
                                                           tmp_path: Path) -> None:
    frame = compressed(-1, jpeg(1), late_s=1.5)
    take(write(tmp_path / 'bag', [tags(0.1, ['mug']), frame]))
    assert seconds(held()) == [(0.5, ('mug',), 1)]


@pytest.mark.parametrize(('encoding', 'code'), [
    ('bgr8', None), ('8UC3', None), ('rgb8', cv2.COLOR_BGR2RGB), ('mono8', cv2.COLOR_BGR2GRAY),
    ('rgba8', cv2.COLOR_BGR2RGBA), ('bgra8', cv2.COLOR_BGR2BGRA)])
@pytest.mark.parametrize('padding', [0, 5])
def test_raw_images_are_encoded(take: Take, held: Held, tmp_path: Path, encoding: str,
                                code: int | None, padding: int) -> None:
    pixels = cv2.resize(makers.noise(1, 4, 3), (64, 48), interpolation=cv2.INTER_CUBIC)
    sent = np.asarray(pixels if code is None else cv2.cvtColor(pixels, code), np.uint8)
    take(write(tmp_path / 'bag', [tags(0, ['mug']), raw(0.5, sent, encoding, padding=padding)]))
    found = held()[0]
    assert (found.width, found.height) == (64, 48)
    stored = images.decode(image_path(tmp_path / 'data', found.sha256).read_bytes())
    wanted = cv2.cvtColor(sent, cv2.COLOR_GRAY2BGR) if encoding == 'mono8' else pixels
    assert np.abs(stored.astype(int) - wanted).mean() < 4


def test_unusable_frames_among_good_ones_are_skipped(take: Take, tmp_path: Path,
                                                     caplog: pytest.LogCaptureFixture) -> None:
    damaged = compressed(0.5, jpeg(1))
    done = take(write(tmp_path / 'bag', [
        tags(0, ['mug']), compressed(0.1, jpeg(2)), compressed(0.2, jpeg(3)[:300]),
        compressed(0.3, b''), Said(0.4, damaged.topic, damaged.kind, damaged.data[:30])]))
    assert (done.samples, done.unusable) == (1, 2)
    assert 'left out, it is damaged' in caplog.text


def test_tags_messages_against_the_rules_do_not_count(take: Take, held: Held, tmp_path: Path,
                                                      caplog: pytest.LogCaptureFixture) -> None:
    broken = tags(0.3, ['pen'])
    take(write(tmp_path / 'bag', [
        tags(0.1, ['pen'], sender=''), Said(0.1, broken.topic, broken.kind, broken.data[:20]),
        tags(0.2, ['mug']), compressed(0.5, jpeg(1))]))
    assert [item.tags for item in held()] == [('mug',)]
    assert 'without a sender' in caplog.text


def test_other_senders_wait_for_the_first(take: Take, held: Held, tmp_path: Path) -> None:
    take(write(tmp_path / 'bag', [
        tags(0.0, ['mug'], sender='web'), tags(0.5, ['pen'], sender='joystick', lease_s=2),
        *(compressed(0.2 + 0.5 * number, jpeg(number)) for number in range(4))]))
    assert [names for _, names, _ in seconds(held())] == [('mug',), ('mug',), ('pen',), ('pen',)]


@pytest.mark.parametrize('storage', STORAGES)
def test_ranges_give_tags_where_no_topic_does(take: Take, held: Held, tmp_path: Path,
                                              storage: StoragePlugin) -> None:
    """The first message counts as the beginning, the image or not."""
    path = write(tmp_path / 'bag', [
        tags(0, ['ignored'], lease_s=100),
        *(compressed(0.5 + number, jpeg(number)) for number in range(6))], storage)
    csv = makers.photo(tmp_path / 'ranges.csv',
                       b'start,end,tags\n3.5,5,pen\n0.5,2.5,"Mug;red"\n')
    assert take(path, Options(ranges=csv)).bursts == 2
    assert seconds(held()) == [(0.5, ('mug', 'red'), 1), (1.5, ('mug', 'red'), 1),
                               (3.5, ('pen',), 2), (4.5, ('pen',), 2)]


def test_ranges_may_be_image_stamps(take: Take, held: Held, tmp_path: Path) -> None:
    path = write(tmp_path / 'bag', [compressed(number, jpeg(number), late_s=0.5)
                                    for number in range(4)])
    csv = makers.photo(tmp_path / 'ranges.csv', (
        f'start,end,tags\n{START // S + 1},{START // S + 3},mug\n').encode())
    take(path, Options(ranges=csv))
    assert [at_s for at_s, _, _ in seconds(held())] == [1.0, 2.0]


def test_with_several_topics_one_must_be_named(take: Take, held: Held, tmp_path: Path) -> None:
    path = write(tmp_path / 'bag', [
        compressed(0.1, jpeg(1), '/left'), raw(0.2, makers.noise(2), topic='/right'),
        tags(0, ['mug']), tags(0, ['pen'], topic='/other_tags')])
    with pytest.raises(DatasetError, match='several image topics: choose one of /left, /right'):
        take(path)
    with pytest.raises(DatasetError, match="no image topic '/up': it has /left, /right"):
        take(path, Options(image_topic='/up'))
    with pytest.raises(DatasetError, match='several tags topics: choose one of /other_tags, /t'):
        take(path, Options(image_topic='/left'))
    take(path, Options(image_topic='/right', tags_topic='/other_tags'))
    assert seconds(held()) == [(0.2, ('pen',), 1)]


def test_without_images_or_tags_there_is_a_way_out(take: Take, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'bag1 has no image topic .*Image'):
        take(write(tmp_path / 'bag1', [tags(0, ['mug'])]))
    with pytest.raises(DatasetError, match=r'bag2 has no tags topic .*: name the times in'):
        take(write(tmp_path / 'bag2', [compressed(0, jpeg(1))]))
    with pytest.raises(DatasetError, match='none of the 0 images is usable: /tags names tags for'):
        take(write(tmp_path / 'bag3', [compressed(5, jpeg(1)), tags(0, ['mug'])]))


@pytest.mark.parametrize('storage', STORAGES)
def test_damaged_recordings_are_refused(take: Take, tmp_path: Path,
                                        storage: StoragePlugin) -> None:
    path = write(tmp_path / 'bag', [tags(0, ['mug']), *(compressed(number, jpeg(number))
                                                        for number in range(20))], storage)
    file = next(item for item in path.iterdir() if item.suffix in ('.mcap', '.db3'))
    whole = file.read_bytes()
    for data in (b'', b'text', whole[:len(whole) // 2]):
        file.write_bytes(data)
        with pytest.raises(DatasetError, match=r'bag(\.\w+)? cannot be read as a rosbag2 \(.*\): '
                                               'try `ros2 bag reindex`') as error:
            take(path)
        assert '\n' not in str(error.value)
    file.unlink()
    with pytest.raises(DatasetError, match='cannot be read as a rosbag2'):
        take(path)
    (path / 'metadata.yaml').write_text('- a\n\tb: {')
    with pytest.raises(DatasetError, match='cannot be read as a rosbag2'):
        take(path)


def test_definitions_in_the_bag_are_not_used(take: Take, tmp_path: Path) -> None:
    """They would become code."""
    path = tmp_path / 'bag'
    frame = compressed(0.5, jpeg(1))
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for item in (tags(0, ['mug']), frame):
            connection = writer.add_connection(item.topic, item.kind, rihs01='RIHS01_' + '0' * 64,
                                               msgdef='int32 x\nthis is no definition')
            writer.write(connection, START, item.data)
    assert take(path).samples == 1


def test_without_the_library_the_way_out_is_named(tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / 'bag', [tags(0, ['mug']), compressed(0.5, jpeg(1))])
    for name in [name for name in sys.modules if re.match(r'rosbags\b', name)]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DatasetError, match='pip install rosbags'), open_source(path):
        pass
