"""A browser's camera to ROS and back to browsers: rates, delay, and what disturbs it.

Each picture of the camera has a number in it. When the sending page gets a picture, when it is in
image_raw and when a viewer's page draws it on a canvas is noted by the same clock.

Settings: ``images`` (photographs that the camera shows, one sub-folder a class; some are made
where none is given), ``seconds`` (300) with ``viewers`` (4), ``delay`` (seconds with one viewer,
30), ``busy`` (seconds in which other processes keep all cores busy, 30), ``reloads`` of the page
that sends (20), ``changes`` of its resolution (5), ``hostile`` (offers that are none, over HTTP,
1000), ``log`` (folder for the nodes' output; a temporary one). 0 leaves a part out.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _browser import THREE_CAMERAS, Chromium, Seen, Tab, browsers, played
from _footage import film
from _held import Held
from _hostile import offers, status_of
from _nodes import Client, NodeProcess, wait
from _photographs import photographs
from _pictures import ImageRaw, ages, by_second, delays, longest_gap, news
from _place import free_port, place
from _report import bar, machine, parse, spread

from recognizer_ros.core.errors import DemoError
from recognizer_ros.demo.report import percentile

MAX_START_S, MIN_HZ, MAX_DELAY_MS, MAX_AGE_MS = 3.0, 15.0, 60.0, 250.0
MAX_FREEZE_S, MAX_REFUSED_MS = 2.0, 50.0
NODES = ('camera', 'web')
_START_S, _GONE_S, _SETTLE_S = 30.0, 20.0, 3.0
_SILENT_S = 2.5
"""After so long a sender counts as gone."""
_BUSY = 'while True: pass'
_SIZES = ((320, 240), (480, 360), (640, 480))


@dataclass(frozen=True)
class Settings:
    """See the module."""

    images: str = ''
    seconds: float = 300.0
    viewers: int = 4
    delay: float = 30.0
    busy: float = 30.0
    reloads: int = 20
    changes: int = 5
    hostile: int = 1000
    log: str = ''


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Run a camera node, a web node and browsers."""
    given = parse(Settings, settings)
    port = free_port()
    with place(given.log) as here:
        photos = photographs(given.images, here.folder / 'made')
        film(photos[::max(1, len(photos) // 16)], here.folder / 'film.mjpeg')
        here.configure({'camera': {'input': 'webrtc://'}, 'web': {'port': port}})
        with here.running(*NODES) as nodes, Client(here.namespace) as client, \
                browsers() as browser:
            return _Bench(given, nodes, client, port, browser,
                          played(here.folder / 'film.mjpeg')).run()


class _Bench:
    def __init__(self, given: Settings, nodes: dict[str, NodeProcess], client: Client, port: int,
                 browser: Callable[[Sequence[str]], Chromium],
                 played: Sequence[str]) -> None:
        self.given, self.nodes, self.client, self.port = given, nodes, client, port
        self.browser, self.played = browser, played
        self.url = f'http://127.0.0.1:{port}/'
        self.raw = ImageRaw(client)
        self.figures: dict[str, Any] = {}
        self.bars: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        """Do it all. :raises DemoError: it does not start."""
        if not wait(self._is_up, _START_S):
            raise DemoError('the page does not come up')
        parts = ((self.given.seconds, self._many), (self.given.delay, self._delay),
                 (self.given.busy, self._busy),
                 (self.given.reloads + self.given.changes, self._disturbed),
                 (self.given.hostile, self._hostile))
        for wanted, part in parts:
            if wanted:
                part()
                print(self.figures, file=sys.stderr, flush=True)
        return {'name': 'webrtc', 'machine': machine(), 'figures': self.figures,
                'bars': self.bars}

    def _is_up(self) -> bool:
        for node in self.nodes.values():
            node.check()
        with contextlib.suppress(OSError):
            socket.create_connection(('127.0.0.1', self.port), 1).close()
            return bool(self.client.diagnosed('camera'))
        return False

    # --- the parts ---

    def _many(self) -> None:
        """Several viewers for minutes."""
        with self._sending(self.given.viewers) as (sender, viewers, asked_s):
            first = wait(lambda: self.raw.seen, _START_S)
            if not first:
                raise DemoError('no picture of the browser comes to image_raw')
            start_s = first[0][0] - asked_s
            began_s = time.time()
            _pause(sender.page, self.given.seconds)
            images, shown = list(self.raw.seen), [viewer.seen() for viewer in viewers]
        seconds = by_second(images, began_s)
        freezes = [longest_gap(news(seen), began_s) for seen in shown]
        rates = [len(news(seen)) / (seen[-1][0] - seen[0][0]) for seen in shown]
        self.figures['many'] = {
            'viewers_count': len(viewers), 'click_to_image_raw_s': round(start_s, 2),
            'image_raw_hz': round(sum(seconds) / len(seconds), 1),
            'image_raw_least_in_a_second_hz': min(seconds), 'image_raw_size': self.raw.size,
            'viewers_hz': [round(rate, 1) for rate in rates],
            'viewers_longest_freeze_s': [round(freeze, 2) for freeze in freezes]}
        self.bars |= {
            'click_to_image_raw_s': bar(start_s, MAX_START_S, at_least=False),
            'image_raw_hz': bar(sum(seconds) / len(seconds), MIN_HZ),
            'viewers_longest_freeze_s': bar(max(freezes), MAX_FREEZE_S, at_least=False)}

    def _delay(self) -> None:
        """Time that our share takes, with one viewer beside the page that sends."""
        taken, images, shown = self._watched(self.given.delay)
        to_ros, to_page = delays(taken, images), delays(images, shown)
        whole = delays(taken, shown)
        both = percentile(to_ros, 50) + percentile(to_page, 50)
        self.figures['delay_ms'] = {
            'camera_to_image_raw': spread(to_ros), 'image_raw_to_canvas': spread(to_page),
            'camera_to_canvas': spread(whole), 'image_raw_hz': round(
                len(images) / self.given.delay, 1)}
        self.bars['delay_p50_ms'] = bar(both, MAX_DELAY_MS, at_least=False)

    def _busy(self) -> None:
        """The same while other processes want all the cores."""
        others = [subprocess.Popen([sys.executable, '-c', _BUSY])
                  for _ in os.sched_getaffinity(0)]
        try:
            taken, images, shown = self._watched(self.given.busy)
        finally:
            for other in others:
                other.kill()
                other.wait()
        old = {'image_raw': ages(taken, images), 'canvas': ages(taken, shown)}
        self.figures['busy'] = {
            'image_raw_hz': round(len(images) / self.given.busy, 1),
            'viewer_hz': round(len(shown) / self.given.busy, 1),
            **{f'age_at_{where}_ms': spread(found) for where, found in old.items()}}
        for where, found in old.items():
            self.bars[f'busy_age_at_{where}_p95_ms'] = bar(percentile(found, 95), MAX_AGE_MS,
                                                           at_least=False)

    def _disturbed(self) -> None:
        """What people and browsers do to a sender; others watch."""
        with self._sending(1) as (sender, _, _):
            _pause(sender.page, _SETTLE_S)  # threads that stay are there afterwards
        before = self._held()
        spectators, first = self.browser(THREE_CAMERAS), self.browser(THREE_CAMERAS)
        tab = self._sender_in(first)
        tab.said('WebRTC ·')
        viewers = [spectators.tab(self.url).watch() for _ in range(2)]
        began_s = time.time()
        self._refuse_another(spectators, tab)
        first.kill()
        _pause(viewers[0].page, _SILENT_S)
        last = self.browser(THREE_CAMERAS)
        self._trouble(self._sender_in(last))
        shown = [viewer.seen() for viewer in viewers]
        for one in (spectators, last):
            one.close()
        freezes = [longest_gap([at_s for at_s, _ in seen], began_s) for seen in shown]
        self.figures['disturbed'] = {
            'seconds': round(shown[0][-1][0] - began_s),
            'viewers_longest_freeze_s': [round(freeze, 2) for freeze in freezes]}
        self.bars['disturbed_longest_freeze_s'] = bar(max(freezes), MAX_FREEZE_S, at_least=False)
        self._compare('disturbed', before)

    def _sender_in(self, browser: Chromium) -> Tab:
        tab = browser.tab(self.url).ready()
        tab.send()
        self._goes_on(tab, 2)
        return tab

    def _refuse_another(self, browser: Chromium, sender: Tab) -> None:
        other = browser.tab(self.url).ready()
        other.send()
        other.said('Another page is sending: take over?')
        self._goes_on(sender, 2)
        other.close()

    def _trouble(self, tab: Tab) -> None:
        """Reload the page, change its resolution and its camera."""
        for _ in range(self.given.reloads):
            tab.again()
            tab.send()
            self._goes_on(tab, 2)
        for number in range(self.given.changes):
            tab.resize(_SIZES[number % len(_SIZES)])
            self._goes_on(tab, 2)
        for number in (2, 0, 2):  # number 1 gives depths, which WebRTC cannot send
            tab.page.locator('#send-camera').select_option(index=number)
            self._goes_on(tab, 2)

    def _hostile(self) -> None:
        """Offers that no peer makes."""
        before, took, statuses = self._held(), list[float](), defaultdict[int, int](int)
        for request in offers(self.given.hostile):
            began_s = time.perf_counter()
            statuses[status_of(self.port, request)] += 1
            took.append(1e3 * (time.perf_counter() - began_s))
        wrong = sum(count for status, count in statuses.items() if not 400 <= status < 500)
        self.figures['hostile'] = {'statuses': dict(sorted(statuses.items())),
                                   'took_ms': spread(took)}
        self.bars |= {'hostile_not_refused_count': bar(wrong, 0, at_least=False),
                      'hostile_most_ms': bar(max(took), MAX_REFUSED_MS, at_least=False)}
        self._compare('hostile', before)

    def _compare(self, part: str, before: dict[str, Held]) -> None:
        """Look at what is left once all have gone."""
        wait(lambda: self._held() == before and not self._peers(), _GONE_S)
        after, peers = self._held(), self._peers()
        more = len(peers) + sum(max(0, after[node].threads - held.threads)
                                + max(0, after[node].files - held.files)
                                for node, held in before.items())
        self.figures[part] |= {'before': _shown(before), 'after': _shown(after), 'peers': peers}
        self.bars[f'{part}_left_behind_count'] = bar(more, 0, at_least=False)

    # --- what they share ---

    @contextlib.contextmanager
    def _sending(self, viewers: int) -> Iterator[tuple[Tab, list[Tab], float]]:
        """A page that sends the film, pages that watch, and when sending was asked for."""
        browser = self.browser(self.played)
        sender = browser.tab(self.url).ready()
        self.raw.seen.clear()
        asked_s = sender.send()
        sender.said('WebRTC ·')
        yield sender, [browser.tab(self.url).watch() for _ in range(viewers)], asked_s
        browser.close()
        if not wait(lambda: not self._peers(), _GONE_S):
            raise DemoError(f'peers are left: {self._peers()}')

    def _watched(self, seconds: float) -> tuple[Seen, Seen, Seen]:
        """Pictures as they left the camera, in image_raw and on a viewer's canvas."""
        with self._sending(1) as (sender, (viewer,), _):
            _pause(sender.page, _SETTLE_S)
            for tab in (sender, viewer):
                tab.seen()
            self.raw.seen.clear()
            _pause(sender.page, seconds)
            images = list(self.raw.seen)
            return sender.seen(), images, viewer.seen()

    def _goes_on(self, tab: Tab, count: int) -> None:
        """Wait until this tab sends, and for some pictures."""
        tab.page.locator('#send-meta', has_text=re.compile('^sending$')).wait_for()
        wanted = len(self.raw.seen) + count
        if not wait(lambda: len(self.raw.seen) >= wanted, _START_S):
            raise DemoError('no picture comes to image_raw any more')

    def _peers(self) -> list[str]:
        """What the camera says of peers."""
        return [f'{name}: {said}' for name, said in self.client.diagnosed('camera').items()
                if name.startswith(('sender ', 'viewer '))]

    def _held(self) -> dict[str, Held]:
        return {name: Held.by(node.process.pid) for name, node in self.nodes.items()}


def _shown(held: dict[str, Held]) -> dict[str, dict[str, int]]:
    return {node: asdict(one) for node, one in held.items()}


def _pause(page: Any, seconds: float) -> None:
    page.wait_for_timeout(1e3 * seconds)  # playwright goes on meanwhile
