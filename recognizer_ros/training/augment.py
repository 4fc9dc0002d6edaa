"""Random variants of a batch of images, another one for each image.

torchvision's transforms draw once for a whole batch, and one call per image keeps a GPU waiting.
So these are the same variants (``RandomResizedCrop``, ``RandomHorizontalFlip``, ``ColorJitter``
with its steps in a fixed order) for all images at once.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114


@dataclass(frozen=True)
class Strength:
    """How far the variants go.

    :param area: smallest part of an image that a crop shows, 0..1.
    :param stretch: largest change of an image's ratio of width to height.
    :param colour: brightness, contrast and saturation change by at most this share.
    """

    area: float = 0.6
    stretch: float = 1.25
    colour: float = 0.3


def draw(count: int, chance: torch.Generator, strength: Strength) -> torch.Tensor:
    """Choose variants, shape (count, 7): width (negative: flipped), height and centre x, y of the
    crop, as shares of the image with its centre at 0 and its borders at -1 and 1; then the
    factors of brightness, contrast and saturation.

    :param chance: on the CPU, so that the choices are the same with and without a GPU.
    """
    numbers = torch.rand((count, 8), generator=chance)
    area = strength.area + (1 - strength.area) * numbers[:, 0]
    ratio = torch.exp(math.log(strength.stretch) * (2 * numbers[:, 1] - 1))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    flip = torch.where(numbers[:, 4] < 0.5, -1.0, 1.0)
    centre = (1 - torch.stack([width, height])) * (2 * numbers[:, 2:4].T - 1)
    colours = 1 + strength.colour * (2 * numbers[:, 5:].T - 1)
    return torch.stack([flip * width, height, *centre, *colours], 1)


def apply(images: torch.Tensor, variants: torch.Tensor) -> torch.Tensor:
    """Crop, flip and recolour images, floats in 0..255, shape (n, 3, height, width)."""
    crops, colours = variants[:, :4], variants[:, 4:]
    images = F.grid_sample(images, _grids(images, crops), mode='bilinear', padding_mode='border',
                           align_corners=False)
    return recolour(images, colours)


def _grids(images: torch.Tensor, crops: torch.Tensor) -> torch.Tensor:
    """Where each pixel comes from, shape (n, height, width, 2); crops are upright, so row and
    column do for it, and ``affine_grid`` with its matrix product is slower."""
    height, width = images.shape[2:]
    across = (torch.arange(width, device=images.device) * 2 + 1) / width - 1
    down = (torch.arange(height, device=images.device) * 2 + 1) / height - 1
    x = crops[:, 0:1] * across + crops[:, 2:3]
    y = crops[:, 1:2] * down + crops[:, 3:4]
    shape = (len(images), height, width)
    return torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], 3)


def recolour(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Change brightness, then contrast, then saturation, and keep within 0..255.

    :param factors: shape (n, 3); 1 leaves all as it is.
    """
    bright, contrast, saturation = (factors[:, k].view(-1, 1, 1, 1) for k in range(3))
    # All three steps are linear, so they are one: y = own·x + grey·g(x) + flat·mean(g(x)).
    grey = _RED * images[:, 0:1] + _GREEN * images[:, 1:2] + _BLUE * images[:, 2:3]
    own = saturation * contrast * bright
    flat = (1 - contrast) * bright * grey.mean((2, 3), keepdim=True)
    rest = (1 - saturation) * contrast * bright * grey + flat
    return torch.addcmul(rest, images, own).clamp(0, 255)
