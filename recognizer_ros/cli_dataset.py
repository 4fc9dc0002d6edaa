"""``recognizer dataset``: look through a data set, and edit it."""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .core import labels, sample_id, stamps
from .core.errors import ConfigError, DataLockedError, DatasetError
from .core.split import Split
from .dataset import browse, edits, reader, schema
from .dataset.browse import Listed, Query, State
from .dataset.edits import Edit, Edited
from .dataset.store import SampleStore

_SPLITS = {split.name.lower(): split for split in Split}
_MAX_STDIN = 16 * 2**20
_Run = Callable[[argparse.Namespace], int]


def add(commands: Any) -> Any:
    """Add the command to those of ``recognizer``; return its own."""
    dataset = commands.add_parser('dataset', help='look through a data set, edit it, move it in '
                                  'and out')
    actions = dataset.add_subparsers(metavar='ACTION', required=True)
    _add_reading(actions)
    _add_editing(actions)
    return actions


def _add_reading(actions: Any) -> None:
    listing = action(actions, 'list', _list, 'list samples, newest first')
    add_filters(listing)
    listing.add_argument('--deleted', dest='state', action='store_const', const=State.DELETED,
                         help='the deleted ones')
    listing.add_argument('--quarantined', dest='state', action='store_const',
                         const=State.QUARANTINED, help='those set aside as unusable')
    listing.add_argument('--offset', type=int, default=0, help='how many to skip')
    listing.add_argument('--limit', type=int, default=100, help='how many at most; 0: all')
    form = listing.add_mutually_exclusive_group()
    form.add_argument('--ids', action='store_true', help='the ids alone, for other commands')
    form.add_argument('--json', action='store_true', help='one JSON object')
    history = action(actions, 'history', _history, 'list the last edits, newest first')
    history.add_argument('--limit', type=int, default=20, help='how many at most')
    history.add_argument('--json', action='store_true', help='one JSON object')
    stats = action(actions, 'stats', _stats, 'count samples, bursts and classes')
    stats.add_argument('--json', action='store_true', help='one JSON object')


def _add_editing(actions: Any) -> None:
    tag = _edit(actions, 'tag', 'change the tags of samples', _tags, ids=True)
    how = tag.add_mutually_exclusive_group(required=True)
    how.add_argument('--set', metavar='TAGS', help='these tags instead, "," between them; '
                     '"": none')
    how.add_argument('--add', metavar='TAGS', help='these tags as well')
    how.add_argument('--remove', metavar='TAGS', help='without these tags')
    rename = _edit(actions, 'rename', 'rename a class, or merge it into another one',
                   lambda given: edits.RenameClass(given.old, given.new))
    rename.add_argument('old', metavar='OLD', help='class to rename')
    rename.add_argument('new', metavar='NEW', help='its new name; may be that of another class')
    _edit(actions, 'delete', 'take samples out of use; restore brings them back',
          lambda given: edits.Delete(_ids(given)), ids=True)
    _edit(actions, 'restore', 'bring samples back that were deleted, or set aside',
          lambda given: edits.Restore(_ids(given)), ids=True)
    aside = _edit(actions, 'quarantine', 'set samples aside that cannot be used; restore brings '
                  'them back', lambda given: edits.Quarantine(_ids(given), given.reason), ids=True)
    aside.add_argument('--reason', required=True, help='why, one sentence')
    purge = _edit(actions, 'purge', 'remove deleted samples from the disk for good', _purge)
    purge.add_argument('ids', metavar='ID', nargs='*', default=[], help='of a deleted sample; '
                       '- reads ids from standard input')
    purge.add_argument('--all', action='store_true', help='all deleted samples')
    split = _edit(actions, 'split', 'put the whole bursts of samples into a split, for good',
                  lambda given: edits.SetSplit(_ids(given), _SPLITS[given.to]), ids=True)
    split.add_argument('--to', choices=('train', 'validation'), required=True, help='which')
    for name, about in (('undo', 'take back the last edit'),
                        ('redo', 'make the edit again that was undone last')):
        _add_revision(action(actions, name, _travel, about)).set_defaults(action=name)


def action(actions: Any, name: str, run: _Run, about: str) -> argparse.ArgumentParser:
    """Add an action on a data folder."""
    parser: argparse.ArgumentParser = actions.add_parser(name, help=about, description=about)
    parser.add_argument('--data', type=Path, required=True, help='folder of the data set')
    parser.set_defaults(run=run)
    return parser


def _edit(actions: Any, name: str, about: str, make: Callable[[argparse.Namespace], Edit],
          ids: bool = False) -> argparse.ArgumentParser:
    parser = _add_revision(action(actions, name, _make_edit, about))
    if ids:
        parser.add_argument('ids', metavar='ID', nargs='+', help='of a sample; - reads ids from '
                            'standard input')
    parser.set_defaults(make=make)
    return parser


def _add_revision(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument('--expected-revision', type=int, default=0, metavar='NUMBER',
                        help='refuse if a sample in question was edited since this revision, '
                        'which list --json tells')
    parser.add_argument('--json', action='store_true', help='one JSON object')
    return parser


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the options that :func:`query` reads."""
    parser.add_argument('--tag', action='append', default=[], help='with this class; given again: '
                        'or with that one')
    parser.add_argument('--burst', type=int, help='of this burst')
    parser.add_argument('--split', choices=_SPLITS, help='in this split')
    parser.add_argument('--since', metavar='TIME', help='captured at or after: 2026-01-31T14:30 '
                        '(local, or with a zone), or seconds since 1970')
    parser.add_argument('--until', metavar='TIME', help='captured before')


def query(given: argparse.Namespace, state: State = State.NORMAL) -> Query:
    """Which samples are wanted. :raises ConfigError: no number or time. :raises LabelError:"""
    if given.burst is not None and not 1 <= given.burst < 2**63:
        raise ConfigError('--burst must be a number from 1')
    return Query(
        labels.normalise(given.tag), given.burst or 0,
        _SPLITS[given.split] if given.split else None,
        stamps.parse(given.since) if given.since else 0,
        stamps.parse(given.until) if given.until else 0, state)


def _list(given: argparse.Namespace) -> int:
    if not 0 <= given.offset < 2**63 or given.limit < 0:
        raise ConfigError('--offset and --limit must be numbers from 0')
    wanted = query(given, given.state or State.NORMAL)
    first = browse.page(given.data, dataclasses.replace(wanted, limit=1))
    limit = given.limit or first.total
    found = _pages(given.data, dataclasses.replace(wanted, offset=given.offset), limit)
    try:
        if given.json:
            print(json.dumps({'samples': [_as_json(listed) for listed in found],
                              'total': first.total, 'revision': first.revision}))
        for listed in found:  # none left after JSON
            print(listed.sha256 if given.ids else _line(listed))
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has enough
        with open(os.devnull, 'w') as nowhere:  # for what Python still wants to write at its end
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return 0


def _pages(data: Path, wanted: Query, limit: int) -> Iterator[Listed]:
    """Samples of several pages. What is recorded meanwhile moves others on to the next page, so
    that they come again: once is enough."""
    seen: set[str] = set()
    while limit > 0:
        page = browse.page(data, dataclasses.replace(wanted, limit=min(limit, browse.MAX_LIMIT)))
        yield from (listed for listed in page.samples if listed.sha256 not in seen)
        seen.update(listed.sha256 for listed in page.samples)
        limit -= len(page.samples)
        wanted = dataclasses.replace(wanted, offset=wanted.offset + len(page.samples))
        if not page.samples:
            return


def _as_json(listed: Listed) -> dict[str, object]:
    values = dataclasses.asdict(listed)
    return {'id': values.pop('sha256'), **values, 'split': listed.split.name.lower()}


def _line(listed: Listed) -> str:
    notes = [listed.split.name.lower() + ' (pinned)' * listed.pinned, f'burst {listed.burst}',
             labels.join(listed.tags) or 'no tags',
             *([f'quarantined: {listed.quarantined}'] if listed.quarantined else []),
             *(['deleted'] if listed.deleted else [])]
    return f'{listed.sha256}  {stamps.show(listed.stamp_ns)}  ' + '  '.join(notes)


def _history(given: argparse.Namespace) -> int:
    if not 1 <= given.limit < 2**63:
        raise ConfigError('--limit must be a number from 1')
    entries = browse.history(given.data, given.limit)
    if given.json:
        print(json.dumps({'edits': [dataclasses.asdict(entry) for entry in entries]}))
        return 0
    for entry in entries:
        print(f'{stamps.show(entry.time_ns)}  revision {entry.revision}  {entry.description}'
              + '  (undone)' * entry.undone)
    return 0


def _stats(given: argparse.Namespace) -> int:
    stats = reader.stats(given.data)
    if given.json:
        print(json.dumps(dataclasses.asdict(stats)))
        return 0
    print(f'{stats.samples} samples ({stats.validation_samples} held out) in {stats.bursts} '
          f'bursts, revision {stats.revision}')
    for row in zip(stats.classes, stats.class_samples, stats.class_bursts, strict=True):
        print('  {:<20} {:>6} samples in {} bursts'.format(*row))
    return 0


def _make_edit(given: argparse.Namespace) -> int:
    wanted = edits.checked(given.make(given))
    return _change(given, lambda store: store.edit(wanted, given.expected_revision))


def _travel(given: argparse.Namespace) -> int:
    redo = given.action == 'redo'
    return _change(given, lambda store: (store.redo if redo else store.undo)(
        given.expected_revision), 'undone: ' if not redo else 'done again: ')


def _change(given: argparse.Namespace, work: Callable[[SampleStore], Edited],
            lead: str = '') -> int:
    if not (given.data / schema.FILE).is_file():
        raise DatasetError(f'{given.data} holds no data set: check the path')
    with _writer(given.data) as store:
        done = work(store)
    print(json.dumps(dataclasses.asdict(done)) if given.json
          else f'{lead}{done.description}; revision {done.revision}')
    return 0


def _writer(data: Path) -> SampleStore:
    try:
        return SampleStore(data)
    except DataLockedError as error:
        raise DataLockedError(f'{error}; if it is the recorder, edits also go through it: service '
                              'edit_samples, or POST /api/v1/edits of the page') from error


def _tags(given: argparse.Namespace) -> Edit:
    for kind, text in ((edits.SetTags, given.set), (edits.AddTags, given.add),
                       (edits.RemoveTags, given.remove)):
        if text is not None:
            return kind(_ids(given), labels.parse(text))
    raise AssertionError  # argparse requires one of them


def _purge(given: argparse.Namespace) -> Edit:
    if bool(given.ids) == given.all:
        raise ConfigError('give the ids of deleted samples, or --all')
    return edits.Purge(() if given.all else _ids(given))


def _ids(given: argparse.Namespace) -> tuple[str, ...]:
    """:raises ConfigError: one is no id, or there are none: nothing was piped in."""
    found = [name for given_id in given.ids
             for name in (_standard_input() if given_id == '-' else [given_id])]
    if not found:
        raise ConfigError('no ids came by standard input')
    return tuple(map(sample_id.check, found))


def _standard_input() -> list[str]:
    text = sys.stdin.read(_MAX_STDIN + 1)
    if len(text) > _MAX_STDIN:
        raise ConfigError(f'standard input holds more than {_MAX_STDIN >> 20} MiB: edit in parts')
    return text.split()
