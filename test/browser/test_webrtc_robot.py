"""A browser is the camera of real nodes, and shows what they see."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sensor_msgs.msg import Image

sys.path.insert(0, str(Path(__file__).parents[1] / 'nodes'))

from ros_graph import Graph, Heard

from recognizer_ros.nodes import conversions, qos
from recognizer_ros.nodes.camera import Camera
from recognizer_ros.nodes.web import Web

pytestmark = pytest.mark.browser

_PIXEL = '''(video) => {
  const canvas = document.createElement('canvas');
  canvas.getContext('2d').drawImage(video, 0, 0, 10, 10);
  return [...canvas.getContext('2d').getImageData(2, 5, 1, 1).data];
}'''


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with Graph() as made:
        yield made


@pytest.fixture
def images(graph: Graph) -> Heard:
    """What the camera node publishes; only the page gives it something to show."""
    graph.start(Camera, input='webrtc://')
    return graph.listen(Image, 'image_raw', qos.IMAGE)


@pytest.fixture
def open_page(browser: Browser, graph: Graph, images: Heard) -> Iterator[Callable[[], Page]]:
    url = graph.start(Web, port=0).url
    contexts = []

    def open_one() -> Page:
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.goto(url)
        page.locator('#device summary').click()
        return page

    yield open_one
    for context in contexts:
        context.close()


def test_a_browser_is_the_camera(open_page: Callable[[], Page], images: Heard) -> None:
    page = open_page()
    page.locator('#send').click()
    images.wait(30)
    picture, order = conversions.image_to_array(images[-1])
    assert (picture.shape, order) == ((480, 640, 3), 'bgr')
    blue, green, red = picture[240, 100]  # Chromium's false camera is green
    assert green > 80
    assert max(blue, red) < 60
    stamps_s = [image.header.stamp.sec + 1e-9 * image.header.stamp.nanosec for image in images]
    assert stamps_s == sorted(set(stamps_s))
    expect(page.locator('#watch-stats')).to_have_text(re.compile('WebRTC · 640×480'))
    red, green, blue, _ = page.locator('#live').evaluate(_PIXEL)
    assert green > 80
    assert max(red, blue) < 60


def test_one_sends_at_a_time(open_page: Callable[[], Page], images: Heard) -> None:
    first, second = open_page(), open_page()
    first.locator('#send').click()
    images.wait(10)
    second.locator('#send').click()
    expect(second.locator('#send-note')).to_have_text('Another page is sending: take over?')
    images.wait(len(images) + 10)
    second.locator('#take-over').click()
    expect(second.locator('#send-meta')).to_have_text('sending')
    expect(first.locator('#send-note')).to_have_text('Another page is sending: take over?')
    images.wait(len(images) + 10)
    second.locator('#send').click()
    first.locator('#send').click()  # the place is free again
    expect(first.locator('#send-meta')).to_have_text('sending')
    images.wait(len(images) + 10)


def test_why_nothing_can_be_sent(open_page: Callable[[], Page], graph: Graph) -> None:
    graph.set('camera', input='pattern://')
    page = open_page()
    page.locator('#send').click()
    expect(page.locator('#send-note')).to_contain_text('the camera shows pattern://')
    graph.set('camera', input='webrtc://')
    expect(page.locator('#send-meta')).to_have_text('sending', timeout=15_000)
