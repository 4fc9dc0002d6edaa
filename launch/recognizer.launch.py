"""All five nodes: ``ros2 launch recognizer_ros recognizer.launch.py input:=/dev/video0``.

Arguments carry the names and defaults of the settings (``recognizer_ros.core.config``); an
argument that is not given leaves what the parameters file says.
"""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode

from launch import LaunchDescription
from recognizer_ros.core import resources
from recognizer_ros.core.config import NODES
from recognizer_ros.core.errors import ConfigError
from recognizer_ros.core.options import by_node, options


def generate_launch_description():
    """Entry point of ros2 launch."""
    arguments = [
        DeclareLaunchArgument('namespace', default_value='', description='Of all nodes.'),
        DeclareLaunchArgument('params_file', default_value=str(resources.find(
            'config/recognizer.yaml')), description='Parameters of the nodes.'),
        DeclareLaunchArgument('autostart', default_value='true', choices=['true', 'false'],
                              description='Configure and activate the nodes; false: a lifecycle '
                              'manager does.'),
    ]
    for option in options():
        arguments.append(DeclareLaunchArgument(
            option.name, default_value='', description=f'{option.about.doc} Default: as in '
            f'params_file, else {option.default!r}.'))
    return LaunchDescription([*arguments, OpaqueFunction(function=_nodes)])


def _nodes(context):
    """Make the nodes, now that the arguments are known."""
    params_file = LaunchConfiguration('params_file').perform(context)
    if not Path(params_file).is_file():  # launch_ros would go on without it
        raise ConfigError(f'params_file must be the path of a file, not {params_file!r}')
    texts = {option: LaunchConfiguration(option.name).perform(context) for option in options()}
    given = by_node({option.name: option.parse(text) for option, text in texts.items() if text})
    autostart = LaunchConfiguration('autostart').perform(context) == 'true'
    return [
        LifecycleNode(
            package='recognizer_ros', executable=name, name=name,
            namespace=LaunchConfiguration('namespace'), output='screen',
            parameters=[LaunchConfiguration('params_file'),
                        {**given[name], 'autostart': autostart}])
        for name in NODES
    ]
