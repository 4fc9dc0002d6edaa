"""Every command that the pages show is carried out, or has a reason here why not.

Lines for the shell run in one bash a page, in a folder with what the pages speak of; lines of
``ros2`` are done by a stand-in; programs that go on until Ctrl-C run until the page is through.
The five nodes are started by the command of the README.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import makers
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for shown.py
sys.path.insert(0, str(Path(__file__).parents[1] / 'nodes'))  # for ros_graph.py

import shown
from ros2_stand_in import Ros2
from ros_graph import Graph, wait_for
from terminal import Program, Shell

from docs.generate import ROOT
from recognizer_ros.core.bundle import WEIGHTS
from recognizer_ros.dataset import reader
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.registry.store import Registry
from recognizer_ros.server.access import Access, Scope

T = TypeVar('T')
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_MAKE = 'sets up for minutes; '
_PIP = 'changes the Python of the machine; make installs the same into .venv'
_WORKSPACE = 'needs ROS 2 on the machine; make builds with the same CMakeLists.txt'
_SCREEN = 'no wheel, and needs a screen; test/package/test_views.py reads the files for it'
NOT_RUN = {
    'make demo': _MAKE + 'test/demo/test_job.py runs what it does, with less to learn',
    'make run': _MAKE + 'the nodes of this test are started by the command that it gives',
    'make test': 'runs this test; the first step of .ci/run',
    'make check': 'the second step of .ci/run',
    'sudo apt install': 'changes the machine',
    'pip install': _PIP,
    'pip uninstall': _PIP,
    'cd ~/ros2_ws': _WORKSPACE,
    'rosdep install': _WORKSPACE,
    'colcon build': _WORKSPACE,
    'source install/setup.bash': _WORKSPACE,
    'recognizer demo': 'takes minutes; test/demo/test_job.py runs it with less to learn',
    'recognizer bench': 'measures, and needs a quiet machine for it',
    'recognizer train --data data --net': 'the same takes half a minute for the README',
    'python3 docs/generate.py': 'writes into the repository; test/docs/test_reference.py compares',
    'ros2 bag': 'no wheel; test/nodes/test_replay.py records and plays without the tool',
    'ros2 run joy ': 'no wheel; test/docs/test_examples.py speaks in its place',
    'ros2 run rqt_image_view': _SCREEN,
    'rqt ': _SCREEN,
    'rviz2 ': _SCREEN,
    'ros2 run diagnostic_aggregator': 'no wheel; test/package/test_views.py reads the file for it',
    'cd $(ros2 pkg prefix': 'where colcon installs to; the files of config/ lie here',
    'tensorboard': 'not installed; test/training/test_curves.py reads the files as it does',
    'gst-launch-1.0': 'needs a camera and gst-plugins-rs',
}
EXAMPLES, WEB = 'python3 docs/examples/', 'python3 -m recognizer_ros.nodes web'
"""Programs that go on until Ctrl-C."""
BEFORE = {
    'curl --cacert': [f'{WEB} --ros-args -r __ns:=/remote -p host:=0.0.0.0 -p port:=0'],
    'curl -i': ['ros2 param set /camera input webrtc://'],
    'ros2 topic echo /classification': ['ros2 param set /camera input pattern://'],
    'ros2 lifecycle set /camera configure': ['ros2 lifecycle set /camera deactivate',
                                             'ros2 lifecycle set /camera cleanup'],
}
"""What must have been done before a command."""
SMALL = '--net resnet18 --net-width 32 --net-height 32 --weights none'
SUBSTITUTIONS: dict[str, Callable[['Desk'], str]] = {
    r'\b8050\b': lambda desk: desk.port,
    r'\bID\b|ab…f0': lambda desk: next(desk.samples),
    r'\b412\b': lambda desk: str(reader.revision(desk.robot.folder / 'data')),
    r'\b1a2b3c4d\b': lambda desk: desk.robot.revoked,
    r'\bTOKEN\b': lambda desk: desk.robot.token,
    r'\bSESSION\b': lambda desk: re.findall(r'(?i)location: /whip/(\S+)', desk.answer)[0],
    r'^recognizer train': lambda desk: f'recognizer train {SMALL}',
    r'(?<=epochs) 5|(?<=epochs:) 5': lambda desk: ' 1',
}
"""What stands for something of the reader's own."""
AFTER = {
    'recognizer dataset import': 'grep "12 images of 3 classes stored"',
    'recognizer dataset list $D --burst 7 --limit 0 --ids |': 'grep "4 samples deleted"',
    'recognizer dataset list $D --burst': 'grep -Ex "[0-9a-f]{64}"',
    'recognizer dataset list': 'grep -E "burst [0-9]+ +mug"',
    'recognizer dataset tag': 'grep "1 sample tagged mug"',
    'recognizer dataset rename': 'grep "mugg renamed to mug in 12 samples"',
    'recognizer dataset delete': 'grep "2 samples deleted"',
    'recognizer dataset split': 'grep "1 burst put into validation"',
    'recognizer dataset undo': 'grep undone',
    'recognizer dataset history': 'grep renamed',
    'recognizer dataset export out.zip': 'python3 -m zipfile -l out.zip | grep samples.csv',
    'recognizer dataset export out': 'ls out/train/mug/*.jpg out/val/mug/*.jpg',
    'recognizer train': 'grep -E "model version [0-9]+ is live"',
    'recognizer evaluate --data data --images test-photos --json': 'grep \'"samples": 12\'',
    'recognizer evaluate': 'grep "on 12 images"',
    'recognizer models list': r'grep -E "^\* +3 .* mug, plate"',
    'recognizer models activate': 'grep "model version 3 is live"',
    'recognizer models export': 'rm mugs.onnx',
    'recognizer token new': 'grep "#token="',
    'recognizer token list': 'grep view',
    'curl http://localhost:8050/api/v1/models': 'grep \'"version":3\'',
    'curl --data-binary @mug.jpg': 'grep plate',
    'curl -X POST localhost:8050/api/v1/edits': 'grep revision',
    'curl http://localhost:8050/training/stats': 'grep class_distribution',
    'curl http://localhost:8050/api/v1/state': 'grep recording',
    'curl --cacert': 'grep recording',
    'sed -E': 'grep /front/classification front.json',
}
"""What must hold then: a condition of the shell, which reads the answer."""

COLOURS = {'mug': makers.RED, 'plate': makers.GREEN, 'mugg': makers.BLUE}
_PAGE = r'the page is at https?://[^/]*:(\d+)/'
_2026_NS = 1_770_000_000 * 10**9
_seeds = itertools.count()


@dataclass(frozen=True)
class Robot:
    """Running nodes. :param folder: what the pages speak of. :param revoked: id of a token."""

    folder: Path
    environment: dict[str, str]
    graph: Graph
    program: Program
    port: str
    token: str
    revoked: str


@dataclass
class Desk:
    """Where the commands of one page are typed. :ivar answer: of the last one."""

    robot: Robot
    folder: Path
    shell: Shell
    running: ExitStack
    port: str
    samples: Iterator[str]
    answer: str = ''

    def type(self, line: str) -> None:
        """Carry out what a page shows."""
        for before in _of(BEFORE, line) or []:
            self.type(before)
        command = line
        for pattern, value in SUBSTITUTIONS.items():
            command = re.sub(pattern, lambda _, value=value: value(self), command)
        if command.startswith('ros2 '):
            Ros2(self.robot.graph)(command)
        elif command.startswith('recognizer run'):
            self.robot.program.check()
        elif command.startswith((EXAMPLES, WEB)):
            self._start(command)
        else:
            self.answer = self.shell.run(command)
        if condition := _of(AFTER, line):
            held = subprocess.run(['bash', '-c', condition], cwd=self.folder, text=True,
                                  input=self.answer, stdout=subprocess.DEVNULL, check=False)
            assert held.returncode == 0, f'{condition} of {self.answer!r}'

    def _start(self, command: str) -> None:
        program = self.running.enter_context(
            Program(command, self.folder, self.robot.environment))
        if command.startswith(WEB):
            self.port = program.wait_for(_PAGE)
        else:
            name = Path(command.split()[1]).stem
            wait_for(lambda: name in self.robot.graph.tester.get_node_names())


@pytest.fixture(scope='module')
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages speak of; three versions among it."""
    folder = tmp_path_factory.mktemp('laid_out')
    for name in ('docs', 'standalone'):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / 'config/foxglove.json', folder)
    shutil.copy(ROOT / 'test/capture/webrtc/offers/chromium-send.sdp', folder / 'offer.sdp')
    makers.photo(folder / 'mug.jpg', _photo('mug'))
    for place, label in itertools.product(('photos', 'test-photos'), COLOURS):
        for number in range(4):
            makers.photo(folder / place / label / f'{number}.jpg', _photo(label))
    with SampleStore(folder / 'data') as store:
        for label in 3 * tuple(COLOURS):
            burst = store.begin_burst('test', (label,))
            store.add([NewSample(_photo(label), (label,), _2026_NS + next(_seeds), burst, 'test',
                                 32, 24) for _ in range(4)])
    _make_versions(folder / 'data/models')
    return folder


@pytest.fixture(scope='module')
def robot(laid_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    """What the README starts, with a small network and the samples."""
    folder, home = tmp_path_factory.mktemp('robot'), tmp_path_factory.mktemp('home')
    shutil.copytree(laid_out / 'data', folder / 'data')
    command = next(item.text for item in shown.commands(ROOT / 'README.md')
                   if item.text.startswith('recognizer run'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        (home / '.curlrc').write_text('fail-with-body\nsilent\nshow-error\n')
        access = Access(home / '.recognizer')
        token, _ = access.issue(Scope.VIEW), access.issue(Scope.TAG)
        with Graph() as graph:
            environment = {**os.environ, 'HOME': str(home), 'ROS_DOMAIN_ID': str(graph.domain)}
            command = command.replace(' run ', f' run {SMALL} --input-rate 5 --port 0 ')
            with Program(command, folder, environment) as program:
                port = program.wait_for(_PAGE)
                Ros2(graph)('ros2 service call /trainer/set_enabled std_srvs/srv/SetBool')
                Ros2(graph)('ros2 topic echo /classification')
                yield Robot(folder, environment, graph, program, port, token,
                            access.tokens[1].id)


@pytest.fixture
def desk(robot: Robot, laid_out: Path, tmp_path: Path) -> Iterator[Desk]:
    """A folder as it was in the beginning."""
    folder = tmp_path / 'here'
    shutil.copytree(laid_out, folder, symlinks=True)
    samples = (sample.sha256 for sample in reader.snapshot(folder / 'data').samples
               if sample.tags == ('plate',))
    with Shell(folder, robot.environment) as shell, ExitStack() as running:
        yield Desk(robot, folder, shell, running, robot.port, samples)


@pytest.mark.parametrize('page', [page for page in shown.PAGES if shown.commands(page)],
                         ids=lambda page: page.name)
def test_the_commands_of_a_page_do_what_it_says(page: Path, desk: Desk) -> None:
    for command in shown.commands(page):
        if not _of(NOT_RUN, command.text):
            print(f'{command.place}: {command.text}')  # the last one is the one that failed
            desk.type(command.text)


def test_what_is_said_here_of_commands_is_said_of_some() -> None:
    texts = [command.text for page in shown.PAGES for command in shown.commands(page)]
    assert [prefix for prefix in (*NOT_RUN, *BEFORE, *AFTER, EXAMPLES)
            if not any(text.startswith(prefix) for text in texts)] == []
    named = [path for reason in NOT_RUN.values() for path in re.findall(r'test/\S+\.py', reason)]
    assert [path for path in named if not (ROOT / path).is_file()] == []
    assert [pattern for pattern in SUBSTITUTIONS
            if not any(re.search(pattern, text) for text in texts)] == []


def _photo(label: str) -> bytes:
    """One like no other."""
    return makers.jpeg(makers.flat(COLOURS[label]) // 2 + makers.noise(next(_seeds)) // 2)


def _make_versions(folder: Path) -> None:
    """Three that tell the colours; the newest is live."""
    registry = Registry(folder, writer=True)
    for gain in (1.0, 2.0, 3.0):
        made = makers.model(folder.parent / 'made', tuple(COLOURS), gain=gain)
        files = {name: (made.folder / name).read_bytes() for name in made.bundle.sha256}
        version = registry.add(made.bundle, {**files, WEIGHTS: b'weights'})
        registry.activate(version.bundle.version)
    registry.close()


def _of(table: Mapping[str, T], command: str) -> T | None:
    return next((value for prefix, value in table.items() if command.startswith(prefix)), None)
