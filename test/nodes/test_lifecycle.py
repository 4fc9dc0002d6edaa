import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import makers
import pytest
from ament_index_python import get_package_prefix
from builtin_interfaces.msg import Duration
from ros_graph import (
    ACTIVATE,
    ACTIVE,
    CLEANUP,
    CONFIGURE,
    DEACTIVATE,
    FINALIZED,
    INACTIVE,
    NAMESPACE,
    SHUTDOWN,
    UNCONFIGURED,
    Graph,
    ended,
    wait_for,
)
from sensor_msgs.msg import Image

from recognizer_ros.core.config import NODES
from recognizer_ros.core.folder_lock import FolderLock
from recognizer_ros.dataset import reader
from recognizer_ros.msg import DatasetStatus, Tags
from recognizer_ros.nodes import conversions, lifecycle, qos
from recognizer_ros.nodes.camera import Camera
from recognizer_ros.nodes.classifier import Classifier
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.trainer import Trainer
from recognizer_ros.nodes.web import Web

KINDS = {'camera': Camera, 'classifier': Classifier, 'recorder': Recorder, 'trainer': Trainer,
         'web': Web}


def settings(name: str, data: Path) -> dict[str, Any]:
    """Parameters with which a node costs little."""
    return {
        'camera': {'input': 'pattern://ball', 'input_width': 32, 'input_height': 24,
                   'input_rate': 5.0},
        'recorder': {'data': str(data)},
        'trainer': {'data': str(data), 'net': 'squeezenet1_1', 'weights': 'none', 'net_width': 32,
                    'net_height': 32, 'enabled': False},
        'web': {'port': 0},
    }.get(name, {})


def test_these_are_all_nodes() -> None:
    assert KINDS.keys() == NODES.keys()


@pytest.mark.parametrize('name', NODES)
def test_a_lifecycle_manager_leads_a_node_through_its_states(graph: Graph, tmp_path: Path,
                                                             name: str) -> None:
    graph.start(KINDS[name], autostart=False, **settings(name, tmp_path))
    assert graph.state(name) == UNCONFIGURED
    for _ in range(2):
        assert graph.change(name, CONFIGURE)
        assert graph.state(name) == INACTIVE
        assert graph.change(name, ACTIVATE)
        assert graph.state(name) == ACTIVE
        assert graph.change(name, DEACTIVATE)
        assert graph.state(name) == INACTIVE
        assert graph.change(name, ACTIVATE)
        assert graph.change(name, DEACTIVATE)
        assert graph.change(name, CLEANUP)
        assert graph.state(name) == UNCONFIGURED
    assert graph.change(name, CONFIGURE)
    assert graph.change(name, ACTIVATE)
    assert graph.change(name, SHUTDOWN)
    assert graph.state(name) == FINALIZED


@pytest.mark.parametrize('name', ['recorder', 'trainer'])
def test_a_node_that_cannot_be_set_up_stays_unconfigured_and_says_why(
        graph: Graph, tmp_path: Path, name: str) -> None:
    locked = tmp_path if name == 'recorder' else tmp_path / 'models'
    locked.mkdir(exist_ok=True)
    with FolderLock(locked):
        node = graph.add(KINDS[name], **settings(name, tmp_path))
        assert graph.state(name) == UNCONFIGURED
        assert f'{locked} is in use by process' in node.failure
        told = graph.diagnosed(name, 'is in use')
        assert (told.level, told.message) == (lifecycle.ERROR, node.failure)
        assert not graph.change(name, CONFIGURE)
    assert graph.change(name, CONFIGURE)  # the other one has gone
    assert graph.change(name, ACTIVATE)
    assert node.failure == ''


def test_an_inactive_node_says_so(graph: Graph) -> None:
    graph.start(Classifier, autostart=False)
    assert graph.diagnosed('classifier', 'inactive').level == lifecycle.WARN


@pytest.mark.parametrize('name', NODES)
def test_sigterm_ends_a_node_in_good_order(graph: Graph, tmp_path: Path, name: str) -> None:
    process = graph.process(name, **settings(name, tmp_path))
    wait_for(lambda: graph.state(name) == ACTIVE)
    process.send_signal(signal.SIGTERM)
    status, output = ended(process)
    assert status == 0, output
    assert 'Traceback' not in output
    assert 'rror' not in output


def started_by(way: str, name: str) -> list[str]:
    """Command line of a node: as a module, or the executable that was built."""
    if way == 'module':
        return [sys.executable, '-m', 'recognizer_ros.nodes', name]
    prefix = get_package_prefix('recognizer_ros')
    return [sys.executable, str(Path(prefix, 'lib', 'recognizer_ros', name))]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('way', ['module', 'executable'])
@pytest.mark.parametrize('name', NODES)
def test_a_node_that_is_still_importing_ends_without_a_word(
        tmp_path: Path, name: str, way: str, number: signal.Signals) -> None:
    (tmp_path / 'rclpy.py').write_text("print('importing', flush=True)\nimport signal\n"
                                       'signal.pause()\n')
    process = subprocess.Popen(
        started_by(way, name), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, 'PYTHONPATH': f'{tmp_path}:{os.environ["PYTHONPATH"]}'})
    with process:
        assert process.stdout
        assert process.stdout.readline() == 'importing\n'
        process.send_signal(number)
        assert ended(process) == (0, '')


@pytest.mark.parametrize('name', NODES)
def test_more_signals_change_nothing(graph: Graph, tmp_path: Path, name: str) -> None:
    """Whoever is impatient sends one after the other, also while the process is going."""
    process = graph.process(name, **settings(name, tmp_path))
    wait_for(lambda: graph.state(name) == ACTIVE)

    def gone() -> bool:
        process.send_signal(signal.SIGINT)
        return process.poll() is not None

    wait_for(gone)
    status, output = ended(process)
    assert (status, 'Traceback' in output) == (0, False), output


def test_a_recorder_that_is_ended_stores_what_it_has_and_says_so(graph: Graph,
                                                                 tmp_path: Path) -> None:
    """Its last word must come before the graph is taken away."""
    said = graph.listen(DatasetStatus, 'dataset', qos.LATCHED)
    process = graph.process('recorder', data=str(tmp_path), settle=10.0)
    wait_for(lambda: graph.state('recorder') == ACTIVE)
    tags = graph.speak(Tags, 'tags', qos.TAGS)
    images = graph.speak(Image, 'image_raw', qos.RECORDED)
    begin = graph.now_ns()
    tags.publish(Tags(stamp=conversions.to_time(begin), sender='test', tags=['apple'],
                      recording=True, lease=Duration(sec=60)))
    wait_for(lambda: said and said[-1].recording)
    images.publish(conversions.array_to_image(makers.noise(1), begin + 1, 'camera'))
    wait_for(lambda: said[-1].pending == 1)
    process.send_signal(signal.SIGTERM)
    status, output = ended(process)
    assert (status, 'Traceback' in output) == (0, False), output
    wait_for(lambda: said[-1].samples == 1)
    assert said[-1].pending == 0
    assert [item.tags for item in reader.snapshot(tmp_path).samples] == [('apple',)]


def test_nodes_of_two_robots_do_not_meet(graph: Graph) -> None:
    here = graph.start(Classifier)
    there = graph.add(Classifier, namespace='/other')
    assert here.get_fully_qualified_name() == f'{NAMESPACE}/classifier'
    assert graph.set('classifier', threshold=0.5).successful
    assert (here.config.threshold, there.config.threshold) == (0.5, 0.001)


@pytest.mark.parametrize('name', NODES)
def test_autostart_is_of_the_start_alone(graph: Graph, tmp_path: Path, name: str) -> None:
    graph.start(KINDS[name], **settings(name, tmp_path))
    answer = graph.set(name, autostart=False)
    assert not answer.successful
    assert 'read-only' in answer.reason
