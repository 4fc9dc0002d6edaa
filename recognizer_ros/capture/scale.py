"""Pictures of any size to the size of the camera's frames."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .source import Image


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
