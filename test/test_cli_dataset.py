"""``recognizer dataset``. Each wrong input: status 1 or 2, and one line that helps."""

import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import makers
import pytest

from recognizer_ros.cli import main
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import browse
from recognizer_ros.dataset.browse import Query, State
from recognizer_ros.dataset.edits import Delete
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.store import SampleStore

S = 10**9
ID = 'ab' * 32


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Samples of stamps 1 to 6 s: two bursts of mug, one of tape; the fifth is deleted."""
    with SampleStore(tmp_path / 'data') as store:
        for burst, tags in enumerate([('mug',), ('mug', 'red'), ('tape',)]):
            number = store.begin_burst('test', tags)
            store.add([makers.sample(seed, tags, number, (seed + 1) * S)
                       for seed in (2 * burst, 2 * burst + 1)])
        store.edit(Delete((browse.page(store.root, Query(tags=('tape',))).samples[1].sha256,)))
    return tmp_path / 'data'


class Command:
    """Runs actions on a data folder, as typed."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str],
                 monkeypatch: pytest.MonkeyPatch) -> None:
        self.data, self._capsys, self._monkeypatch = data, capsys, monkeypatch

    def __call__(self, action: str, *more: object, piped: str = '') -> str:
        """What a command says that must go well."""
        status, shown = self._run(action, *more, piped=piped)
        assert (status, shown.err) == (0, '')
        return str(shown.out)

    def json(self, action: str, *more: object) -> Any:
        return json.loads(self(action, *more, '--json'))

    def refused(self, action: str, *more: object, piped: str = '') -> str:
        """The only line of a command that must fail."""
        before = browse.page(self.data, Query())
        status, shown = self._run(action, *more, piped=piped)
        assert (status, shown.out) == (1, '')
        assert browse.page(self.data, Query()) == before
        assert shown.err.startswith('error: ')
        assert shown.err.count('\n') == 1
        return str(shown.err)

    def ids(self, *filters: object) -> list[str]:
        return self('list', '--ids', *filters).split()

    def _run(self, action: str, *more: object, piped: str) -> tuple[int, Any]:
        self._monkeypatch.setattr('sys.stdin', io.StringIO(piped))
        self._capsys.readouterr()
        status = main(['dataset', action, '--data', str(self.data), *map(str, more)])
        return status, self._capsys.readouterr()


@pytest.fixture
def command(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
            ) -> Command:
    return Command(data, capsys, monkeypatch)


@pytest.mark.parametrize(('filters', 'query'), [
    ('', Query()), ('--tag Red --tag tape', Query(('red', 'tape'))),
    ('--burst 1', Query(burst=1)), ('--split validation', Query(split=Split.VALIDATION)),
    ('--deleted', Query(state=State.DELETED)), ('--quarantined', Query(state=State.QUARANTINED)),
    ('--offset 1 --limit 2', Query(offset=1, limit=2)),
    ('--since 2 --until 1970-01-01T00:00:04.5Z', Query(since_ns=2 * S, until_ns=4 * S + S // 2)),
    ('--limit 0', Query())])
def test_list(command: Command, filters: str, query: Query) -> None:
    expected = browse.page(command.data, query)
    assert command.ids(*filters.split()) == [listed.sha256 for listed in expected.samples]
    found = command.json('list', *filters.split())
    assert (found['total'], found['revision']) == (expected.total, expected.revision)
    assert [sample['id'] for sample in found['samples']] == [
        listed.sha256 for listed in expected.samples]


def test_a_line_tells_what_is_known(command: Command) -> None:
    lines = command('list', '--tag', 'red').splitlines()
    newest = browse.page(command.data, Query(tags=('red',))).samples[0]
    assert lines[0].startswith(f'{newest.sha256}  ')
    assert lines[0].endswith(f'{newest.split.name.lower()}  burst 2  mug,red')
    deleted = command('list', '--deleted').splitlines()
    assert len(deleted) == 1
    assert deleted[0].endswith('burst 3  tape  deleted')


def test_a_list_longer_than_a_page_is_whole(command: Command, monkeypatch: pytest.MonkeyPatch
                                            ) -> None:
    monkeypatch.setattr(browse, 'MAX_LIMIT', 2)
    everything = [listed.sha256 for offset in (0, 2, 4) for listed in
                  browse.page(command.data, Query(offset=offset, limit=2)).samples]
    assert len(everything) == 5
    assert command.ids('--limit', 0) == everything
    assert command.ids('--limit', 3, '--offset', 1) == everything[1:4]


def test_what_is_listed_can_be_piped_into_an_edit(command: Command) -> None:
    ids = command('list', '--tag', 'red', '--ids')
    assert command('delete', '-', piped=ids).startswith('2 samples deleted; revision ')
    assert command('list', '--tag', 'red') == ''
    assert command('restore', '-', piped=command('list', '--deleted', '--ids')).startswith(
        '3 samples restored')
    assert len(command.ids()) == 6


def test_what_is_set_aside_is_listed_with_its_reason(command: Command) -> None:
    sample = command.ids()[0]
    assert command('quarantine', sample, '--reason', 'too  dark').startswith(
        '1 sample set aside: too dark; revision ')
    assert command('list', '--quarantined').endswith('  quarantined: too dark\n')
    assert command('restore', '-', piped=command('list', '--quarantined', '--ids')).startswith(
        '1 sample restored')
    assert command.ids()[0] == sample


def test_tags(command: Command) -> None:
    sample = command.ids('--tag', 'red')[0]

    def tags() -> tuple[str, ...]:
        return browse.find(command.data, sample).tags

    for option, value, expected in (('--add', 'New; blue', ('blue', 'mug', 'new', 'red')),
                                    ('--remove', 'new,mug', ('blue', 'red')),
                                    ('--set', 'Red  Mug', ('red mug',)), ('--set', '', ())):
        assert command.json('tag', sample, option, value)['changed'] == 1
        assert tags() == expected


def test_rename_undo_redo_and_history(command: Command) -> None:
    assert command('rename', 'Mug', 'tape').startswith('mug renamed to tape in 4 samples; ')
    assert len(command.ids('--tag', 'tape')) == 5
    assert command('undo').startswith('undone: mug renamed to tape in 4 samples; revision ')
    assert len(command.ids('--tag', 'tape')) == 1
    lines = command('history').splitlines()
    assert [line.partition('  mug renamed')[2] for line in lines] == [
        ' to tape in 4 samples  (undone)', '']
    assert lines[1].endswith('1 sample deleted')
    assert command('redo').startswith('done again: mug renamed')
    entries = command.json('history', '--limit', 1)['edits']
    assert [(entry['description'], entry['undone']) for entry in entries] == [
        ('mug renamed to tape in 4 samples', False)]


def test_split_moves_whole_bursts_for_good(command: Command) -> None:
    for wanted in (Split.VALIDATION, Split.TRAIN):
        command('split', command.ids('--burst', 1)[0], '--to', wanted.name.lower())
        assert [(listed.split, listed.pinned) for listed in
                browse.page(command.data, Query(burst=1)).samples] == [(wanted, True)] * 2
    assert '  train (pinned)  burst 1  ' in command('list', '--burst', 1)


def test_purge_is_for_deleted_samples_and_says_which(command: Command) -> None:
    deleted, kept = command.ids('--deleted')[0], command.ids()[0]
    assert 'only deleted samples can be purged' in command.refused('purge', kept)
    assert 'give the ids of deleted samples, or --all' in command.refused('purge')
    assert 'give the ids of deleted samples, or --all' in command.refused('purge', deleted,
                                                                          '--all')
    assert command('purge', '--all').startswith('1 sample purged')
    assert not image_path(command.data, deleted).exists()
    assert image_path(command.data, kept).exists()


def test_an_edit_of_what_somebody_else_has_changed(command: Command) -> None:
    listed = command.json('list', '--tag', 'red')
    seen, ids = listed['revision'], [sample['id'] for sample in listed['samples']]
    command('tag', ids[0], '--set', 'cup', '--expected-revision', seen)
    said = command.refused('tag', *ids, '--set', 'plate', '--expected-revision', seen)
    assert 'somebody else has changed 1 of these samples meanwhile' in said
    assert 'somebody else' in command.refused('undo', '--expected-revision', seen)
    assert browse.find(command.data, ids[0]).tags == ('cup',)


def test_a_data_set_in_use_can_be_read_but_not_edited(command: Command) -> None:
    with SampleStore(command.data):
        assert len(command.ids()) == 5
        assert command('history').endswith('1 sample deleted\n')
        for action in (('delete', command.ids()[0]), ('undo',), ('purge', '--all')):
            said = command.refused(*action)
            assert f'{command.data} is in use by process' in said
            assert 'through it: service edit_samples, or POST /api/v1/edits' in said


@pytest.mark.parametrize(('action', 'expected'), [
    ('delete 12', "'12' is no id of a sample: it has 64 digits"),
    (f'delete {ID.upper()}', 'is no id of a sample'),
    (f'delete {ID}', '1 of the samples are not known'),
    ('delete -', 'no ids came by standard input'), ('rename gone cup', "has the class 'gone'"),
    ('rename mug mug', 'another, new name'), (f'tag {ID} --add ,', 'no tags given'),
    (f'tag {ID} --add {"x" * 65}', 'too long'), ('redo', 'nothing to do again'),
    ('list --since yesterday', "'yesterday' is no time"), ('list --offset -1', '--offset'),
    ('list --burst -1', '--burst'), ('list --tag ' + 'x' * 65, 'too long'),
    ('history --limit 0', '--limit')])
def test_what_makes_no_sense(command: Command, action: str, expected: str) -> None:
    name, *more = action.split()
    assert expected in command.refused(name, *more)


@pytest.mark.parametrize('action', ['delete', f'tag {ID}', f'tag {ID} --add a --set b',
                                    f'split {ID} --to gap', 'list --ids --json'])
def test_arguments_that_are_missing_or_wrong(command: Command, action: str) -> None:
    name, *more = action.split()
    with pytest.raises(SystemExit) as ended:
        command(name, *more)
    assert ended.value.code == 2


@pytest.mark.parametrize('action', ['list', 'history', 'undo', f'delete {ID}'])
def test_no_data_set(tmp_path: Path, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    gone = tmp_path / 'gone'
    name, *more = action.split()
    assert main(['dataset', name, '--data', str(gone), *more]) == 1
    assert f'{gone} holds no data set' in capsys.readouterr().err
    assert not gone.exists()


def test_a_reader_that_has_enough_ends_the_list_quietly(command: Command,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    back, out = os.pipe()
    os.close(back)
    with os.fdopen(out, 'w') as closed:
        monkeypatch.setattr('sys.stdout', closed)
        assert main(['dataset', 'list', '--data', str(command.data)]) == 0


@pytest.mark.parametrize(('kind', 'name'), [('csv', 'out'), ('seed', 'out.zip')])
def test_what_is_exported_comes_back(command: Command, tmp_path: Path, kind: str, name: str,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    command('split', command.ids('--burst', 1)[0], '--to', 'validation')
    assert main(['dataset', 'export', str(tmp_path / name), '--data', str(command.data),
                 '--format', kind]) == 0
    assert capsys.readouterr().out == (f'5 images of 3 classes written to {tmp_path / name}, 0 '
                                       'left out as damaged\n')
    assert main(['dataset', 'import', str(tmp_path / name), '--data', str(tmp_path / 'new')]) == 0
    assert capsys.readouterr().out == (f'5 images of 3 classes stored in {tmp_path / "new"}, 0 '
                                       'were there already, 0 skipped\n')
    before, after = (browse.page(root, Query()).samples
                     for root in (command.data, tmp_path / 'new'))
    assert [(item.sha256, item.tags, item.stamp_ns) for item in before] == [
        (item.sha256, item.tags, item.stamp_ns) for item in after]
    assert [item.pinned for item in after] == [item.pinned for item in before]


def test_a_part_is_exported_into_folders(command: Command, tmp_path: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    argv = ['dataset', 'export', str(tmp_path / 'out'), '--data', str(command.data)]
    assert main(argv) == 1  # two of them have two tags
    assert 'export as seed or csv' in capsys.readouterr().err
    assert main([*argv, '--tag', 'tape']) == 0
    assert [path.parent.name for path in (tmp_path / 'out').rglob('*.jpg')] == ['tape']


def test_a_table_with_images_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    makers.photo(tmp_path / 'photos' / 'a.jpg', makers.jpeg(makers.noise(1)))
    table = makers.photo(tmp_path / 'table.csv', b'path,tags\na.jpg,Mug;red\n')
    data = tmp_path / 'data'
    argv = ['dataset', 'import', str(table), '--data', str(data)]
    assert main([*argv, '--images', str(tmp_path / 'photos')]) == 0
    assert [item.tags for item in browse.page(data, Query()).samples] == [('mug', 'red')]
