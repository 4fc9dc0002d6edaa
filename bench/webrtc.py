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
import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from sensor_msgs.msg import Image

sys.path.insert(0, str(Path(__file__).parent))
from _browser import THREE_CAMERAS, Chromium, Seen, Tab, browsers, played
from _footage import FILM_S, film, number_in
from _hostile import Request, offers
from _nodes import Client, NodeProcess, free_port, running, wait
from reference import bar, machine, parse, photographs

from recognizer_ros.core.errors import DemoError
from recognizer_ros.demo.report import percentile
from recognizer_ros.demo.stack import write_parameters
from recognizer_ros.nodes import conversions, qos

MAX_START_S, MIN_HZ, MAX_DELAY_MS, MAX_AGE_MS = 3.0, 15.0, 60.0, 250.0
MAX_FREEZE_S, MAX_REFUSED_MS = 2.0, 50.0
NODES = ('camera', 'web')
_START_S, _GONE_S, _SETTLE_S = 30.0, 20.0, 3.0
_SILENT_S = 2.5
"""After so long a sender counts as gone."""
_BUSY = 'while True: pass'
_STEP_S = 0.01
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


@dataclass(frozen=True)
class Held:
    """What a node holds."""

    threads: int
    files: int

    @classmethod
    def by(cls, node: NodeProcess) -> 'Held':
        """Count now."""
        own = Path(f'/proc/{node.process.pid}')
        return cls(len(list((own / 'task').iterdir())), len(list((own / 'fd').iterdir())))


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Run a camera node, a web node and browsers."""
    given = parse(Settings, settings)
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    namespace, port = f'bench_{os.getpid()}', free_port()
    with tempfile.TemporaryDirectory(prefix='recognizer-bench-') as name:
        folder = Path(name)
        photos = photographs(given.images, folder / 'made')
        film(photos[::max(1, len(photos) // 16)], folder / 'film.mjpeg')
        write_parameters(folder / 'parameters.json', {
            'camera': {'input': 'webrtc://'}, 'web': {'port': port}})
        logs = Path(given.log) if given.log else folder
        with running(NODES, folder / 'parameters.json', namespace, logs) as nodes, \
                Client(namespace) as client, browsers() as browser:
            return _Bench(given, nodes, client, port, browser,
                          played(folder / 'film.mjpeg')).run()


class _Bench:
    def __init__(self, given: Settings, nodes: dict[str, NodeProcess], client: Client, port: int,
                 browser: Callable[[Sequence[str]], Chromium],
                 played: Sequence[str]) -> None:
        self.given, self.nodes, self.client, self.port = given, nodes, client, port
        self.browser, self.played = browser, played
        self.url = f'http://127.0.0.1:{port}/'
        self.images: Seen = []
        self.size = (0, 0)
        client.node.create_subscription(Image, 'image_raw', self._on_image, qos.IMAGE)
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

    def _on_image(self, message: Image) -> None:
        now_s = time.time()
        picture, _ = conversions.image_to_array(message)
        number = number_in(picture)
        self.size = picture.shape[1], picture.shape[0]
        self.images.append((now_s, -1 if number is None else number))

    # --- the parts ---

    def _many(self) -> None:
        """Several viewers for minutes."""
        with self._sending(self.given.viewers) as (sender, viewers, asked_s):
            first = wait(lambda: self.images, _START_S)
            if not first:
                raise DemoError('no picture of the browser comes to image_raw')
            start_s = first[0][0] - asked_s
            began_s = time.time()
            _pause(sender.page, self.given.seconds)
            images, shown = list(self.images), [viewer.seen() for viewer in viewers]
        seconds = _by_second(images, began_s)
        freezes = [_longest_gap(_news(seen), began_s) for seen in shown]
        rates = [len(_news(seen)) / (seen[-1][0] - seen[0][0]) for seen in shown]
        self.figures['many'] = {
            'viewers_count': len(viewers), 'click_to_image_raw_s': round(start_s, 2),
            'image_raw_hz': round(sum(seconds) / len(seconds), 1),
            'image_raw_least_in_a_second_hz': min(seconds), 'image_raw_size': self.size,
            'viewers_hz': [round(rate, 1) for rate in rates],
            'viewers_longest_freeze_s': [round(freeze, 2) for freeze in freezes]}
        self.bars |= {
            'click_to_image_raw_s': bar(start_s, MAX_START_S, at_least=False),
            'image_raw_hz': bar(sum(seconds) / len(seconds), MIN_HZ),
            'viewers_longest_freeze_s': bar(max(freezes), MAX_FREEZE_S, at_least=False)}

    def _delay(self) -> None:
        """Time that our share takes, with one viewer beside the page that sends."""
        taken, images, shown = self._watched(self.given.delay)
        to_ros, to_page = _delays(taken, images), _delays(images, shown)
        whole = _delays(taken, shown)
        both = percentile(to_ros, 50) + percentile(to_page, 50)
        self.figures['delay_ms'] = {
            'camera_to_image_raw': _spread(to_ros), 'image_raw_to_canvas': _spread(to_page),
            'camera_to_canvas': _spread(whole), 'image_raw_hz': round(
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
        ages = {'image_raw': _ages(taken, images), 'canvas': _ages(taken, shown)}
        self.figures['busy'] = {
            'image_raw_hz': round(len(images) / self.given.busy, 1),
            'viewer_hz': round(len(shown) / self.given.busy, 1),
            **{f'age_at_{place}_ms': _spread(found) for place, found in ages.items()}}
        for place, found in ages.items():
            self.bars[f'busy_age_at_{place}_p95_ms'] = bar(percentile(found, 95), MAX_AGE_MS,
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
        freezes = [_longest_gap([at_s for at_s, _ in seen], began_s) for seen in shown]
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
            self._resize(tab, _SIZES[number % len(_SIZES)])
        for number in (2, 0, 2):  # number 1 gives depths, which WebRTC cannot send
            tab.page.locator('#send-camera').select_option(index=number)
            self._goes_on(tab, 2)

    def _hostile(self) -> None:
        """Offers that no peer makes."""
        before, took, statuses = self._held(), list[float](), defaultdict[int, int](int)
        for request in offers(self.given.hostile):
            began_s = time.perf_counter()
            statuses[self._post(request)] += 1
            took.append(1e3 * (time.perf_counter() - began_s))
        wrong = sum(count for status, count in statuses.items() if not 400 <= status < 500)
        self.figures['hostile'] = {'statuses': dict(sorted(statuses.items())),
                                   'took_ms': _spread(took)}
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
        self.images.clear()
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
            self.images.clear()
            _pause(sender.page, seconds)
            images = list(self.images)
            return sender.seen(), images, viewer.seen()

    def _resize(self, tab: Tab, size: tuple[int, int]) -> None:
        """Have the page send another resolution."""
        tab.page.evaluate('''async ([width, height]) => {
            await window.track.applyConstraints({ width, height });
        }''', size)
        stats = tab.page.locator('#send-stats', has_text=f'{size[0]}×{size[1]}')
        stats.wait_for()
        self._goes_on(tab, 2)

    def _goes_on(self, tab: Tab, count: int) -> None:
        """Wait until this tab sends, and for some pictures."""
        tab.page.locator('#send-meta', has_text=re.compile('^sending$')).wait_for()
        wanted = len(self.images) + count
        if not wait(lambda: len(self.images) >= wanted, _START_S):
            raise DemoError('no picture comes to image_raw any more')

    def _post(self, request: Request) -> int:
        path, headers, body = request
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=10)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused early
                connection.request('POST', path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def _peers(self) -> list[str]:
        """What the camera says of peers."""
        return [f'{name}: {said}' for name, said in self.client.diagnosed('camera').items()
                if name.startswith(('sender ', 'viewer '))]

    def _held(self) -> dict[str, Held]:
        return {name: Held.by(node) for name, node in self.nodes.items()}


def _shown(held: dict[str, Held]) -> dict[str, dict[str, int]]:
    return {node: asdict(one) for node, one in held.items()}


def _pause(page: Any, seconds: float) -> None:
    page.wait_for_timeout(1e3 * seconds)  # playwright goes on meanwhile


def _news(seen: Seen) -> list[float]:
    """When another picture than before was seen."""
    return [at_s for (_, before), (at_s, number) in pairwise(seen) if number != before]


def _longest_gap(times_s: Sequence[float], began_s: float) -> float:
    later = [began_s, *(at_s for at_s in times_s if at_s > began_s)]
    return max((now - before for before, now in pairwise(later)), default=float('inf'))


def _by_second(seen: Seen, began_s: float) -> list[int]:
    """Pictures in each whole second."""
    counts = defaultdict[int, int](int)
    for at_s, _ in seen:
        counts[int(at_s - began_s)] += at_s > began_s
    return [counts[second] for second in range(max(counts))]


def _delays(before: Seen, after: Seen) -> list[float]:
    """Milliseconds from each picture's first place to its second, where it was new there."""
    known = zip(pairwise([(0.0, -1), *after]), _taken(before, after), strict=True)
    return [1e3 * (at_s - taken_s) for ((_, last), (at_s, number)), taken_s in known
            if taken_s is not None and number != last]


def _ages(taken: Seen, seen: Seen) -> list[float]:
    """How long ago the newest picture was taken, milliseconds, all the time."""
    known = [(at_s, taken_s) for (at_s, _), taken_s in zip(seen, _taken(taken, seen), strict=True)
             if taken_s is not None]
    found = []
    for (at_s, taken_s), (until_s, _) in pairwise(known):
        steps = int((until_s - at_s) / _STEP_S) + 1
        found += [1e3 * (at_s + step * _STEP_S - taken_s) for step in range(steps)]
    return found


def _taken(before: Seen, after: Seen) -> Iterator[float | None]:
    """When each picture was at its first place; ``None``: not known, as where only the picture of
    the same number, a whole film before, was noted there."""
    left = defaultdict[int, list[float]](list)
    for at_s, number in before:
        left[number].append(at_s)
    for at_s, number in after:
        place = bisect_right(left[number], at_s)
        taken_s = left[number][place - 1] if number != -1 and place else None
        yield taken_s if taken_s is not None and at_s - taken_s < FILM_S / 2 else None


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {'count': len(values), **{f'p{share}': round(percentile(values, share), 1)
                                     for share in (50, 95, 99)},
            'max': round(max(values, default=float('nan')), 1)}
