"""Writes docs/reference.md and the table in README.md from the code: ``python3 docs/generate.py``.

Needs the environment of ``make setup`` (Flask), but no running node.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from docs.interfaces import ENDPOINTS, Role
from recognizer_ros import cli
from recognizer_ros.core import config as configs
from recognizer_ros.core.config import NODES, Setting, WebConfig
from recognizer_ros.core.options import options
from recognizer_ros.server.app import create_app
from recognizer_ros.server.bridge import Bridge

ROOT = Path(__file__).resolve().parent.parent
REFERENCE, README = ROOT / 'docs/reference.md', ROOT / 'README.md'
ORDER = ('camera', 'recorder', 'trainer', 'classifier', 'web')
BEGIN, END = '<!-- begin: written by docs/generate.py -->\n', '<!-- end -->'
_FIELD = re.compile(r'^(?:recognizer_ros/)?([A-Z]\w+)(?:\[\])? \w+', re.MULTILINE)


def main() -> None:
    """Write both files."""
    REFERENCE.write_text(reference(), encoding='utf-8')
    README.write_text(readme(README.read_text(encoding='utf-8')), encoding='utf-8')


def reference() -> str:
    """All of docs/reference.md."""
    parts = [_HEAD]
    for node in ORDER:
        parts += [f'## Node `{node}`\n', _parameters(node), _endpoints(node)]
    parts += [_OPTIONS_HEAD, _options(), _REST_HEAD, _rest(), _COMMAND_HEAD, *_commands(),
              _INTERFACES_HEAD, _interfaces()]
    return '\n'.join(parts)


def readme(text: str) -> str:
    """README.md with its table of names as the code has it."""
    before, rest = text.split(BEGIN)
    names = re.sub(r'\]\((\w+\.md)', r'](docs/\1', _names())  # it lies one folder higher
    return before + BEGIN + names + END + rest.split(END, 1)[1]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ['---'] * len(columns), *(list(row) for row in rows)]
    return ''.join('| ' + ' | '.join(cell.replace('|', '\\|') for cell in line) + ' |\n'
                   for line in lines)


def _parameters(node: str) -> str:
    config = NODES[node]
    rows = [(f'`{name}`', type(configs.default_of(config, name)).__name__,
             _value(configs.default_of(config, name)),
             _allowed(about, configs.default_of(config, name)),
             'yes' if about.live else 'no', about.doc)
            for name, about in configs.settings(config).items()]
    rows.append(('`autostart`', 'bool', '`true`', '', 'no', _AUTOSTART))
    return _table(('Parameter', 'Type', 'Default', 'Allowed', 'Live', 'Meaning'), rows)


def _allowed(about: Setting, default: object) -> str:
    if isinstance(default, int) and about.minimum is not None and about.maximum is not None:
        return f'between {about.minimum:,.0f} and {about.maximum:,.0f}'
    text = configs.allowed(about)
    return '' if text == 'anything' else text


def _value(value: object) -> str:
    if isinstance(value, bool):
        return f'`{str(value).lower()}`'
    return f'`{value}`' if value != '' else 'empty'


def _endpoints(node: str) -> str:
    rows = [(item.role.value, f'`{item.name}`', item.type, str(item.qos or ''), item.doc)
            for item in ENDPOINTS if item.node == node]
    return _table(('', 'Name', 'Type', 'Quality of service', ''), rows)


def _names() -> str:
    """The short table of the README: each name once, with who is at its ends."""
    rows = []
    for name, kind in dict.fromkeys((item.name, item.type) for item in ENDPOINTS):
        ends = [item for item in ENDPOINTS if item.name == name]
        giving = [item for item in ends if item.role is not Role.SUBSCRIBES
                  and item.role is not Role.CALLS]
        if giving:
            rows.append((f'`{name}`', kind, _from_to(name, giving[0].role), giving[0].doc))
    return _table(('Name', 'Type', 'From → to', ''), rows)


def _from_to(name: str, role: Role) -> str:
    def who(wanted: Role) -> str:
        nodes = [item.node for item in ENDPOINTS if (item.name, item.role) == (name, wanted)]
        return 'all' if len(nodes) == len(ORDER) else ', '.join(nodes)

    if role is Role.PUBLISHES:
        return f'{who(role)} → {who(Role.SUBSCRIBES) or "anyone"}'
    return f'{"action" if role is Role.ACTS else "service"} of {who(role)}'


def _options() -> str:
    return _table(('`recognizer run`', '`ros2 launch`', 'Default', 'Goes to'), (
        (f'`--no-{item.flag[2:]}`' if item.default is True else f'`{item.flag}`',
         f'`{item.name}:=`', _value(item.default), ', '.join(item.nodes)) for item in options()))


def _rest() -> str:
    app = create_app(cast(Bridge, None), WebConfig(), ROOT / 'web')
    rows = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint != 'static':
            methods = (rule.methods or set()) - {'HEAD', 'OPTIONS'}
            view = app.view_functions[rule.endpoint]
            rows.append((f'`{rule.rule}`', min(methods), _first_paragraph(view)))
    return _table(('Path', 'Method', ''), sorted(rows))


def _first_paragraph(thing: object) -> str:
    return ' '.join((thing.__doc__ or '').split('\n\n')[0].split()).replace('``', '`')


def _commands() -> Iterator[str]:
    yield from _command('recognizer', cli._parser())


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child, sub in action.choices.items():
                yield from _command(f'{name} {child}', sub)
        elif action.help != argparse.SUPPRESS and action.dest != 'help':
            rows.append(_argument(action))
    if rows:
        about = parser.description or ''
        yield f'### `{name}`\n\n{about[:1].upper()}{about[1:]}.\n'
        yield _OF_RUN if name == 'recognizer run' else _table(
            ('Argument', 'Default', 'Meaning'), rows)


def _argument(action: argparse.Action) -> tuple[str, str, str]:
    text = (action.help or '').replace('%%', '%')
    doc, _, said = text.partition(' Default: ')
    own = '' if action.default in (None, []) or action.default is False else str(action.default)
    default = own or said.removesuffix('.')
    shown = 'required' if action.required else _value(default) if default else ''
    return f'`{action.option_strings[0] if action.option_strings else action.dest}`', shown, doc


def _interfaces() -> str:
    texts = {path.stem: path for path in sorted(
        path for folder in ('msg', 'srv', 'action') for path in (ROOT / folder).iterdir())}
    served = {name for item in ENDPOINTS if item.type.startswith('recognizer_ros/')
              for name in _with_parts(item.type.rpartition('/')[2], texts)}
    rows = [(f'[{path.parent.name}/{name}](../{path.relative_to(ROOT)})', _sentence(path))
            for name, path in texts.items() if name in served]
    later = ', '.join(f'`{name}`' for name in texts if name not in served)
    return _table(('Interface', ''), rows) + f'\n{_LATER}{later}.\n'


def _with_parts(name: str, texts: dict[str, Path]) -> set[str]:
    """An interface and those that its fields are made of."""
    parts: set[str] = {name}
    for part in _FIELD.findall(texts[name].read_text(encoding='utf-8')):
        if part in texts:
            parts |= _with_parts(part, texts)
    return parts


def _sentence(path: Path) -> str:
    """First sentence of the comment at the head of an interface."""
    lines = []
    for line in path.read_text(encoding='utf-8').splitlines():
        if not line.startswith('#'):
            break
        lines.append(line[1:].strip())
    return re.split(r'(?<=\.)\s', ' '.join(lines))[0].rstrip(':')


_AUTOSTART = 'Configure and activate when started; `false`: a lifecycle manager does it.'

_HEAD = """# Reference

Written by `python3 docs/generate.py` from the code; do not edit. A test compares it with the code
and with the running nodes.

Names are relative, so a namespace moves the whole graph; only `/diagnostics` is shared. A
parameter that is not live is read-only: set it at the start. Besides what is listed, each node has
the services of ROS 2 for its lifecycle (`~/change_state` …) and its parameters; some topics with
images have `qos_overrides` ([quality of service](robot.md#quality-of-service)). The executables
have the names of the nodes: `ros2 run recognizer_ros camera`.
"""

_OPTIONS_HEAD = """## Options and launch arguments

`recognizer run` and `ros2 launch recognizer_ros recognizer.launch.py` take the same names; meaning
and limits are those of the parameters above. `recognizer run` also takes `--namespace NAME`; where
`--ssl-key` and `--ssl-cert` are not given it takes them from `SSL_KEY` and `SSL_CERT` of the
environment. The launch file also takes `namespace:=`, `params_file:=` and `autostart:=`.
"""

_REST_HEAD = """## REST of node `web`

A GET answers with a JSON value. A PUT takes a JSON value and answers 200 without a body. Filters
and bodies of `/api/v1/samples` and `/api/v1/edits`: see [data set](dataset.md#by-rest); of `/whip`
and `/whep`: see [WebRTC](webrtc.md#other-senders-and-players). Errors are
`application/problem+json` (RFC 9457) with one sentence in `detail`: 400 not JSON, or no file;
403 not from this machine, or from another web site; 404 no such path, sample or class;
409 somebody else was faster, or not possible as the data set or the models are; 411 no
Content-Length; 413 too large; 422 a value of the wrong type or range, or no image; 503 a node does
not answer, or too many viewers; 507 the disk is full. After an error nothing was changed; only
when a node did not answer in time, look again.
"""

_COMMAND_HEAD = """## Command `recognizer`

In the folder of the repository after `. standalone/activate`; from anywhere as
`.venv/bin/recognizer`. The exit status is 0 when all went well, 1 after an error (one line on
standard error), 2 for wrong arguments.
"""

_OF_RUN = 'See [options and launch arguments](#options-and-launch-arguments).\n'

_INTERFACES_HEAD = """## Interfaces

The comments in the files give meaning, unit and range of each field, and what empty means.
"""

_LATER = 'Already fixed, but not used by any node yet, to be served in a later version: '


if __name__ == '__main__':
    main()
