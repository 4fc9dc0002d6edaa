"""The card "Mistakes"."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_bridge import FakeBridge, FakeInsight, FakeSamples, busy_state
from focusing import focus
from playwright.sync_api import Page, expect

from recognizer_ros.core.errors import NodeUnavailableError
from recognizer_ros.server.bridge import ReviewPage

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
TRAINING = busy_state().training


class Review(FakeInsight):
    """What the live version answers, and how often the table and which cells were asked for."""

    labels: tuple[str, ...] = ('mug', 'red mug', 'stapler')
    confusion: tuple[tuple[int, ...], ...] = ((16, 4, 0), (2, 18, 0), (0, 3, 17))
    tables = 0

    def review(self, truth: str, answer: str, offset: int, limit: int) -> ReviewPage:
        self._note('review', truth, answer, offset, limit)
        ids = (FakeSamples.SAMPLE.sha256,) if truth else ()
        self.tables += not truth
        return ReviewPage(self.labels, self.confusion, ids, (0.9,) * len(ids), len(ids), 17, 6)


@pytest.fixture
def review(bridge: FakeBridge) -> Review:
    bridge.insight = Review(bridge.insight._note)
    return bridge.insight


def cells(bridge: FakeBridge) -> list[tuple[str, str]]:
    return [call[1:3] for call in bridge.calls if call[0] == 'review' and call[1]]


@pytest.fixture
def opened(open_page: OpenPage, review: Review) -> Page:
    page = open_page()
    assert review.tables == 0  # nobody has looked
    page.locator('#mistakes > summary').click()
    expect(page.locator('#matrix')).to_be_visible()
    return page


def test_a_table_with_headers(opened: Page) -> None:
    table = opened.get_by_role('grid', name='Images by true class (rows) and answer (columns)')
    expect(table.get_by_role('columnheader')).to_have_text(['mug', 'red mug', 'stapler'])
    expect(table.get_by_role('rowheader')).to_have_text(['mug', 'red mug', 'stapler'])
    expect(table.locator('tbody td')).to_have_text(
        ['16', '4', '0', '2', '18', '0', '0', '3', '17'])
    expect(table.get_by_role('button')).to_have_count(6)  # where there is something to see
    expect(opened.locator('#mistakes-meta')).to_have_text('9 of 60 wrong')


def test_more_is_darker(opened: Page) -> None:
    shades = opened.locator('#confusion tbody td').evaluate_all(
        '(cells) => cells.map((cell) => Number(cell.style.getPropertyValue("--share")))')
    assert shades[:3] == pytest.approx([0.8, 0.2, 0])


def test_what_is_confused_most_is_said(opened: Page, bridge: FakeBridge) -> None:
    pairs = opened.locator('#confused button')
    expect(pairs).to_have_text(['“mug” is taken for “red mug”: 4 of 20 images',
                                '“stapler” is taken for “red mug”: 3 of 20 images',
                                '“red mug” is taken for “mug”: 2 of 20 images'])
    pairs.nth(1).click()
    expect(opened.locator('#images')).to_have_attribute('open', '')
    assert cells(bridge) == [('stapler', 'red mug')]


def test_each_class_the_least_known_first(opened: Page) -> None:
    expect(opened.locator('#class-scores-body tr').first.locator('th, td')).to_have_text(
        ['mug', '80 %', '89 %', '20'])
    expect(opened.locator('#class-scores-body th')).to_have_text(['mug', 'stapler', 'red mug'])


def test_a_cell_opens_its_images(opened: Page, bridge: FakeBridge) -> None:
    opened.get_by_role('button', name='4 images of mug answered red mug: show them').click()
    expect(opened.locator('#images')).to_contain_text('mug, answered red mug')
    expect(opened.locator('#images')).to_have_attribute('open', '')
    assert cells(bridge) == [('mug', 'red mug')]


def test_by_keyboard(opened: Page, bridge: FakeBridge) -> None:
    buttons = opened.locator('#confusion button')
    assert buttons.evaluate_all('(all) => all.filter((cell) => cell.tabIndex === 0).length') == 1
    focus(opened.locator('#confused button').last)
    opened.keyboard.press('Tab')
    expect(buttons.first).to_be_focused()
    opened.keyboard.press('ArrowRight')
    opened.keyboard.press('ArrowRight')  # nothing is there
    opened.keyboard.press('ArrowDown')
    opened.keyboard.press('ArrowDown')
    expect(opened.get_by_label('3 images of stapler answered red mug')).to_be_focused()
    opened.keyboard.press('Enter')
    expect(opened.locator('#images')).to_have_attribute('open', '')
    assert cells(bridge) == [('stapler', 'red mug')]


def test_another_version_is_reviewed_anew_and_the_focus_stays(
        opened: Page, review: Review, bridge: FakeBridge) -> None:
    focus(opened.get_by_label('18 images of red mug answered right'))
    review.confusion = ((20, 0, 0), (1, 19, 0), (0, 0, 20))
    bridge.change(training=replace(TRAINING, live_version=7))
    expect(opened.locator('#mistakes-meta')).to_have_text('1 of 60 wrong')
    expect(opened.get_by_label('19 images of red mug answered right')).to_be_focused()


def test_a_closed_card_asks_nothing(opened: Page, review: Review, bridge: FakeBridge) -> None:
    opened.locator('#mistakes > summary').click()
    bridge.change(training=replace(TRAINING, live_version=7))
    expect(opened.locator('#version')).to_have_text('7')
    assert review.tables == 1
    opened.locator('#mistakes > summary').click()
    expect(opened.locator('#matrix')).to_be_visible()
    with opened.expect_response('**/api/v1/review'):
        bridge.change(training=replace(TRAINING, live_version=8))


def test_several_tags_an_image_have_no_table(open_page: OpenPage, review: Review,
                                             bridge: FakeBridge) -> None:
    bridge.change(training=replace(TRAINING, label_mode='multi'))
    page = open_page()
    page.locator('#mistakes > summary').click()
    expect(page.locator('#mistakes-note')).to_contain_text('several tags here')
    expect(page.locator('#matrix')).to_be_hidden()
    expect(page.locator('#class-scores-body tr').first.locator('th, td')).to_have_text(
        ['mug', '80 %', '90 %', '20'])
    assert review.tables == 0


def test_without_a_version_nothing_is_asked(open_page: OpenPage, review: Review,
                                            bridge: FakeBridge) -> None:
    bridge.change(training=replace(TRAINING, live_version=0))
    page = open_page()
    page.locator('#mistakes > summary').click()
    expect(page.locator('#mistakes-note')).to_contain_text('No version is live yet')
    assert review.tables == 0


def test_without_held_out_images(open_page: OpenPage, review: Review) -> None:
    review.confusion = ((0, 0, 0),) * 3
    page = open_page()
    page.locator('#mistakes > summary').click()
    expect(page.locator('#mistakes-note')).to_contain_text('No images are held out yet')
    expect(page.locator('#matrix')).to_be_hidden()


def test_a_trainer_that_does_not_answer_is_told(opened: Page, bridge: FakeBridge) -> None:
    bridge.failure = NodeUnavailableError('the trainer does not answer: is its node running?')
    opened.get_by_label('4 images of mug answered red mug').click()
    expect(opened.locator('#mistakes-note')).to_contain_text('the trainer does not answer')
    expect(opened.locator('#matrix')).to_be_visible()
    bridge.failure = None
    bridge.change(training=replace(TRAINING, live_version=7))
    expect(opened.locator('#mistakes-note')).to_contain_text('Held-out images')


def test_fifty_classes_on_a_phone(open_page: OpenPage, review: Review) -> None:
    review.labels = tuple(f'object number {index} on the shelf' for index in range(50))
    review.confusion = tuple(tuple(int(row == column or (row * 7 + column) % 11 == 0)
                                   for column in range(50)) for row in range(50))
    page = open_page(viewport={'width': 360, 'height': 740})
    page.locator('#mistakes > summary').click()
    cell = page.get_by_label('1 images of object number 49 on the shelf answered right')
    cell.scroll_into_view_if_needed()
    cell.click()
    expect(page.locator('#images')).to_have_attribute('open', '')
    page.locator('#confusion').scroll_into_view_if_needed()
    inside = page.evaluate('''() => {
        const box = document.querySelector('.matrix').getBoundingClientRect();
        const row = document.querySelector('#confusion tbody tr:last-child th');
        const column = document.querySelector('#confusion thead th:last-child');
        return [row.getBoundingClientRect().left - box.left,
                column.getBoundingClientRect().top - box.top,
                document.documentElement.scrollWidth - window.innerWidth];
    }''')
    assert inside == pytest.approx([1, 1, 0], abs=1)  # headers stay; the page is not wider


def test_markup_in_a_class_is_text(open_page: OpenPage, review: Review) -> None:
    review.labels = ('<img src=x onerror="document.title=1">', 'red mug', 'stapler')
    page = open_page()
    page.locator('#mistakes > summary').click()
    expect(page.locator('#confusion')).to_contain_text(review.labels[0])
    expect(page.locator('#confused')).to_contain_text(review.labels[0])
    assert page.locator('#mistakes img').count() == 0
