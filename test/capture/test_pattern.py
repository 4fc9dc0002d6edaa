import itertools

import numpy as np
import pytest

from recognizer_ros.capture.open import open_source
from recognizer_ros.capture.pacer import Pacer
from recognizer_ros.capture.pattern import OBJECTS, TURN_S, PatternSource
from recognizer_ros.capture.scene import Scene
from recognizer_ros.capture.stage import Stage
from recognizer_ros.capture.uri import parse

SIZE = (160, 120)


def frame(name, seed, index=0):
    return Scene(Stage(seed, *SIZE), (name,)).frame(index)


def apart(one, other):
    """Mean difference of two frames in grey levels, with noise and detail averaged out."""
    coarse = [image.reshape(12, 10, 16, 10, 3).mean(axis=(1, 3)) for image in (one, other)]
    return np.abs(coarse[0] - coarse[1]).mean()


@pytest.mark.parametrize('name', OBJECTS)
def test_same_seed_and_index_give_the_same_pixels(name):
    assert np.array_equal(frame(name, 3, 41), frame(name, 3, 41))


def test_frames_do_not_depend_on_those_before():
    scene = Scene(Stage(5, *SIZE), ('mug',))
    for index in (0, 7, 3):
        scene.frame(index)
    assert np.array_equal(scene.frame(9), frame('mug', 5, 9))


def test_seeds_look_clearly_different():
    looks = [frame('apple', seed) for seed in range(5)]
    assert min(apart(*pair) for pair in itertools.combinations(looks, 2)) > 12


def test_time_moves_the_object_and_the_light():
    scene = Scene(Stage(2, *SIZE), ('ball',))
    assert apart(scene.frame(0), scene.frame(30)) > 3


@pytest.mark.parametrize('name', OBJECTS)
def test_the_background_is_the_same_for_all_objects_and_the_object_fills_a_good_part(name):
    for seed in range(3):
        scene, empty = Scene(Stage(seed, *SIZE), (name,)), Scene(Stage(seed, *SIZE), ())
        for index in (0, 60):
            changed = np.abs(scene.frame(index).astype(int) - empty.frame(index)).max(axis=2) > 40
            assert 0.03 < changed.mean() < 0.5
            # In view: no more than a little of it at the rim.
            rim = np.concatenate([changed[0], changed[-1], changed[:, 0], changed[:, -1]])
            assert rim.mean() < 0.1


@pytest.mark.parametrize(('name', 'channels'), [('apple', (2, 0)), ('banana', (2, 0)),
                                                ('bottle', (1, 2)), ('mug', (0, 2))])
def test_objects_have_their_typical_colour(name, channels):
    strong, weak = channels
    for seed in range(3):
        shown, empty = frame(name, seed).astype(int), Scene(Stage(seed, *SIZE), ()).frame(0)
        there = np.abs(shown - empty).max(axis=2) > 40
        assert np.median(shown[there][:, strong] - shown[there][:, weak]) > 20


@pytest.mark.parametrize('size', [(640, 480), (1280, 720), (48, 48), (7, 300), (300, 7)])
def test_any_frame_size(size, config, clock, stop):
    source = open_source(config('pattern://apple', width=size[0], height=size[1]), clock, stop)
    assert source.read().image.shape == (size[1], size[0], 3)


def test_a_frame_size_of_zero_means_vga(config, clock, stop):
    source = open_source(config('pattern://box', width=0, height=0), clock, stop)
    assert source.read().image.shape == (480, 640, 3)


def test_several_objects_share_the_frame(config, clock, stop):
    source = open_source(config('pattern://apple+mug?seed=1', *SIZE), clock, stop)
    both = source.read().image.astype(int)
    empty = Scene(Stage(1, *SIZE), ()).frame(0)
    there = np.abs(both - empty).max(axis=2) > 40
    redder = both[..., 2] - both[..., 0]
    left, right = redder[:, :80][there[:, :80]], redder[:, 80:][there[:, 80:]]
    assert min(left.size, right.size) > 0.05 * there.size / 2
    assert np.median(left) > 30
    assert np.median(right) < -30


def test_without_an_object_all_take_turns_and_the_next_round_differs(config, clock, fake_time):
    rate = 0.5
    source = PatternSource(parse('pattern://'), config('', *SIZE, rate=rate), clock, fake_time,
                           Pacer(fake_time, fake_time.now))
    per_turn = round(TURN_S * rate)
    shown = [source.read().image for _ in range(per_turn * (len(OBJECTS) + 1))]
    for turn, name in enumerate(OBJECTS):
        index = turn * per_turn
        assert np.array_equal(shown[index], frame(name, 0, index))
    assert np.array_equal(shown[-per_turn], frame(OBJECTS[0], 1, len(OBJECTS) * per_turn))
