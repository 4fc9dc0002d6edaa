"""The launch files, with stand-ins for `launch` and `launch_ros` that only remember."""

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
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
    args: list[Any]


@dataclass(frozen=True)
class LaunchConfiguration:
    name: str
    default: str | None = None

    def perform(self, context: dict[str, str]) -> str:
        return context[self.name] if self.default is None else context.get(
            self.name, self.default)


class Launched(SimpleNamespace):
    """A LifecycleNode, or a LaunchDescription: what it was given."""


def _module(name: str, **content: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(content)
    return made


Describe = Callable[[str], list[Any]]
FILES = {
    'recognizer': set(NODES),
    'robot': {'camera', 'classifier', 'recorder', 'web'},
    'trainer': {'trainer'},
}


@pytest.fixture
def describe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Describe]:
    """Gives what a launch file describes."""
    for module in (
            _module('launch', LaunchContext=dict, LaunchDescription=list),
            _module('launch.actions', DeclareLaunchArgument=DeclareLaunchArgument,
                    OpaqueFunction=OpaqueFunction),
            _module('launch.substitutions', LaunchConfiguration=LaunchConfiguration),
            _module('launch_ros'),
            _module('launch_ros.actions', LifecycleNode=Launched)):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(sys.modules, 'recognizer_ros.nodes.launching', raising=False)

    def described(name: str) -> list[Any]:
        path = ROOT / 'launch' / f'{name}.launch.py'
        spec = importlib.util.spec_from_file_location(f'{name}_launch', path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made: list[Any] = module.generate_launch_description()
        return made

    yield described
    sys.modules.pop('recognizer_ros.nodes.launching', None)  # it holds the stand-ins


@pytest.fixture
def description(describe: Describe) -> list[Any]:
    """What the launch file of all nodes describes."""
    return describe('recognizer')


def arguments(description: list[Any]) -> dict[str, DeclareLaunchArgument]:
    return {item.name: item for item in description if isinstance(item, DeclareLaunchArgument)}


def launched(description: list[Any], **given: str) -> dict[str, Launched]:
    """The nodes that are started when these arguments are given."""
    context = {name: item.default_value for name, item in arguments(description).items()}
    assert given.keys() <= context.keys()
    make = next(item for item in description if isinstance(item, OpaqueFunction))
    return {node.name: node for node in make.function({**context, **given}, *make.args)}


def test_these_launch_files_are_there() -> None:
    assert {path.name for path in (ROOT / 'launch').glob('*.py')} == {
        f'{name}.launch.py' for name in FILES}


@pytest.mark.parametrize('name', FILES)
def test_arguments_are_the_options_of_the_nodes_and_a_few_more(describe: Describe,
                                                               name: str) -> None:
    description = describe(name)
    found = arguments(description)
    assert len(found) == sum(isinstance(item, DeclareLaunchArgument) for item in description)
    more = {'namespace', 'params_file', 'autostart', 'respawn', 'respawn_delay'}
    assert found.keys() == more | {option.name for option in options(tuple(FILES[name]))} | (
        {'image'} if 'camera' in FILES[name] else set())
    assert all(item.description for item in found.values())
    assert found['autostart'].choices == found['respawn'].choices == ['true', 'false']
    assert Path(found['params_file'].default_value).name == PARAMETERS.name
    assert Path(found['params_file'].default_value).is_file()


@pytest.mark.parametrize('name', FILES)
def test_the_nodes_are_started_under_their_names(describe: Describe, name: str) -> None:
    nodes = launched(describe(name), namespace='front')
    assert nodes.keys() == FILES[name]
    for one, node in nodes.items():
        assert (node.package, node.executable) == ('recognizer_ros', one)
        assert node.namespace == 'front'
        # Nothing but autostart overrides the file.
        assert node.parameters == [str(PARAMETERS), {'autostart': True}]
        assert (node.respawn, node.respawn_delay, node.remappings) == (True, 1.0, [])


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


def test_nodes_that_have_ended_stay_so_where_that_is_wanted(description: list[Any]) -> None:
    assert not any(node.respawn for node in launched(description, respawn='false').values())


def test_your_own_camera_takes_the_place_of_the_node(description: list[Any]) -> None:
    nodes = launched(description, image='/front/image_raw')
    assert nodes.keys() == set(NODES) - {'camera'}
    assert all(node.remappings == [('image_raw', '/front/image_raw'),
                                   ('image_raw/compressed', '/front/image_raw/compressed')]
               for node in nodes.values())


@pytest.mark.parametrize('text', ['soon', '-1', 'nan', '1e9'])
def test_a_wrong_delay_is_an_error(description: list[Any], text: str) -> None:
    with pytest.raises(ConfigError, match='respawn_delay must be a number of seconds'):
        launched(description, respawn_delay=text)


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
