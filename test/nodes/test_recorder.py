import os
import sqlite3
from pathlib import Path
from typing import Any

import makers
import pytest
from builtin_interfaces.msg import Duration
from ros_graph import DEACTIVATE, UNCONFIGURED, Graph, Heard, ended, wait_for
from sensor_msgs.msg import Image

from recognizer_ros.dataset import reader
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.msg import DatasetStatus, Tags
from recognizer_ros.nodes import conversions, lifecycle, qos
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.srv import AddSample

MS, S = 10**6, 10**9
ALL_DISKS_MIB = 1_000_000


class Operator:
    """Who holds Record and sends frames."""

    def __init__(self, graph: Graph, data: Path, **values: Any) -> None:
        self.graph, self.data = graph, data
        self.node = graph.start(Recorder, data=str(data), **values)
        self.said: Heard = graph.listen(DatasetStatus, 'dataset', qos.LATCHED)
        self._tags = graph.speak(Tags, 'tags', qos.TAGS)
        self._images = graph.speak(Image, 'image_raw', qos.RECORDED)
        self.said.wait()

    def hold(self, stamp_ns: int, *tags: str, lease_ns: int = 0, sender: str = 'test') -> None:
        self._tags.publish(Tags(
            stamp=conversions.to_time(stamp_ns), sender=sender, tags=list(tags),
            recording=lease_ns > 0, lease=Duration(sec=lease_ns // S, nanosec=lease_ns % S)))

    def frame(self, stamp_ns: int, seed: int = 1, encoding: str = 'bgr8') -> None:
        message = conversions.array_to_image(makers.noise(seed), stamp_ns, 'camera')
        message.encoding = encoding
        self._images.publish(message)

    def wait_samples(self, count: int) -> DatasetStatus:
        wait_for(lambda: self.said[-1].samples == count and not self.said[-1].pending)
        return self.said[-1]

    def samples(self) -> list[reader.Sample]:
        return sorted(reader.snapshot(self.data).samples, key=lambda item: item.stamp_ns)


@pytest.fixture
def operator(graph: Graph, tmp_path: Path) -> Operator:
    return Operator(graph, tmp_path / 'data', settle=1.0)


def test_frames_are_stored_with_the_tags_of_their_stamps(operator: Operator) -> None:
    begin = operator.graph.now_ns()
    operator.hold(begin, 'Apple', lease_ns=200 * MS)
    operator.hold(begin + 200 * MS, 'banana', 'fruit', lease_ns=200 * MS)
    # Before, in, between and after what was held.
    for seed, after_ms in enumerate((-100, 100, 300, 310, 500)):
        operator.frame(begin + after_ms * MS, seed)
    status = operator.wait_samples(3)
    assert [(item.stamp_ns - begin, item.tags) for item in operator.samples()] == [
        (100 * MS, ('apple',)), (300 * MS, ('banana', 'fruit')), (310 * MS, ('banana', 'fruit'))]
    assert dict(zip(status.classes, status.class_samples, strict=True)) == {
        'apple': 1, 'banana': 2, 'fruit': 2}
    assert (status.bursts, status.multi_label, status.dropped) == (2, True, 0)


def test_record_lapses_when_its_holder_falls_silent(operator: Operator) -> None:
    begin = operator.graph.now_ns()
    operator.hold(begin, 'apple', lease_ns=600 * MS)
    wait_for(lambda: operator.said[-1].recording)
    held = operator.said[-1]
    assert (list(held.active_tags), held.sender) == (['apple'], 'test')
    wait_for(lambda: not operator.said[-1].recording)
    over = conversions.nanoseconds(operator.said[-1].stamp) - begin
    assert over >= 600 * MS
    operator.frame(begin + 300 * MS, 1)
    operator.frame(begin + 601 * MS, 2)
    operator.wait_samples(1)
    assert [item.stamp_ns - begin for item in operator.samples()] == [300 * MS]


def test_release_ends_the_burst_at_its_stamp(operator: Operator) -> None:
    begin = operator.graph.now_ns()
    operator.hold(begin, 'apple', lease_ns=60 * S)
    operator.hold(begin + 200 * MS)
    operator.frame(begin + 250 * MS, 2)
    operator.frame(begin + 150 * MS, 1)
    operator.wait_samples(1)
    assert [item.stamp_ns - begin for item in operator.samples()] == [150 * MS]


def test_the_first_holder_keeps_record(operator: Operator) -> None:
    begin = operator.graph.now_ns()
    operator.hold(begin, 'apple', lease_ns=300 * MS, sender='first')
    operator.hold(begin + MS, 'banana', lease_ns=600 * MS, sender='second')
    operator.frame(begin + 200 * MS, 1)
    operator.frame(begin + 400 * MS, 2)
    operator.wait_samples(2)
    assert [item.tags for item in operator.samples()] == [('apple',), ('banana',)]


def test_tags_that_break_the_rules_are_refused_in_the_diagnostics(operator: Operator) -> None:
    operator.hold(operator.graph.now_ns(), lease_ns=S)
    told = operator.graph.diagnosed('recorder', 'recording without tags')
    assert told.level == lifecycle.ERROR
    operator.hold(operator.graph.now_ns(), 'apple', lease_ns=20 * S)
    assert operator.graph.diagnosed('recorder', 'recording apple').level == lifecycle.OK


def test_an_image_that_cannot_be_used_is_told(operator: Operator) -> None:
    operator.frame(operator.graph.now_ns(), encoding='32FC1')
    assert operator.graph.diagnosed('recorder', "'32FC1'").level == lifecycle.ERROR


def add_sample(graph: Graph, data: bytes, tags: list[str], source: str = '') -> Any:
    request = AddSample.Request(tags=tags, source=source)
    request.image.data = conversions.byte_array(data)
    return graph.call(AddSample, 'add_sample', request)


def test_an_upload_is_stored_and_the_same_one_again_is_told(operator: Operator) -> None:
    data = makers.jpeg(makers.noise(7))
    first = add_sample(operator.graph, data, ['Cup', 'cup'], 'test')
    assert (first.success, first.duplicate, first.message) == (True, False, '')
    assert image_path(operator.data, first.id).read_bytes() == data
    assert first.revision == 1
    again = add_sample(operator.graph, data, ['mug'], 'test')
    assert (again.success, again.duplicate, again.id) == (True, True, first.id)
    assert operator.wait_samples(1).samples == 1
    assert [item.tags for item in operator.samples()] == [('mug',)]


@pytest.mark.parametrize(('data', 'tags', 'reason'), [
    (b'text', ['cup'], 'image'), (b'', ['cup'], 'image'),
    (makers.jpeg(makers.noise(8)), ['a;b'], 'separator'),
    (makers.jpeg(makers.noise(8)), ['x' * 65], 'too long')])
def test_a_bad_upload_is_refused_with_a_reason(operator: Operator, data: bytes, tags: list[str],
                                               reason: str) -> None:
    answer = add_sample(operator.graph, data, tags)
    assert not answer.success
    assert reason in answer.message
    assert operator.said[-1].samples == 0


def test_uploads_need_an_active_recorder(graph: Graph, tmp_path: Path) -> None:
    graph.start(Recorder, autostart=False, data=str(tmp_path))
    answer = add_sample(graph, makers.jpeg(makers.noise(1)), ['cup'])
    assert (answer.success, answer.message) == (False, 'the recorder is not active')


def test_a_second_recorder_of_the_same_data_ends_with_one_line(operator: Operator) -> None:
    status, output = ended(operator.graph.process('recorder', data=str(operator.data)))
    assert status == 1
    assert f'is in use by process {os.getpid()}: stop that one' in output
    assert len(output.splitlines()) == 1


def test_data_of_another_version_is_left_alone(graph: Graph, tmp_path: Path) -> None:
    SampleStore(tmp_path).close()
    with sqlite3.connect(tmp_path / 'samples.db') as db:
        db.execute('PRAGMA user_version = 99')
    db.close()
    node = graph.add(Recorder, data=str(tmp_path))
    assert graph.state('recorder') == UNCONFIGURED
    assert '99' in node.failure
    status, output = ended(graph.process('recorder', data=str(tmp_path)))
    assert status == 1
    assert node.failure in output


def test_a_full_disk_is_told_and_recording_goes_on_when_there_is_room(graph: Graph,
                                                                      tmp_path: Path) -> None:
    operator = Operator(graph, tmp_path / 'data', settle=0.0, disk_reserve=ALL_DISKS_MIB)
    begin = graph.now_ns()
    operator.hold(begin, 'apple', lease_ns=60 * S)
    wait_for(lambda: operator.said[-1].recording)
    operator.frame(begin + 1, 1)
    wait_for(lambda: operator.said[-1].dropped == 1)
    assert 'has less than 1000000 MiB left: free some room' in operator.said[-1].error
    assert graph.diagnosed('recorder', 'free some room').level == lifecycle.ERROR
    assert graph.set('recorder', disk_reserve=0).successful
    operator.frame(begin + 2, 2)
    status = operator.wait_samples(1)
    assert (status.error, status.dropped, status.recording) == ('', 1, True)
    assert graph.diagnosed('recorder', 'recording').level == lifecycle.OK


def test_what_was_captured_is_written_when_the_node_is_deactivated(graph: Graph,
                                                                   tmp_path: Path) -> None:
    operator = Operator(graph, tmp_path / 'data', settle=10.0)
    begin = graph.now_ns()
    operator.hold(begin, 'apple', lease_ns=60 * S)
    wait_for(lambda: operator.said[-1].recording)
    operator.frame(begin + 1, 1)
    wait_for(lambda: operator.said[-1].pending == 1)
    assert graph.change('recorder', DEACTIVATE)
    assert operator.wait_samples(1).pending == 0
