"""The card "Images": looked through, selected and put right by mouse, finger and keys."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import makers
import pytest
from fake_bridge import FakeBridge
from focusing import focus
from playwright.sync_api import Browser, Locator, Page, expect
from stored_samples import CLASSES, PER_BURST, StoredSamples, sample_id

from recognizer_ros.core.errors import NodeUnavailableError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import edits, reader

sys.path.insert(0, str(Path(__file__).parents[1] / 'nodes'))

from ros_graph import Graph, wait_for

from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.web import Web

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
COUNT = 3000
MOST_CELLS = 120
"""Elements of images at a time on a screen of this size."""
_PLACE = '''(cell) => cell.getBoundingClientRect().top
    - cell.parentElement.getBoundingClientRect().top'''
_SHOW = '''([ids, title]) => import('/static/gallery.js').then(
    (gallery) => gallery.showImages(ids, title))'''


@pytest.fixture
def stored(bridge: FakeBridge) -> StoredSamples:
    pixels = makers.picture(makers.flat((10, 20, 200)), 'JPEG')
    stored = StoredSamples(bridge, COUNT, lambda name: pixels)
    bridge.samples = stored  # type: ignore[assignment]
    return stored


@pytest.fixture
def card(stored: StoredSamples, page: Page) -> Locator:
    return opened(page)


def opened(page: Page) -> Locator:
    page.locator('#images > summary').press('Enter')  # what loads above it may move it
    expect(cell(page, 1)).to_have_attribute('aria-label', re.compile('burst'))
    return page.locator('#images')


def cell(where: Page | Locator, position: int) -> Locator:
    """The image at a position, from 1."""
    return where.locator(f'#gallery-list [aria-posinset="{position}"]')


def newest(position: int, count: int = COUNT) -> str:
    """Id of the image at a position while nothing is filtered."""
    return sample_id(count - position)


def count(card: Locator) -> Locator:
    return card.locator('#gallery-count')


def selected(card: Locator) -> Locator:
    return card.locator('#gallery-selected')


def note(card: Locator) -> Locator:
    return card.locator('#gallery-note')


def test_nothing_is_asked_while_it_is_closed(page: Page, stored: StoredSamples) -> None:
    expect(page.locator('#images-meta')).to_have_text('3,000 images')
    assert stored.queries == []


def test_filters(card: Locator, stored: StoredSamples) -> None:
    expect(count(card)).to_have_text('3,000 images')
    card.locator('#gallery-class').select_option('mug')
    expect(count(card)).to_have_text('1,000 images')
    expect(cell(card, 1)).to_have_attribute('aria-label', re.compile('^mug · '))
    card.locator('#gallery-split').select_option('validation')
    held_out = sum(sample.split is Split.VALIDATION and 'mug' in sample.tags
                   for sample in stored.stored.values())
    expect(count(card)).to_have_text(f'{held_out} images')
    card.locator('#gallery-burst').fill('12')
    card.locator('#gallery-burst').press('Enter')
    expect(count(card)).to_have_text(f'{PER_BURST} images')
    card.locator('#gallery-state').select_option('deleted')
    expect(count(card)).to_have_text('0 images')
    expect(card.locator('[role=option]')).to_have_count(0)


def test_only_what_is_in_sight_has_elements(card: Locator, page: Page) -> None:
    rows = card.locator('#gallery-list')
    for share in (0.5, 1.0, 0.25):
        rows.evaluate('(list, share) => { list.scrollTop = share * list.scrollHeight; }', share)
        near = round(1 + share * (COUNT - MOST_CELLS))
        expect(card.locator('[role=option] img:not([hidden])').first).to_be_visible()
        expect(rows.locator('[aria-label^="loading"]')).to_have_count(0)
        shown = [int(text) for text in rows.locator('[role=option]').evaluate_all(
            'cells => cells.map((cell) => cell.ariaPosInSet)')]
        assert shown == sorted(shown)
        assert len(shown) <= MOST_CELLS
        assert any(abs(position - near) < MOST_CELLS for position in shown)
    expect(rows.locator('[tabindex="0"]')).to_have_count(1)


def test_by_keyboard(card: Locator, page: Page, stored: StoredSamples) -> None:
    focus(cell(card, 1))
    keys = page.keyboard
    keys.press(' ')
    expect(selected(card)).to_have_text('1 selected')
    keys.press('Shift+ArrowRight')
    keys.press('Shift+ArrowRight')
    expect(selected(card)).to_have_text('3 selected')
    expect(cell(card, 3)).to_be_focused()
    keys.press('End')
    expect(cell(card, COUNT)).to_be_focused()
    expect(selected(card)).to_have_text('3 selected')
    keys.press('Home')
    keys.press('Delete')
    expect(note(card)).to_have_text('3 samples deleted.')
    expect(count(card)).to_have_text('2,997 images')
    assert stored.stored[newest(3)].deleted
    expect(cell(card, 1)).to_be_focused()
    expect(card.get_by_role('button', name='Undo: 3 samples deleted')).to_be_visible()
    keys.press('Control+z')
    expect(note(card)).to_have_text('Undone: 3 samples deleted.')
    expect(count(card)).to_have_text('3,000 images')
    keys.press('Control+Shift+Z')
    expect(note(card)).to_have_text('Done again: 3 samples deleted.')
    expect(count(card)).to_have_text('2,997 images')


def test_the_space_bar_does_not_record_there(card: Locator, page: Page,
                                             bridge: FakeBridge) -> None:
    focus(cell(card, 1))
    page.keyboard.press(' ')
    page.keyboard.press('Enter')
    expect(page.locator('#gallery-view')).to_be_visible()
    page.keyboard.press(' ')
    assert bridge.recordings == []


def test_all_that_match(card: Locator, page: Page, stored: StoredSamples) -> None:
    focus(cell(card, 1))
    page.keyboard.press('Control+a')
    expect(selected(card)).to_have_text('3,000 selected')
    page.keyboard.press('Escape')
    expect(card.locator('#gallery-actions')).to_be_hidden()
    cell(card, 2).click()
    page.keyboard.press('End')
    cell(card, COUNT - 1).click(modifiers=['Shift'])
    expect(selected(card)).to_have_text('2,998 selected')
    card.locator('#gallery-delete').click()
    expect(count(card)).to_have_text('2 images')


def test_relabel(card: Locator, page: Page, stored: StoredSamples) -> None:
    card.locator('#gallery-class').select_option('mug')
    expect(count(card)).to_have_text('1,000 images')
    label = re.compile('^mug · ')
    expect(cell(card, 2)).to_have_attribute('aria-label', label)
    cell(card, 1).click()
    cell(card, 2).click(modifiers=['Control'])
    card.locator('#gallery-add').click()
    expect(note(card)).to_have_text('Type a tag first.')
    card.locator('#gallery-tag').press_sequentially('Blue  Cup,big')
    card.locator('#gallery-add').click()
    expect(note(card)).to_have_text('blue cup, big added to 2 samples.')
    expect(cell(card, 2)).to_have_attribute('aria-label', re.compile('^big, blue cup, mug'))
    expect(selected(card)).to_have_text('2 selected')
    card.locator('#gallery-hold-out').click()
    expect(note(card)).to_have_text('2 moved.')
    card.locator('#gallery-set').click()
    expect(note(card)).to_have_text('2 samples tagged blue cup, big.')
    expect(count(card)).to_have_text('998 images')  # they are no mugs now, nor selected
    expect(card.locator('#gallery-actions')).to_be_hidden()
    for name in ('2 samples tagged', '2 moved', 'blue cup, big added'):
        card.get_by_role('button', name=f'Undo: {name}').click()
        expect(note(card)).to_contain_text(f'Undone: {name}')
    assert {sample.tags for sample in stored.stored.values()} == {(name,) for name in CLASSES}


def test_a_class_gets_another_name(card: Locator, stored: StoredSamples) -> None:
    card.locator('#gallery-class').select_option('mug')
    card.locator('#gallery-name').fill('Coffee  Mug')
    card.get_by_role('button', name='Rename').click()
    expect(note(card)).to_have_text('mug renamed to coffee mug in 1000 samples.')
    expect(card.locator('#gallery-class')).to_have_value('coffee mug')
    expect(count(card)).to_have_text('1,000 images')


def test_deleted_ones_are_restored(card: Locator, stored: StoredSamples) -> None:
    stored.edit(edits.Delete((newest(1), newest(2))), 0)
    card.locator('#gallery-state').select_option('deleted')
    expect(count(card)).to_have_text('2 images')
    card.locator('#gallery-all').click()
    expect(selected(card)).to_have_text('2 selected')
    expect(card.locator('#gallery-delete')).to_be_hidden()
    card.locator('#gallery-restore').click()
    expect(note(card)).to_have_text('2 samples restored.')
    expect(count(card)).to_have_text('0 images')


def test_somebody_was_faster(card: Locator, stored: StoredSamples) -> None:
    cell(card, 1).click()
    stored.edit(edits.SetTags((newest(1),), ('glue',)), 0)
    expect(cell(card, 1)).to_have_attribute('aria-label', re.compile('^glue'))
    card.locator('#gallery-delete').click()
    expect(note(card)).to_have_text('somebody else has changed 1 of these samples')
    assert not stored.stored[newest(1)].deleted
    expect(selected(card)).to_have_text('1 selected')
    card.locator('#gallery-delete').click()  # having seen it
    expect(note(card)).to_have_text('1 sample deleted.')


def test_new_images_move_nothing(card: Locator, page: Page, stored: StoredSamples) -> None:
    focus(cell(card, 1))
    page.keyboard.press('PageDown')
    page.keyboard.press('PageDown')
    focused = page.locator('#gallery-list :focus')
    label = focused.get_attribute('aria-label')
    place = focused.get_attribute('aria-posinset')
    page.keyboard.press(' ')
    before = focused.evaluate(_PLACE)
    assert place
    columns = card.locator('#gallery-list').evaluate('''(list) => Math.floor(
        (list.clientWidth + 8) / (list.querySelector('[role=option]').offsetWidth + 8))''')
    for _ in range(columns):  # a whole row
        stored.add(b'', ('new',), 'upload')
    expect(focused).to_have_attribute('aria-posinset', str(int(place) + columns))
    expect(focused).to_have_attribute('aria-label', label or '')
    expect(focused).to_have_attribute('aria-selected', 'true')
    assert focused.evaluate(_PLACE) == pytest.approx(before, abs=1)
    expect(count(card)).to_have_text(f'{COUNT + columns:,} images')


def test_large_view(card: Locator, page: Page) -> None:
    cell(card, 2).dblclick()
    view = page.locator('#gallery-view')
    expect(view.locator('h2')).to_have_text('Image 2 of 3,000')
    expect(view.locator('img')).to_have_attribute('src', f'/api/v1/samples/{newest(2)}/image')
    page.keyboard.press('ArrowRight')
    expect(view.locator('h2')).to_have_text('Image 3 of 3,000')
    view.get_by_role('button', name='Previous').click()
    expect(view.locator('dd').nth(6)).to_have_text(newest(2))
    page.keyboard.press('Escape')
    expect(cell(card, 2)).to_be_focused()
    cell(card, 1).press('Enter')
    view.get_by_role('button', name='Show its burst').click()
    expect(count(card)).to_have_text(f'{PER_BURST} images')


def test_exactly_these(page: Page, stored: StoredSamples) -> None:
    stored.edit(edits.Delete((newest(3),)), 0)
    ids = [newest(900), newest(5), 'f' * 64, newest(3)]
    page.evaluate(_SHOW, [ids, 'mug taken for stapler'])
    card = page.locator('#images')
    expect(card.get_by_role('heading', name='mug taken for stapler')).to_be_focused()
    expect(count(card)).to_have_text('2 images')
    expect(note(card)).to_have_text('1 unknown left out, 1 deleted left out.')
    cell(card, 1).click()
    card.locator('#gallery-delete').click()
    expect(note(card)).to_have_text('1 sample deleted.')
    assert stored.stored[newest(900)].deleted
    expect(cell(card, 1)).to_have_attribute('aria-label', re.compile('deleted$'))
    card.get_by_role('button', name='Back to all images').click()
    expect(count(card)).to_have_text('2,998 images')
    expect(card.locator('#gallery-filters')).to_be_visible()


def test_by_touch_on_a_phone(open_page: OpenPage, stored: StoredSamples) -> None:
    page = open_page(has_touch=True, is_mobile=True, viewport={'width': 360, 'height': 740})
    card = opened(page)
    assert page.evaluate('document.documentElement.scrollWidth') <= 360
    cell(card, 1).tap()
    expect(page.locator('#gallery-view')).to_be_visible()
    page.get_by_role('button', name='Close').tap()
    box = cell(card, 2).bounding_box()
    assert box
    finger = [{'x': box['x'] + 40, 'y': box['y'] + 40}]
    touch = page.context.new_cdp_session(page)
    touch.send('Input.dispatchTouchEvent', {'type': 'touchStart', 'touchPoints': finger})
    expect(selected(card)).to_have_text('1 selected')
    touch.send('Input.dispatchTouchEvent', {'type': 'touchEnd', 'touchPoints': []})
    expect(card.locator('#gallery-mode')).to_have_attribute('aria-pressed', 'true')
    cell(card, 1).tap()
    expect(selected(card)).to_have_text('2 selected')
    assert page.evaluate('document.documentElement.scrollWidth') <= 360


def test_no_recorder(card: Locator, stored: StoredSamples,
                     monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*request: object) -> None:
        raise NodeUnavailableError('the recorder does not answer: is its node running?')

    cell(card, 1).click()
    with monkeypatch.context() as patch:
        patch.setattr(stored, 'page', away)
        patch.setattr(stored, 'edit', away)
        card.locator('#gallery-delete').click()
        expect(note(card)).to_have_text('the recorder does not answer: is its node running?')
        card.locator('#gallery-class').select_option('mug')
        expect(note(card)).to_have_text('the recorder does not answer: is its node running?')
    expect(count(card)).to_have_text('1,000 images')


@pytest.fixture
def real(browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Page]:
    """A page of a recorder that has stored images of two classes."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with Graph() as graph:
        graph.start(Recorder, data=str(tmp_path), settle=0.0)
        web = graph.start(Web, port=0)
        samples = web.bridge.samples
        for number in range(12):
            data = makers.picture(makers.noise(number), 'JPEG')
            samples.add(data, (('cup', 'red mug')[number % 2],), f'upload {number}.jpg')
        context = browser.new_context()
        page = context.new_page()
        page.goto(web.url)
        yield page
        context.close()


def test_a_real_recorder(real: Page, tmp_path: Path) -> None:
    card = opened(real)
    expect(count(card)).to_have_text('12 images')
    card.locator('#gallery-class').select_option('red mug')
    expect(count(card)).to_have_text('6 images')
    expect(card.locator('[role=option] img:not([hidden])')).to_have_count(6)
    cell(card, 1).click()
    cell(card, 3).click(modifiers=['Shift'])
    card.locator('#gallery-tag').fill('Blue mug')
    card.locator('#gallery-set').click()
    expect(note(card)).to_have_text('3 samples tagged blue mug.')
    expect(count(card)).to_have_text('3 images')
    card.get_by_role('button', name='Undo: 3 samples tagged blue mug').click()
    expect(count(card)).to_have_text('6 images')
    card.locator('#gallery-all').click()
    card.locator('#gallery-delete').click()
    expect(note(card)).to_have_text('6 samples deleted.')
    expect(real.locator('#classes .number')).to_have_text(['6'])
    wait_for(lambda: len(reader.snapshot(tmp_path).samples) == 6)
