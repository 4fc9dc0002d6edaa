"""Image files: what is accepted from outside, and what is stored.

A file is walked by its own structure before a decoder sees it: how large it is, that it is whole,
and where it truly ends. So a cut file, a bomb or a polyglot costs no decoding.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ..core.errors import ImageError

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 50_000_000
MAX_BYTES = 64 * 2**20
MIN_SIDE, MAX_SIDE = 8, 65_500
"""A smaller image shows nothing to learn; a larger one cannot be written by libjpeg."""
MAX_SCANS = 64
"""Of a progressive JPEG; encoders write about 10. Each costs a pass over all its pixels."""
MAX_PARTS = 65_536
"""Segments or chunks of a file: 64 MiB of empty ones would take seconds to walk."""
THUMBNAIL_QUALITY = 80

# ITU-T T.81, table B.1. Frames that only some decoders can read are left out of _FRAMES.
_SOI, _EOI, _SOS, _APP1, _TEM = 0xD8, 0xD9, 0xDA, 0xE1, 0x01
_FRAMES, _NO_FRAMES = (0xC0, 0xC1, 0xC2), (0xC4, 0xC8, 0xCC)
_PNG = b'\x89PNG\r\n\x1a\n'
_PNG_PIXELS = (b'IHDR', b'PLTE', b'tRNS', b'IDAT', b'IEND')
_EXIF = b'Exif\0\0'
_ORIENTATION_TAG, _SHORT = 0x0112, 3
_NEXT_MARKER = re.compile(rb'\xff[^\x00\xff\xd0-\xd7]')
_CAMERA_TRAILER = re.compile(rb'[\x00\xff]*\Z|\x00*(?:\xff\xd8\xff|.{4}ftyp)', re.DOTALL)
_NO_IMAGE = 'not a JPEG, PNG or WebP image'
_CUT = 'the image file is cut short: send it again'
_DAMAGED = 'the image is damaged: send it again, or save it anew with an image program'
_ANIMATED = 'the image is animated: save one picture of it'


@dataclass(frozen=True)
class _Layout:
    """:param end: bytes from the start to the true end. :param orientation: as in EXIF, 1..8."""

    end: int
    orientation: int


def encode_jpeg(image: Pixels, quality: int) -> bytes:
    """JPEG bytes of a B, G, R image, shape (height, width, 3), or a grey one, (height, width).

    :raises ImageError: it cannot be encoded (a JPEG has at most 65,500 pixels a side).
    """
    try:
        ok, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise ImageError(f'cannot encode an image of shape {image.shape}') from error
    if not ok:
        raise ImageError(f'cannot encode an image of shape {image.shape}')
    return data.tobytes()


def decode(data: bytes) -> Pixels:
    """Pixels of a stored JPEG in the order B, G, R; shape (height, width, 3).

    Stored JPEGs are upright: EXIF that could not be read when it came is not obeyed now.

    :raises ImageError: the bytes are damaged.
    """
    return _decode(data, cv2.IMREAD_COLOR)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of an image file in pixels, as its header has them; nothing is decoded.

    :raises ImageError: not an image.
    """
    try:
        if data.startswith(b'\xff\xd8\xff'):
            return _jpeg_size(data)
        if data.startswith(_PNG) and data[12:16] == b'IHDR':
            width, height = struct.unpack_from('>II', data, 16)
            return int(width), int(height)
        if data.startswith(b'RIFF') and data[8:12] == b'WEBP':
            return _webp_size(data)
    except struct.error as error:
        raise ImageError(_NO_IMAGE) from error
    raise ImageError(_NO_IMAGE)


def accept(data: bytes, quality: int = 95) -> tuple[bytes, int, int]:
    """Make a JPEG to store of a file from outside; return it with width and height.

    A JPEG that needs no turning stays byte for byte as it is, comments and EXIF too; what cameras
    append (further images, a motion photo's video) is cut off. Of other files, transparent parts
    become white and 16 bits a channel become 8.

    :param quality: of the JPEG, where one has to be made; 1..100.
    :raises ImageError: too large, too small, damaged, animated, followed by something that is no
        image, or of another kind.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(f'the file has {-(-len(data) // 2**20)} MiB: at most '
                         f'{MAX_BYTES >> 20} MiB')
    width, height = size_of(data)
    _check_size(width, height)
    if data.startswith(_PNG):
        bare, layout = _walk_png(data)
        bgr = _through_pillow(bare)
    elif data.startswith(b'RIFF'):
        layout = _walk_webp(data)
        bgr = _through_pillow(data)
    else:
        layout = _walk_jpeg(data)
        data = data[:layout.end]
        if layout.orientation == 1:
            # An eighth of the size in grey reads every coefficient, in a third of the time.
            _decode(data, cv2.IMREAD_REDUCED_GRAYSCALE_8)
            return data, width, height
        bgr = decode(data)
    bgr = _upright(bgr, layout.orientation)
    return encode_jpeg(bgr, quality), bgr.shape[1], bgr.shape[0]


def thumbnail(data: bytes, max_size: int) -> bytes:
    """A small JPEG of a stored one; the stored one itself where that is small enough.

    :param max_size: of the longer side in pixels.
    :raises ImageError: the bytes are damaged.
    """
    longest = max(size_of(data))
    if longest <= max_size:
        return data
    flags = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
             8: cv2.IMREAD_REDUCED_COLOR_8}
    fitting = [factor for factor in flags if longest // factor >= max_size]
    image = _decode(data, flags[fitting[-1]] if fitting else cv2.IMREAD_COLOR)
    scale = max_size / max(image.shape)
    if scale < 1:
        size = [max(1, round(side * scale)) for side in (image.shape[1], image.shape[0])]
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return encode_jpeg(image, THUMBNAIL_QUALITY)


def dhash(image: Pixels) -> int:
    """Difference hash, 64 bits, of a B, G, R or grey image: is each place brighter than its left?

    N. Krawetz, "Kind of Like That", The Hacker Factor Blog, 2013.
    """
    small = cv2.resize(image, (9, 8), interpolation=cv2.INTER_AREA)
    if small.ndim == 3:
        small = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes(), 'big')


def distance(a: int, b: int) -> int:
    """In how many of 64 bits two difference hashes differ; near-duplicates in a few."""
    return (a ^ b).bit_count()


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_SIDE:
        raise ImageError(f'the image has {width}×{height} pixels: each side must have '
                         f'{MIN_SIDE} to {MAX_SIDE:,}')
    if width * height > MAX_PIXELS:
        raise ImageError(f'the image has {width}×{height} pixels: at most '
                         f'{MAX_PIXELS // 1_000_000} million')


def _check_end(data: bytes, end: int, known: bool) -> None:
    """:param known: what follows is known to be harmless, so may be cut off."""
    if not known and data.count(0, end) < len(data) - end:
        raise ImageError(f'the image is followed by {len(data) - end:,} bytes that are no part of '
                         'it: save it anew with an image program')


def _decode(data: bytes, flags: int) -> Pixels:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except (cv2.error, MemoryError):
        image = None
    if image is None:
        raise ImageError(_DAMAGED)
    return np.asarray(image, np.uint8)


def _through_pillow(data: bytes) -> Pixels:
    """Pixels of a PNG or WebP file, B, G, R, on white."""
    try:
        with Image.open(io.BytesIO(data), formats=('PNG', 'WEBP')) as image:
            image.load()
            return np.asarray(cv2.cvtColor(_rgb(image), cv2.COLOR_RGB2BGR), np.uint8)
    except Exception as error:  # decoders raise what they like, from KeyError to zlib.error
        raise ImageError(_DAMAGED) from error


def _rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith('I'):  # 16 bits of grey, which convert() would clip
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if image.mode in ('RGBA', 'LA', 'PA') or 'transparency' in image.info:
        image = image.convert('RGBA')
        white = Image.new('RGB', image.size, 'white')
        white.paste(image, mask=image)
        image = white
    return np.asarray(image.convert('RGB'), np.uint8)


def _upright(image: Pixels, orientation: int) -> Pixels:
    """:param orientation: EXIF 2.32, 4.6.4 A: 5 to 8 are 1 to 4 with the axes exchanged."""
    if orientation > 4:
        image = image.swapaxes(0, 1)
    turn = (orientation - 1) % 4
    if turn in (1, 2):
        image = image[:, ::-1]
    if turn in (2, 3):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _orientation(tiff: bytes) -> int:
    """Of an EXIF block, 1..8; 1 where it is broken or says nothing."""
    order = {b'II': '<', b'MM': '>'}.get(tiff[:2], '')
    try:
        (first,) = struct.unpack_from(f'{order}I', tiff, 4)
        (count,) = struct.unpack_from(f'{order}H', tiff, first)
        for at in range(first + 2, first + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(f'{order}HHIH', tiff, at)
            if order and (tag, kind) == (_ORIENTATION_TAG, _SHORT):
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass  # people keep such photos, and every viewer shows them
    return 1


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, and where its payload starts and stops, of each JPEG segment up to EOI.

    Markers are looked for as libjpeg does, so that both see the same ones.

    :raises ImageError: damaged, or no EOI (libjpeg would only warn).
    """
    at = 2
    for _ in range(MAX_PARTS):
        found = _NEXT_MARKER.search(data, at)
        if not found:
            raise ImageError(_CUT)
        at = found.end()
        marker, stop = data[at - 1], at
        if marker != _EOI:
            stop += int.from_bytes(data[at:at + 2], 'big')
            if stop < at + 2 or marker in (_SOI, _TEM):
                raise ImageError(_DAMAGED)
        yield marker, at + 2, stop
        if marker == _EOI:
            return
        at = stop
    raise ImageError(_DAMAGED)


def _is_frame(marker: int) -> bool:
    return 0xC0 <= marker <= 0xCF and marker not in _NO_FRAMES


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """:raises struct.error: the header is cut. :raises ImageError: so, or of a rare kind."""
    try:
        start, marker = next((start, marker) for marker, start, _ in _segments(data)
                             if _is_frame(marker))
    except (StopIteration, ImageError) as error:
        raise ImageError(_NO_IMAGE) from error
    bits, height, width, channels = struct.unpack_from('>BHHB', data, start)
    if marker not in _FRAMES or bits != 8 or channels not in (1, 3, 4):
        raise ImageError(f'a JPEG of a rare kind (SOF{marker & 15}, {bits} bits, {channels} '
                         'channels): save it anew with an image program')
    return width, height


def _walk_jpeg(data: bytes) -> _Layout:
    orientation = frames = scans = end = 0
    for marker, start, stop in _segments(data):
        end = stop
        frames += _is_frame(marker)
        scans += marker == _SOS
        if scans > MAX_SCANS:
            raise ImageError(f'the JPEG has more than {MAX_SCANS} scans: save it anew with an '
                             'image program')
        if marker == _APP1 and not orientation and data.startswith(_EXIF, start):
            orientation = _orientation(data[start + len(_EXIF):stop])
    if frames != 1 or not scans:
        raise ImageError(_DAMAGED)
    samsung = data.endswith(b'SEFT') and data.find(b'SEFH', end) >= 0
    _check_end(data, end, samsung or bool(_CAMERA_TRAILER.match(data, end)))
    return _Layout(end, orientation or 1)


def _walk_png(data: bytes) -> tuple[bytes, _Layout]:
    """The file without its metadata, which costs decoders memory and warnings; and its layout."""
    at, orientation, parts = len(_PNG), 0, [_PNG]
    for _ in range(MAX_PARTS):
        if at + 12 > len(data):
            raise ImageError(_CUT)
        length, kind = struct.unpack_from('>I4s', data, at)
        start, at = at, at + 12 + length
        if at > len(data):
            raise ImageError(_CUT)
        if kind == b'acTL':
            raise ImageError(_ANIMATED)
        if kind == b'eXIf' and not orientation:
            orientation = _orientation(data[start + 8:at - 4])
        if kind in _PNG_PIXELS:
            part = data[start:at]
            again = kind == b'IHDR' and len(parts) > 1
            if again or zlib.crc32(part[4:-4]) != int.from_bytes(part[-4:], 'big'):
                raise ImageError(_DAMAGED)
            parts.append(part)
        if kind == b'IEND':
            _check_end(data, at, False)
            return b''.join(parts), _Layout(at, orientation or 1)
    raise ImageError(_DAMAGED)


def _webp_size(data: bytes) -> tuple[int, int]:
    """RFC 9649, 2.5 to 2.7. :raises struct.error: the header is cut."""
    kind = data[12:16]
    if kind == b'VP8X':
        low, high = struct.unpack_from('<II', data, 23)
        return (low >> 8) + 1, (high & 0xffffff) + 1
    if kind == b'VP8L':
        (sides,) = struct.unpack_from('<I', data, 21)
        return (sides & 0x3fff) + 1, (sides >> 14 & 0x3fff) + 1
    if kind == b'VP8 ':
        width, height = struct.unpack_from('<HH', data, 26)
        return width & 0x3fff, height & 0x3fff
    raise ImageError(_NO_IMAGE)


def _walk_webp(data: bytes) -> _Layout:
    end = 8 + int.from_bytes(data[4:8], 'little')
    at, orientation = 12, 0
    if end > len(data):
        raise ImageError(_CUT)
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            _check_end(data, end, False)
            return _Layout(end, orientation or 1)
        kind, length = struct.unpack_from('<4sI', data, at)
        if kind in (b'ANIM', b'ANMF'):
            raise ImageError(_ANIMATED)
        if kind == b'EXIF' and not orientation:
            orientation = _orientation(data[at + 8:at + 8 + length].removeprefix(_EXIF))
        at += 8 + length + length % 2
    raise ImageError(_DAMAGED)
