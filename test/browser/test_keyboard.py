"""Everything by the keyboard alone."""

import re
from collections.abc import Callable, Iterator

import pytest
from fake_bridge import FakeBridge
from focusing import focus
from page_peer import Robot
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]

_MOST_STOPS = 150
# Id or words of what has the focus, its place, and whether one sees that it has it.
_FOCUS = '''() => {
  const found = document.activeElement;
  if (found === document.body) return null;
  const framed = found.closest('.tagbox') ?? found;
  const { outlineStyle, outlineWidth } = getComputedStyle(framed);
  const { left, top, width, height } = found.getBoundingClientRect();
  // WCAG 2.2, 2.4.11: nothing may lie over all of it.
  const inSight = [[0.5, 0.5], [0.1, 0.2], [0.9, 0.8]].some(([x, y]) => {
    const hit = document.elementFromPoint(left + x * width, top + y * height);
    return found.contains(hit) || hit?.contains(found);
  });
  return {
    name: found.id || (found.textContent ?? '').trim(),
    marked: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1,
    inSight,
  };
}'''


@pytest.fixture
def robot(browser: Browser) -> Iterator[Robot]:
    context = browser.new_context()
    yield Robot(context.new_page())
    context.close()


def stops(page: Page) -> Iterator[dict[str, object]]:
    """What gets the focus, one Tab after the other, once around."""
    for _ in range(_MOST_STOPS):
        page.keyboard.press('Tab')
        focus = page.evaluate(_FOCUS)
        if focus is None:
            return
        yield focus
    raise AssertionError('the focus does not leave the page')


def tab_to(page: Page, name: str) -> None:
    """Press Tab until this has the focus."""
    assert any(focus['name'] == name for focus in stops(page)), f'Tab never comes to {name}'


def open_all(page: Page) -> None:
    """Open all cards by the keyboard, and be at the top again."""
    for summary in page.locator('details.card:not([open]) > summary').element_handles():
        summary.focus()
        page.keyboard.press('Enter')
    expect(page.locator('details.card:not([open])')).to_have_count(0)
    page.locator('header').evaluate('(top) => { top.tabIndex = -1; top.focus(); }')


def test_record_with_a_new_tag(page: Page, bridge: FakeBridge) -> None:
    tab_to(page, 'tag')
    page.keyboard.type('Red Mug,')
    page.keyboard.press('Backspace')  # takes the last tag away
    page.keyboard.type('glue stick')
    page.keyboard.press('Enter')
    assert bridge.until(lambda: bridge.state().tags == ('mug', 'glue stick'))
    page.keyboard.press('Enter')  # a second one leaves the field
    page.keyboard.down(' ')
    expect(page.locator('#record')).to_contain_text('Recording')
    page.keyboard.up(' ')
    assert bridge.until(lambda: bridge.recordings[-1][0] is False)
    expect(page.locator('#record')).to_have_text('Hold to record')


def test_a_tag_is_removed(page: Page, bridge: FakeBridge) -> None:
    tab_to(page, '×')
    expect(page.get_by_role('button', name='Remove mug', exact=True)).to_be_focused()
    page.keyboard.press('Space')
    assert bridge.until(lambda: bridge.state().tags == ())
    assert bridge.recordings == []
    expect(page.locator('#tag')).to_be_focused()


def test_a_class_is_a_tag(page: Page, bridge: FakeBridge) -> None:
    focus(page.locator('button.class[value=stapler]'))
    page.keyboard.press('Enter')
    assert bridge.until(lambda: bridge.state().tags == ('mug', 'stapler'))


def test_another_camera(open_page: OpenPage, robot: Robot) -> None:
    page = open_page(lambda page: robot.attach(page, '/whip'))
    focus(page.locator('#device > summary'))
    page.keyboard.press('Enter')
    tab_to(page, 'send')
    page.keyboard.press('Enter')
    expect(page.locator('#send-meta')).to_have_text('sending')
    page.keyboard.press('Shift+Tab')
    choice = page.locator('#send-camera')
    expect(choice).to_be_focused()
    page.keyboard.press('End')
    expect(choice.locator('option:checked')).to_have_text('fake_device_2')
    assert robot.receives(5)


def test_threshold_and_smoothing(page: Page, bridge: FakeBridge) -> None:
    tab_to(page, 'threshold')
    page.keyboard.press('End')
    assert bridge.until(lambda: bridge.state().classification.threshold == 1.0)
    page.keyboard.press('ArrowLeft')
    assert bridge.until(lambda: bridge.state().classification.threshold == 0.999)
    page.keyboard.press('Tab')
    page.keyboard.press('ArrowRight')
    assert bridge.until(lambda: bridge.state().classification.smoothing == 1.0)


def test_switches(page: Page, bridge: FakeBridge) -> None:
    tab_to(page, 'classify')
    page.keyboard.press('Space')
    assert bridge.until(lambda: not bridge.state().classification.enabled)
    tab_to(page, 'train')
    page.keyboard.press('Space')
    assert bridge.until(lambda: not bridge.state().training.enabled)
    assert bridge.recordings == []


def test_back_to_the_version_before(page: Page, bridge: FakeBridge) -> None:
    focus(page.locator('#versions > summary'))
    page.keyboard.press('Space')
    expect(page.locator('#roll-back')).to_be_visible()
    tab_to(page, 'roll-back')
    page.keyboard.press('Enter')
    assert bridge.until(lambda: bridge.models.live == 5)
    expect(page.locator('.version.live')).to_contain_text(re.compile('^5 '))


@pytest.mark.parametrize('width', [360, 1280])
def test_every_stop_is_seen(open_page: OpenPage, width: int) -> None:
    page = open_page(viewport={'width': width, 'height': 740}, reduced_motion='reduce')
    open_all(page)
    found = list(stops(page))
    assert [focus for focus in found if not (focus['marked'] and focus['inSight'])] == []
    names = [focus['name'] for focus in found]
    wanted = ['tag', 'record', 'upload', 'send-camera', 'send', 'classify', 'threshold',
              'smoothing', 'train', 'roll-back']
    assert [name for name in names if name in wanted] == wanted  # as one reads the page


def test_nothing_is_wider_than_a_phone(open_page: OpenPage, bridge: FakeBridge) -> None:
    bridge.change(tags=('a tag of many words', 'w' * 64))
    page = open_page(viewport={'width': 360, 'height': 740})
    expect(page.locator('.chip').nth(1)).to_be_visible()
    open_all(page)
    expect(page.locator('.version')).to_have_count(3)
    assert page.evaluate('document.documentElement.scrollWidth') == 360
