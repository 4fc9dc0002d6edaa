"""Pictures of the page's panels for docs/page.md, of a robot that runs and has learned something:
``python3 docs/screenshots.py http://localhost:8050`` (needs ``make setup`` with ``--dev``)."""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).resolve().parent / 'screens'
SCREENS = {'desktop': (1280, 800), 'phone': (360, 740)}
PANELS = {'capture': '.capture', 'device': '#device', 'recognition': '#recognition',
          'training': '#training', 'versions': '#versions', 'classes': '#dataset',
          'coach': '#coach', 'unsure': '#unsure', 'mistakes': '#mistakes', 'images': '#images'}
_QUALITY, _SETTLE_MS = 70, 2500


def main() -> int:
    """Take them all, in two sizes, light and dark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('url')
    url = parser.parse_args().url
    program = shutil.which('chromium') or shutil.which('google-chrome')
    if not program:
        print('error: there is no Chromium: install it', file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[
            '--no-sandbox', '--use-fake-device-for-media-stream'])
        for screen, (width, height) in SCREENS.items():
            for scheme in ('light', 'dark'):
                context = browser.new_context(viewport={'width': width, 'height': height},
                                              color_scheme=scheme, reduced_motion='reduce')
                page = context.new_page()
                page.goto(url)
                _take(page, f'{screen}-{scheme}')
                context.close()
        browser.close()
    return 0


def _take(page: Any, name: str) -> None:
    page.locator('#connection[data-kind=good]').wait_for()
    page.wait_for_timeout(_SETTLE_MS)  # until the video plays
    _save(page, f'page-{name}')
    page.evaluate('document.querySelectorAll("details.card").forEach((card) => card.open = true)')
    for panel, selector in PANELS.items():
        card = page.locator(selector)
        card.scroll_into_view_if_needed()  # some load only in sight
        page.wait_for_timeout(_SETTLE_MS // 2)
        _save(card, f'{panel}-{name}')


def _save(what: Any, name: str) -> None:
    what.screenshot(path=FOLDER / f'{name}.jpg', type='jpeg', quality=_QUALITY)


if __name__ == '__main__':
    sys.exit(main())
