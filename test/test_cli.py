"""The command line without nodes. Each wrong input: status 1 or 2, and one line that helps."""

import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import makers
import pytest
import trainees

from recognizer_ros.cli import main
from recognizer_ros.dataset import browse, reader
from recognizer_ros.dataset.browse import Query, State
from recognizer_ros.dataset.schema import VERSION
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.registry.store import Registry

SMALL = ('--net', 'squeezenet1_1', '--net-width', '32', '--net-height', '32', '--weights', 'none',
         '--batch-size', '4', '--workers', '1')


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photographs of two colours, one sub-folder each."""
    root = tmp_path / 'photos'
    for label in ('red', 'blue'):
        for seed in range(4):
            makers.photo(root / label / f'{seed}.jpg',
                         makers.jpeg(trainees.coloured(label, 500 + seed)))
    return root


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set of two colours."""
    trainees.record(tmp_path / 'data', 'red', 'blue')
    return tmp_path / 'data'


@pytest.fixture(scope='module')
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a model, made by the command."""
    data = tmp_path_factory.mktemp('trained') / 'data'
    trainees.record(data, 'red', 'blue')
    before = signal.getsignal(signal.SIGTERM)
    assert main(['train', '--data', str(data), '--epochs', '1', *SMALL]) == 0
    signal.signal(signal.SIGTERM, before)
    return data


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must fail; return its only line on stderr."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 1
    shown = capsys.readouterr()
    assert shown.out == ''
    lines = shown.err.splitlines()
    assert len(lines) == 1, shown.err
    assert lines[0].startswith('error: ')
    return lines[0]


def test_a_folder_is_imported_and_counted(tmp_path: Path, photos: Path,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / 'new'
    assert main(['dataset', 'import', str(photos), '--data', str(data)]) == 0
    assert capsys.readouterr().out == (f'8 images of 2 classes stored in {data}, 0 were there '
                                       'already, 0 skipped\n')
    assert main(['dataset', 'stats', '--data', str(data), '--json']) == 0
    stats = json.loads(capsys.readouterr().out)
    assert (stats['samples'], stats['bursts'], stats['multi_label']) == (8, 2, False)
    assert (stats['classes'], stats['class_samples']) == (['blue', 'red'], [4, 4])
    assert main(['dataset', 'stats', '--data', str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('8 samples (2 held out) in 2 bursts, revision')
    assert lines[1].split() == ['blue', '4', 'samples', 'in', '1', 'bursts']


def test_an_unreadable_photograph_among_good_ones_is_skipped(
        tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture) -> None:
    makers.photo(photos / 'red' / 'bad.jpg', b'no image')
    assert main(['dataset', 'import', str(photos), '--data', str(tmp_path / 'new')]) == 0
    assert capsys.readouterr().out.endswith('1 skipped\n')
    assert f'red/bad.jpg in {photos} skipped: not a JPEG, PNG or WebP image' in caplog.text


def test_training_makes_a_live_version(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['train', '--data', str(data), '--epochs', '1', '--no-augmentation', *SMALL]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith('model version 1 is live: held-out score ')
    assert 'epoch 1: 8 of 8' in shown.err
    made = Registry(data / 'models').get(1).bundle
    assert (made.labels, made.net) == (('blue', 'red'), 'squeezenet1_1')
    assert (made.preprocessing.width, made.preprocessing.height) == (32, 32)


def test_what_training_leaves_out_is_shown_and_set_aside(
        data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, gone = reader.snapshot(data).samples[:2]
    bad.path.write_bytes(b'rubbish')
    gone.path.unlink()
    assert main(['train', '--data', str(data), '--epochs', '1', '--no-augmentation', *SMALL]) == 0
    shown = capsys.readouterr().err
    assert f'warning: sample {bad.sha256} is left out: the image is damaged' in shown
    assert f'warning: sample {gone.sha256} is left out: the image file is missing' in shown
    assert {item.sha256 for item in browse.page(data, Query(state=State.QUARANTINED)).samples} == {
        bad.sha256, gone.sha256}


def test_where_a_recorder_holds_the_folder_nothing_is_set_aside(
        data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader.snapshot(data).samples[0].path.write_bytes(b'rubbish')
    with SampleStore(data):
        assert main(['train', '--data', str(data), '--epochs', '1', '--no-augmentation',
                     *SMALL]) == 0
    assert 'warning: the samples left out are not set aside: ' in capsys.readouterr().err
    assert reader.stats(data).quarantined == 0


def test_a_model_is_scored_on_a_folder(trained: Path, photos: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    makers.photo(photos / 'red' / 'bad.jpg', b'no image')
    arguments = ['evaluate', '--data', str(trained), '--images', str(photos)]
    assert main([*arguments, '--json']) == 0
    found = json.loads(capsys.readouterr().out)
    live = Registry(trained / 'models').live()
    assert (found['version'], found['samples']) == (live, 8)
    assert found['skipped'] == [str(photos / 'red' / 'bad.jpg')]
    assert 0 <= found['accuracy'] <= 1
    assert set(found['per_class']) == {'red', 'blue'}
    assert found['per_class']['red']['support'] == 4
    assert main(arguments) == 0
    text = capsys.readouterr().out.splitlines()
    assert text[0].startswith(f'model version {live}: accuracy {found["accuracy"]:.3f}, macro-F1')
    assert [line.split()[0] for line in text[1:]] == ['blue', 'red']


def test_import_of_a_missing_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, 'dataset', 'import', tmp_path / 'gone', '--data', tmp_path / 'new')
    assert said.startswith(f'error: {tmp_path / "gone"} does not exist: give a folder with one '
                           'sub-folder a class')
    assert not (tmp_path / 'new').exists()


def test_import_of_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'empty' / 'mug').mkdir(parents=True)
    said = refused(capsys, 'dataset', 'import', tmp_path / 'empty', '--data', tmp_path / 'new')
    assert 'empty holds no photographs: put JPEG, PNG or WebP files into one sub-folder' in said
    assert not (tmp_path / 'new').exists()


def test_import_into_a_data_set_that_is_in_use(data: Path, photos: Path,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    with SampleStore(data) as store:
        before = store.revision()
        said = refused(capsys, 'dataset', 'import', photos, '--data', data)
        assert store.revision() == before
    assert f'{data} is in use by process' in said
    assert 'stop that one, or choose another data folder' in said


def test_training_in_a_folder_where_another_trainer_works(
        data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry(data / 'models', writer=True)
    said = refused(capsys, 'train', '--data', data, *SMALL)
    registry.close()
    assert 'is in use by process' in said
    assert registry.numbers() == []


@pytest.mark.parametrize('command', ['import', 'stats', 'train'])
def test_a_data_folder_of_another_version(data: Path, photos: Path, command: str,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(data / 'samples.db')) as db:
        db.execute('PRAGMA user_version=99')
    commands = {'import': ('dataset', 'import', photos), 'stats': ('dataset', 'stats'),
                'train': ('train', *SMALL)}
    said = refused(capsys, *commands[command], '--data', data)
    assert f'{data} has data format 99, this program reads {VERSION}: use the version of' in said
    assert not (data / 'models').exists()


def test_no_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = tmp_path / 'gone'
    said = refused(capsys, 'dataset', 'stats', '--data', gone)
    assert said.startswith(f'error: {gone} holds no data set: record something, or import')
    said = refused(capsys, 'train', '--data', gone, *SMALL)
    assert f'`recognizer dataset import FOLDER --data {gone}`' in said
    assert not gone.exists()


def test_no_model_yet(data: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, 'evaluate', '--data', data, '--images', photos)
    assert said == (f'error: {data} has no model yet: train one with `recognizer train --data '
                    f'{data}`')


def test_evaluation_on_a_missing_or_empty_folder(trained: Path, tmp_path: Path,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ('evaluate', '--data', trained, '--images')
    assert 'gone is not a folder' in refused(capsys, *arguments, tmp_path / 'gone')
    (tmp_path / 'empty').mkdir()
    assert 'empty holds no photographs' in refused(capsys, *arguments, tmp_path / 'empty')


def test_evaluation_of_a_damaged_model(trained: Path, tmp_path: Path, photos: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    copy = shutil.copytree(trained, tmp_path / 'copy')
    live = Registry(copy / 'models').live()
    (copy / 'models' / f'{live:04}' / 'backbone.onnx').write_bytes(b'')
    said = refused(capsys, 'evaluate', '--data', copy, '--images', photos)
    assert f'model version {live}: ' in said
    assert 'is damaged' in said


def test_an_unknown_net(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, 'train', '--data', data, '--net', 'resnet81')
    assert "unknown net 'resnet81': did you mean" in said
    assert Registry(data / 'models').numbers() == []


@pytest.mark.parametrize(('option', 'value', 'expected'), [
    ('--net-width', 'wide', "net_width must be between 32 and 1024, not 'wide'"),
    ('--net-width', '7', 'net_width must be between 32 and 1024, not 7'),
    ('--learning-rate', '-1', 'learning_rate must be between 1e-07 and 10.0, not -1.0'),
    ('--optimizer', 'lion', "optimizer must be one of adam, sgd, not 'lion'"),
    ('--epochs', '-3', 'epochs must be between 0 and 10000, not -3'),
])
def test_a_wrong_value_of_an_option(data: Path, option: str, value: str, expected: str,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, 'train', '--data', data, f'{option}={value}')
    assert said == f'error: {expected}'
    assert not (data / 'models').exists()


def test_an_unknown_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unknown bench 'lop': choose one of " in refused(capsys, 'bench', 'lop')


@pytest.mark.parametrize(('arguments', 'expected'), [
    ([], 'the following arguments are required: COMMAND'),
    (['evaluate'], 'the following arguments are required: --data, --images'),
    (['train', '--epochs', 'many'], "argument --epochs: invalid int value: 'many'"),
    (['train', '--nett', 'x'], 'unrecognized arguments: --nett x'),
    (['run', '--namespace', 'my robot'], "'my robot' is no ROS namespace: letters, digits and _"),
    (['demo', '--namespace', 'robot/2'], "'robot/2' is no ROS namespace"),
])
def test_wrong_arguments(arguments: list[str], expected: str,
                         capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('recognizer')
    assert expected in last


def failed_training(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run training that fails after it began; return the last line on stderr."""
    capsys.readouterr()
    assert main(['train', *map(str, arguments)]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith('error: ')]
    assert len(errors) == 1
    return errors[0]


def test_training_on_one_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / 'data'
    trainees.record(data, 'red')
    said = failed_training(capsys, '--data', data, *SMALL)
    assert said == ('error: nothing was trained: waits for a second class: only red is recorded '
                    'so far')
    assert Registry(data / 'models').numbers() == []


def test_training_from_weights_that_are_not_there(data: Path, tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    said = failed_training(capsys, '--data', data, *SMALL, '--weights', tmp_path / 'gone')
    assert 'gone does not exist: give imagenet, none or the path of a safetensors file' in said
    assert Registry(data / 'models').numbers() == []
