"""What the launch files share: arguments made of the settings, and the nodes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode

from launch import LaunchContext, LaunchDescription

from ..core import resources
from ..core.config import Value
from ..core.errors import ConfigError
from ..core.options import by_node, options

_IMAGES = ('image_raw', 'image_raw/compressed')
_BOOLEAN = ['true', 'false']


def describe(names: Sequence[str]) -> LaunchDescription:
    """Some of the nodes, with an argument for each of their settings. One that is not given leaves
    what the parameters file says."""
    return LaunchDescription([
        *_common('camera' in names),
        *(DeclareLaunchArgument(
            option.name, default_value='', description=f'{option.about.doc} Default: as in '
            f'params_file, else {option.default!r}.' + (
                f' One of: {", ".join(option.about.choices)}.' if option.about.choices else ''))
          for option in options(tuple(names))),
        OpaqueFunction(function=_nodes, args=[tuple(names)])])


def _common(camera: bool) -> list[DeclareLaunchArgument]:
    arguments = [
        DeclareLaunchArgument('namespace', default_value='', description='Of all nodes.'),
        DeclareLaunchArgument('params_file', default_value=str(resources.find(
            'config/recognizer.yaml')), description='Parameters of the nodes.'),
        DeclareLaunchArgument('autostart', default_value='true', choices=_BOOLEAN,
                              description='Configure and activate the nodes; false: a lifecycle '
                              'manager does.'),
        DeclareLaunchArgument('respawn', default_value='true', choices=_BOOLEAN,
                              description='Start a node again that has ended.'),
        DeclareLaunchArgument('respawn_delay', default_value='1.0',
                              description='Before it is started again, seconds.')]
    if camera:
        arguments.append(DeclareLaunchArgument(
            'image', default_value='', description='Topic of your own camera, for example '
            '/front/image_raw; its JPEG topic is /front/image_raw/compressed. The node camera is '
            'not started then. Empty: start it.'))
    return arguments


def _nodes(context: LaunchContext, names: Sequence[str]) -> list[LifecycleNode]:
    """Make the nodes, now that the arguments are known.

    :raises ConfigError: one of them makes no sense.
    """
    def text(name: str) -> str:
        return str(LaunchConfiguration(name, default='').perform(context))

    params_file, image = text('params_file'), text('image')
    if not Path(params_file).is_file():  # launch_ros would go on without it
        raise ConfigError(f'params_file must be the path of a file, not {params_file!r}')
    given = by_node({option.name: option.parse(value) for option in options(tuple(names))
                     if (value := text(option.name))})
    remappings = [(name, name.replace('image_raw', image)) for name in _IMAGES if image]
    return [_node(name, given[name], remappings, text)
            for name in names if not (image and name == 'camera')]


def _node(name: str, given: dict[str, Value], remappings: list[tuple[str, str]],
          text: Any) -> LifecycleNode:
    return LifecycleNode(
        package='recognizer_ros', executable=name, name=name, namespace=text('namespace'),
        output='screen', respawn=text('respawn') == 'true', respawn_delay=_delay(
            text('respawn_delay')), remappings=remappings,
        parameters=[text('params_file'), {**given, 'autostart': text('autostart') == 'true'}])


def _delay(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:  # also false for NaN
        raise ConfigError(f'respawn_delay must be a number of seconds up to 3600, not {text!r}')
    return value
