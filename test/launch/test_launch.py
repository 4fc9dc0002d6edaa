"""The launch file, with stand-ins for `launch` and `launch_ros` that only remember."""

import importlib.util
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from recognizer_ros.core import config as configs
from recognizer_ros.core.config import NODES
from recognizer_ros.core.errors import ConfigError
from recognizer_ros.core.options import options

ROOT = Path(__file__).parents[2]
PARAMETERS = ROOT / 'config' / 'recognizer.yaml'


@dataclass
class DeclareLaunchArgument:
    name: str
    default_value: str = ''
    description: str = ''
    choices: list[str] = field(default_factory=list)


@dataclass
class OpaqueFunction:
    function: Any


@dataclass(frozen=True)
class LaunchConfiguration:
    name: str

    def perform(self, context: dict[str, str]) -> str:
        return context[self.name]


class Launched(SimpleNamespace):
    """A LifecycleNode, or a LaunchDescription: what it was given."""


def _module(name: str, **content: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(content)
    return made


@pytest.fixture
def description(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the launch file describes."""
    for module in (
            _module('launch', LaunchDescription=list),
            _module('launch.actions', DeclareLaunchArgument=DeclareLaunchArgument,
                    OpaqueFunction=OpaqueFunction),
            _module('launch.substitutions', LaunchConfiguration=LaunchConfiguration),
            _module('launch_ros'),
            _module('launch_ros.actions', LifecycleNode=Launched)):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    spec = importlib.util.spec_from_file_location(
        'recognizer_launch', ROOT / 'launch' / 'recognizer.launch.py')
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: list[Any] = module.generate_launch_description()
    return made


def arguments(description: list[Any]) -> dict[str, DeclareLaunchArgument]:
    return {item.name: item for item in description if isinstance(item, DeclareLaunchArgument)}


def launched(description: list[Any], **given: str) -> dict[str, Launched]:
    """The nodes that are started when these arguments are given."""
    context = {name: item.default_value for name, item in arguments(description).items()}
    assert given.keys() <= context.keys()
    make = next(item for item in description if isinstance(item, OpaqueFunction)).function
    return {node.name: node for node in make({**context, **given})}


def test_arguments_are_the_options_and_three_more(description: list[Any]) -> None:
    found = arguments(description)
    assert len(found) == sum(isinstance(item, DeclareLaunchArgument) for item in description)
    assert found.keys() == {'namespace', 'params_file', 'autostart',
                            *(option.name for option in options())}
    assert all(item.description for item in found.values())
    assert found['autostart'].choices == ['true', 'false']
    assert Path(found['params_file'].default_value).name == PARAMETERS.name
    assert Path(found['params_file'].default_value).is_file()


def test_all_nodes_are_started_under_their_names(description: list[Any]) -> None:
    nodes = launched(description)
    assert nodes.keys() == NODES.keys()
    for name, node in nodes.items():
        assert (node.package, node.executable) == ('recognizer_ros', name)
        assert node.namespace == LaunchConfiguration('namespace')
        # Nothing but autostart overrides the file.
        assert node.parameters == [LaunchConfiguration('params_file'), {'autostart': True}]


def test_what_is_given_goes_to_the_nodes_that_have_it(description: list[Any]) -> None:
    nodes = launched(description, data='/robot/data', net_width='96', augmentation='false',
                     input='pattern://', threshold='0.5', port='9000', autostart='false')
    overrides = {name: node.parameters[1] for name, node in nodes.items()}
    assert overrides == {
        'camera': {'input': 'pattern://', 'autostart': False},
        'recorder': {'data': '/robot/data', 'autostart': False},
        'trainer': {'data': '/robot/data', 'net_width': 96, 'augmentation': False,
                    'autostart': False},
        'classifier': {'threshold': 0.5, 'autostart': False},
        'web': {'port': 9000, 'autostart': False},
    }


@pytest.mark.parametrize(('name', 'text'), [('port', 'http'), ('threshold', '2'),
                                            ('optimizer', 'magic'), ('input_loop', 'perhaps')])
def test_a_wrong_value_is_an_error_that_names_it(description: list[Any], name: str,
                                                 text: str) -> None:
    with pytest.raises(ConfigError, match=f'{name} must be'):
        launched(description, **{name: text})


@pytest.mark.parametrize('path', ['/no/such/file.yaml', '', str(ROOT)])
def test_a_parameters_file_that_is_not_there_is_refused(description: list[Any],
                                                        path: str) -> None:
    with pytest.raises(ConfigError, match=f'params_file must be the path of a file, not {path!r}'):
        launched(description, params_file=path)


def parameters() -> list[tuple[str, str, Any]]:
    """Node, name and value of each parameter in the file."""
    content = yaml.safe_load(PARAMETERS.read_text(encoding='utf-8'))
    return [(path.rpartition('/')[2], name, value) for path, node in content.items()
            for name, value in node['ros__parameters'].items()]


def test_the_parameters_file_is_for_all_nodes_in_any_namespace() -> None:
    content = yaml.safe_load(PARAMETERS.read_text(encoding='utf-8'))
    assert content.keys() == {f'/**/{name}' for name in NODES}
    assert all(list(node) == ['ros__parameters'] for node in content.values())


@pytest.mark.parametrize(('node', 'name', 'value'), parameters())
def test_each_parameter_of_the_file_is_known_and_has_its_default(node: str, name: str,
                                                                 value: Any) -> None:
    configs.check(NODES[node], name, value)
    assert value == configs.default_of(NODES[node], name)
    # ROS tells 1 from 1.0.
    assert type(value) is type(configs.default_of(NODES[node], name))


def test_executables_that_are_built_are_the_nodes() -> None:
    built = re.findall(r'foreach\(node (.+?)\)', (ROOT / 'CMakeLists.txt').read_text())
    assert [set(names.split()) for names in built] == [set(NODES)]


def test_processes_of_the_stand_alone_stack_are_the_nodes() -> None:
    lines = (ROOT / 'standalone' / 'Procfile').read_text().splitlines()
    started = {line.partition(':')[0]: re.findall(r'recognizer_ros\.nodes (\w+)', line)
               for line in lines}
    assert started == {name: [name] for name in NODES}
