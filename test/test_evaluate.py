from pathlib import Path

import makers
import pytest

from recognizer_ros.core.bundle import BACKBONE, HEAD
from recognizer_ros.core.errors import DatasetError, ModelError
from recognizer_ros.evaluate import evaluate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs of each colour; one red one is in the wrong folder."""
    root = tmp_path / 'photos'
    for label, colour in makers.COLOURS.items():
        makers.photo(root / label / '1.jpg', makers.jpeg(makers.flat(colour)))
        makers.photo(root / label / '2.png', makers.picture(makers.flat(colour), 'PNG'))
    makers.photo(root / 'Green' / '3.jpg', makers.jpeg(makers.flat(makers.RED)))
    return root


def test_known_colours_are_scored(tmp_path: Path, folder: Path) -> None:
    found = evaluate(makers.model(tmp_path), folder)
    assert found.skipped == ()
    assert found.scores.samples == 7
    assert found.scores.labels == ('red', 'green', 'blue')
    assert found.scores.accuracy == pytest.approx(6 / 7)
    assert found.scores.confusion == ((2, 0, 0), (1, 2, 0), (0, 0, 2))


def test_a_class_that_the_model_does_not_know_counts_as_wrong(tmp_path: Path,
                                                              folder: Path) -> None:
    makers.photo(folder / 'cyan' / '1.jpg', makers.jpeg(makers.flat((255, 255, 0))))
    found = evaluate(makers.model(tmp_path), folder).scores
    assert found.labels == ('red', 'green', 'blue', 'cyan')
    assert found.accuracy == pytest.approx(6 / 8)
    assert found.per_class[3].support == 1
    assert found.per_class[3].recall == 0


def test_classes_of_the_model_that_the_folder_lacks_do_not_count(tmp_path: Path) -> None:
    root = tmp_path / 'photos'
    makers.photo(root / 'red' / '1.jpg', makers.jpeg(makers.flat(makers.RED)))
    found = evaluate(makers.model(tmp_path), root).scores
    assert (found.accuracy, found.balanced_accuracy, found.macro_f1) == (1, 1, 1)


def test_several_labels_may_hold(tmp_path: Path, folder: Path) -> None:
    found = evaluate(makers.model(tmp_path, mode='multi'), folder).scores
    assert found.mode == 'multi'
    assert found.mean_average_precision > 0.5


def test_photographs_that_cannot_be_read_are_skipped_and_named(tmp_path: Path,
                                                               folder: Path) -> None:
    bad = makers.photo(folder / 'red' / 'cut.jpg', makers.jpeg(makers.noise(1))[:100])
    found = evaluate(makers.model(tmp_path), folder)
    assert found.skipped == (str(bad),)
    assert found.scores.samples == 7


def test_nothing_that_can_be_read_is_an_error(tmp_path: Path) -> None:
    makers.photo(tmp_path / 'photos' / 'red' / '1.jpg', b'text')
    with pytest.raises(DatasetError, match='none of the 1 files'):
        evaluate(makers.model(tmp_path), tmp_path / 'photos')
    with pytest.raises(DatasetError, match='is not a folder'):
        evaluate(makers.model(tmp_path), tmp_path / 'missing')


@pytest.mark.parametrize('name', [BACKBONE, HEAD])
def test_a_damaged_model_is_an_error(tmp_path: Path, folder: Path, name: str) -> None:
    version = makers.model(tmp_path)
    (version.folder / name).write_bytes(b'')
    with pytest.raises(ModelError, match='damaged'):
        evaluate(version, folder)
