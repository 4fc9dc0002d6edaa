"""The commands that the pages show: lines of fenced blocks without a language, and those after
``$`` in blocks of a console."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs.generate import ROOT

# docs/ros2-tools.md has a test of its own; docs/reference.md is written by docs/generate.py.
PAGES = tuple(sorted({*ROOT.glob('*.md'), *ROOT.glob('docs/*.md')}
                     - {ROOT / 'docs/ros2-tools.md', ROOT / 'docs/reference.md'}))
_BLOCK = re.compile(r'^( *)```(\S*)\n(.*?)^\1```$', re.DOTALL | re.MULTILINE)
_COMMANDS, _CONSOLE = ('', 'sh', 'bash'), 'console'


@dataclass(frozen=True)
class Command:
    """One command. :param place: page and line, for people."""

    place: str
    text: str


def commands(page: Path) -> list[Command]:
    """All of a page, in order."""
    content = page.read_text(encoding='utf-8')
    return [Command(f'{page.relative_to(ROOT)}:{content[:block.start(3)].count(chr(10)) + line}',
                    text)
            for block in _BLOCK.finditer(content) if block[2] in (*_COMMANDS, _CONSOLE)
            for line, text in _lines(block[3], console=block[2] == _CONSOLE)]


def _lines(block: str, console: bool) -> Iterator[tuple[int, str]]:
    r"""Number and text of each command; one that goes on after \ is one."""
    number = 1
    for text in re.split(r'(?<!\\)\n', block):
        if text.strip() and (text.startswith('$ ') or not console):
            yield number, text.replace('\\\n', '').strip().removeprefix('$ ')
        number += text.count('\n') + 1
