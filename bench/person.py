"""What a person does with the page, from opening it: send a camera, record three classes, read the
right name over the video, mend a tag, go back to the version before; then all other controls.

A real browser, real nodes. The camera is a canvas that shows photographs, drawn anew 30 times a
second with a little motion. Photographs that are asked about are not among those recorded.

Settings: ``images`` (photographs, one sub-folder a class; some are made where none is given),
``net``, ``weights``, ``size``, ``hold`` (seconds that Record is held, twice for each class, 1.5),
``asked`` (photographs of each class to ask about, 5), ``log`` (folder for the nodes' output; a
temporary one).
"""

import base64
import contextlib
import re
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _browser import THREE_CAMERAS, Tab, browsers
from _nodes import Client, NodeProcess, wait
from _photographs import photographs
from _place import free_port, place
from _report import bar, machine, parse

from recognizer_ros.core.config import NODES
from recognizer_ros.core.errors import ConfigError, DemoError

MAX_FIRST_ANSWER_S = 60.0
_CLASSES, _BURSTS, _PICTURES = 3, 2, 12
_START_S, _ANSWER_S = 60.0, 20.0
_SETTLE_S = 1.0
"""Until a picture that is shown has gone to the robot, and its answer has come back."""
_CAMERA = '''
const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
const pen = canvas.getContext('2d');
let pictures = [];
let turn = 0;
window.showPictures = async (sources) => {
  pictures = await Promise.all(sources.map(async (source) => {
    const picture = Object.assign(new Image(), { src: source });
    await picture.decode();
    return picture;
  }));
};
setInterval(() => {
  turn += 1;
  const picture = pictures[Math.floor(turn / 4) % pictures.length];
  if (picture) pen.drawImage(picture, -8 + turn % 5, -6 + turn % 3, 656, 492);
}, 33);
navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(30);
'''

_VALUE = '(path) => fetch(path).then((answer) => answer.json())'


@dataclass(frozen=True)
class Settings:
    """See the module."""

    images: str = ''
    net: str = 'resnet18'
    weights: str = 'none'
    size: int = 112
    hold: float = 1.5
    asked: int = 5
    log: str = ''


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Run all nodes and a browser."""
    given = parse(Settings, settings)
    port = free_port()
    with place(given.log) as here:
        photos = _by_class(given, here.folder / 'made')
        parameters = here.learning(given)
        parameters['camera'] |= {'input': 'webrtc://'}
        parameters['web'] |= {'port': port}
        here.configure(parameters)
        with here.running(*NODES) as nodes, Client(here.namespace) as client, \
                browsers() as browser:
            _wait_for_nodes(nodes, client, port)
            tab = browser(THREE_CAMERAS).tab(f'http://127.0.0.1:{port}/')
            return _Person(tab, given, photos).act()


def _by_class(given: Settings, folder: Path) -> dict[str, list[str]]:
    """Photographs of three classes as data URLs."""
    found = defaultdict[str, list[str]](list)
    for sample in photographs(given.images, folder):
        found[sample.tags[0]].append('data:image/jpeg;base64,' + base64.b64encode(
            sample.path.read_bytes()).decode())
    needed = _BURSTS * _PICTURES + given.asked
    chosen = {label: files for label, files in found.items() if len(files) >= needed}
    if len(chosen) < _CLASSES:
        raise ConfigError(f'{_CLASSES} classes of {needed} photographs are needed')
    return dict(sorted(chosen.items())[:_CLASSES])


def _wait_for_nodes(nodes: dict[str, NodeProcess], client: Client, port: int) -> None:
    """:raises DemoError: they do not start."""
    def is_up() -> bool:
        for node in nodes.values():
            node.check()
        trainer = client.last('training')
        with contextlib.suppress(OSError):
            socket.create_connection(('127.0.0.1', port), 1).close()
            return bool(trainer and trainer.message.startswith('waits'))
        return False

    if not wait(is_up, _START_S):
        raise DemoError('the nodes do not come up')


class _Person:
    def __init__(self, tab: Tab, given: Settings, photos: dict[str, list[str]]) -> None:
        self.tab, self.page, self.given, self.photos = tab, tab.page, given, photos
        self.page.add_init_script(_CAMERA)

    def act(self) -> dict[str, Any]:
        """Do it all."""
        began = time.monotonic()
        self.tab.ready()
        self._show(next(iter(self.photos.values()))[:1])
        self.tab.send()
        self.tab.said('sending')
        sending_s = time.monotonic() - began
        for label, files in self.photos.items():
            self._tag(label)
            for burst in range(_BURSTS):
                self._record(files[burst * _PICTURES:][:_PICTURES])
        recorded_s = time.monotonic() - began
        label, files = next(iter(self.photos.items()))  # not what the camera has just seen
        self._show(files[-1:])
        self.page.wait_for_timeout(1000 * _SETTLE_S)  # what stands there now is of the old picture
        self.page.locator('#overlay li:first-child', has_text=label).wait_for(
            timeout=1000 * _ANSWER_S)
        answered_s = time.monotonic() - began
        right = self._ask()
        self._mend()
        self._switch_and_slide()
        self._teach()
        return {'name': 'person', 'machine': machine(), 'figures': {
            'sending_s': round(sending_s, 2), 'recorded_s': round(recorded_s, 2),
            'first_right_answer_s': round(answered_s, 2), 'all_s': round(
                time.monotonic() - began, 2),
            'asked_count': _CLASSES * self.given.asked, 'right_share': round(right, 3)},
            'bars': {'first_right_answer_s': bar(answered_s, MAX_FIRST_ANSWER_S,
                                                 at_least=False)}}

    def _show(self, pictures: Sequence[str]) -> None:
        self.page.evaluate('window.showPictures', list(pictures))

    def _tag(self, label: str) -> None:
        for chip in self.page.locator('#chips button').all():
            chip.click()
        self.page.locator('#tag').fill(label)
        self.page.locator('#tag').press('Enter')
        self.page.locator('.chip', has_text=label).wait_for()

    def _record(self, pictures: Sequence[str]) -> None:
        """Hold Record while the camera sees these."""
        self._show(pictures)
        self.page.wait_for_timeout(1000 * _SETTLE_S)
        self.page.locator('#record').hover()
        self.page.mouse.down()
        self.page.locator('#record', has_text='Recording').wait_for()
        self.page.wait_for_timeout(1000 * self.given.hold)
        self.page.mouse.up()
        self.page.locator('#record', has_text='Hold to record').wait_for()

    def _ask(self) -> float:
        """Show what was not recorded; return the share of right names over the video."""
        right = 0
        for label, files in self.photos.items():
            for picture in files[-self.given.asked:]:
                self._show([picture])
                self.page.wait_for_timeout(1000 * _SETTLE_S)
                said = self.page.locator('#overlay li:first-child').text_content()
                right += said.endswith(f' {label}')
        return right / (_CLASSES * self.given.asked)

    def _mend(self) -> None:
        """Open a cell of the confusion matrix, relabel an image, take it back; roll back."""
        page, note = self.page, self.page.locator('#gallery-note')
        page.locator('#mistakes > summary').click()
        page.locator('#confusion button').first.click()
        page.locator('#gallery-list [aria-posinset="1"]').click()
        page.locator('#gallery-tag').fill('something else')
        page.locator('#gallery-tag').press('Enter')
        page.locator('#gallery-set').click()
        page.locator('#classes', has_text='something else').wait_for()
        page.locator('#gallery-undo').click()
        note.filter(has_text='Undone').wait_for()
        page.locator('#classes', has_not_text='something else').wait_for()
        page.locator('#versions > summary').click()
        live = page.locator('#version-list .live .name')
        before = live.text_content()
        page.locator('#roll-back').click()
        page.locator('#version-list .live .name').filter(has_not_text=before).wait_for()

    def _switch_and_slide(self) -> None:
        """Each switch and slider, as far as the node that it is of."""
        page = self.page
        page.locator('#train').click()
        page.locator('#phase', has_text='Off').wait_for()
        page.locator('#train').click()
        page.locator('#phase', has_not_text='Off').wait_for()
        page.locator('#classify').click()
        page.locator('#recognition-meta', has_text=re.compile('^off$')).wait_for()
        page.locator('#classify').click()
        page.locator('#recognition-meta', has_text='version').wait_for()
        for slider, path in (('#threshold', '/classification/confidence_threshold'),
                             ('#smoothing', '/classification/output_smoothing')):
            before = page.evaluate(_VALUE, path)
            page.locator(slider).press('ArrowRight')
            page.locator(slider).press('ArrowRight')
            if not wait(lambda path=path, was=before: page.evaluate(_VALUE, path) > was,
                        _ANSWER_S):
                raise DemoError(f'{slider} does not reach the classifier')

    def _teach(self) -> None:
        """Upload a file, tag a frame of which the model was not sure, read the coach; change the
        camera, and stop it."""
        page = self.page
        file = base64.b64decode(next(iter(self.photos.values()))[-1].partition(',')[2])
        page.locator('#files').set_input_files(
            [{'name': 'one.jpg', 'mimeType': 'image/jpeg', 'buffer': file}])
        page.locator('#uploads .good').wait_for()
        page.locator('#unsure > summary').click()
        page.locator('#unsure-labels button').first.click()
        page.locator('#unsure-note:not(:empty)').wait_for()
        page.locator('#coach').evaluate('(card) => { card.open = true; card.scrollIntoView(); }')
        page.locator('#advice > li').first.wait_for()
        page.locator('#send-camera').select_option(index=1)
        self.tab.said('sending')
        page.locator('#send').click()
        self.tab.said('not sending')
