import json
import os
import signal
import sys
import time
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.config import NODES
from recognizer_ros.core.errors import DemoError
from recognizer_ros.core.options import by_node
from recognizer_ros.demo.stack import Stack, command, write_parameters


def test_the_parameters_file_names_each_node_in_any_namespace(tmp_path: Path) -> None:
    path = tmp_path / 'parameters.json'
    write_parameters(path, by_node({'data': '/tmp/data', 'net_width': 64, 'port': 0}))
    assert json.loads(path.read_text()) == {
        '/**/recorder': {'ros__parameters': {'data': '/tmp/data'}},
        '/**/trainer': {'ros__parameters': {'data': '/tmp/data', 'net_width': 64}},
        '/**/web': {'ros__parameters': {'port': 0}}}


def test_the_nodes_run_in_this_python_with_the_file_and_the_namespace(tmp_path: Path) -> None:
    argv, environment = command(tmp_path / 'p.json', 'demo')
    assert argv[:3] == [sys.executable, '-m', 'honcho']
    assert environment['RECOGNIZER_PYTHON'] == sys.executable
    assert environment['RECOGNIZER_ROS_ARGS'] == (
        f'--params-file {tmp_path / "p.json"} -r __ns:=/demo')
    procfile = Path(argv[argv.index('--procfile') + 1]).read_text()
    assert [line.partition(':')[0] for line in procfile.splitlines()] == [
        'camera', 'recorder', 'trainer', 'classifier', 'web']
    assert set(NODES) == {line.partition(':')[0] for line in procfile.splitlines()}
    assert '__ns' not in command(tmp_path / 'p.json')[1]['RECOGNIZER_ROS_ARGS']


def test_a_stack_of_which_a_node_ends_is_an_error_that_says_why(tmp_path: Path) -> None:
    path, log = tmp_path / 'parameters.json', tmp_path / 'demo.log'
    write_parameters(path, {'camera': {'input_rate': -1.0}})
    with Stack(path, 'demo', log) as stack:
        def over() -> bool:
            try:
                stack.check()
            except DemoError:
                return True
            return False

        makers.wait_for(over, 60)
        with pytest.raises(DemoError, match='input_rate must be between') as caught:
            stack.check()
    assert str(log) in str(caught.value)
    assert '\n' not in str(caught.value)


def processes(*marks: str, without: str = '\n') -> list[int]:
    """Ids of the processes that have these texts in their command line, and not the last one."""
    found = []
    for folder in Path('/proc').iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                line = (folder / 'cmdline').read_bytes().decode(errors='replace')
            except OSError:
                continue
            if all(mark in line for mark in marks) and without not in line:
                found.append(int(folder.name))
    return found


def test_a_node_that_is_killed_comes_back(tmp_path: Path) -> None:
    path, log = tmp_path / 'parameters.json', tmp_path / 'demo.log'
    write_parameters(path, {'camera': {'input': 'pattern://'}, 'web': {'port': 0},
                            'recorder': {'data': str(tmp_path / 'data')},
                            'trainer': {'data': str(tmp_path / 'data'), 'enabled': False}})

    def recorders() -> list[int]:
        return processes(str(path), 'nodes\0recorder', without='respawn.sh')

    with Stack(path, 'demo', log) as stack:
        makers.wait_for((tmp_path / 'data' / 'samples.db').exists)
        killed, = recorders()
        os.kill(killed, signal.SIGKILL)
        makers.wait_for(lambda: set(recorders()) - {killed})
        stack.check()
        assert 'killed by signal 9, started again' in log.read_text()
    makers.wait_for(lambda: not processes(str(path)), 5)


def test_no_process_is_left_when_a_stack_ends(tmp_path: Path) -> None:
    path = tmp_path / 'parameters.json'
    write_parameters(path, {'camera': {'input': 'pattern://'}, 'web': {'port': 0},
                            'recorder': {'data': str(tmp_path / 'data')},
                            'trainer': {'data': str(tmp_path / 'data'), 'enabled': False}})
    with Stack(path, 'demo', tmp_path / 'demo.log') as stack:
        makers.wait_for(lambda: len(processes(str(path))) >= len(NODES))
        stack.check()
    began = time.monotonic()
    makers.wait_for(lambda: not processes(str(path)), 5)
    assert time.monotonic() - began < 5
