"""The page sends and plays video: the peer at the other end is a page of the same browser."""

import re
from collections.abc import Callable, Iterator

import pytest
from fake_bridge import FakeBridge, no_camera
from page_peer import Robot
from playwright.sync_api import Browser, Page, expect

from recognizer_ros.core.negotiation import Operation, Reply, Request

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]

_COLOUR = '''(video) => {
  const canvas = document.createElement('canvas');
  canvas.getContext('2d').drawImage(video, 0, 0, 10, 10);
  return [...canvas.getContext('2d').getImageData(5, 5, 1, 1).data];
}'''


@pytest.fixture
def robot(browser: Browser) -> Iterator[Robot]:
    context = browser.new_context()
    yield Robot(context.new_page())
    context.close()


@pytest.fixture
def ended(bridge: FakeBridge) -> list[str]:
    """Sessions that were ended, in order."""
    sessions: list[str] = []

    def answer(request: Request) -> Reply:
        if request.operation is not Operation.DELETE:
            return no_camera(request)
        sessions.append(request.session)
        bridge.change()  # wakes who waits
        return Reply(200)

    bridge.peers = answer
    return sessions


@pytest.fixture
def watching(open_page: OpenPage, robot: Robot, ended: list[str]) -> Page:
    """A page that plays the robot's video by WebRTC."""
    page = open_page(lambda page: robot.attach(page, '/whep'))
    page.locator('#live').wait_for()
    return page


@pytest.fixture
def card(open_page: OpenPage, robot: Robot, ended: list[str]) -> Page:
    """A page whose card of this device's camera is open; its offers go to the robot."""
    page = open_page(lambda page: robot.attach(page, '/whip'))
    page.locator('#device summary').click()
    expect(page.locator('#send')).to_be_enabled()
    return page


def send(page: Page) -> None:
    """Send, and wait until that works."""
    page.get_by_role('button', name='Send to the robot').click()
    expect(page.locator('#send-meta')).to_have_text('sending')


# --- to the page ---


def test_video_comes_by_webrtc(watching: Page, bridge: FakeBridge) -> None:
    expect(watching.locator('#frame')).to_be_hidden()
    expect(watching.locator('#video-note')).to_be_hidden()
    expect(watching.locator('#overlay li')).to_have_text(['97.31% mug', '02.13% red mug'])
    live = watching.locator('#live')
    assert bridge.until(lambda: live.evaluate(_COLOUR)[1] > 150)  # the first may be black still
    red, _, blue, _ = live.evaluate(_COLOUR)
    assert max(red, blue) < 80
    assert bridge.until(lambda: bridge.viewers == 0)
    watching.locator('#device summary').click()
    expect(watching.locator('#watch-stats')).to_have_text(
        re.compile(r'WebRTC · \d+×\d+ · \d+ fps · [\d.]+ [kM]bit/s · VP8 · [\d.]+ % lost'))


def test_images_are_shown_while_webrtc_does_not_work(page: Page) -> None:
    page.locator('#device summary').click()
    expect(page.locator('#watch-stats')).to_have_text(
        'JPEG images · not by WebRTC: the camera does not answer: is its node running?')
    expect(page.locator('#frame')).to_be_visible()
    expect(page.locator('#live')).to_be_hidden()
    expect(page.locator('#video-note')).to_be_hidden()


def test_images_are_shown_by_a_browser_without_webrtc(open_page: OpenPage) -> None:
    page = open_page(lambda page: page.add_init_script('delete window.RTCPeerConnection'))
    expect(page.locator('#video-note')).to_be_hidden()
    expect(page.locator('#frame')).to_be_visible()
    page.locator('#device summary').click()
    expect(page.locator('#send-hint')).to_have_text('This browser has no WebRTC.')
    expect(page.locator('#send')).to_be_disabled()


def test_a_lost_connection_becomes_images_and_comes_back(watching: Page, robot: Robot,
                                                         bridge: FakeBridge, ended: list[str]
                                                         ) -> None:
    robot.refusal = (503, 'busy')
    robot.hang_up()
    expect(watching.locator('#frame')).to_be_visible(timeout=15_000)
    expect(watching.locator('#video-note')).to_be_hidden()
    assert bridge.until(lambda: ended == ['session1'])
    robot.refusal = None
    expect(watching.locator('#live')).to_be_visible(timeout=15_000)
    expect(watching.locator('#video-note')).to_be_hidden()


def test_a_frozen_picture_is_told(watching: Page, robot: Robot) -> None:
    robot.draw(False)
    expect(watching.locator('#video-note')).to_have_text('The camera sends no images.')
    robot.draw(True)
    expect(watching.locator('#video-note')).to_be_hidden()
    expect(watching.locator('#live')).to_be_visible()
    assert len(robot.offers) == 1


# --- from the page ---


def test_a_camera_is_sent_until_stopped(card: Page, robot: Robot, bridge: FakeBridge,
                                        ended: list[str]) -> None:
    send(card)
    assert robot.receives(10)
    expect(card.locator('#send-stats')).to_have_text(
        re.compile(r'640×480 · \d+ fps · [\d.]+ [kM]bit/s · VP8'))
    expect(card.locator('#send-note')).to_be_empty()
    card.get_by_role('button', name='Stop').click()
    expect(card.locator('#send-meta')).to_have_text('not sending')
    assert bridge.until(lambda: ended == ['session1'])


def test_a_second_sender_is_asked_before_it_takes_over(card: Page, robot: Robot) -> None:
    robot.refusal = (409, 'somebody sends')
    card.locator('#send').click()
    expect(card.locator('#send-note')).to_have_text('Another page is sending: take over?')
    expect(card.locator('#send-meta')).to_have_text('not sending')
    robot.refusal = None
    expect(card.get_by_role('button', name='Take over')).to_be_focused()
    card.keyboard.press('Enter')
    expect(card.locator('#send-meta')).to_have_text('sending')
    expect(card.locator('#take-over')).to_be_hidden()
    assert [url.rpartition('/')[2] for url in robot.offers] == ['whip', 'whip?take_over=1']


def test_who_was_taken_over_does_not_fight(card: Page, robot: Robot) -> None:
    send(card)
    robot.refusal = (409, 'somebody sends')
    robot.hang_up()
    expect(card.locator('#take-over')).to_be_visible(timeout=15_000)
    expect(card.locator('#send-meta')).to_have_text('not sending')
    assert len(robot.offers) == 2


def test_sending_goes_on_after_a_lost_connection(card: Page, robot: Robot) -> None:
    send(card)
    robot.refusal = (503, 'the camera does not answer')
    robot.hang_up()
    expect(card.locator('#send-note')).to_have_text('the camera does not answer', timeout=15_000)
    expect(card.locator('#send-meta')).to_have_text('trying again…')
    robot.refusal = None
    expect(card.locator('#send-meta')).to_have_text('sending', timeout=15_000)
    assert robot.receives(3)


def test_a_refusal_is_told_and_not_tried_again(card: Page, robot: Robot) -> None:
    robot.refusal = (422, 'the input is not webrtc://')
    card.locator('#send').click()
    expect(card.locator('#send-note')).to_have_text('the input is not webrtc://')
    expect(card.locator('#send')).to_have_text('Send to the robot')
    expect(card.locator('#take-over')).to_be_hidden()
    assert len(robot.offers) == 1


def test_another_camera_in_the_same_session(card: Page, robot: Robot) -> None:
    send(card)
    choice = card.locator('#send-camera')
    expect(choice.locator('option:checked')).to_have_text('fake_device_0')
    choice.select_option(label='fake_device_2')  # number 1 sends depths, which WebRTC cannot
    assert robot.receives(10)
    expect(card.locator('#send-meta')).to_have_text('sending')
    assert len(robot.offers) == 1


def test_a_camera_whose_pictures_cannot_be_sent(card: Page, robot: Robot) -> None:
    send(card)
    card.locator('#send-camera').select_option(label='fake_device_1')
    expect(card.locator('#send-meta')).to_have_text('no pictures')
    expect(card.locator('#send-note')).to_contain_text('choose another')
    card.locator('#send-camera').select_option(label='fake_device_0')
    expect(card.locator('#send-meta')).to_have_text('sending')
    expect(card.locator('#send-note')).to_be_empty()
    assert robot.receives(10)


def test_of_two_cameras_chosen_at_once_the_last_one_alone_is_open(
        open_page: OpenPage, robot: Robot, bridge: FakeBridge, ended: list[str]) -> None:
    def prepare(page: Page) -> None:
        robot.attach(page, '/whip')
        page.add_init_script("""
            window.tracks = [];
            const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getUserMedia = async (wanted) => {
              const stream = await open(wanted);
              window.tracks.push(...stream.getTracks());
              return stream;
            };""")

    page = open_page(prepare)
    page.locator('#device summary').click()
    send(page)
    expect(page.locator('#send-camera option')).to_have_count(3)
    page.locator('#send-camera').evaluate("""(choice) => {
      for (const index of [2, 1, 2, 0]) {
        choice.selectedIndex = index;
        choice.dispatchEvent(new Event('change'));
      }
    }""")
    assert bridge.until(lambda: page.evaluate('window.tracks.length') == 5)
    assert robot.receives(10)
    assert page.evaluate("""window.tracks.filter((track) => track.readyState === 'live')
                            .map((track) => track.label)""") == ['fake_device_0']


def test_a_page_that_goes_away_ends_its_sessions(card: Page, bridge: FakeBridge,
                                                 ended: list[str]) -> None:
    send(card)
    card.goto('about:blank')
    assert bridge.until(lambda: ended == ['session1'])


def test_by_keyboard(open_page: OpenPage, robot: Robot) -> None:
    page = open_page(lambda page: robot.attach(page, '/whip'))
    page.locator('#device summary').focus()
    page.keyboard.press('Space')
    expect(page.locator('#send')).to_be_enabled()
    page.keyboard.press('Tab')
    expect(page.get_by_role('combobox', name='Camera', exact=True)).to_be_focused()
    page.keyboard.press('Tab')
    page.keyboard.press('Space')
    expect(page.locator('#send-meta')).to_have_text('sending')


@pytest.mark.parametrize(('script', 'said'), [
    ('navigator.mediaDevices.enumerateDevices = async () => []', 'This device has no camera.'),
    ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})",
     'The browser gives this page no camera: pages get one over HTTPS and on localhost only.')])
def test_a_device_without_a_camera(open_page: OpenPage, script: str, said: str) -> None:
    page = open_page(lambda page: page.add_init_script(script))
    page.locator('#device summary').click()
    expect(page.locator('#send-hint')).to_have_text(said)
    expect(page.locator('#send')).to_be_disabled()
    expect(page.locator('#send-camera')).to_be_disabled()


@pytest.mark.parametrize(('name', 'said'), [
    ('NotAllowedError', 'allow it for this page'), ('NotReadableError', 'another program'),
    ('NotFoundError', 'is not there')])
def test_a_camera_that_cannot_be_opened(open_page: OpenPage, name: str, said: str) -> None:
    page = open_page(lambda page: page.add_init_script(
        'navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", '
        f'"{name}"); }}'))
    page.locator('#device summary').click()
    page.locator('#send').click()
    expect(page.locator('#send-note')).to_contain_text(said)
    expect(page.locator('#send-meta')).to_have_text('not sending')
