"""Links of the pages lead somewhere."""

import re
from pathlib import Path

import pytest

from docs.generate import ROOT

PAGES = sorted([*ROOT.glob('*.md'), *ROOT.glob('docs/*.md')])
_LINK = re.compile(r'\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)')


def anchors(text: str) -> set[str]:
    """Of the headings, as GitHub makes them."""
    heads = re.findall(r'(?m)^#+ (.*)$', re.sub(r'(?s)```.*?```', '', text))
    return {re.sub(r'[^\w\- ]', '', head.lower()).replace(' ', '-') for head in heads}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding='utf-8')
    broken = []
    for target, anchor in _LINK.findall(text):
        found = page.parent / target if target else page
        if not found.exists() or (anchor and anchor not in anchors(found.read_text('utf-8'))):
            broken.append((target, anchor))
    assert broken == []


def test_there_are_pages() -> None:
    assert len(PAGES) > 10
