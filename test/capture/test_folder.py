import threading

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from recognizer_ros.capture.folder import FolderSource
from recognizer_ros.capture.pacer import Pacer
from recognizer_ros.core.errors import SourceError


def levels(source, count=100):
    """Grey levels of the frames until the end, at most ``count``."""
    frames = iter(source.read, None)
    return [round(frame.image.mean()) for _, frame in zip(range(count), frames, strict=False)]


@pytest.fixture
def opened(config, clock, stop):
    def make(path, **options):
        return FolderSource(str(path), config('', **options), clock, stop)
    return make


def test_photos_come_in_order_of_name_with_class_sub_folders(tmp_path, photo, opened):
    photo(tmp_path / 'mug' / '1.JPG', 30)
    photo(tmp_path / 'apple' / '2.png', 20)
    photo(tmp_path / 'apple' / '1.jpeg', 10)
    photo(tmp_path / 'b.webp', 25)
    assert levels(opened(tmp_path)) == pytest.approx([10, 20, 25, 30], abs=1)


def test_other_files_hidden_ones_and_deeper_folders_are_left_alone(tmp_path, photo, opened):
    photo(tmp_path / 'a.png', 10)
    photo(tmp_path / '._b.png', 20)
    photo(tmp_path / '.trash' / 'c.png', 30)
    photo(tmp_path / 'x' / 'y' / 'd.png', 40)
    (tmp_path / 'notes.txt').write_text('no photo')
    (tmp_path / 'folder.png').mkdir()
    source = opened(tmp_path)
    assert levels(source) == [10]
    assert source.skipped.count == 0


def test_unreadable_photos_among_good_ones_are_counted_and_named(tmp_path, photo, opened):
    photo(tmp_path / 'b.png', 10)
    photo(tmp_path / 'd.png', 20)
    (tmp_path / 'a.jpg').write_bytes(b'')
    (tmp_path / 'c.png').write_bytes(b'not a photo')
    source = opened(tmp_path)
    assert levels(source) == [10, 20]
    assert source.skipped.count == 2
    assert source.skipped.names == ('a.jpg', 'c.png')


def test_only_the_last_few_unreadable_names_are_kept(tmp_path, photo, opened):
    for index in range(8):
        (tmp_path / f'{index}.jpg').write_bytes(b'x')
    photo(tmp_path / '9.png', 10)
    source = opened(tmp_path)
    assert source.skipped.count == 8
    assert source.skipped.names == ('3.jpg', '4.jpg', '5.jpg', '6.jpg', '7.jpg')


def test_a_folder_of_unreadable_photos_cannot_be_opened(tmp_path, opened):
    (tmp_path / 'a.jpg').write_bytes(b'x')
    with pytest.raises(SourceError, match='none of the 1 photos'):
        opened(tmp_path)


def test_loop_starts_again_and_survives_deleted_photos(tmp_path, photo, opened):
    photo(tmp_path / 'a.png', 10)
    photo(tmp_path / 'b.png', 20)
    source = opened(tmp_path, loop=True)
    assert levels(source, 5) == [10, 20, 10, 20, 10]
    (tmp_path / 'b.png').unlink()
    assert levels(source, 3)[-2:] == [10, 10]
    (tmp_path / 'a.png').unlink()
    with pytest.raises(SourceError, match='can be read'):
        levels(source, 4)


def test_photo_is_turned_upright_by_its_exif(tmp_path, opened):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20] = 255
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # the camera was held a quarter turn: the left side is the top
    PillowImage.fromarray(pixels).save(tmp_path / 'a.jpg', exif=exif)
    image = opened(tmp_path, width=0, height=0).read().image
    assert image.shape == (40, 20, 3)
    assert image[:18].mean() > 240
    assert image[22:].mean() < 15


def test_grey_and_transparent_photos_become_bgr(tmp_path, opened):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((30, 40), 50, np.uint8))
    cv2.imwrite(str(tmp_path / 'b.png'), np.full((30, 40, 4), 90, np.uint8))
    assert levels(opened(tmp_path)) == [50, 90]


def test_photos_are_paced_at_the_rate(tmp_path, photo, config, clock, fake_time):
    for name in 'abc':
        photo(tmp_path / f'{name}.png', 10)
    source = FolderSource(str(tmp_path), config('', rate=2.0), clock, fake_time,
                          Pacer(fake_time, fake_time.now))
    assert len(levels(source)) == 3
    assert fake_time.now_s == pytest.approx(101.0)


def test_stop_ends_the_search_for_a_readable_photo(tmp_path, config, clock):
    (tmp_path / 'a.jpg').write_bytes(b'x')
    stop = threading.Event()
    stop.set()
    source = FolderSource(str(tmp_path), config('', loop=True), clock, stop)
    assert source.read() is None
