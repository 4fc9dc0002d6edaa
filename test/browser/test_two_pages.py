"""Two pages of one robot with real nodes: they agree, and one never disturbs the other."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

sys.path.insert(0, str(Path(__file__).parents[1] / 'nodes'))

from ros_graph import Graph, Heard, wait_for

from recognizer_ros.msg import DatasetStatus
from recognizer_ros.nodes import conversions, qos
from recognizer_ros.nodes.camera import Camera
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.web import Web

pytestmark = pytest.mark.browser

SOON_MS, AT_ONCE_S = 3_000, 2.0  # `recognizer bench page` measures: 0.3 s and 1 s


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with Graph() as made:
        yield made


@pytest.fixture
def said(graph: Graph, tmp_path: Path) -> Heard:
    """What the recorder says; its camera shows a pattern."""
    graph.start(Camera, input='pattern://')
    graph.start(Recorder, data=str(tmp_path))
    return graph.listen(DatasetStatus, 'dataset', qos.LATCHED)


@pytest.fixture
def open_in(graph: Graph, said: Heard) -> Callable[[Browser], Page]:
    """Open the page in a profile of its own."""
    url = graph.start(Web, port=0).url

    def open_one(browser: Browser) -> Page:
        page = browser.new_context().new_page()
        page.goto(url)
        page.locator('#dataset:not(.offline)').wait_for()
        return page

    return open_one


@pytest.fixture
def first(open_in: Callable[[Browser], Page], browser: Browser) -> Iterator[Page]:
    page = open_in(browser)
    yield page
    page.context.close()


def record(page: Page, said: Heard, tag: str) -> DatasetStatus:
    """Hold Record until some frames are there."""
    page.locator('#tag').fill(tag)
    page.locator('#record').hover()
    page.mouse.down()
    return frames(said, 3)


def frames(said: Heard, count: int) -> DatasetStatus:
    """Wait until the burst has so many."""
    wait_for(lambda: said and said[-1].recording and said[-1].burst_samples >= count)
    return said[-1]


def kill(browser: Browser) -> None:
    """``kill -9`` of all its processes."""
    devtools = browser.new_browser_cdp_session()
    for process in devtools.send('SystemInfo.getProcessInfo')['processInfo']:
        os.kill(process['id'], signal.SIGKILL)


def test_another_page_changes_nothing(first: Page, open_in: Callable[[Browser], Page],
                                      browser: Browser, said: Heard) -> None:
    burst = record(first, said, 'mug').burst
    began = len(said) - 1
    second = open_in(browser)
    expect(second.locator('#badge')).to_contain_text('Recording mug')
    expect(second.locator('#record')).to_contain_text('Recording elsewhere')
    second.reload()
    expect(second.locator('#badge')).to_contain_text('Recording mug')
    second.context.close()
    frames(said, said[-1].burst_samples + 5)
    heard = said[began:]
    assert {(one.recording, tuple(one.active_tags), one.burst) for one in heard} == {
        (True, ('mug',), burst)}
    counts = [one.burst_samples for one in heard]
    assert counts == sorted(counts)
    expect(first.locator('#record.held')).to_contain_text('Recording ·')
    expect(first.locator('.chip')).to_have_text('mug×')
    first.mouse.up()
    wait_for(lambda: not said[-1].recording)


def test_two_pages_agree(first: Page, open_in: Callable[[Browser], Page], browser: Browser,
                         said: Heard) -> None:
    second = open_in(browser)
    for one, other, tag in ((first, second, 'mug'), (second, first, 'tape')):
        one.locator('#tag').fill(tag)
        one.keyboard.press('Enter')
        expect(other.locator('.chip').last).to_have_text(f'{tag}×', timeout=SOON_MS)
    second.locator('#record').hover()
    second.mouse.down()
    expect(first.locator('#record')).to_contain_text('Recording elsewhere', timeout=SOON_MS)
    second.mouse.up()
    expect(first.locator('#record')).to_have_text('Hold to record', timeout=SOON_MS)
    second.context.close()


@pytest.mark.parametrize('end', ['close', 'kill'])
def test_recording_ends_with_the_page_that_holds_it(
        end: str, open_in: Callable[[Browser], Page], launch: Callable[[], Browser], first: Page,
        graph: Graph, said: Heard) -> None:
    browser = launch()
    page = open_in(browser)
    record(page, said, 'mug')
    ended_ns = graph.now_ns()
    if end == 'kill':
        kill(browser)
    else:
        page.context.close()
    wait_for(lambda: not said[-1].recording)
    stamps_ns = [conversions.nanoseconds(one.stamp) for one in said if not one.recording]
    assert next(stamp for stamp in stamps_ns if stamp > ended_ns) - ended_ns < AT_ONCE_S * 1e9
    expect(first.locator('#record')).to_have_text('Hold to record')
    expect(first.locator('.chip')).to_have_text('mug×')
