"""Image files by their own structure, before a decoder sees them: how large the image is, that the
file is whole, and where it truly ends. So a cut file, a bomb or a polyglot costs no decoding.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from ..core.errors import ImageError

MAX_SCANS = 32
"""Of a progressive JPEG; encoders write about 10. Each costs a pass over all its pixels."""
MAX_PARTS = 65_536
"""Segments or chunks of a file: 64 MiB of empty ones would take seconds to walk."""

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
DAMAGED = 'the image is damaged: send it again, or save it anew with an image program'
_ANIMATED = 'the image is animated: save one picture of it'


@dataclass(frozen=True)
class Layout:
    """An image file that is whole.

    :param data: of the file, what a decoder needs. :param orientation: EXIF 2.32, 4.6.4 A; 1..8.
    :param channels: of a JPEG; 0: another kind.
    """

    data: bytes
    orientation: int
    channels: int = 0

    @property
    def is_jpeg(self) -> bool:
        """Not PNG or WebP."""
        return self.channels > 0


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


def read(data: bytes) -> Layout:
    """Walk a file.

    :raises ImageError: damaged, cut short, animated, or followed by something that is no image.
    """
    if data.startswith(_PNG):
        return _bare_png(data)
    if data.startswith(b'RIFF'):
        return Layout(data, _walk_webp(data))
    return _bare_jpeg(data)


def _check_end(data: bytes, end: int, known: bool) -> None:
    """:param known: what follows is known to be harmless, so may be cut off."""
    if not known and data.count(0, end) < len(data) - end:
        raise ImageError(f'the image is followed by {len(data) - end:,} bytes that are no part of '
                         'it: save it anew with an image program')


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
            if at + 2 > len(data):
                raise ImageError(_CUT)
            stop += int.from_bytes(data[at:at + 2], 'big')
            if stop < at + 2 or marker in (_SOI, _TEM):
                raise ImageError(DAMAGED)
        yield marker, at + 2, stop
        if marker == _EOI:
            return
        at = stop
    raise ImageError(DAMAGED)


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


def _bare_jpeg(data: bytes) -> Layout:
    """The file up to its true end."""
    orientation = frames = scans = channels = end = 0
    for marker, start, stop in _segments(data):
        end = stop
        if _is_frame(marker):
            frames, channels = frames + 1, channels or data[start + 5]
        scans += marker == _SOS
        if scans > MAX_SCANS:
            raise ImageError(f'the JPEG has more than {MAX_SCANS} scans: save it anew with an '
                             'image program')
        if marker == _APP1 and not orientation and data.startswith(_EXIF, start):
            orientation = _orientation(data[start + len(_EXIF):stop])
    if frames != 1 or not scans:
        raise ImageError(DAMAGED)
    samsung = data.endswith(b'SEFT') and data.find(b'SEFH', end) >= 0
    _check_end(data, end, samsung or bool(_CAMERA_TRAILER.match(data, end)))
    return Layout(data[:end], orientation or 1, channels)


def _bare_png(data: bytes) -> Layout:
    """The file without its metadata, which only costs a decoder memory."""
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
                raise ImageError(DAMAGED)
            parts.append(part)
        if kind == b'IEND':
            _check_end(data, at, False)
            return Layout(b''.join(parts), orientation or 1)
    raise ImageError(DAMAGED)


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


def _walk_webp(data: bytes) -> int:
    """Orientation of a WebP file that is whole."""
    end = 8 + int.from_bytes(data[4:8], 'little')
    at, orientation = 12, 0
    if end > len(data):
        raise ImageError(_CUT)
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            _check_end(data, end, False)
            return orientation or 1
        kind, length = struct.unpack_from('<4sI', data, at)
        if kind in (b'ANIM', b'ANMF'):
            raise ImageError(_ANIMATED)
        if kind == b'EXIF' and not orientation:
            orientation = _orientation(data[at + 8:at + 8 + length].removeprefix(_EXIF))
        at += 8 + length + length % 2
    raise ImageError(DAMAGED)
