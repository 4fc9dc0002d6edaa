"""What must happen to an image before a network sees it: data, stored with every model.

:mod:`recognizer_ros.inference.preprocess` does it, for training and inference alike.
"""

from dataclasses import dataclass

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """Squash to width × height pixels, antialiased; scale to 0..1; subtract mean, divide by std.

    :param mean: per channel, of values in 0..1, in the order R, G, B. Likewise ``std``.
    """

    width: int = 224
    height: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    colour_order: str = 'rgb'
    resize: str = 'squash-area'
