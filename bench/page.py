"""The page and its server under load: answers, two pages that agree, first paint and weight.

A camera, a recorder and the page's node run; classifications come as fast as a classifier's.

Settings: ``images`` (photographs to upload, one sub-folder a class; some are made where none is
given), ``seconds`` of load (30) with ``streams`` of events (50), ``slow`` readers of events and of
video (20) and ``uploads`` at a time (5); ``changes`` of tags that a second page is to show (20),
``kills`` of the browser whose page records (5), ``loads`` of the page by a fresh browser profile
(10), ``log`` (folder for the nodes' output; a temporary one). 0 leaves a part out.
"""

import contextlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_msgs.msg import Classification, ObjectHypothesis

sys.path.insert(0, str(Path(__file__).parent))
from _browser import Chromium, browsers
from _load import Load, ask
from _nodes import Client, NodeProcess, wait
from _photographs import photographs
from _place import free_port, place
from _report import bar, machine, parse, spread

from recognizer_ros.core.errors import DemoError
from recognizer_ros.demo.report import percentile
from recognizer_ros.nodes import conversions, qos

MAX_ANSWER_MS, MAX_AGREE_MS, MAX_PAINT_MS, MAX_WEIGHT_KB = 200.0, 300.0, 1000.0, 300.0
MAX_STOP_S = 1.0
NODES = ('camera', 'recorder', 'web')
CALLS = (('GET', '/'), ('GET', '/static/main.js'), ('GET', '/api/v1/state'),
         ('PUT', '/dataset/active_tags'), ('GET', '/dataset/classes'))
_START_S, _SETTLE_S = 60.0, 3.0
_PAUSE_S = 0.01
_CLASSIFICATION_HZ = 30.0
_SETTLED_MS = 1_000
_TELL_ENTER = '''document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') window.entered_ms = Date.now();
}, true);'''
_NOTE_CHIPS = '''() => {
  const chips = document.querySelector('#chips');
  window.seen = {};
  new MutationObserver(() => {
    for (const chip of chips.children) window.seen[chip.firstChild.data] ??= Date.now();
  }).observe(chips, { childList: true });
}'''
_PAINT = '''() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime'''


@dataclass(frozen=True)
class Settings:
    """See the module."""

    images: str = ''
    seconds: float = 30.0
    streams: int = 50
    slow: int = 20
    uploads: int = 5
    changes: int = 20
    kills: int = 5
    loads: int = 10
    log: str = ''


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Run the nodes, load them, and look at the page."""
    given = parse(Settings, settings)
    port = free_port()
    with place(given.log) as here:
        photos = [photo.path.read_bytes()
                  for photo in photographs(given.images, here.folder / 'made')]
        here.configure({'camera': {'input': 'pattern://'}, 'recorder': {'data': str(here.data)},
                        'web': {'port': port}})
        with here.running(*NODES) as nodes, Client(here.namespace) as client, \
                browsers() as browser:
            return _Bench(given, nodes, client, port, browser, photos).run()


class _Bench:
    def __init__(self, given: Settings, nodes: dict[str, NodeProcess], client: Client, port: int,
                 browser: Callable[[Sequence[str]], Chromium], photos: Sequence[bytes]) -> None:
        self.given, self.nodes, self.client, self.port = given, nodes, client, port
        self.browser, self.photos = browser, photos
        self.url = f'http://127.0.0.1:{port}/'
        self._results = client.node.create_publisher(Classification, 'classification', qos.RESULT)
        client.node.create_timer(1 / _CLASSIFICATION_HZ, self._classify)
        self.figures: dict[str, Any] = {}
        self.bars: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        """Do it all. :raises DemoError: it does not start."""
        if not wait(self._is_up, _START_S):
            raise DemoError('the page does not come up')
        for wanted, part in ((self.given.loads, self._paint), (self.given.changes, self._agree),
                             (self.given.kills, self._kill), (self.given.seconds, self._load)):
            if wanted:
                part()
                print(self.figures, file=sys.stderr, flush=True)
        return {'name': 'page', 'machine': machine(), 'figures': self.figures, 'bars': self.bars}

    def _is_up(self) -> bool:
        for node in self.nodes.values():
            node.check()
        with contextlib.suppress(OSError):
            return bool(json.loads(ask(self.port, 'GET', '/api/v1/state')[1])['dataset']['online'])
        return False

    def _classify(self) -> None:
        """Say what a classifier says; scores differ, so that each is news."""
        stamp_ns = self.client.now_ns()
        answer = Classification(results=[
            ObjectHypothesis(class_id=f'class {place}', score=1 / (2 + place + stamp_ns % 97))
            for place in range(5)])
        answer.header.stamp = conversions.to_time(stamp_ns)
        self._results.publish(answer)

    # --- the parts ---

    def _paint(self) -> None:
        """First paint and weight of the page in a profile that has nothing of it."""
        browser = self.browser(())
        paints, weights = [], []
        for _ in range(self.given.loads):
            paint_ms, weight_kb = self._load_once(browser)
            paints.append(paint_ms)
            weights.append(weight_kb)
        browser.close()
        self.figures['first_paint_ms'] = spread(paints)
        self.figures['weight_kb'] = round(max(weights), 1)
        self.bars |= {'first_paint_most_ms': bar(max(paints), MAX_PAINT_MS, at_least=False),
                      'weight_kb': bar(max(weights), MAX_WEIGHT_KB, at_least=False)}

    def _load_once(self, browser: Chromium) -> tuple[float, float]:
        """First contentful paint, milliseconds after the page was asked for, and kB (1000 bytes)
        of all that was loaded, with heads; streams, which do not end, do not count."""
        tab = browser.tab(self.url)
        loaded: list[float] = []
        watch = tab.page.context.new_cdp_session(tab.page)

        def note(event: dict[str, float]) -> None:
            loaded.append(event['encodedDataLength'])

        watch.on('Network.loadingFinished', note)
        watch.send('Network.enable')
        tab.page.goto(self.url)
        tab.page.locator('#connection:not([data-kind=wait])').wait_for()
        tab.page.wait_for_function(_PAINT)
        tab.page.wait_for_timeout(_SETTLED_MS)
        paint_ms = float(tab.page.evaluate(_PAINT))
        tab.close()
        return paint_ms, sum(loaded) / 1e3

    def _agree(self) -> None:
        """From Enter in the one page to the tag in the other one."""
        browser = self.browser(())
        one, other = (browser.tab(self.url).page for _ in range(2))
        one.add_init_script(_TELL_ENTER)
        for page in (one, other):
            page.goto(self.url)
            page.locator('#connection:not([data-kind=wait])').wait_for()
        other.evaluate(_NOTE_CHIPS)
        took_ms = []
        for number in range(self.given.changes):
            one.locator('#tag').fill(f'tag {number}')
            one.keyboard.press('Enter')
            seen = other.wait_for_function('(tag) => window.seen[tag]', arg=f'tag {number}')
            took_ms.append(float(seen.json_value()) - float(one.evaluate('window.entered_ms')))
            one.keyboard.press('Backspace')
        browser.close()
        self.figures['two_pages_agree_ms'] = spread(took_ms)
        self.bars['two_pages_agree_p95_ms'] = bar(percentile(took_ms, 95), MAX_AGREE_MS,
                                                  at_least=False)

    def _kill(self) -> None:
        """From ``kill -9`` of the browser whose page records to the recorder's word that it does
        so no more."""
        took_s = []
        for _ in range(self.given.kills):
            browser = self.browser(())
            page = browser.tab(self.url).page
            page.goto(self.url)
            page.locator('#dataset:not(.offline)').wait_for()
            page.locator('#tag').fill('mug')
            page.locator('#record').hover()
            page.mouse.down()
            page.locator('.recording #record.held').wait_for()
            killed_s = browser.kill()
            if not wait(lambda since_s=killed_s: self._stopped_s(since_s), _START_S):
                raise DemoError('recording goes on without the page that held it')
            took_s.append(self._stopped_s(killed_s) - killed_s)
        self.figures['kill_to_stop_s'] = [round(one, 2) for one in took_s]
        self.bars['kill_to_stop_most_s'] = bar(max(took_s), MAX_STOP_S, at_least=False)

    def _stopped_s(self, since_s: float) -> float:
        """When the recorder said first that it does not record; 0: it has not."""
        return next((heard.at_s for heard in self.client.heard('dataset', since_s)
                     if not heard.message.recording), 0.0)

    def _load(self) -> None:
        """Calls of a page while all others want something."""
        alone_ms = self._call(_SETTLE_S)
        with Load(self.port, self.given.streams, self.given.slow, self.given.uploads,
                  self.photos) as load:
            if not wait(lambda: all(load.events), _START_S):
                raise DemoError(f'{load.events.count(0)} of {self.given.streams} streams of '
                                'events bring nothing')
            time.sleep(_SETTLE_S)
            before = list(load.events)
            loaded_ms = self._call(self.given.seconds)
            silent = sum(now == then for now, then in zip(load.events, before, strict=True))
        every = [took for each in loaded_ms.values() for took in each]
        self.figures |= {
            'alone_ms': {call: spread(each) for call, each in alone_ms.items()},
            'loaded_ms': {call: spread(each) for call, each in loaded_ms.items()},
            'slow_readers': {'refused_count': load.refused, 'lost_count': load.lost},
            'uploads': {'failed': load.failed[:10],
                        'took_ms': spread([1e3 * took for took in load.uploaded])}}
        self.bars |= {'answer_p95_ms': bar(percentile(every, 95), MAX_ANSWER_MS, at_least=False),
                      'silent_streams_count': bar(silent, 0, at_least=False),
                      'failed_uploads_count': bar(len(load.failed), 0, at_least=False)}

    def _call(self, seconds: float) -> dict[str, list[float]]:
        """Milliseconds that each kind of call takes, one call after the other.

        :raises DemoError: one was refused.
        """
        took, end = defaultdict[str, list[float]](list), time.monotonic() + seconds
        while time.monotonic() < end:
            for method, path in CALLS:
                body = f'"tag {len(took[path])}"'.encode() if method == 'PUT' else None
                began_s = time.perf_counter()
                status, answer = ask(self.port, method, path, body)
                took[path].append(1e3 * (time.perf_counter() - began_s))
                if status != 200:
                    raise DemoError(f'{method} {path}: {status} {answer[:200]!r}')
                time.sleep(_PAUSE_S)
        return took
