"""The card "Not sure", and how the answer "unknown" is shown."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_bridge import FakeBridge
from focusing import focus
from playwright.sync_api import Locator, Page, expect

from recognizer_ros.core.errors import DiskFullError, NodeUnavailableError
from recognizer_ros.server.bridge import UncertainFrame
from recognizer_ros.server.state import Result

pytestmark = pytest.mark.browser


@pytest.fixture
def card(page: Page) -> Locator:
    page.locator('#unsure summary').click()
    expect(page.locator('.unsure-frame')).to_have_count(2)
    return page.locator('#unsure')


def stored(bridge: FakeBridge, *expected: tuple[str, ...]) -> bool:
    """Wait until frames have been stored with these tags."""
    return bridge.until(lambda: [tags for _, tags, _ in bridge.samples.added] == [*expected])


def test_frames_are_asked_for_only_while_somebody_looks(open_page: Callable[..., Page]) -> None:
    asked: list[str] = []
    page = open_page(lambda page: (page.clock.install(), page.on('request', lambda request: (
        asked.append(request.url) if request.url.endswith('/uncertain') else None))))

    def minute() -> int:
        """How often it asks in one."""
        before = len(asked)
        page.clock.run_for(60_000)
        page.evaluate("fetch('/api/v1/state')")  # what was asked before this has been seen
        return len(asked) - before

    assert minute() == 0
    page.locator('#unsure summary').click()
    expect(page.locator('.unsure-frame')).to_have_count(2)
    assert minute() >= 1
    page.locator('#unsure summary').click()
    expect(page.locator('#unsure-list')).to_be_hidden()
    assert minute() == 0


def test_what_the_model_says_of_each(card: Locator) -> None:
    expect(card.locator('#unsure-meta')).to_have_text('2 frames')
    frames = card.locator('.unsure-frame')
    expect(frames.nth(0)).to_have_text('mug 48 %red mug 41 %')
    expect(frames.nth(1)).to_have_text('unknownstapler 37 %')
    expect(card.locator('#unsure-guess')).to_have_text('mug 48 % or red mug 41 %?')
    expect(card.locator('#unsure-when')).to_contain_text('version 6')
    image = card.locator('#unsure-image')
    expect(image).to_have_js_property('naturalWidth', 320)
    expect(image).to_have_attribute('alt', re.compile('mug 48 % or red mug 41 %'))
    expect(card.locator('#unsure-labels button.guess')).to_have_text(['mug 48 %', 'red mug 41 %'])
    frames.nth(1).click()
    expect(card.locator('#unsure-guess')).to_contain_text('Unknown to the model')
    expect(frames.nth(1)).to_have_attribute('aria-pressed', 'true')
    expect(image).to_have_attribute('src', re.compile('/11/image$'))


def test_one_tap_stores_a_frame_and_the_next_one_follows(card: Locator, bridge: FakeBridge
                                                         ) -> None:
    card.get_by_role('button', name='stapler', exact=True).click()
    assert stored(bridge, ('stapler',))
    assert bridge.samples.added[0][0] == bridge.answers.jpegs[12]
    expect(card.locator('#unsure-note')).to_have_text('Stored as stapler.')
    expect(card.locator('.unsure-frame')).to_have_count(1)
    expect(card.locator('#unsure-guess')).to_contain_text('Unknown to the model')
    card.locator('#unsure-labels').get_by_role('button', name='red mug').click()
    assert stored(bridge, ('stapler',), ('red mug',))
    expect(card.locator('#unsure-choice')).to_be_hidden()
    expect(card.locator('#unsure-meta')).to_have_text('0 frames')
    expect(card.locator('summary')).to_be_focused()


def test_active_tags_and_new_ones_can_be_chosen(card: Locator, bridge: FakeBridge) -> None:
    bridge.change(tags=('mug', 'Tasse <b>'))
    expect(card.locator('#unsure-labels button')).to_have_text(
        ['mug 48 %', 'red mug 41 %', 'stapler', 'Tasse <b>'])
    card.get_by_label('Something else').fill('green mug, cup')
    card.get_by_role('button', name='Tag it').click()
    assert stored(bridge, ('green mug', 'cup'))
    expect(card.get_by_label('Something else')).to_have_value('')


def test_a_frame_of_no_use_is_dismissed(card: Locator, bridge: FakeBridge) -> None:
    card.get_by_role('button', name='Dismiss').click()
    assert bridge.until(lambda: ('forget', 12) in bridge.calls)
    expect(card.locator('.unsure-frame')).to_have_count(1)
    assert bridge.samples.added == []


def test_by_keyboard(page: Page, bridge: FakeBridge) -> None:
    focus(page.locator('#unsure summary'))
    page.keyboard.press('Enter')
    expect(page.locator('.unsure-frame')).to_have_count(2)
    page.keyboard.press('Tab')
    expect(page.locator('#unsure-labels button').first).to_be_focused()
    page.keyboard.press('Space')
    assert stored(bridge, ('mug',))
    expect(page.locator('#unsure-labels button').first).to_be_focused()
    focus(page.get_by_label('Something else'))
    page.keyboard.type('cup')
    page.keyboard.press('Enter')
    assert stored(bridge, ('mug',), ('cup',))
    assert bridge.recordings == [], 'Space and Enter do not record here'


def test_new_frames_appear_and_the_chosen_one_stays(card: Locator, bridge: FakeBridge) -> None:
    card.locator('.unsure-frame').nth(1).click()
    bridge.answers.jpegs[13] = bridge.answers.jpegs[12]
    newest = UncertainFrame(13, 10**18, (Result('mug', 0.5),), False, 6)
    bridge.answers.frames = (newest, *bridge.answers.frames)
    expect(card.locator('.unsure-frame')).to_have_count(3)
    expect(card.locator('.unsure-frame').nth(2)).to_have_attribute('aria-pressed', 'true')
    expect(card.locator('#unsure-image')).to_have_attribute('src', re.compile('/11/image$'))
    bridge.answers.frames = (newest,)  # somebody else has dealt with it
    expect(card.locator('.unsure-frame')).to_have_count(1)
    expect(card.locator('#unsure-image')).to_have_attribute('src', re.compile('/13/image$'))


def test_a_refusal_is_told_and_the_frame_comes_back(card: Locator, bridge: FakeBridge) -> None:
    bridge.failure = DiskFullError('only 3 MiB are left on the disk')
    card.get_by_role('button', name='stapler', exact=True).click()
    expect(card.locator('#unsure-note')).to_have_text('only 3 MiB are left on the disk')
    bridge.failure = None
    expect(card.locator('.unsure-frame')).to_have_count(2)
    assert bridge.samples.added == []


def test_without_a_classifier(page: Page, bridge: FakeBridge) -> None:
    bridge.failure = NodeUnavailableError('the classifier does not answer: is its node running?')
    page.locator('#unsure summary').click()
    expect(page.locator('#unsure-note')).to_contain_text('the classifier does not answer')
    bridge.answers.frames, bridge.failure = (), None
    expect(page.locator('#unsure-note')).to_have_text(
        'Nothing to ask: the model was sure so far.')


def test_unknown_is_told_by_more_than_a_colour(page: Page, bridge: FakeBridge) -> None:
    row, line = page.locator('.result').first, page.locator('#overlay li').first
    expect(row).not_to_have_class(re.compile('unknown'))
    now = bridge.state().classification
    bridge.change(classification=replace(now, results=(Result('unknown', 0.9524),)))
    expect(row.locator('.name')).to_have_text('unknown')
    expect(row).to_have_class(re.compile('unknown'))
    expect(line).to_have_text('95.24% unknown')
    expect(line).to_have_css('border-top-style', 'dashed')
    bar = "element => getComputedStyle(element, '::after').backgroundImage"
    assert 'repeating-linear-gradient' in row.locator('.track').evaluate(bar)
    bridge.change(classification=now)
    expect(line).not_to_have_css('border-top-style', 'dashed')


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_on_a_phone_nothing_sticks_out(open_page: Callable[..., Page], scheme: str,
                                       bridge: FakeBridge) -> None:
    frame = bridge.answers.frames[0]
    long = (Result('a label of thirty-two characters', 0.5), Result('x' * 64, 0.4))
    bridge.answers.frames = (replace(frame, results=long), *bridge.answers.frames[1:])
    bridge.change(dataset=replace(bridge.state().dataset, classes=('x' * 64, 'mug'),
                                  class_samples=(1, 1)))
    page = open_page(viewport={'width': 360, 'height': 740}, color_scheme=scheme)
    page.locator('#unsure summary').click()
    expect(page.locator('.unsure-frame')).to_have_count(2)
    assert page.evaluate('document.documentElement.scrollWidth') == 360
    for button in page.locator('#unsure button').all():
        box = button.bounding_box()
        assert box
        assert min(box['width'], box['height']) >= 24
