"""What the command-line tools of ROS 2 do for the lines of the pages, through rclpy: the tools
themselves have no wheels. An option that is not known here is an error."""

import importlib
import runpy
import shlex
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import makers
import pytest
import yaml
from ament_index_python.packages import get_package_prefix
from rcl_interfaces.msg import Parameter
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.action import ActionClient
from rclpy.parameter import get_parameter_value
from rclpy.qos import QoSProfile
from ros_graph import ACTIVATE, CLEANUP, CONFIGURE, DEACTIVATE, Graph, wait_done, wait_for

from docs.generate import ROOT
from docs.interfaces import ENDPOINTS
from recognizer_ros.core import config as configs
from recognizer_ros.core.config import NODES
from recognizer_ros.core.options import options

_PACKAGE = 'recognizer_ros'
_SERVER_S, _WORK_S = 60.0, 240.0  # a busy machine takes its time
_TRANSITIONS = {'configure': CONFIGURE, 'cleanup': CLEANUP, 'activate': ACTIVATE,
                'deactivate': DEACTIVATE}
_RARE = ('/events',)  # nothing need happen while a page is tried


class Ros2:
    """Each method is a tool with its verb. :raises AssertionError: it would have failed."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __call__(self, line: str) -> None:
        """Do what a line that begins with ``ros2`` says."""
        words = shlex.split(line, comments=True)[1:]
        verbs = 1 if words[0] in ('launch', 'run') else 2
        flags = {word[2:]: True for word in words[verbs:] if word in ('--once', '--feedback')}
        getattr(self, '_'.join(words[:verbs]))(
            *(word for word in words[verbs:] if word[2:] not in flags), **flags)

    def topic_echo(self, topic: str, once: bool = False) -> None:
        """A message comes."""
        wait_for(lambda: self._graph.tester.count_publishers(topic))
        publisher = self._graph.tester.get_publishers_info_by_topic(topic)[0]
        if once or topic not in _RARE:
            heard = self._graph.listen(_found(publisher.topic_type), topic, QoSProfile(
                depth=1, reliability=publisher.qos_profile.reliability,
                durability=publisher.qos_profile.durability))
            heard.wait()
            self._graph.deaf(heard)

    def param_set(self, node: str, name: str, value: str) -> None:
        """The node takes it."""
        request = SetParameters.Request(parameters=[
            Parameter(name=name, value=get_parameter_value(value))])
        result = self._graph.call(SetParameters, f'{node}/set_parameters', request).results[0]
        assert result.successful, result.reason

    def param_describe(self, node: str, name: str) -> None:
        """The node tells what it means."""
        request = DescribeParameters.Request(names=[name])
        answer = self._graph.call(DescribeParameters, f'{node}/describe_parameters', request)
        assert answer.descriptors[0].description

    def service_call(self, name: str, kind: str, values: str = '') -> None:
        """It succeeds."""
        service = _found(kind)
        answer = self._graph.call(service, name, _filled(service.Request(), values))
        assert answer.success, answer.message

    def action_send_goal(self, name: str, kind: str, goal: str, feedback: bool = False) -> None:
        """It succeeds, and tells how it goes."""
        action, told = _found(kind), list[Any]()
        client = ActionClient(self._graph.tester, action, name)
        assert client.wait_for_server(_SERVER_S), f'no action {name}'
        handle = wait_done(client.send_goal_async(_filled(action.Goal(), goal), told.append))
        assert handle.accepted
        answer = handle.get_result_async()
        makers.wait_for(answer.done, _WORK_S)
        assert answer.result().result.success, answer.result().result.message
        assert told or not feedback
        client.destroy()

    def lifecycle_set(self, node: str, transition: str) -> None:
        """The node gets there."""
        assert self._graph.change(node, _TRANSITIONS[transition])

    def launch(self, package: str, file: str, *arguments: str) -> None:
        """The file declares these arguments, and the values are allowed."""
        assert package == _PACKAGE
        declared = _declared(ROOT / 'launch' / file)
        given = dict(argument.split(':=', 1) for argument in arguments)
        assert given.keys() <= declared
        for option in options():
            if option.name in given:
                option.parse(given[option.name])

    def run(self, package: str, node: str, marker: str = '--ros-args', *arguments: str) -> None:
        """There is such a program, and it has these parameters and topics."""
        assert (package, marker) == (_PACKAGE, '--ros-args')
        assert Path(get_package_prefix(package), 'lib', package, node).is_file()
        for flag, text in zip(arguments[::2], arguments[1::2], strict=True):
            name, value = text.split(':=', 1)
            if flag == '-p':
                configs.check(NODES[node], name, yaml.safe_load(value))
            else:
                assert flag == '-r'
                assert name in {item.name for item in ENDPOINTS if item.node == node and item.qos}


def _found(name: str) -> Any:
    """The class of an interface, as ``std_srvs/srv/SetBool``."""
    package, folder, kind = name.split('/')
    return getattr(importlib.import_module(f'{package}.{folder}'), kind)


def _filled(message: Any, values: str) -> Any:
    """A message with some of its fields as YAML says; a field or type that is wrong fails."""
    for name, value in (yaml.safe_load(values) or {}).items():
        setattr(message, name, type(getattr(message, name))(value))
    return message


def _declared(launch_file: Path) -> set[str]:
    """Names of the arguments of a launch file, for which launch itself is not needed."""
    launch, ours = MagicMock(), 'recognizer_ros.nodes.launching'
    with pytest.MonkeyPatch.context() as patch:
        for name in ('launch', 'launch.actions', 'launch.substitutions', 'launch_ros',
                     'launch_ros.actions'):
            patch.setitem(sys.modules, name, launch)
        patch.delitem(sys.modules, ours, raising=False)
        runpy.run_path(str(launch_file))['generate_launch_description']()
        del sys.modules[ours]  # it holds the stand-ins
    return {call.args[0] for call in launch.DeclareLaunchArgument.call_args_list}
