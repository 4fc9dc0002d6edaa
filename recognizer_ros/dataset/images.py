"""Image files: what is accepted from outside, and what is stored."""

import cv2
import numpy as np
import numpy.typing as npt

from ..core.errors import ImageError
from . import layout

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 50_000_000
MAX_BYTES = 64 * 2**20
MIN_SIDE, MAX_SIDE = 8, 65_500
"""A smaller image shows nothing to learn; a larger one cannot be written by libjpeg."""
THUMBNAIL_QUALITY = 80


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
    width, height = layout.size_of(data)
    _check_size(width, height)
    file = layout.read(data)
    if file.is_jpeg and file.orientation == 1 and file.channels < 4:
        # An eighth of the size in grey reads every coefficient, in a third of the time.
        _decode(file.data, cv2.IMREAD_REDUCED_GRAYSCALE_8)
        return file.data, width, height
    image = _upright(_on_white(_decode(file.data, cv2.IMREAD_UNCHANGED)), file.orientation)
    return encode_jpeg(image, quality), image.shape[1], image.shape[0]


def thumbnail(data: bytes, max_size: int) -> bytes:
    """A small JPEG of a stored one; the stored one itself where that is small enough.

    :param max_size: of the longer side in pixels.
    :raises ImageError: the bytes are damaged.
    """
    longest = max(layout.size_of(data))
    if longest <= max_size:
        return data
    flags = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
             8: cv2.IMREAD_REDUCED_COLOR_8}
    fitting = [factor for factor in flags if longest // factor >= max_size]
    image = _decode(data, flags[fitting[-1]] if fitting else cv2.IMREAD_COLOR)
    scale = max_size / max(image.shape[:2])
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


def _decode(data: bytes, flags: int) -> Pixels:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except (cv2.error, MemoryError):
        image = None
    if image is None:
        raise ImageError(layout.DAMAGED)
    if image.dtype == np.uint16:
        return np.asarray(cv2.convertScaleAbs(image, alpha=1 / 256), np.uint8)
    return np.asarray(image, np.uint8)


def _on_white(image: Pixels) -> Pixels:
    """What shows of a B, G, R, alpha image on a white page, in strips, so in little memory."""
    if image.ndim == 2 or image.shape[2] == 3:
        return image
    shown = np.empty((*image.shape[:2], 3), np.uint8)
    for row in range(0, len(image), 64):
        strip = image[row:row + 64].astype(np.uint16)
        shown[row:row + 64] = 255 - (255 - strip[:, :, :3]) * strip[:, :, 3:] // 255
    return shown


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
