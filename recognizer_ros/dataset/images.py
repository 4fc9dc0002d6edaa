"""Image files: what is accepted from outside, and what is stored."""

import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from ..core.errors import ImageError

Pixels = npt.NDArray[np.uint8]

MAX_PIXELS = 50_000_000
MAX_BYTES = 64 * 2**20
FORMATS = ('JPEG', 'PNG', 'WEBP')
_EXIF_ORIENTATION = 0x0112
Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS is lower, and accept() says so


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

    :raises ImageError: the bytes are damaged.
    """
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise ImageError('damaged JPEG file')
    return np.asarray(image, np.uint8)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of an image file in pixels, read from its header.

    :raises ImageError: not an image.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return int(image.width), int(image.height)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise ImageError('not a JPEG, PNG or WebP image') from error


def accept(data: bytes, quality: int = 95) -> tuple[bytes, int, int]:
    """Make a JPEG to store of a file from outside; return it with width and height.

    A JPEG that needs no turning stays byte for byte as it is.

    :raises ImageError: too large, damaged, or of another kind.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(f'the file has {len(data) >> 20} MiB: at most {MAX_BYTES >> 20} MiB')
    width, height = size_of(data)
    if width * height > MAX_PIXELS:
        raise ImageError(f'the image has {width}×{height} pixels: at most '
                         f'{MAX_PIXELS // 1_000_000} million')
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            image.load()
            turned = image.getexif().get(_EXIF_ORIENTATION, 1) != 1
            if image.format == 'JPEG' and image.mode in ('RGB', 'L') and not turned:
                return data, width, height
            rgb = np.asarray(ImageOps.exif_transpose(image).convert('RGB'))
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError('the image is damaged or cut short') from error
    bgr = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)
    return encode_jpeg(bgr, quality), bgr.shape[1], bgr.shape[0]
