"""The pages leave nothing out."""

import re
from pathlib import Path

import pytest

from docs.generate import ROOT


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding='utf-8')


def test_the_readme_links_to_every_page() -> None:
    linked = set(re.findall(r'\]\(docs/([\w-]+\.md)', read('README.md')))
    assert {page.name for page in ROOT.glob('docs/*.md')} - linked == set()


@pytest.mark.parametrize('kind', re.findall(r'(?m)^uint8 ([A-Z_]+)=', read('msg/Advice.msg')))
def test_the_tagging_guide_says_what_to_do_about_each_kind_of_advice(kind: str) -> None:
    rows = [line for line in read('docs/tagging.md').splitlines() if f'| `{kind}` |' in line]
    assert len(rows) == 1


@pytest.mark.parametrize('path', sorted([*ROOT.glob('launch/*.py'), *ROOT.glob('config/*')]),
                         ids=lambda path: path.name)
def test_each_launch_and_configuration_file_is_told_of(path: Path) -> None:
    pages = [read(str(page)) for page in ROOT.glob('docs/*.md')]
    assert any(f'`{path.name}`' in text or f'config/{path.name}' in text for text in pages)


@pytest.mark.parametrize('path', sorted(ROOT.glob('docs/examples/*.py')),
                         ids=lambda path: path.name)
def test_each_example_is_shown_whole_on_a_page(path: Path) -> None:
    code = path.read_text(encoding='utf-8')
    assert [page for page in ROOT.glob('docs/*.md')
            if f'```python\n{code}```' in page.read_text(encoding='utf-8')]
