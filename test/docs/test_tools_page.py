"""docs/ros2-tools.md shows a command for every interface, and none for what is not there."""

import re
from collections.abc import Iterator

import pytest

from docs.generate import ORDER, ROOT
from docs.interfaces import ENDPOINTS, Role
from recognizer_ros.core.config import NODES, settings
from recognizer_ros.core.options import options

PAGE = (ROOT / 'docs/ros2-tools.md').read_text(encoding='utf-8')
TYPES = {item.name: item.type for item in ENDPOINTS}
TOPICS = {item.name for item in ENDPOINTS if item.qos}
ACTIONS = {item.name for item in ENDPOINTS if item.role == Role.ACTS}
SERVICES = set(TYPES) - TOPICS - ACTIONS
# What ROS 2 itself adds to a node and to an action.
OF_ROS = {*(f'{node}/transition_event' for node in ORDER),
          *(f'{action}/_action/cancel_goal' for action in ACTIONS)}
PARAMETERS = [(node, name) for node in ORDER for name in (*settings(NODES[node]), 'autostart')]
MISTYPED = {('classifier', 'treshold')}
LAUNCH = {'recognizer': ORDER, 'robot': tuple(node for node in ORDER if node != 'trainer'),
          'trainer': ('trainer',)}
COMMON = {'namespace', 'params_file'}


def typed() -> Iterator[str]:
    """The commands of the page: after ``$`` in its blocks, and of its tables what heads a column
    with what stands in the cells below."""
    for block in re.findall(r'(?ms)^```\w*\n(.*?)^```$', PAGE):
        for command in re.findall(r'(?m)^\$ ((?:.*\\\n)*.*)$', block):
            yield re.sub(r'\\\n\s*', '', command)
    for table in re.findall(r'(?m)^\| `ros2 .*\n(?:\|.*\n)+', PAGE):
        rows = [[cell.strip(' `') for cell in row.split(' | ')]
                for row in table.replace('|\n', '\n').splitlines()]
        head = rows[0][0].removeprefix('| `')
        yield from (f'{head} {row[0].removeprefix("| `")}' for row in rows[2:])


COMMANDS = tuple(typed())


def arguments(verb: str) -> list[list[str]]:
    """The words after a verb, of each command that has it."""
    return [command.split(f'ros2 {verb} ', 1)[1].split()
            for command in COMMANDS if command.startswith(f'ros2 {verb} ')]


def names(verb: str) -> set[str]:
    """What in the namespace of the page, or at the root, a verb is used on."""
    return {word.removeprefix('/robot/') for words in arguments(verb) for word in words
            if word.startswith('/')}


def answers(node: str, name: str) -> list[str]:
    """What came back when a parameter was set, by the table of its node."""
    table = PAGE.split(f'| `ros2 param set /robot/{node}` |', 1)[1].split('\n\n', 1)[0]
    return re.findall(rf'(?m)^\| `{name} [^`]+` \| (.*) \|$', table)


def test_every_topic_is_shown() -> None:
    assert TOPICS - names('topic echo') == set()


def test_every_service_is_called_by_its_type() -> None:
    called = {(words[0].removeprefix('/robot/'), words[1]) for words in arguments('service call')}
    assert {(name, TYPES[name]) for name in SERVICES} - called == set()
    assert {name for name, _ in called} - SERVICES - OF_ROS == set()
    assert [call for call in called if TYPES.get(call[0], call[1]) != call[1]] == []


def test_the_action_is_sent_a_goal() -> None:
    sent = {word.removeprefix('/robot/') for words in arguments('action send_goal')
            for word in words if word.startswith('/')}
    assert sent == ACTIONS


@pytest.mark.parametrize('verb', ['topic echo', 'topic hz', 'topic pub'])
def test_every_topic_of_the_page_is_there(verb: str) -> None:
    assert names(verb)
    assert names(verb) - TOPICS - OF_ROS == set()


@pytest.mark.parametrize('node', ORDER)
def test_every_parameter_is_described(node: str) -> None:
    described = [words[1:] for words in arguments('param describe')
                 if words[0] == f'/robot/{node}']
    assert described == [[name for of, name in PARAMETERS if of == node]]


@pytest.mark.parametrize(('node', 'name'), PARAMETERS)
def test_what_came_back_for_a_parameter_is_what_the_code_says(node: str, name: str) -> None:
    about = settings(NODES[node]).get(name)
    found = answers(node, name)
    if not about or not about.live:
        assert found == [f'`Trying to set a read-only parameter: {name}.`']
        return
    assert found[0] == 'done'
    if about.maximum is not None:
        assert f'Max: {about.maximum},' in found[1]


def test_no_parameter_is_set_that_is_not_there() -> None:
    touched = {(words[0].removeprefix('/robot/'), words[1]) for verb in ('set', 'get')
               for words in arguments(f'param {verb}')}
    assert touched - set(PARAMETERS) == MISTYPED


@pytest.mark.parametrize('node', ORDER)
def test_every_node_goes_through_its_lifecycle(node: str) -> None:
    row = next(row for row in PAGE.splitlines() if row.startswith(f'| `/robot/{node}` |'))
    assert row.count('| done ') == 7


def test_each_launch_file_is_started_with_arguments_that_it_has() -> None:
    started = {}
    for words in arguments('launch'):
        file = words[1].removesuffix('.launch.py')
        known = COMMON | {option.name for option in options(LAUNCH[file])}
        started[file] = {word.split(':=')[0] for word in words[2:]} - known
    assert started == {file: set() for file in LAUNCH}
