"""The demo, shortened, as a person starts it."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import makers
import pytest
import trainees

from recognizer_ros.capture.uri import OBJECTS
from recognizer_ros.core.config import NODES
from recognizer_ros.core.errors import DemoError
from recognizer_ros.demo.job import Job, run
from recognizer_ros.demo.report import Report, write

NET = {'size': 32, 'net': 'squeezenet1_1', 'weights': 'none'}
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _own_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_DOMAIN_ID', str(1 + os.getpid() * 3 % 100))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


def processes(folder: Path) -> list[str]:
    """Nodes that were started with parameters from a folder, and their shells."""
    found = []
    for path in Path('/proc').iterdir():
        if path.name.isdecimal():
            try:
                line = (path / 'cmdline').read_bytes().decode(errors='replace').split('\0')
            except OSError:
                continue
            if 'recognizer_ros.nodes' in line and any(str(folder) in part for part in line):
                found.append(line[line.index('recognizer_ros.nodes') + 1])
    return found


@pytest.mark.timeout(300)
def test_it_records_trains_swaps_and_classifies(tmp_path: Path) -> None:
    said: list[str] = []
    job = Job(bursts=2, burst_s=0.6, unseen=1, unseen_s=0.6, minutes=0.7, **NET)
    found = run(job, tmp_path / 'demo.log', said.append)
    assert found.samples > 12
    assert found.bursts == 2 * len(OBJECTS)
    assert found.dropped_frames == 0
    assert found.seconds_to_new_class.keys() == set(OBJECTS)
    assert None not in found.seconds_to_new_class.values()
    assert found.versions >= 1
    assert found.heldout_accuracy is not None
    assert 0 <= found.heldout_accuracy <= 1
    assert found.live_accuracy_by_class.keys() == set(OBJECTS)
    assert found.live_frames > 0
    assert found.classification_hz > 0
    assert 0 < found.latency_ms['p50'] <= found.latency_ms['p99']
    assert (found.net, found.input_size, found.weights) == ('squeezenet1_1', '32×32', 'none')
    assert any('holding Record for apple' in line for line in said)
    assert not any('version 0' in line for line in said)  # that is none
    assert 'looking at scenes never recorded' in said
    write(found, tmp_path / 'report.json')
    assert json.loads((tmp_path / 'report.json').read_text()).keys() == {
        item.name for item in fields(Report)}
    log = (tmp_path / 'demo.log').read_text()
    assert 'Traceback' not in log


@pytest.mark.timeout(300)
def test_two_robots_on_one_graph_share_nothing(tmp_path: Path) -> None:
    """Two namespaces at once: each learns its own things, and answers with them alone."""
    for label in ('red', 'blue'):
        for seed in range(10):
            makers.photo(tmp_path / 'photos' / label / f'{seed}.jpg',
                         makers.jpeg(trainees.coloured(label, seed)))
    rendered = Job(bursts=1, burst_s=1.0, unseen=1, unseen_s=0.6, minutes=0.7, namespace='one',
                   **NET)
    photographs = Job(images=tmp_path / 'photos', bursts=2, burst_s=1.0, minutes=0.7,
                      namespace='two', **NET)
    with ThreadPoolExecutor() as threads:
        first, second = threads.map(
            lambda job: run(job, tmp_path / f'{job.namespace}.log', lambda _: None),
            (rendered, photographs))
    assert first.live_accuracy_by_class.keys() == set(OBJECTS)
    assert second.live_accuracy_by_class.keys() == {'red', 'blue'}
    assert (first.bursts, second.bursts) == (len(OBJECTS), 4)
    logs = [(tmp_path / f'{name}.log').read_text() for name in ('one', 'two')]
    assert 'Traceback' not in ''.join(logs)


def test_a_demo_that_is_ended_leaves_no_process(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, '-m', 'recognizer_ros.cli', 'demo', '--net', 'squeezenet1_1',
         '--size', '32', '--log', str(tmp_path / 'demo.log'),
         '--report', str(tmp_path / 'report.json')],
        env={**os.environ, 'TMPDIR': str(tmp_path)}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    try:
        # Each with the shell that would start it again.
        makers.wait_for(lambda: sorted(processes(tmp_path)) == sorted([*NODES, *NODES]), 60)
        demo.send_signal(signal.SIGTERM)
        output, _ = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert demo.returncode == 130
    assert 'Traceback' not in output
    assert processes(tmp_path) == []
    assert not (tmp_path / 'report.json').exists()
    assert [path.name for path in tmp_path.iterdir()] == ['demo.log']


def test_a_network_that_is_not_known_ends_the_demo_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match='resnet1') as caught:
        run(Job(net='resnet1'), tmp_path / 'demo.log', lambda _: None)
    assert '\n' not in str(caught.value)
