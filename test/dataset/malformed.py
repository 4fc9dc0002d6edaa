"""Files that must be refused, each made from a seed; run as a program, it counts how they fare.

``python malformed.py 1000`` refuses that many and prints how much memory it took.
"""

import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from recognizer_ros.core.errors import ImageError
from recognizer_ros.dataset import images

Rng = np.random.Generator
KINDS = ('JPEG', 'PNG', 'WEBP')
PNG = b'\x89PNG\r\n\x1a\n'
SCRIPT = b'<?php system($_GET["c"]); ?>'
FOREIGN = {
    'empty': b'', 'text': b'hello\n', 'php': SCRIPT, 'gif': b'GIF89a\x20\0\x18\0\x80\0\0',
    'html': b'<!DOCTYPE html><script>alert(1)</script>', 'svg': b'<svg onload="alert(1)"/>',
    'bmp': b'BM\x9e\0\0\0\0\0\0\0\x36\0\0\0', 'tiff': b'II*\0\x08\0\0\0', 'pdf': b'%PDF-1.7\n',
    'zip': b'PK\x03\x04\x14\0\0\0', 'elf': b'\x7fELF\x02\x01\x01', 'exe': b'MZ\x90\0\x03',
    'mp4': b'\0\0\0\x18ftypmp42', 'avif': b'\0\0\0\x1cftypavif', 'shell': b'#!/bin/sh\nrm -rf /\n',
    'jp2': b'\0\0\0\x0cjP  \r\n\x87\n', 'eps': b'%!PS-Adobe-3.0 EPSF-3.0\n',
    'pickle': b'\x80\x04\x95'}


def good(rng: Rng, kind: str = 'JPEG', **options: object) -> bytes:
    """A small image file of any kind that is accepted."""
    width, height = (int(side) for side in rng.integers(8, 65, 2))
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def noise(rng: Rng, most: int = 2000) -> bytes:
    return rng.bytes(int(rng.integers(1, most)))


def segment(marker: int, payload: bytes) -> bytes:
    """Of a JPEG."""
    return struct.pack('>BBH', 0xff, marker, len(payload) + 2) + payload


def chunk(kind: bytes, payload: bytes) -> bytes:
    """Of a PNG."""
    return struct.pack('>I', len(payload)) + kind + payload + struct.pack(
        '>I', zlib.crc32(kind + payload))


def png(width: int, height: int, idat: bytes = zlib.compress(b''), more: bytes = b'',
        depth: int = 8, colours: int = 2) -> bytes:
    """A PNG file of any size and pixel data. :param more: chunks between header and pixels."""
    header = struct.pack('>IIBBBBB', width, height, depth, colours, 0, 0, 0)
    return PNG + chunk(b'IHDR', header) + more + chunk(b'IDAT', idat) + chunk(b'IEND', b'')


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP file of these chunks."""
    body = b'WEBP' + b''.join(kind + struct.pack('<I', len(data)) + data + b'\0' * (len(data) % 2)
                              for kind, data in chunks)
    return b'RIFF' + struct.pack('<I', len(body)) + body


def jpeg_of_size(data: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header tells another size."""
    at = data.index(b'\xff\xc0')
    return data[:at + 5] + struct.pack('>HH', height, width) + data[at + 9:]


def zeros_bomb(side: int) -> bytes:
    """A true PNG of side × side black pixels, one bit each: a thousandth of their bytes."""
    packer = zlib.compressobj(1)
    row = b'\0' * (side // 8 + 1)
    parts = [packer.compress(row * 100) for _ in range(side // 100)]
    return png(side, side, b''.join([*parts, packer.flush()]), depth=1, colours=0)


def scan_bomb(rng: Rng, scans: int) -> bytes:
    """A progressive JPEG that repeats its last scan."""
    data = good(rng, progressive=True)
    last = data.rindex(b'\xff\xda')
    return data[:last] + data[last:-2] * scans + data[-2:]


def webp_bomb(rng: Rng) -> bytes:
    """A WebP whose canvas is small, and whose picture is large."""
    file = good(rng, 'WEBP', lossless=True)
    sides = struct.pack('<I', 16383 | 16383 << 14)
    return webp((b'VP8X', b'\0' * 4 + b'\x1f\0\0' + b'\x1f\0\0'),
                (b'VP8L', b'\x2f' + sides + file[25:]))


def cut(rng: Rng) -> bytes:
    data = good(rng, str(rng.choice(KINDS)))
    return data[:int(rng.integers(0, len(data)))]


def cut_progressive(rng: Rng) -> bytes:
    data = good(rng, progressive=True)
    return data[:int(rng.integers(len(data) // 4, len(data)))]


def renamed(rng: Rng) -> bytes:
    return FOREIGN[str(rng.choice(list(FOREIGN)))] + noise(rng) * int(rng.integers(0, 2))


def polyglot(rng: Rng) -> bytes:
    """A good image, and something else behind it or before it."""
    kind, other = str(rng.choice(KINDS)), renamed(rng)
    if (b'ftyp' in other[:8] and kind == 'JPEG') or not other.strip(b'\0'):
        other = SCRIPT
    image = good(rng, kind)
    return image + other if rng.integers(0, 4) else other + image


def random_bytes(rng: Rng) -> bytes:
    start = (b'', b'\xff\xd8\xff\xe0', b'\xff\xd8\xff\xdb', PNG, b'RIFF', b'\xff' * 50, b'\0' * 50)
    return start[int(rng.integers(0, len(start)))] + noise(rng)


def header_bomb(rng: Rng) -> bytes:
    side, low = (int(rng.integers(*limits)) for limits in ((20_000, 65_000), (5000, 65_000)))
    makers: tuple[Callable[[], bytes], ...] = (
        lambda: png(side, low), lambda: png(2**31 - 1, 2**31 - 1), lambda: png(side, 2**32 - 1),
        lambda: jpeg_of_size(good(rng), side, low),
        lambda: webp((b'VP8X', b'\0' * 4 + b'\xff' * 6), (b'VP8 ', noise(rng))),
        lambda: webp((b'VP8L', b'\x2f' + b'\xff' * 4 + noise(rng))))
    return makers[int(rng.integers(0, len(makers)))]()


def odd_size(rng: Rng) -> bytes:
    sides = [(0, 0), (1, 1), (7, 100), (100, 7), (0, 50), (65_501, 8), (70_000, 20)]
    width, height = sides[int(rng.integers(0, len(sides)))]
    if rng.integers(0, 2) or max(width, height) > 65_535:
        return png(width, height, zlib.compress(b'\0' * (3 * width + 1) * height))
    return jpeg_of_size(good(rng), width, height)


def exif_trap(rng: Rng) -> bytes:
    """EXIF that says it is longer than it is, or than the file."""
    exif = b'Exif\0\0II*\0' + rng.bytes(20)
    length = int(rng.choice([0, 1, 65_535]))
    trap = struct.pack('>BBH', 0xff, 0xe1, length) + exif
    return b'\xff\xd8' + trap + good(rng)[2:600]


def bad_jpeg(rng: Rng) -> bytes:
    data = good(rng)
    frame = data.index(b'\xff\xc0')
    size = int.from_bytes(data[frame + 2:frame + 4], 'big') + 2
    scan = data.index(b'\xff\xda')
    makers: tuple[Callable[[], bytes], ...] = (
        lambda: data[:frame] + data[frame + size:],  # no size
        lambda: data[:frame + size] + data[frame:],  # two of them
        lambda: data[:-2] + b'\xff\xc0\0\x02\xff\xd9',  # the second without a word
        lambda: data[:scan] + b'\xff\xd9',  # tables only
        lambda: data[:frame] + b'\xff' + bytes([int(rng.choice([0xc3, 0xc5, 0xc9, 0xcb]))])
        + data[frame + 2:],  # lossless, hierarchical, arithmetic
        lambda: data[:frame + 4] + b'\x0c' + data[frame + 5:],  # 12 bits
        lambda: data[:frame + 9] + b'\x02' + data[frame + 10:],  # two channels
        lambda: data[:2] + data[frame:],  # no quantisation
        lambda: data[:frame] + segment(0xc4, b'\0' + b'\xff' * 16) + data[frame:],  # code tables
        lambda: data[:2] + data,  # a second start
        lambda: data[:2] + segment(0xfe, b'') * 70_000 + data[2:],
        lambda: data.replace(b'\xff\xda', b'\xff\x01'))
    return makers[int(rng.integers(0, len(makers)))]()


def bad_png(rng: Rng) -> bytes:
    data, pixels = good(rng, 'PNG'), zlib.compress(rng.bytes(32 * 97))
    flipped = bytearray(data)
    flipped[int(rng.integers(33 + 8, len(data) - 12))] ^= 1 << int(rng.integers(0, 8))
    makers: tuple[Callable[[], bytes], ...] = (
        lambda: bytes(flipped),
        lambda: png(32, 32, zlib.compress(b'\0' * 97 * 20)),  # too few rows
        lambda: png(32, 32, noise(rng)),
        lambda: png(32, 32, pixels[:len(pixels) // 2]),
        lambda: png(32, 32, pixels, colours=3),  # no palette
        lambda: png(32, 32, pixels, depth=7),
        lambda: png(32, 32, pixels, more=data[8:33]),  # two headers
        lambda: png(32, 32, pixels, more=png(30_000, 30_000)[8:33]),
        lambda: png(32, 32, pixels, more=struct.pack('>I4s', 2**31, b'tEXt')),
        lambda: png(32, 32, pixels, more=chunk(b'acTL', struct.pack('>II', 9, 0))),
        lambda: png(32, 32, pixels, more=chunk(b'tEXt', b'') * 70_000),
        lambda: png(32, 32, pixels).replace(b'IDAT', b'iDAT'))
    return makers[int(rng.integers(0, len(makers)))]()


def bad_webp(rng: Rng) -> bytes:
    data = good(rng, 'WEBP')
    makers: tuple[Callable[[], bytes], ...] = (
        lambda: webp_bomb(rng),
        lambda: webp((b'VP8X', b'\2' + b'\0' * 3 + b'\x1f\0\0' * 2), (b'ANIM', b'\0' * 6)),
        lambda: data[:4] + struct.pack('<I', 2**32 - 1) + data[8:],
        lambda: webp((b'VP8 ', data[20:30] + noise(rng, 20))),
        lambda: webp((b'VP8X', b'\0' * 4 + b'\x1f\0\0' * 2)))
    return makers[int(rng.integers(0, len(makers)))]()


MAKERS = (cut, cut_progressive, renamed, polyglot, random_bytes, header_bomb, odd_size, exif_trap,
          bad_jpeg, bad_png, bad_webp, lambda rng: scan_bomb(rng, int(rng.integers(35, 500))))


def corpus(count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """What they are and their bytes; the first few are large."""
    yield '100 MB of zeros', bytes(100 * 2**20)
    yield '60 MB of zeros', bytes(60 * 2**20)
    yield '60 MB behind a JPEG', good(np.random.default_rng(seed)) + SCRIPT * 2**21
    yield '900 million pixels', zeros_bomb(30_000)
    yield '3,600 million pixels', png(60_000, 60_000)
    for number in range(5, count):
        rng = np.random.default_rng((seed, number))
        make = MAKERS[number % len(MAKERS)]
        yield f'{getattr(make, "__name__", "")} {number}', make(rng)


def peak_mib() -> int:
    """The most memory this process ever had."""
    status = Path('/proc/self/status').read_text()
    return int(status.split('VmHWM:')[1].split()[0]) >> 10


def main(count: int) -> int:
    """Refuse them all; print how many were, and MiB taken by it. Others are named."""
    images.accept(good(np.random.default_rng(0), 'WEBP'))
    images.decode(images.encode_jpeg(np.zeros((99, 99, 3), np.uint8), 90))
    before, refused = peak_mib(), 0
    for name, data in corpus(count):
        try:
            images.accept(data)
        except ImageError as error:
            refused += len(str(error).splitlines()) == 1
            continue
        print(f'accepted: {name}', file=sys.stderr)
    print(refused, peak_mib() - before)
    return 0


if __name__ == '__main__':
    cv2.setNumThreads(1)
    sys.exit(main(int(sys.argv[1])))
