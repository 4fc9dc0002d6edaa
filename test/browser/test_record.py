"""Record in a real browser: held by mouse, touch and keys, and let go of in every way."""

from collections.abc import Callable

import pytest
from fake_bridge import FakeBridge
from focusing import focus
from playwright.sync_api import Page, expect

from recognizer_ros.core.errors import NodeUnavailableError

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]


def wait_for_recording(bridge: FakeBridge, on: bool) -> None:
    assert bridge.until(lambda: bridge.recordings and bridge.recordings[-1][0] is on)


def press_mouse(page: Page) -> None:
    page.locator('#record').hover()
    page.mouse.down()


def fire(page: Page, target: str, event: str) -> None:
    page.evaluate(f'{target}.dispatchEvent(new Event("{event}"))')


def hide(page: Page, hidden: bool = True) -> None:
    """Put the tab out of sight; a headless browser shows all of its tabs."""
    page.evaluate('''hidden => {
        Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
        document.dispatchEvent(new Event('visibilitychange'));
    }''', hidden)


def test_mouse_records_while_it_is_down(page: Page, bridge: FakeBridge) -> None:
    press_mouse(page)
    assert bridge.until(lambda: len(bridge.recordings) >= 4)  # renewed again and again
    assert set(bridge.recordings) == {(True, 0.7)}
    expect(page.locator('#record')).to_contain_text('Recording')
    page.mouse.up()
    wait_for_recording(bridge, False)
    expect(page.locator('#record')).to_have_text('Hold to record')


def test_mouse_released_elsewhere_releases(page: Page, bridge: FakeBridge) -> None:
    press_mouse(page)
    wait_for_recording(bridge, True)
    page.mouse.move(5, 5)
    page.mouse.up()
    wait_for_recording(bridge, False)


def test_another_mouse_button_does_nothing(page: Page, bridge: FakeBridge) -> None:
    page.locator('#record').click(button='right')
    page.locator('#classify').click()
    assert bridge.until(lambda: bridge.calls)
    assert bridge.calls == [('classification', False)]


def test_space_bar_records_while_it_is_down(page: Page, bridge: FakeBridge) -> None:
    page.keyboard.down(' ')
    wait_for_recording(bridge, True)
    page.keyboard.up(' ')
    wait_for_recording(bridge, False)


def test_space_bar_on_the_button_itself(page: Page, bridge: FakeBridge) -> None:
    focus(page.locator('#record'))
    page.keyboard.down(' ')
    wait_for_recording(bridge, True)
    page.keyboard.up(' ')
    wait_for_recording(bridge, False)


def test_space_bar_in_a_field_is_a_space(page: Page, bridge: FakeBridge) -> None:
    page.locator('#tag').press_sequentially('big tape')
    page.keyboard.press('Enter')
    assert bridge.until(lambda: bridge.calls)
    assert bridge.calls == [('tags', ('mug', 'big tape'))]


def test_touch_records_while_it_lasts(open_page: OpenPage, bridge: FakeBridge) -> None:
    page = open_page(has_touch=True, is_mobile=True, viewport={'width': 360, 'height': 740})
    box = page.locator('#record').bounding_box()
    assert box
    finger = {'x': box['x'] + box['width'] / 2, 'y': box['y'] + box['height'] / 2}
    touch = page.context.new_cdp_session(page)
    touch.send('Input.dispatchTouchEvent', {'type': 'touchStart', 'touchPoints': [finger]})
    wait_for_recording(bridge, True)
    drift = {'x': finger['x'], 'y': finger['y'] + 60}  # would scroll, anywhere else
    touch.send('Input.dispatchTouchEvent', {'type': 'touchMove', 'touchPoints': [drift]})
    seen = len(bridge.recordings)
    assert bridge.until(lambda: len(bridge.recordings) > seen + 1)
    assert bridge.recordings[-1][0]
    touch.send('Input.dispatchTouchEvent', {'type': 'touchEnd', 'touchPoints': []})
    wait_for_recording(bridge, False)


@pytest.mark.parametrize(('target', 'event'), [
    ('document.querySelector("#record")', 'pointercancel'),
    ('document.querySelector("#record")', 'lostpointercapture'),
    ('window', 'blur'),
    ('window', 'pagehide'),
])
def test_losing_hold_releases(page: Page, bridge: FakeBridge, target: str, event: str) -> None:
    press_mouse(page)
    wait_for_recording(bridge, True)
    fire(page, target, event)
    wait_for_recording(bridge, False)


def test_a_hidden_tab_releases_and_lets_go_of_its_streams(page: Page, bridge: FakeBridge) -> None:
    assert bridge.until(lambda: bridge.viewers == 1)
    press_mouse(page)
    wait_for_recording(bridge, True)
    hide(page)
    wait_for_recording(bridge, False)
    assert bridge.until(lambda: bridge.viewers == 0)
    hide(page, False)
    assert bridge.until(lambda: bridge.viewers == 1)


def test_closing_the_page_releases(page: Page, bridge: FakeBridge) -> None:
    press_mouse(page)
    wait_for_recording(bridge, True)
    page.goto('about:blank')
    wait_for_recording(bridge, False)


def test_closing_another_page_releases_nothing(open_page: OpenPage, bridge: FakeBridge) -> None:
    holder, other = open_page(), open_page()
    press_mouse(holder)
    wait_for_recording(bridge, True)
    expect(other.locator('#badge')).to_contain_text('Recording mug')
    expect(other.locator('#record')).to_contain_text('Recording elsewhere')
    other.goto('about:blank')
    seen = len(bridge.recordings)
    assert bridge.until(lambda: len(bridge.recordings) > seen + 2)
    assert all(on for on, _ in bridge.recordings)
    holder.mouse.up()
    wait_for_recording(bridge, False)


def test_record_takes_what_is_typed_as_a_tag(page: Page, bridge: FakeBridge) -> None:
    page.locator('#tag').fill('Stapler')
    press_mouse(page)
    wait_for_recording(bridge, True)
    page.mouse.up()
    assert bridge.calls[:2] == [('tags', ('mug', 'stapler')), ('recording', True, 0.7)]


def test_record_without_tags_asks_for_one(page: Page, bridge: FakeBridge) -> None:
    bridge.change(tags=())
    expect(page.locator('.chip')).to_have_count(0)
    press_mouse(page)
    page.mouse.up()
    expect(page.locator('#record-note')).to_contain_text('Add a tag first')
    expect(page.locator('#tag')).to_be_focused()
    assert bridge.calls == []


def test_a_refused_recording_says_why(page: Page, bridge: FakeBridge) -> None:
    bridge.failure = NodeUnavailableError('recorder does not answer: is it running?')
    press_mouse(page)
    expect(page.locator('#record-note')).to_have_text('recorder does not answer: is it running?')
    expect(page.locator('#record')).to_have_text('Hold to record')
    page.mouse.up()
