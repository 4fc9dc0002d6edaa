import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import makers
import pytest

from recognizer_ros.core.errors import DatasetError, LabelError
from recognizer_ros.dataset.browse import Listed
from recognizer_ros.dataset.transfer import export
from recognizer_ros.dataset.transfer.export import Kind
from recognizer_ros.dataset.transfer.importer import Imported

Take = Callable[..., Imported]
Held = Callable[..., list[Listed]]


@pytest.fixture
def seed(tmp_path: Path) -> Callable[..., Path]:
    """A folder as the original Recognizer leaves it."""
    def seed(tags: dict[str, Any], without: tuple[str, ...] = ()) -> Path:
        root = tmp_path / 'seed'
        for number, name in enumerate(tags):
            if name not in without:
                makers.photo(root / 'images' / name, makers.jpeg(makers.noise(number)))
        makers.photo(root / 'tags.json', json.dumps(tags, indent=4).encode())
        return root
    return seed


def test_frames_of_a_press_are_a_burst_and_names_tell_the_time(
        take: Take, held: Held, seed: Callable[..., Path]) -> None:
    done = take(seed({
        '20230915_142400_500000.jpg': ['mug', 'red'],
        '20230915_142359_900000.jpg': ['mug', 'red'],
        '20230915_142401_000000.jpg': ['pen'],
        '20230915_142405_000000.jpg': ['pen'],
        'from the phone.jpg': ['pen'],
    }))
    assert (done.samples, done.classes, done.bursts) == (5, 3, 4)
    found = held()
    assert [(item.tags, item.burst) for item in found] == [
        (('pen',), 1), (('mug', 'red'), 2), (('mug', 'red'), 2), (('pen',), 3), (('pen',), 4)]
    taken = datetime(2023, 9, 15, 14, 23, 59, 900000)
    assert found[1].stamp_ns == round(taken.timestamp() * 1000) * 10**6
    assert {item.source for item in found} == {'import:seed'}


def test_tags_are_cleaned_and_may_be_missing(take: Take, held: Held,
                                             seed: Callable[..., Path]) -> None:
    take(seed({'a.jpg': [' Coffee  Mug ', ''], 'b.jpg': []}))
    assert [item.tags for item in held()] == [('coffee mug',), ()]


def test_missing_images_and_names_that_lead_out_are_skipped(
        take: Take, tmp_path: Path, seed: Callable[..., Path]) -> None:
    makers.photo(tmp_path / 'secret.jpg', makers.jpeg(makers.noise(99)))
    names = ('gone.jpg', '../../secret.jpg', str(tmp_path / 'secret.jpg'), '')
    done = take(seed({'a.jpg': ['mug'], **{name: ['mug'] for name in names}}, without=names))
    assert (done.samples, done.unusable) == (1, 4)


@pytest.mark.parametrize(('text', 'message'), [
    (b'{"a.jpg": ["mug"', r'tags.json in .* is not JSON'),
    (b'[' * 100_000, r'tags.json in .* is not JSON'),
    (b'\xff\xfe', r'is not UTF-8 text'),
    (b'[]', r'names no images: it must be \{"file name": \["tag", …\]\}'),
    (b'{}', r'names no images'),
    (b'{"a.jpg": "mug"}', r"the tags of 'a.jpg' must be a list of texts"),
    (b'{"a.jpg": [1]}', r"the tags of 'a.jpg' must be a list of texts"),
])
def test_a_damaged_index_is_refused(take: Take, seed: Callable[..., Path], tmp_path: Path,
                                    text: bytes, message: str) -> None:
    root = seed({'a.jpg': ['mug']})
    (root / 'tags.json').write_bytes(text)
    with pytest.raises(DatasetError, match=message):
        take(root)
    assert not (tmp_path / 'data').exists()


def test_a_tag_that_cannot_be_is_refused(take: Take, seed: Callable[..., Path]) -> None:
    with pytest.raises(LabelError, match=r"tags.json in .*: 'a.jpg': tag .* too long"):
        take(seed({'a.jpg': ['x' * 65]}))


def test_an_export_is_as_the_original_reads_it(take: Take, seed: Callable[..., Path],
                                               tmp_path: Path) -> None:
    tags = {'20230915_142359_900000.jpg': ['mug', 'red'], '20230915_142402_123456.jpg': ['tüte']}
    take(seed(tags))
    export.run(tmp_path / 'data', tmp_path / 'out', Kind.SEED)
    text = (tmp_path / 'out' / 'tags.json').read_bytes()
    assert text.isascii()  # the original reads it in the encoding of the machine
    written: dict[str, list[str]] = json.loads(text)
    assert [(name[:22], of) for name, of in written.items()] == [
        (name[:22], of) for name, of in tags.items()]
    for name, before in zip(written, tags, strict=True):
        assert (tmp_path / 'out' / 'images' / name).read_bytes() == (
            tmp_path / 'seed' / 'images' / before).read_bytes()


def test_what_the_original_changed_in_an_export_counts(take: Take, held: Held, tmp_path: Path,
                                                       seed: Callable[..., Path]) -> None:
    take(seed({f'20230915_14235{second}_000000.jpg': ['mug'] for second in range(5)}))
    export.run(tmp_path / 'data', tmp_path / 'out', Kind.SEED)
    index = tmp_path / 'out' / 'tags.json'
    known = json.loads(index.read_text())
    first, second = list(known)[:2]
    del known[first]
    known[second] = ['cup']
    known['20240101_000000_000000.jpg'] = ['pen']
    makers.photo(tmp_path / 'out' / 'images' / '20240101_000000_000000.jpg',
                 makers.jpeg(makers.noise(77)))
    index.write_text(json.dumps(known))
    take(tmp_path / 'out', into='back')
    assert [item.tags for item in held('back')] == [('cup',), ('mug',), ('mug',), ('mug',),
                                                    ('pen',)]
