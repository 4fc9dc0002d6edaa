"""ROS parameters made of the settings in :mod:`recognizer_ros.core.config`."""

from collections.abc import Callable
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from ..core import config as configs
from ..core.config import Setting
from ..core.errors import ConfigError, RecognizerError

ConfigT = TypeVar('ConfigT')


def declare(node: Node, config: type[ConfigT]) -> ConfigT:
    """Declare a parameter for each field; return the settings that were given.

    :raises ConfigError: a given value is not allowed.
    """
    given: dict[str, Any] = {}
    for name, about in configs.settings(config).items():
        default = configs.default_of(config, name)
        try:
            value = node.declare_parameter(name, default, descriptor(about, default)).value
        except Exception as error:  # rclpy's types differ between distributions
            reason = f'{name} must be {configs.allowed(about)} ({type(default).__name__}): {error}'
            raise ConfigError(' '.join(reason.split())) from error
        given[name] = value
    return configs.replace(config(), given)


def descriptor(about: Setting, default: object) -> ParameterDescriptor:
    """The descriptor of a setting."""
    made = ParameterDescriptor(description=about.doc, read_only=not about.live)
    if about.choices:
        made.additional_constraints = configs.allowed(about)
    if about.minimum is None or about.maximum is None or isinstance(default, bool):
        return made
    if isinstance(default, int):
        made.integer_range = [IntegerRange(from_value=int(about.minimum),
                                           to_value=int(about.maximum), step=0)]
    elif isinstance(default, float):
        made.floating_point_range = [FloatingPointRange(from_value=float(about.minimum),
                                                        to_value=float(about.maximum), step=0.0)]
    return made


def on_change(node: Node, get: Callable[[], ConfigT], put: Callable[[ConfigT], None]) -> None:
    """Let live settings change: all that are set together, or none.

    :param put: takes the changed settings; a RecognizerError refuses them.
    """
    def change(changed: list[Parameter]) -> SetParametersResult:
        now = get()
        names = configs.settings(type(now))
        mine = {item.name: item.value for item in changed if item.name in names}
        try:
            if mine:  # rclpy asks also for what it declares itself, before the node is made
                put(configs.replace(now, mine))
        except RecognizerError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(change)
