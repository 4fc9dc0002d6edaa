from typing import Any

import pytest

from recognizer_ros.core.config import (
    NODES,
    CameraConfig,
    ClassifierConfig,
    RecorderConfig,
    TrainerConfig,
    Value,
    WebConfig,
    check,
    default_of,
    replace,
    settings,
)
from recognizer_ros.core.errors import ConfigError

EVERY_SETTING = [(config, name) for config in NODES.values() for name in settings(config)]


@pytest.mark.parametrize(('config', 'name'), EVERY_SETTING)
def test_every_default_passes_its_own_check(config: type[Any], name: str) -> None:
    check(config, name, default_of(config, name))


@pytest.mark.parametrize(('config', 'name'), EVERY_SETTING)
def test_every_setting_is_documented_and_every_number_bounded(config: type[Any],
                                                              name: str) -> None:
    about = settings(config)[name]
    assert about.doc.endswith('.')
    if type(default_of(config, name)) in (int, float):
        assert about.minimum is not None
        assert about.maximum is not None


@pytest.mark.parametrize(('config', 'name', 'value'), [
    (CameraConfig, 'input_width', 0),
    (CameraConfig, 'input_width', 8192),
    (CameraConfig, 'input_rate', 30),  # a whole number where a fraction may stand
    (ClassifierConfig, 'threshold', 1.0),
    (TrainerConfig, 'optimizer', 'sgd'),
    (WebConfig, 'host', '::'),
])
def test_allowed_values_pass(config: type[Any], name: str, value: Value) -> None:
    check(config, name, value)


@pytest.mark.parametrize(('config', 'name', 'value', 'message'), [
    (CameraConfig, 'input_width', 8193, 'input_width must be between 0 and 8192, not 8193'),
    (CameraConfig, 'input_width', -1, 'between 0 and 8192'),
    (CameraConfig, 'input_width', 640.0, 'must be of type int, not 640.0'),
    (CameraConfig, 'input_width', '640', "must be of type int, not '640'"),
    (CameraConfig, 'input_width', True, 'must be of type int, not True'),
    (CameraConfig, 'input_loop', 1, 'must be of type bool, not 1'),
    (CameraConfig, 'input_rate', 0.0, 'between 0.1 and 240'),
    (CameraConfig, 'input_rate', False, 'must be of type float, not False'),
    (CameraConfig, 'input', 0, 'must be of type str, not 0'),
    (ClassifierConfig, 'threshold', float('nan'), r'between 0\.0 and 1\.0, not nan'),
    (ClassifierConfig, 'threshold', float('inf'), r'between 0\.0 and 1\.0, not inf'),
    (TrainerConfig, 'optimizer', 'adamw', "must be one of adam, sgd, not 'adamw'"),
    (TrainerConfig, 'label_mode', '', 'must be one of auto, single, multi'),
])
def test_other_values_are_refused_with_what_is_allowed(
        config: type[Any], name: str, value: Value, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(config, name, value)


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'treshold': did you mean 'threshold'"):
        check(ClassifierConfig, 'treshold', 0.5)
    with pytest.raises(ConfigError, match=r"unknown setting 'zzz'$"):
        check(ClassifierConfig, 'zzz', 0.5)


def test_replace_changes_a_copy() -> None:
    config = RecorderConfig()
    changed = replace(config, {'queue': 2, 'settle': 0})
    assert (changed.queue, changed.settle, changed.data) == (2, 0, 'data')
    assert config == RecorderConfig()


def test_replace_refuses_all_when_one_value_is_bad() -> None:
    with pytest.raises(ConfigError, match='queue must be between'):
        replace(RecorderConfig(), {'jpeg_quality': 80, 'queue': 0})
