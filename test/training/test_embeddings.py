import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import makers
import numpy as np
import pytest
import torch
import trainees

from recognizer_ros.core.labels import LabelMode
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.inference.head import Head
from recognizer_ros.training import nets
from recognizer_ros.training.batches import Batches
from recognizer_ros.training.embeddings import Embeddings, FeatureFile, Half, features
from recognizer_ros.training.nets import Net

PLENTY = 10 << 20


@pytest.fixture
def net() -> Net:
    return nets.build('resnet18', 2, trainees.WIDTH, trainees.HEIGHT)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return [trainees.file_sample(tmp_path / 'images', 'red', seed) for seed in range(20)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / 'cache'


@contextmanager
def opened(folder: Path, key: str = 'a', limit: int = PLENTY) -> Iterator[FeatureFile]:
    file = FeatureFile(folder, key, limit)
    try:
        yield file
    finally:
        file.close()


@contextmanager
def embedding(net: Net, folder: Path, key: str = 'a') -> Iterator[Embeddings]:
    made = Embeddings(net, FeatureFile(folder, key, PLENTY))
    try:
        yield made
    finally:
        made.close()


def row(number: int, width: int = 512) -> Half:
    return np.full(width, number, np.float16)


def count_passes(net: Net) -> list[int]:
    """Sizes of the batches that go through a network from now on."""
    passes: list[int] = []
    net.module.register_forward_hook(lambda module, args, out: passes.append(len(out)))
    return passes


def never() -> bool:
    return False


@pytest.mark.parametrize('mode', ['single', 'multi'])
def test_a_head_on_features_answers_as_in_the_network(net: Net, samples: list[Sample],
                                                      batches: Batches, mode: LabelMode) -> None:
    inputs = next(batches.plain(samples, 4))[1]
    rows = features(net.backbone(), inputs)
    assert rows.shape == (4, 512)
    head = Head(np.random.default_rng(1).normal(size=(3, 512)).astype(np.float32),
                np.ones(3, np.float32))
    net.replace_head(torch.from_numpy(head.weight), torch.from_numpy(head.bias))
    logits = net.module(inputs).detach()
    np.testing.assert_allclose(logits, head(rows), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(logits.softmax(1) if mode == 'single' else logits.sigmoid(),
                               head.scores(rows, mode), atol=1e-3)


def test_features_are_computed_once(net: Net, samples: list[Sample], batches: Batches,
                                    folder: Path) -> None:
    passes = count_passes(net)
    with embedding(net, folder) as some:
        assert some.missing(samples[:18]) == samples[:18]
        some.compute(batches, samples[:18], never)
        assert passes == [16, 2]
        known, first = some.of(samples)
        assert known == samples[:18]
        assert some.missing(samples) == samples[18:]
        some.compute(batches, some.missing(samples), never)
        assert passes == [16, 2, 2]
        known, again = some.of(samples)
        assert known == samples
        np.testing.assert_array_equal(again[:18], first)
        wanted = features(net.backbone(), next(batches.plain(samples, 4))[1])
        np.testing.assert_allclose(again[:4], wanted, rtol=1e-2, atol=1e-2)


def test_a_sample_that_is_asked_for_twice_is_missing_once(net: Net, samples: list[Sample],
                                                          folder: Path) -> None:
    with embedding(net, folder) as some:
        assert some.missing([samples[0], samples[1], samples[0]]) == samples[:2]


def test_features_are_kept_over_a_restart(net: Net, samples: list[Sample], batches: Batches,
                                          folder: Path) -> None:
    with embedding(net, folder) as first:
        first.compute(batches, samples, never)
        before = first.of(samples)[1]
    with embedding(net, folder) as second:
        assert second.missing(samples) == []
        np.testing.assert_array_equal(second.of(samples)[1], before)


def test_another_backbone_has_features_of_its_own(net: Net, samples: list[Sample],
                                                  batches: Batches, folder: Path) -> None:
    with embedding(net, folder, 'a') as first:
        first.compute(batches, samples[:4], never)
    with embedding(net, folder, 'b') as second:
        assert second.missing(samples[:4]) == samples[:4]
    with embedding(net, folder, 'a') as again:
        assert again.missing(samples[:4]) == []


def test_unusable_samples_have_no_features(net: Net, samples: list[Sample], batches: Batches,
                                           folder: Path) -> None:
    samples[0].path.unlink()
    with embedding(net, folder) as some:
        some.compute(batches, samples, never)
        known, rows = some.of(samples)
        assert known == samples[1:]
        assert rows.shape == (19, 512)
        assert some.missing(samples) == samples[:1]


def test_computing_stops_between_batches_and_what_is_done_is_kept(
        net: Net, samples: list[Sample], batches: Batches, folder: Path) -> None:
    with embedding(net, folder) as some:
        some.compute(batches, samples, lambda: True)
        assert some.of(samples)[0] == samples[:16]
    with embedding(net, folder) as again:
        assert again.missing(samples) == samples[16:]


def test_features_too_large_for_half_precision_stay_finite(
        net: Net, samples: list[Sample], batches: Batches, folder: Path) -> None:
    for layer in net.module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.bias.data.fill_(1e6)
    with embedding(net, folder) as some:
        some.compute(batches, samples[:2], never)
        assert np.isfinite(some.of(samples[:2])[1]).all()


@pytest.mark.parametrize('torn', [row(1, 100), np.full(512, np.nan, np.float16)])
def test_a_row_that_a_power_cut_has_torn_is_computed_anew(
        net: Net, samples: list[Sample], batches: Batches, folder: Path, torn: Half) -> None:
    with opened(folder) as file:
        file.put({samples[0].sha256: torn, samples[1].sha256: row(2)})
    with embedding(net, folder) as some:
        assert some.missing(samples[:2]) == samples[:1]
        some.compute(batches, samples[:1], never)
        assert some.of(samples[:2])[1].shape == (2, 512)


def test_rows_are_read_back_by_name(folder: Path) -> None:
    with opened(folder) as file:
        assert file.get(['x']) == {}
        file.put({})
        file.put({str(number): row(number) for number in range(1200)})
        file.put({'7': row(-7)})
    with opened(folder) as file:
        found = file.get([str(number) for number in range(0, 1300)])
        assert len(found) == 1200
        assert (found['3'] == 3).all()
        assert (found['7'] == -7).all()


def overwrite(path: Path) -> None:
    path.write_bytes(b'no database' * 1000)


def spoil_pages(path: Path) -> None:
    """Leave the first page as it is."""
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b'\xff' * (len(data) - 4096))


def spoil_row(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE rows SET row = x'010203' WHERE name = '1'")
        db.commit()



@pytest.mark.parametrize('damage', [overwrite, spoil_pages, spoil_row])
def test_a_damaged_file_is_thrown_away(folder: Path, damage: Callable[[Path], None]) -> None:
    names = [str(number) for number in range(50)]
    with opened(folder) as file:
        file.put({name: row(1) for name in names})
    damage(folder / 'a.db')
    with opened(folder) as file:
        assert len(file.get(names)) < 50
    with opened(folder) as file:
        assert file.get(names) == {}
        file.put({'1': row(5)})
    with opened(folder) as file:
        assert (file.get(['1'])['1'] == 5).all()


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize('width', [10, 512, 2048])
def test_a_file_that_is_full_loses_its_oldest_rows(folder: Path, width: int) -> None:
    limit, batch = 1 << 20, 16
    count = 4 * limit // (2 * width + 100) // batch * batch
    with opened(folder, limit=limit) as file:
        for start in range(0, count, batch):
            file.put({f'{number:064}': row(1, width) for number in range(start, start + batch)})
    names = [f'{number:064}' for number in range(count)]
    with opened(folder, limit=limit) as file:
        kept = sorted(file.get(names))
    assert size(folder) <= limit * 1.1
    assert kept == names[-len(kept):]
    assert len(kept) * 2 * width > limit * (0.02 if width == 10 else 0.4)


def test_files_of_other_backbones_go_first_those_used_longest_ago_before(folder: Path) -> None:
    for age, key in enumerate('cba'):
        with opened(folder, key) as file:
            file.put({str(number): row(1) for number in range(100)})
        os.utime(folder / f'{key}.db', (10**9 + age, 10**9 + age))
    one = (folder / 'a.db').stat().st_size
    with opened(folder, 'd', 5 * one // 2) as file:
        assert {path.stem for path in folder.glob('*.db')} == {'a', 'b', 'd'}
        for start in range(0, 200, 10):
            file.put({str(number): row(1) for number in range(start, start + 10)})
    assert {path.stem for path in folder.glob('*.db')} == {'d'}
    assert size(folder) <= 5 * one // 2


def test_a_disk_that_fails_only_costs_time(net: Net, samples: list[Sample], batches: Batches,
                                           folder: Path, caplog: pytest.LogCaptureFixture
                                           ) -> None:
    makers.photo(folder, b'a file where the folder should be')
    with caplog.at_level(logging.WARNING), embedding(net, folder) as some:
        some.compute(batches, samples, never)
        assert some.of(samples)[0] == samples
        assert some.missing(samples) == []
    assert 'they are computed anew' in caplog.text


def test_a_disk_that_fails_while_it_works_only_costs_time(
        net: Net, samples: list[Sample], batches: Batches, folder: Path,
        caplog: pytest.LogCaptureFixture) -> None:
    file = FeatureFile(folder, 'a', PLENTY)
    some = Embeddings(net, file)
    with closing(sqlite3.connect(folder / 'a.db')) as other, caplog.at_level(logging.WARNING):
        assert file._db
        file._db.execute('PRAGMA busy_timeout=0')
        other.execute('BEGIN IMMEDIATE')  # nobody else can write
        some.compute(batches, samples, never)
        assert some.of(samples)[0] == samples
        some.compute(batches, samples[:2], never)
    some.close()
    assert caplog.text.count('they are computed anew') == 1
