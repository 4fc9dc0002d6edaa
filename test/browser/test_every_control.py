"""Every control of the page, in a real browser, does what it says to five real nodes."""

import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import makers
import pytest
import trainees
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

sys.path.insert(0, str(Path(__file__).parents[1] / 'nodes'))

from ros_graph import Graph, http, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

SMALL = {'net': trainees.NET, 'net_width': trainees.WIDTH, 'net_height': trainees.HEIGHT}
# Only where somebody has to log in: test_entry.py.
ELSEWHERE = {'entry-token', 'entry-form button'}
_WATCH = '''
const KINDS = 'button, input, select, summary';
const name = (control) => control.id || `${control.parentElement.closest('[id]').id} ${
  control.dataset.key?.split(' ')[0] ?? control.localName}`;
const [used, seen] = [new Set(), new Set()];
for (const kind of ['click', 'input', 'change']) {
  addEventListener(kind, (event) => {
    const control = event.target.closest?.(KINDS);
    if (control) used.add(name(control));
    for (const one of document.querySelectorAll(KINDS)) seen.add(name(one));
  }, true);
}
window.controls = (which) => [...(which === 'used' ? used : seen)];
'''


class Robot:
    """Five nodes that have learned mugs (red) and plates and twins (blue both)."""

    def __init__(self, graph: Graph, folder: Path) -> None:
        with socket.create_server(('127.0.0.1', 0)) as taken:
            port = taken.getsockname()[1]
        self.graph = graph
        self.url = f'http://127.0.0.1:{port}'
        data = str(folder / 'data')
        _record(folder / 'data')
        green = _show(folder / 'green', 'green')
        self.doubtful = _show(folder / 'doubtful', 'red+blue', 'blue+red', 'red+yellow',
                              'yellow+blue', 'yellow', 'red+green', 'green+blue+red')
        graph.process('camera', input=green, input_rate=10.0)
        graph.process('recorder', data=data)
        graph.process('trainer', data=data, weights=trainees.colour_backbone(folder), **SMALL)
        graph.process('classifier')
        graph.process('web', port=port)

    def state(self, section: str) -> dict[str, Any]:
        """A section of what the page shows."""
        try:
            found: dict[str, Any] = http(f'{self.url}/api/v1/state')[1][section]
        except OSError:
            return {}
        return found

    def count(self, label: str) -> int:
        """Samples of a class."""
        dataset = self.state('dataset')
        counts = dict(zip(dataset['classes'], dataset['class_samples'], strict=True))
        return int(counts.get(label, 0))


def _show(folder: Path, *labels: str) -> str:
    """A source: an image of each."""
    for label in labels:
        makers.photo(folder / f'{label}.jpg', makers.jpeg(trainees.coloured(label, 900)))
    return f'folder://{folder}'


def _record(data: Path) -> None:
    """Two of the plates are mugs; and what tells a twin from a plate nobody could say."""
    for label, tag, bursts, images in (('red', 'mug', 3, 6), ('blue', 'plate', 3, 6),
                                       ('blue+blue', 'twin', 3, 6), ('red+red', 'plate', 1, 2)):
        trainees.record(data, label, tags={label: (tag,)}, bursts=bursts, images=images)


@pytest.fixture
def robot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Robot]:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with Graph() as graph:
        robot = Robot(graph, tmp_path)
        wait_for(lambda: robot.state('classification').get('results'))
        yield robot


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={'width': 1280, 'height': 900})
    context.add_init_script(_WATCH)
    yield context
    context.close()


@pytest.fixture
def page(robot: Robot, context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(robot.url)
    page.locator('#connection[data-kind=good]').wait_for()
    return page


def test_every_control(robot: Robot, page: Page, context: BrowserContext) -> None:
    for use in (_capture, _recognition, _training, _versions, _coach, _not_sure, _mistakes,
                _filters, _large_view, _edits):
        use(robot, page)
    other = context.new_page()
    _send(robot, page, other)
    seen, used = ({name for one in (page, other) for name in one.evaluate('controls', which)}
                  for which in ('seen', 'used'))
    assert sorted(seen - used - ELSEWHERE) == []


def _capture(robot: Robot, page: Page) -> None:
    chips = page.locator('#chips')
    _type(page, '#tag', 'sky')
    chips.get_by_role('button').click()
    expect(chips).to_be_empty()
    _type(page, '#tag', 'sky')
    record = page.locator('#record')
    record.hover()
    page.mouse.down()
    expect(record).to_contain_text('Recording')
    wait_for(lambda: robot.count('sky'))
    page.mouse.up()
    expect(record).to_contain_text('Hold to record')
    record.click()  # as by assistive technology: for a moment
    of_class = page.locator('#classes').get_by_role('button', name='sky')
    of_class.click()
    expect(chips).to_be_empty()
    of_class.click()
    expect(chips).to_contain_text('sky')
    before = robot.count('sky')
    with page.expect_file_chooser() as chooser:
        page.locator('#upload').click()
    chooser.value.set_files({'name': 'one.jpg', 'mimeType': 'image/jpeg', 'buffer': makers.jpeg(
        makers.noise(1))})
    expect(page.locator('#uploads .good')).to_have_count(1)
    wait_for(lambda: robot.count('sky') > before)


def _recognition(robot: Robot, page: Page) -> None:
    meta = page.locator('#recognition-meta')
    page.locator('#classify').click()
    expect(meta).to_have_text('off')
    page.locator('#classify').click()
    expect(meta).to_contain_text('version')
    for slider, name in (('#threshold', 'threshold'), ('#smoothing', 'smoothing')):
        before = robot.state('classification')[name]
        page.locator(slider).press('ArrowRight')
        wait_for(lambda name=name, was=before: robot.state('classification')[name] > was)


def _training(robot: Robot, page: Page) -> None:
    page.locator('#train').click()
    wait_for(lambda: not robot.state('training')['enabled'])
    page.locator('#train').click()
    wait_for(lambda: robot.state('training')['enabled'])
    page.locator('#curves-table > summary').click()
    expect(page.locator('#curves-body tr').first).to_be_visible()


def _versions(robot: Robot, page: Page) -> None:
    wait_for(lambda: robot.state('training')['live_version'] >= 2)
    page.locator('#train').click()  # from here on nothing changes by itself
    wait_for(lambda: not robot.state('training')['enabled'])
    page.locator('#versions > summary').click()
    row = page.locator('#version-list li').last
    row.get_by_role('button', name='Use').click()
    chosen = int(row.get_attribute('data-version') or 0)
    wait_for(lambda: robot.state('training')['live_version'] == chosen)
    page.locator('#roll-back').click()
    wait_for(lambda: robot.state('training')['live_version'] != chosen)


def _coach(robot: Robot, page: Page) -> None:
    card = page.locator('#coach')
    summary = card.locator('> summary')
    summary.click()
    summary.click()
    card.locator('.method summary').first.click()
    accept = card.get_by_role('button', name='Tag mug').first
    mugs = robot.count('mug')
    accept.click()
    expect(page.locator('#coach-said')).to_have_text('Tagged mug.')
    wait_for(lambda: robot.count('mug') == mugs + 1)
    page.locator('#coach-undo').click()
    wait_for(lambda: robot.count('mug') == mugs)
    card.get_by_role('button', name='Tag is right').first.click()
    card.get_by_role('button', name='Show').first.click()
    expect(page.locator('#gallery-named')).to_be_visible()


def _not_sure(robot: Robot, page: Page) -> None:
    assert robot.graph.set('camera', input=robot.doubtful).successful
    choice = page.locator('#unsure-choice')

    def left() -> int:
        return len(http(f'{robot.url}/api/v1/uncertain')[1]['frames'])

    wait_for(lambda: left() >= 3)
    page.locator('#unsure > summary').click()
    page.locator('#unsure-list').get_by_role('button').last.click()
    page.locator('#unsure-tag').fill('saucer')
    for button in (choice.get_by_role('button', name='Tag it'), page.locator('#unsure-dismiss'),
                   page.locator('#unsure-labels').get_by_role('button').first):
        expect(choice).to_be_visible()
        asked = page.locator('#unsure-image').get_attribute('src')
        button.click()
        expect(page.locator(f'#unsure-choice:not([hidden]) img[src="{asked}"]')).to_have_count(0)
    wait_for(lambda: robot.count('saucer') == 1)


def _mistakes(robot: Robot, page: Page) -> None:
    page.locator('#mistakes > summary').click()
    page.locator('#confusion').get_by_role('button').first.click()
    expect(page.locator('#gallery-title')).to_contain_text('answered')
    page.locator('#gallery-back').click()
    expect(page.locator('#gallery-named')).to_be_hidden()
    page.locator('#confused').get_by_role('button').first.click()
    expect(page.locator('#gallery-title')).to_contain_text('answered')
    page.locator('#gallery-back').click()


def _filters(robot: Robot, page: Page) -> None:
    _choose(page, '#gallery-class', 'plate')
    expect(_images(page)).to_have_text(_many(robot.count('plate')))
    page.locator('#gallery-name').fill('dish')
    page.locator('#gallery-rename').get_by_role('button').click()
    wait_for(lambda: robot.count('dish') and not robot.count('plate'))
    _choose(page, '#gallery-class', '')
    _choose(page, '#gallery-split', 'validation')
    expect(_images(page)).not_to_have_text(_many(robot.state('dataset')['samples']))
    _choose(page, '#gallery-split', '')
    page.locator('#gallery-burst').fill('1')
    page.locator('#gallery-burst').press('Enter')
    expect(_images(page)).to_have_text('6 images')
    page.locator('#gallery-burst').fill('')
    page.locator('#gallery-burst').press('Enter')
    expect(_images(page)).to_have_text(_many(robot.state('dataset')['samples']))


def _large_view(robot: Robot, page: Page) -> None:
    title = page.locator('#gallery-view-title')
    _cell(page, 1).press('Enter')
    expect(title).to_contain_text('Image 1 of')
    page.locator('#gallery-after').click()
    expect(title).to_contain_text('Image 2 of')
    page.locator('#gallery-before').click()
    expect(title).to_contain_text('Image 1 of')
    page.locator('#gallery-view-select').click()
    page.locator('#gallery-close').click()
    expect(page.locator('#gallery-selected')).to_have_text('1 selected')
    page.locator('#gallery-none').click()
    _cell(page, 1).press('Enter')
    page.locator('#gallery-burst-of').click()
    expect(page.locator('#gallery-burst')).not_to_have_value('')
    page.locator('#gallery-burst').fill('1')
    page.locator('#gallery-burst').press('Enter')
    expect(_images(page)).to_have_text('6 images')


def _edits(robot: Robot, page: Page) -> None:
    """All on the six mugs of the first burst."""
    mugs = robot.count('mug')

    def edit(button: str, tag: str = '') -> None:
        if page.locator('#gallery-none').is_visible():
            page.locator('#gallery-none').click()
        page.locator('#gallery-all').click()
        expect(page.locator('#gallery-selected')).to_have_text('6 selected')
        if tag:
            _type(page, '#gallery-tag', 'no')
            page.locator('#gallery-chips').get_by_role('button').click()
            _type(page, '#gallery-tag', tag)
        page.locator(button).click()

    page.locator('#gallery-mode').click()
    edit('#gallery-set', 'cup')
    wait_for(lambda: (robot.count('cup'), robot.count('mug')) == (6, mugs - 6))
    edit('#gallery-add', 'red')
    wait_for(lambda: robot.count('red') == 6)
    edit('#gallery-remove', 'red')
    wait_for(lambda: robot.count('red') == 0)
    page.locator('#gallery-undo').click()
    wait_for(lambda: robot.count('red') == 6)
    page.locator('#gallery-redo').click()
    wait_for(lambda: robot.count('red') == 0)
    for button, split in (('#gallery-hold-out', 'validation'), ('#gallery-train', 'train')):
        edit(button)
        wait_for(lambda split=split: http(
            f'{robot.url}/api/v1/samples?burst=1&split={split}')[1]['total'] == 6)
    edit('#gallery-delete')
    wait_for(lambda: robot.count('cup') == 0)
    _choose(page, '#gallery-state', 'deleted')
    edit('#gallery-restore')
    wait_for(lambda: robot.count('cup') == 6)
    page.locator('#images > summary').click()


def _send(robot: Robot, page: Page, other: Page) -> None:
    assert robot.graph.set('camera', input='webrtc://').successful
    other.goto(robot.url)
    for one in (page, other):
        one.locator('#device > summary').click()
    meta = page.locator('#send-meta')
    page.locator('#send').click()
    expect(meta).to_contain_text('sending')
    expect(meta).not_to_contain_text('not sending')
    page.locator('#send-camera').select_option(index=1)
    expect(meta).not_to_contain_text('not sending')
    other.locator('#send').click()
    other.locator('#take-over').click()
    expect(page.locator('#send-note')).not_to_be_empty()
    other.locator('#send').click()
    expect(other.locator('#send-meta')).to_have_text('not sending')


def _type(page: Page, field: str, tag: str) -> None:
    page.locator(field).fill(tag)
    page.locator(field).press('Enter')


def _choose(page: Page, field: str, value: str) -> None:
    page.locator(field).select_option(value)


def _images(page: Page) -> Locator:
    return page.locator('#gallery-count')


def _cell(page: Page, position: int) -> Locator:
    return page.locator(f'#gallery-list [aria-posinset="{position}"]')


def _many(count: int) -> re.Pattern[str]:
    return re.compile(f'^{count} images?$')
