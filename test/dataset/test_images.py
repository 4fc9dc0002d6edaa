import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import makers
import numpy as np
import pytest
from PIL import Image, ImageOps

from recognizer_ros.core.errors import ImageError
from recognizer_ros.dataset.images import (
    accept,
    decode,
    dhash,
    distance,
    encode_jpeg,
    thumbnail,
)
from recognizer_ros.dataset.layout import size_of

sys.path.insert(0, str(Path(__file__).parent))
import malformed

HALVES = np.concatenate([makers.flat(makers.RED, 16, 24), makers.flat(makers.BLUE, 16, 24)], 1)
PHOTO = makers.jpeg(HALVES)
VIDEO = b'\0\0\0\x18ftypmp42' + bytes(500)
MARKUP = b'<script>alert(1)</script><?php system(0); ?>'


def with_segment(marker: int, payload: bytes) -> bytes:
    """A photo with one more segment at its start."""
    return PHOTO[:2] + malformed.segment(marker, payload) + PHOTO[2:]


def exif(orientation: int, order: str = '>', kind: int = 3) -> bytes:
    """An EXIF block of one entry."""
    start = b'MM\0*' if order == '>' else b'II*\0'
    return start + struct.pack(f'{order}IHHHIHHI', 8, 1, 0x0112, kind, 1, orientation, 0, 0)


def turned(kind: str, orientation: int, image: makers.Pixels = HALVES) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return makers.picture(image, kind, exif=tags)


def saved(image: Image.Image, kind: str = 'PNG', **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def colour_of(image: makers.Pixels, x: float, y: float) -> tuple[int, ...]:
    """Which of 0 and 255 each channel is nearer to, at a place in 0..1."""
    pixel = image[int(y * image.shape[0]), int(x * image.shape[1])]
    return tuple(255 * int(value > 127) for value in pixel)


@pytest.mark.parametrize('data', [
    makers.jpeg(HALVES), makers.jpeg(HALVES[:, :, 0]), makers.picture(HALVES, 'JPEG'),
    makers.picture(HALVES, 'JPEG', progressive=True), turned('JPEG', 1)],
    ids=['opencv', 'grey', 'pillow', 'progressive', 'upright'])
def test_a_jpeg_stays_byte_for_byte(data: bytes) -> None:
    assert accept(data) == (data, 32, 24)


@pytest.mark.parametrize('kind', ['PNG', 'WEBP'])
def test_other_kinds_become_jpeg_with_the_same_colours(kind: str) -> None:
    data, width, height = accept(makers.picture(HALVES, kind))
    assert (width, height) == (32, 24)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == 'JPEG'
    image = decode(data)
    assert colour_of(image, 0.2, 0.5) == makers.RED
    assert colour_of(image, 0.8, 0.5) == makers.BLUE


@pytest.mark.parametrize('mode', ['RGBA', 'P', 'L', '1', 'LA'])
def test_png_of_any_mode_becomes_a_jpeg(mode: str) -> None:
    white = Image.new('RGB', (20, 10), (255, 255, 255)).convert(mode)
    data, width, height = accept(saved(white))
    assert (width, height) == (20, 10)
    assert decode(data).mean() > 250


def test_a_cmyk_jpeg_becomes_one_of_three_channels() -> None:
    data, _, _ = accept(saved(Image.new('CMYK', (20, 10), (0, 255, 255, 0)), 'JPEG'))
    assert colour_of(decode(data), 0.5, 0.5) == makers.RED
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == 'RGB'


@pytest.mark.parametrize(('kind', 'options'), [
    ('PNG', {}), ('WEBP', {'lossless': True, 'exact': True})])
def test_what_is_transparent_becomes_white(kind: str, options: dict[str, bool]) -> None:
    image = Image.new('RGBA', (32, 24), (255, 0, 0, 0))
    image.paste((255, 0, 0, 255), (16, 0, 32, 24))
    data, _, _ = accept(saved(image, kind, **options))
    assert colour_of(decode(data), 0.2, 0.5) == makers.WHITE
    assert colour_of(decode(data), 0.8, 0.5) == makers.RED
    data, _, _ = accept(saved(Image.new('RGBA', (32, 24), (0, 0, 0, 102)), kind, **options))
    assert abs(decode(data).mean() - 153) < 2


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    image = Image.new('P', (32, 24), 1)
    image.putpalette([0, 0, 0, 0, 0, 255])
    assert colour_of(decode(accept(saved(image))[0]), 0.5, 0.5) == makers.BLUE
    assert colour_of(decode(accept(saved(image, transparency=1))[0]), 0.5, 0.5) == makers.WHITE


def test_sixteen_bits_become_eight() -> None:
    grey = decode(accept(saved(Image.new('I;16', (20, 10), 100 << 8)))[0])
    assert abs(grey.mean() - 100) < 2
    rows = zlib.compress((b'\0' + b'\x64\xff' * 60) * 10)
    assert abs(decode(accept(malformed.png(20, 10, rows, depth=16))[0]).mean() - 100) < 2


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
def test_a_turned_photo_is_set_upright_once(kind: str) -> None:
    data, width, height = accept(turned(kind, 6))  # shown a quarter turn clockwise
    image = decode(data)
    assert (width, height) == (24, 32) == (image.shape[1], image.shape[0])
    assert colour_of(image, 0.5, 0.1) == makers.RED
    assert colour_of(image, 0.5, 0.9) == makers.BLUE
    assert accept(data) == (data, 24, 32)


@pytest.mark.parametrize('data', [
    b'', b'hello, I am a text file\n' * 100, b'\xff\xd8\xff', b'\x00' * 5000, b'\x89PNG\r\n\x1a\n',
    b'RIFF\x00\x00\x00\x00WEBP', b'%PDF-1.7', makers.picture(HALVES, 'GIF'),
    makers.picture(HALVES, 'BMP'), makers.picture(HALVES, 'TIFF')],
    ids=['0 bytes', 'text', 'jpeg start', 'zeros', 'png start', 'webp start', 'pdf', 'gif', 'bmp',
         'tiff'])
def test_what_is_no_image_that_can_be_used_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match='not a JPEG, PNG or WebP image'):
        accept(data)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
def test_a_file_that_was_cut_anywhere_is_refused(kind: str) -> None:
    data = makers.picture(makers.noise(0, 9, 8), kind)
    for end in range(len(data)):
        with pytest.raises(ImageError, match='image'):
            accept(data[:end])
    accept(data)


@pytest.mark.parametrize('data', [
    PHOTO, makers.picture(HALVES, 'JPEG', progressive=True), turned('JPEG', 6)],
    ids=['opencv', 'progressive', 'turned'])
def test_a_jpeg_that_was_cut_anywhere_is_refused(data: bytes) -> None:
    for end in range(len(data)):
        with pytest.raises(ImageError, match=r'cut short|not a JPEG'):
            accept(data[:end])


def test_a_damaged_png_is_refused() -> None:
    data = bytearray(makers.picture(makers.noise(0), 'PNG'))
    data[len(data) // 2] ^= 0xff
    with pytest.raises(ImageError, match='damaged'):
        accept(bytes(data))


@pytest.mark.parametrize('side', [7100, 10_000, 20_000, 60_000])
def test_too_many_pixels_are_refused_from_the_header_alone(side: int) -> None:
    for data in (malformed.png(side, side), malformed.jpeg_of_size(PHOTO, side, side)):
        with pytest.raises(ImageError, match=f'{side}×{side} pixels: at most 50 million'):
            accept(data)


@pytest.mark.parametrize(('width', 'height'), [(1, 1), (7, 200), (200, 7), (66_000, 8)])
def test_sides_that_are_of_no_use_are_refused(width: int, height: int) -> None:
    with pytest.raises(ImageError, match='each side must have 8 to 65,500'):
        accept(makers.picture(makers.flat(makers.RED, width, height), 'PNG'))


def test_the_smallest_and_the_longest_image_are_taken() -> None:
    for size in ((8, 8), (65_500, 8)):
        assert accept(makers.picture(makers.flat(makers.RED, *size), 'PNG'))[1:] == size


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('recognizer_ros.dataset.images.MAX_BYTES', 2**20)
    with pytest.raises(ImageError, match='the file has 2 MiB: at most 1 MiB'):
        accept(b'\x00' * (2**20 + 1))


def test_size_is_read_without_the_pixels() -> None:
    assert size_of(malformed.png(640, 480)) == (640, 480)
    assert size_of(PHOTO[:1000]) == (32, 24)
    clear = Image.new('RGBA', (300, 20), (0, 0, 255, 9))
    for data in (makers.picture(HALVES, 'WEBP'), makers.picture(HALVES, 'WEBP', lossless=True)):
        assert size_of(data[:40]) == (32, 24)
    assert size_of(saved(clear, 'WEBP', quality=50)[:40]) == (300, 20)


@pytest.mark.parametrize('data', [b'', b'text', b'\xff\xd8\xff', makers.jpeg(HALVES)[:30]])
def test_damaged_bytes_cannot_be_decoded(data: bytes) -> None:
    with pytest.raises(ImageError, match='damaged'):
        decode(data)


def test_encoded_pixels_come_back() -> None:
    image = decode(encode_jpeg(HALVES, 95))
    assert image.shape == (24, 32, 3)
    assert colour_of(image, 0.2, 0.5) == makers.RED
    grey = decode(encode_jpeg(np.full((24, 32), 77, np.uint8), 95))
    assert grey.shape == (24, 32, 3)
    assert abs(int(grey[5, 5, 0]) - 77) < 3


def test_quality_matters() -> None:
    assert len(encode_jpeg(makers.noise(0), 30)) < len(encode_jpeg(makers.noise(0), 95))


@pytest.mark.parametrize('shape', [(0, 0, 3), (0, 10, 3)])
def test_an_empty_image_cannot_be_encoded(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match='cannot encode an image of shape') as raised:
        encode_jpeg(np.zeros(shape, np.uint8), 90)
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
def test_every_orientation_is_set_upright_as_pillow_does(kind: str, orientation: int) -> None:
    image = makers.flat(makers.BLACK, 32, 24)
    image[:12, :16], image[:12, 16:], image[12:, :16] = makers.RED, makers.GREEN, makers.BLUE
    data = turned(kind, orientation, image)
    with Image.open(io.BytesIO(data)) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened).convert('RGB'))[:, :, ::-1]
    shown = decode(accept(data)[0])
    assert shown.shape == expected.shape
    for place in ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)):
        assert colour_of(shown, *place) == colour_of(expected, *place)


@pytest.mark.parametrize('order', ['<', '>'])
def test_exif_of_both_byte_orders_is_read(order: str) -> None:
    assert accept(with_segment(0xe1, b'Exif\0\0' + exif(6, order)))[1:] == (24, 32)


@pytest.mark.parametrize('block', [
    b'', b'II', b'MM\0*\xff\xff\xff\xff', exif(0), exif(9), exif(65_535), exif(6, kind=7),
    exif(6)[:19], b'XX' + exif(6)[2:], b'II*\0\x08\0\0\0\xff\xff' + bytes(100),
    b'II*\0\0\0\0\0' * 50, MARKUP],
    ids=['empty', 'short', 'far', '0', '9', 'large', 'no number', 'cut', 'order', 'many', 'loop',
         'markup'])
def test_broken_exif_is_not_obeyed_and_stays(block: bytes) -> None:
    data = with_segment(0xe1, b'Exif\0\0' + block)
    assert accept(data) == (data, 32, 24)
    assert decode(data).shape == (24, 32, 3)


@pytest.mark.parametrize('marker', [0xfe, 0xe0, 0xe2, 0xed])
def test_what_a_jpeg_says_of_itself_stays(marker: int) -> None:
    data = with_segment(marker, MARKUP * 1000)
    assert accept(data) == (data, 32, 24)


@pytest.mark.parametrize('rest', [
    b'\0', bytes(4096), b'\xff' * 7, PHOTO, bytes(100) + PHOTO[:200], VIDEO, PHOTO + VIDEO,
    b'\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data' + VIDEO + b'SEFH\x6b\0\0\0\x18\0\0\0SEFT'],
    ids=['zero', 'zeros', 'fill', 'image', 'cut image', 'video', 'both', 'samsung'])
def test_what_cameras_append_is_cut_off(rest: bytes) -> None:
    assert accept(PHOTO + rest) == (PHOTO, 32, 24)
    assert accept(turned('JPEG', 6) + rest) == accept(turned('JPEG', 6))


@pytest.mark.parametrize('rest', [
    MARKUP, b'PK\x03\x04' + bytes(50), b'%PDF-1.7', b'#!/bin/sh', b'\n', b'MZ\x90', VIDEO[8:],
    bytes(99) + b'x', b'SEFT', makers.picture(HALVES, 'PNG')])
@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
def test_an_image_with_something_else_behind_it_is_refused(kind: str, rest: bytes) -> None:
    with pytest.raises(ImageError, match=f'is followed by {len(rest):,} bytes that are no part'):
        accept(makers.picture(HALVES, kind) + rest)


@pytest.mark.parametrize('kind', ['PNG', 'WEBP'])
def test_zeros_behind_an_image_do_no_harm(kind: str) -> None:
    data = makers.picture(HALVES, kind)
    assert accept(data + bytes(1000)) == accept(data)


def test_metadata_of_a_png_changes_nothing() -> None:
    pixels, bomb = zlib.compress(b'\0' * 97 * 32), zlib.compress(bytes(2**24))
    extra = b''.join([
        malformed.chunk(b'tEXt', b'Comment\0' + MARKUP * 50_000),
        malformed.chunk(b'zTXt', b'Comment\0\0' + bomb), malformed.chunk(b'eXIf', exif(1)[:15]),
        malformed.chunk(b'iCCP', b'sRGB\0\0' + bomb), malformed.chunk(b'gAMA', bytes(4)),
        malformed.chunk(b'tIME', b'')[:-4] + b'oops'])
    assert accept(malformed.png(32, 32, pixels, extra)) == accept(malformed.png(32, 32, pixels))


@pytest.mark.parametrize('kind', ['PNG', 'WEBP'])
def test_an_animation_is_refused(kind: str) -> None:
    frames = [Image.fromarray(makers.noise(seed)) for seed in range(3)]
    with pytest.raises(ImageError, match='animated: save one picture of it'):
        accept(saved(frames[0], kind, save_all=True, append_images=frames[1:]))


def test_too_many_scans_are_refused() -> None:
    rng = np.random.default_rng(0)
    accept(malformed.good(rng, progressive=True))
    with pytest.raises(ImageError, match='more than 32 scans'):
        accept(malformed.scan_bomb(rng, 32))


def test_a_jpeg_of_a_rare_kind_is_refused() -> None:
    at = PHOTO.index(b'\xff\xc0')
    with pytest.raises(ImageError, match=r'rare kind \(SOF0, 12 bits, 3 channels'):
        accept(PHOTO[:at + 4] + b'\x0c' + PHOTO[at + 5:])


@pytest.mark.parametrize('make', [
    malformed.header_bomb, malformed.odd_size, malformed.cut, malformed.polyglot,
    malformed.renamed])
def test_no_decoder_sees_what_the_structure_gives_away(
        make: Callable[[malformed.Rng], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    files = [make(np.random.default_rng(seed)) for seed in range(20)]
    seen: list[object] = []
    monkeypatch.setattr(cv2, 'imdecode', lambda *given: seen.append(given))
    for data in files:
        with pytest.raises(ImageError):
            accept(data)
    assert not seen


def test_a_damaged_jpeg_is_refused_or_can_be_decoded() -> None:
    refused = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        data = bytearray(malformed.good(rng, progressive=bool(seed % 2)))
        for at in rng.integers(2, len(data), 3):
            data[at] = rng.integers(0, 256)
        try:
            kept, width, height = accept(bytes(data))
        except ImageError:
            refused += 1
        else:
            assert decode(kept).shape == (height, width, 3)
    assert 20 < refused < 380


def test_a_thousand_malformed_files_are_refused_in_little_memory() -> None:
    path = Path(malformed.__file__)
    done = subprocess.run(
        [sys.executable, '-W', 'error', str(path), '1000'], capture_output=True, text=True,
        timeout=100, cwd=path.parents[2], check=False,
        env={**os.environ, 'PYTHONPATH': str(path.parents[2])})
    assert 'accepted' not in done.stderr
    assert not done.returncode, done.stderr
    refused, mebibytes = map(int, done.stdout.split())
    assert refused == 1000
    assert mebibytes < 250


@pytest.mark.parametrize(('width', 'height'), [(640, 480), (300, 1200), (161, 20), (1000, 8)])
def test_a_thumbnail_is_as_large_as_asked_and_shows_the_same(width: int, height: int) -> None:
    image = np.concatenate([makers.flat(makers.RED, width // 2, height),
                            makers.flat(makers.BLUE, width - width // 2, height)], 1)
    small = decode(thumbnail(makers.jpeg(image), 160))
    assert max(small.shape) == 160
    assert abs(small.shape[1] / small.shape[0] - width / height) < 0.5 / small.shape[0] * 160
    assert colour_of(small, 0.2, 0.5) == makers.RED
    assert colour_of(small, 0.8, 0.5) == makers.BLUE


def test_a_thumbnail_is_never_enlarged() -> None:
    assert thumbnail(PHOTO, 160) == thumbnail(PHOTO, 32) == PHOTO
    assert size_of(thumbnail(PHOTO, 31))[0] == 31


@pytest.mark.parametrize('data', [b'', b'text', PHOTO[:30], malformed.jpeg_of_size(
    PHOTO[:PHOTO.index(b'\xff\xda')], 640, 480)])
def test_damaged_bytes_have_no_thumbnail(data: bytes) -> None:
    with pytest.raises(ImageError):
        thumbnail(data, 16)


def test_the_hash_tells_where_it_gets_brighter() -> None:
    ramp = np.tile(np.arange(0, 252, 2, dtype=np.uint8), (64, 1))
    assert dhash(ramp) == 2**64 - 1
    assert dhash(np.ascontiguousarray(ramp[:, ::-1])) == 0
    both = np.concatenate([ramp, ramp[:, ::-1]])
    assert dhash(both) == dhash(np.repeat(both[:, :, None], 3, 2)) == (2**32 - 1) << 32


def test_the_hash_stays_near_when_the_image_stays_alike() -> None:
    blobs = [cv2.resize(makers.noise(seed, 6, 5), (320, 240)) for seed in range(4)]
    hashes = [dhash(image) for image in blobs]
    for image, value in zip(blobs, hashes, strict=True):
        assert distance(value, dhash(decode(makers.jpeg(image, 50)))) <= 4
        assert distance(value, dhash(cv2.resize(image, (96, 64)))) <= 4
    assert min(distance(hashes[a], hashes[b]) for a in range(4) for b in range(a)) > 10
    assert distance(0b1011, 0b0010) == 2
