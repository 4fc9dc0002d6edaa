import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for page_peer.py
sys.path.insert(0, str(Path(__file__).parents[1] / 'server'))

import cv2
import numpy as np
from fake_bridge import WEB, FakeBridge

from recognizer_ros.core.config import WebConfig
from recognizer_ros.server.app import create_app
from recognizer_ros.server.serve import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PROGRAMS = ('chromium', 'chromium-browser', 'google-chrome')
_QUIET = ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
          '--disable-component-update', '--disable-sync']
_CAMERAS = ['--use-fake-ui-for-media-stream',
            '--use-fake-device-for-media-stream=device-count=3,fps=30']


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line('markers', 'browser: drives the page in a real browser')


def _chromium() -> str:
    found = next((path for path in map(shutil.which, _PROGRAMS) if path), None)
    if found is None:
        reason = 'needs Chromium: install it, for example with apt install chromium'
        if os.environ.get('RECOGNIZER_REQUIRE_BROWSER'):
            pytest.fail(reason)
        # The set-up cannot install it without root; .ci/run requires it.
        pytest.skip(reason)  # needs Chromium; where it is required this fails instead, see above
    return found


@pytest.fixture(scope='session')
def launch() -> 'Iterator[Callable[[], Browser]]':
    """Start a browser; those that are left are closed at the end."""
    program = _chromium()
    # They come with the browser's tests only.
    from playwright.sync_api import expect, sync_playwright
    expect.set_options(timeout=20_000)  # a busy machine takes its time
    with sync_playwright() as playwright, ExitStack() as started:
        def one() -> 'Browser':
            browser = playwright.chromium.launch(executable_path=program, args=_QUIET + _CAMERAS)
            started.callback(browser.close)
            return browser

        yield one


@pytest.fixture(scope='session')
def browser(launch: 'Callable[[], Browser]') -> 'Browser':
    return launch()


def red_jpeg() -> bytes:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:] = (0, 0, 255)
    return bytes(cv2.imencode('.jpg', image)[1].tobytes())


@pytest.fixture
def bridge() -> FakeBridge:
    return FakeBridge(frames=(red_jpeg(),))


def free_port() -> int:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def server(bridge: FakeBridge) -> Iterator[Server]:
    config = WebConfig(port=free_port(), streams=4, upload_limit=1)
    server = Server(create_app(bridge, config, WEB), config)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def open_page(browser: 'Browser', server: Server) -> 'Iterator[Callable[..., Page]]':
    """Open the page in a browser of its own; at the end none of them may have met a bug.

    ``prepare`` gets it before it loads anything.
    """
    contexts, wrong = [], []

    def open_one(prepare: 'Callable[[Page], None]' = lambda page: None, **options: object
                 ) -> 'Page':
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on('pageerror', lambda error: wrong.append(str(error)))
        page.on('console', lambda message: wrong.append(message.text)
                if 'Content Security Policy' in message.text else None)
        page.on('request', lambda request: wrong.append(request.url)
                if not request.url.startswith((server.url, 'blob:', 'data:')) else None)
        prepare(page)
        page.goto(server.url)
        page.locator('#connection[data-kind=good]').wait_for()
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def page(open_page: 'Callable[..., Page]') -> 'Page':
    return open_page()
