"""Chromium with a camera, and what its pages send and show."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from _footage import BITS, CELLS, SHARE

from recognizer_ros.core.errors import ConfigError

_PROGRAMS = ('chromium', 'chromium-browser', 'google-chrome')
_QUIET = ('--no-sandbox', '--disable-gpu', '--disable-background-networking',
          '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream')
_PATIENCE_MS = 20_000
# window.seen: for each picture the time, milliseconds since 1970, and its number or -1.
_READ = '''
window.seen = [];
const pen = new OffscreenCanvas(4 * CELLS, 4).getContext('2d', { willReadFrequently: true });
window.note = (picture, width, height) => {
  const at = Date.now();
  pen.drawImage(picture, 0, 0, width, height * SHARE, 0, 0, 4 * CELLS, 4);
  const { data } = pen.getImageData(0, 2, 4 * CELLS, 1);
  const bits = Array.from({ length: CELLS }, (_, cell) => Number(data[16 * cell + 8] > 128));
  let number = bits[0] && !bits[1] ? 0 : -1;
  for (let place = 0; place < BITS; place += 1) {
    if (bits[2 + place] === bits[2 + BITS + place]) number = -1;
    if (number >= 0) number += bits[2 + place] << place;
  }
  window.seen.push([at, number]);
};
'''.replace('CELLS', str(CELLS)).replace('SHARE', str(SHARE)).replace('BITS', str(BITS))
# What the camera gives to the page, noted as the page gets it.
_CAMERA = '''
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.track = stream.getVideoTracks()[0];
  void follow(window.track.clone());
  return stream;
};
async function follow(track) {
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    window.note(value, value.displayWidth, value.displayHeight);
    value.close();
  }
}
'''
_WATCH = '''(video) => {
  const look = () => {
    window.note(video, video.videoWidth, video.videoHeight);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}'''
Seen = list[tuple[float, int]]
"""Seconds since 1970, and the number of the picture; -1: it cannot be read."""


class Tab:
    """The robot's page."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self._url = page, url
        page.set_default_timeout(_PATIENCE_MS)
        page.add_init_script(_READ)

    def watch(self) -> 'Tab':
        """Show the robot's video."""
        self.page.goto(self._url)
        self.page.locator('#live:not([hidden])').wait_for()
        self.page.locator('#live').evaluate(_WATCH)
        return self

    def ready(self) -> 'Tab':
        """Have the camera's button at hand."""
        self.page.add_init_script(_CAMERA)
        self.page.goto(self._url)
        self.page.locator('#device summary').click()
        self.page.locator('#send:enabled').wait_for()
        return self

    def again(self) -> None:
        """Load the page anew."""
        self.page.reload()
        self.page.locator('#device summary').click()
        self.page.locator('#send:enabled').wait_for()

    def send(self) -> float:
        """Send the camera; return when it was asked for, seconds since 1970."""
        asked_s = time.time()
        self.page.locator('#send').click()
        return asked_s

    def resize(self, size: tuple[int, int]) -> None:
        """Send another resolution, width and height."""
        self.page.evaluate('''async ([width, height]) => {
            await window.track.applyConstraints({ width, height });
        }''', size)
        self.page.locator('#send-stats', has_text=f'{size[0]}×{size[1]}').wait_for()

    def said(self, text: str) -> None:
        """Wait until the card of the camera says this."""
        self.page.locator('#device', has_text=text).wait_for()

    def seen(self) -> Seen:
        """The pictures since the last call."""
        return [(at_ms / 1e3, number)
                for at_ms, number in self.page.evaluate('window.seen.splice(0)')]

    def close(self) -> None:
        """Close the page."""
        self.page.context.close()


class Chromium:
    """One browser. :param number: of those of this process; nobody else's."""

    def __init__(self, playwright: Any, number: int, camera: Sequence[str]) -> None:
        # Chromium does not mind a switch that it does not know.
        self._mark = f'--recognizer-bench={os.getpid()}-{number}.'
        self._browser = playwright.chromium.launch(
            executable_path=_program(), args=[*_QUIET, *camera, self._mark])

    def tab(self, url: str) -> Tab:
        """Open an empty tab for the page at ``url``, with connections of its own: one profile
        opens six to a server at most."""
        return Tab(self._browser.new_context().new_page(), url)

    def kill(self) -> float:
        """``kill -9``; return when that was done, monotonic."""
        subprocess.run(['pkill', '-9', '-f', '--', self._mark], check=True)
        killed_s = time.monotonic()
        self.close()
        return killed_s

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(Exception):  # it may have been killed: what it says then varies
            self._browser.close()


@contextlib.contextmanager
def browsers() -> Iterator[Callable[[Sequence[str]], Chromium]]:
    """Something that makes browsers, given the switches for the camera; they are closed.

    :raises ConfigError: what is needed is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ConfigError('playwright is not installed: pip install playwright') from error
    made: list[Chromium] = []
    with sync_playwright() as playwright:
        def make(camera: Sequence[str]) -> Chromium:
            made.append(Chromium(playwright, len(made), camera))
            return made[-1]

        try:
            yield make
        finally:
            for browser in made:
                browser.close()


def played(film: Path) -> list[str]:
    """A camera that plays a film."""
    return ['--use-fake-device-for-media-stream=fps=30',
            f'--use-file-for-fake-video-capture={film}']


THREE_CAMERAS = ('--use-fake-device-for-media-stream=device-count=3,fps=30',)
"""Chromium's own."""


def _program() -> str:
    found = next((path for path in map(shutil.which, _PROGRAMS) if path), None)
    if not found:
        raise ConfigError('there is no Chromium: install it, for example with apt install '
                          'chromium')
    return found
