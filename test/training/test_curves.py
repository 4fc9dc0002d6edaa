import csv
import io
import logging

import makers
import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from recognizer_ros.training.curves import Curves


@pytest.fixture
def curves() -> Curves:
    made = Curves()
    made.add('head', 3, makers.scores(('a', 'b'), 0.5, samples=10))
    made.add('finetune', 4, makers.scores(('a', 'b'), 0.75, samples=12), 1, 0.9, 0.6)
    return made


def events(data: bytes) -> list[Event]:
    """Records of a file of TensorBoard: length, its checksum, an event, its checksum."""
    found = []
    while data:
        length = int.from_bytes(data[:8], 'little')
        body = data[12:12 + length]
        assert masked_crc32c(body) == int.from_bytes(data[12 + length:16 + length], 'little')
        found.append(Event.FromString(body))
        data = data[16 + length:]
    return found


def test_the_table_has_a_heading_and_a_row_for_each_stage(curves: Curves) -> None:
    head, tuned = csv.DictReader(io.StringIO(curves.table().decode()))
    assert (head['stage'], head['epoch'], head['loss'], head['accuracy']) == (
        'head', '0', 'nan', '0.5')
    assert (tuned['stage'], tuned['dataset_revision'], tuned['epoch'], tuned['loss'],
            tuned['train_accuracy'], tuned['accuracy'], tuned['samples']) == (
        'finetune', '4', '1', '0.9', '0.6', '0.75', '12')


def test_the_last_epoch_is_known_also_after_another_head(curves: Curves) -> None:
    assert Curves().epoch == 0
    assert curves.epoch == 1
    curves.add('head', 5, makers.scores(('a', 'b'), 0.5, samples=10))
    assert curves.epoch == 1


def test_tensorboard_finds_the_figures_that_are_known(curves: Curves) -> None:
    found = [(event.step, value.tag, value.simple_value) for event in events(curves.events())
             for value in event.summary.value]
    assert (0, 'held_out/accuracy', 0.5) in found
    assert (1, 'held_out/accuracy', 0.75) in found
    assert [step for step, tag, _ in found if tag == 'train/loss'] == [1]


def test_what_was_written_is_read_again(curves: Curves) -> None:
    again = Curves()
    again.read(curves.table())
    assert again.table() == curves.table()
    again.read(b'')
    assert not again.rows


def test_the_rows_before_damage_are_kept(curves: Curves, caplog: pytest.LogCaptureFixture) -> None:
    again = Curves()
    with caplog.at_level(logging.WARNING):
        again.read(curves.table().replace(b'finetune,4', b'finetune,four'))
    assert [row.stage for row in again.rows] == ['head']
    assert 'damaged from row 2 on' in caplog.text


def test_the_oldest_rows_go(curves: Curves) -> None:
    for revision in range(1000):
        curves.add('head', revision, makers.scores(('a', 'b'), 0.5, samples=10))
    assert len(curves.rows) == 1000
    assert curves.rows[0].dataset_revision == 0
