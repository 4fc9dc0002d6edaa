import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from recognizer_ros.training import augment
from recognizer_ros.training.augment import Strength

NONE = Strength(area=1, stretch=1, colour=0)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photos(count: int) -> torch.Tensor:
    """Soft images, shape (count, 3, 30, 40), in 0..255."""
    coarse = torch.rand((count, 3, 5, 5), generator=chance(9)) * 255
    return functional.resize(coarse, [30, 40], antialias=True).clamp(0, 255)


def test_without_strength_an_image_stays_or_is_mirrored() -> None:
    images = photos(40)
    varied = augment.apply(images, augment.draw(40, chance(), NONE))
    same = (varied - images).abs().amax((1, 2, 3)) < 0.01
    mirrored = (varied - images.flip(3)).abs().amax((1, 2, 3)) < 0.01
    assert torch.all(same ^ mirrored)
    assert 8 < int(same.sum()) < 32


def test_the_images_of_a_batch_vary_each_by_itself() -> None:
    varied = augment.apply(photos(1).expand(8, -1, -1, -1), augment.draw(8, chance(), Strength()))
    assert all(not torch.allclose(varied[k], varied[j], atol=1)
               for k in range(8) for j in range(k))


def test_choices_depend_on_the_generator_alone() -> None:
    one, two = chance(3), chance(3)
    first = augment.draw(4, one, Strength())
    assert torch.equal(first, augment.draw(4, two, Strength()))
    assert not torch.equal(first, augment.draw(4, one, Strength()))


def test_crops_lie_within_the_image_and_are_as_large_as_told() -> None:
    variants = augment.draw(2000, chance(), Strength(area=0.5, stretch=1.2))
    width, height, x, y = variants[:, 0].abs(), *variants[:, 1:4].T
    assert torch.all(width + x.abs() <= 1 + 1e-6)
    assert torch.all(height + y.abs() <= 1 + 1e-6)
    area = width * height
    assert 0.4 < area.min() < 0.55
    assert area.max() > 0.95
    assert (width / height).max() < 1.21


def test_a_crop_shows_that_part_of_the_image() -> None:
    images = photos(1)
    left_top = torch.tensor([[0.5, 0.5, -0.5, -0.5, 1, 1, 1]])
    expected = functional.resize(images[:, :, :15, :20], [30, 40], antialias=True)
    # Between the quarters the one interpolates across the border, the other does not.
    difference = (augment.apply(images, left_top) - expected)[:, :, :-2, :-2].abs()
    assert difference.max() < 1


def test_colours_are_those_of_torchvision() -> None:
    images = photos(2) * 0.6 + 40  # away from the ends, where torchvision cuts in between
    factors = torch.tensor([[0.8, 1.2, 0.7], [1.1, 0.9, 1.3]])
    found = augment.recolour(images, factors)
    for image, mine, (bright, contrast, saturation) in zip(images, found, factors.tolist(),
                                                           strict=True):
        expected = v2.functional.adjust_brightness(image / 255, bright)
        expected = v2.functional.adjust_contrast(expected, contrast)
        expected = v2.functional.adjust_saturation(expected, saturation) * 255
        assert (mine - expected).abs().max() < 1


def test_colours_stay_within_what_a_camera_gives() -> None:
    varied = augment.recolour(photos(1), torch.tensor([[3.0, 3.0, 3.0]]))
    assert varied.min() >= 0
    assert varied.max() <= 255
