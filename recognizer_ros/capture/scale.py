"""Pictures of any size to the size of the camera's frames, and turned as the camera hangs."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..core.config import CameraConfig
from .source import Image

FLIPS: dict[str, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
    'none': lambda image: image,
    'counterclockwise': lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
    'rotate-180': lambda image: cv2.rotate(image, cv2.ROTATE_180),
    'clockwise': lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    'horizontal': lambda image: cv2.flip(image, 1),
    'upper-right-diagonal': lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    'vertical': lambda image: cv2.flip(image, 0),
    'upper-left-diagonal': cv2.transpose,
}
"""Names and order of nvvidconv's ``flip-method``, which jetson-utils has too."""


def fit(image: npt.NDArray[Any], config: CameraConfig) -> Image:
    """Turn and scale a picture as the settings say, see :func:`fill`."""
    return fill(FLIPS[config.input_flip](image), config.input_width, config.input_height)


def fill(image: npt.NDArray[Any], width_px: int, height_px: int) -> Image:
    """Scale with the aspect kept until the frame is filled; what juts out is cut off evenly.

    :param width_px: 0 here or for the height: the picture stays as it is.
    :returns: C-contiguous; the picture itself when there is nothing to do.
    """
    height, width = image.shape[:2]
    if not width_px or not height_px or (width, height) == (width_px, height_px):
        return np.ascontiguousarray(image, dtype=np.uint8)
    scale = max(width_px / width, height_px / height)
    part_w = min(width, max(1, round(width_px / scale)))
    part_h = min(height, max(1, round(height_px / scale)))
    left, top = (width - part_w) // 2, (height - part_h) // 2
    part = image[top:top + part_h, left:left + part_w]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(part, (width_px, height_px), interpolation=how),
                                dtype=np.uint8)
