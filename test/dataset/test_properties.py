"""Random sequences of all that can be done to a data set, against a simple model of it."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ledger import Entry, Ledger, Step, stored_sides

from recognizer_ros.core.errors import DatasetError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import image_files
from recognizer_ros.dataset.edits import (
    AddTags,
    Delete,
    Edit,
    Edited,
    Purge,
    RemoveTags,
    RenameClass,
    Restore,
    SetSplit,
    SetTags,
)
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore

CLASSES = ('cup', 'mug', 'pen')
classes = st.sampled_from(CLASSES)
tags = st.frozensets(classes, max_size=2)
some_tags = st.frozensets(classes, min_size=1, max_size=2)
times = st.integers(1, 6)  # with ties, in any order
stamps = st.lists(times, min_size=1, max_size=8) | st.lists(times, min_size=12, max_size=14)
splits = st.sampled_from([None, None, None, Split.TRAIN, Split.VALIDATION])
chosen = st.integers(1, 2**16 - 1)  # which samples: bits, taken again and again


class Crash(BaseException):
    """The process dies here."""


class DataSet(RuleBasedStateMachine):
    """Each rule does one thing to the store and to the model, then both must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix='dataset-'))
        self.patch = mock.patch('os.fsync')  # a process dies here, never the machine
        self.patch.start()
        self.store = self.open()
        self.model = Ledger()
        self.count = self.revision = 0

    def teardown(self) -> None:
        self.store.close()
        self.patch.stop()
        shutil.rmtree(self.root)

    @rule(tags=tags, stamps=stamps, split=splits)
    def record(self, tags: frozenset[str], stamps: list[int], split: Split | None) -> None:
        new = self.new(tags, stamps, split)
        assert not any(answer.duplicate for answer in self.store.add(new))
        self.note(new)
        self.rises()

    @precondition(lambda self: self.model.samples)
    @rule(which=chosen, tags=tags, stamps=stamps)
    def record_some_again(self, which: int, tags: frozenset[str], stamps: list[int]) -> None:
        """Beside new ones."""
        new = self.new(tags, stamps[:2], None)
        again = self.choose(which, self.model.names())
        samples = [replace(new[0], data=self.model.samples[name].data) for name in again]
        answers = self.store.add([*samples, *new])
        assert [answer.duplicate for answer in answers] == [True] * len(again) + [False] * len(new)
        self.note(new)
        self.edited(again, lambda entry: replace(entry, tags=tags, deleted=False))
        self.rises()

    @precondition(lambda self: self.model.samples)
    @rule(which=chosen, tags=tags)
    def set_tags(self, which: int, tags: frozenset[str]) -> None:
        ids = self.choose(which, self.model.names())
        self.edit(SetTags(ids, tuple(tags)), ids, lambda entry: replace(entry, tags=tags))

    @precondition(lambda self: self.model.samples)
    @rule(which=chosen, tags=some_tags)
    def add_tags(self, which: int, tags: frozenset[str]) -> None:
        ids = self.choose(which, self.model.names())
        self.edit(AddTags(ids, tuple(tags)), ids,
                  lambda entry: replace(entry, tags=entry.tags | tags))

    @precondition(lambda self: self.model.samples)
    @rule(which=chosen, tags=some_tags)
    def remove_tags(self, which: int, tags: frozenset[str]) -> None:
        ids = self.choose(which, self.model.names())
        self.edit(RemoveTags(ids, tuple(tags)), ids,
                  lambda entry: replace(entry, tags=entry.tags - tags))

    @rule(old=classes, new=st.sampled_from([*CLASSES, 'can']))
    def rename_class(self, old: str, new: str) -> None:
        ids = [name for name, entry in self.model.samples.items() if old in entry.tags]
        if old == new or not ids:
            self.refused(RenameClass(old, new))
        else:
            self.edit(RenameClass(old, new), ids,
                      lambda entry: replace(entry, tags=entry.tags - {old} | {new}))

    @precondition(lambda self: self.model.names(deleted=False))
    @rule(which=chosen)
    def delete(self, which: int) -> None:
        ids = self.choose(which, self.model.names(deleted=False))
        self.edit(Delete(ids), ids, lambda entry: replace(entry, deleted=True))

    @precondition(lambda self: self.model.names(deleted=False))
    @rule(which=chosen)
    def delete_a_burst(self, which: int) -> None:
        bursts = sorted(self.model.usable())
        ids = tuple(self.model.usable()[bursts[which % len(bursts)]])
        self.edit(Delete(ids), ids, lambda entry: replace(entry, deleted=True))

    @precondition(lambda self: self.model.names(deleted=True))
    @rule(which=chosen)
    def restore(self, which: int) -> None:
        ids = self.choose(which, self.model.names(deleted=True))
        self.edit(Restore(ids), ids, lambda entry: replace(entry, deleted=False))

    @precondition(lambda self: self.model.samples)
    @rule(which=chosen, split=st.sampled_from([Split.TRAIN, Split.VALIDATION]))
    def set_split(self, which: int, split: Split) -> None:
        ids = self.choose(which, self.model.names())[:2]
        done = self.edit(SetSplit(ids, split), (), lambda entry: entry)
        for name in ids:
            assert self.model.bursts[self.model.samples[name].burst] == (split, True)
        assert (done.changed == 0) or self.model.done

    @precondition(lambda self: self.model.names(deleted=True))
    @rule(which=st.none() | chosen)
    def purge(self, which: int | None) -> None:
        deleted = self.model.names(deleted=True)
        ids = self.choose(which, deleted) if which else ()
        assert self.store.edit(Purge(ids)).changed == len(ids or deleted)
        self.model.purge(ids or deleted)
        self.rises()

    @precondition(lambda self: self.model.names(deleted=True))
    @rule(done=st.integers(0, 3))
    def crash_while_purging(self, done: int) -> None:
        def dies(root: Path, names: object) -> None:
            for name in deleted[:done]:
                image_files.image_path(root, name).unlink()
            raise Crash

        deleted = self.model.names(deleted=True)
        self.crash(lambda: self.store.edit(Purge()), 'image_files.remove', dies)
        self.model.purge(deleted)
        self.rises()

    @rule(tags=tags, stamps=stamps, written=st.integers(0, 8))
    def crash_while_recording(self, tags: frozenset[str], stamps: list[int],
                              written: int) -> None:
        """After some images, before their rows."""
        def dies(root: Path, images: dict[str, bytes]) -> None:
            write(root, dict(list(images.items())[:written]))
            name = '0' * 64
            (root / 'images' / '00').mkdir(exist_ok=True)
            (root / 'images' / '00' / f'.{name}.jpg.1.tmp').write_bytes(b'half')
            raise Crash

        write, new = image_files.write, self.new(tags, stamps, None)
        self.crash(lambda: self.store.add(new), 'image_files.write', dies)

    @precondition(lambda self: self.model.names(deleted=False))
    @rule(which=chosen, steps=st.integers(1, 60))
    def fail_in_an_edit(self, which: int, steps: int) -> None:
        """The index gives an error at some point: all of the edit or nothing."""
        ids = self.choose(which, self.model.names(deleted=False))
        left = [steps]

        def interrupt() -> int:
            left[0] -= 1
            return left[0] == 0

        self.store._index.db.set_progress_handler(interrupt, 20)
        try:
            self.edit(Delete(ids), ids, lambda entry: replace(entry, deleted=True))
        except DatasetError:
            pass
        finally:
            self.store._index.db.set_progress_handler(None, 0)

    @rule()
    def undo(self) -> None:
        if not self.model.done:
            self.refused(None)
        else:
            self.travel(self.store.undo, self.model.undo)

    @precondition(lambda self: self.model.undone)
    @rule()
    def redo(self) -> None:
        self.travel(self.store.redo, self.model.redo)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.open()

    @invariant()
    def agrees(self) -> None:
        assert self.store.revision() == self.revision
        self.model.check(self.store)

    def open(self) -> SampleStore:
        store = SampleStore(self.root)
        store._index.db.execute('PRAGMA synchronous=OFF')
        return store

    def new(self, tags: frozenset[str], stamps: list[int],
            split: Split | None) -> list[NewSample]:
        """New samples of a new burst."""
        burst = self.store.begin_burst('test', sorted(tags), split)
        self.model.bursts[burst] = stored_sides(self.store)[burst]
        assert split is None or self.model.bursts[burst] == (split, True)
        self.count += 1
        return [NewSample(f'{self.count} {index}'.encode(), tuple(sorted(tags)), stamp_ns, burst,
                          'test', 32, 24) for index, stamp_ns in enumerate(stamps)]

    def note(self, new: list[NewSample]) -> None:
        for sample in new:
            self.model.samples[hashlib.sha256(sample.data).hexdigest()] = Entry(
                sample.data, frozenset(sample.tags), False, sample.burst, sample.stamp_ns,
                self.order())

    def order(self) -> int:
        self.count += 1
        return self.count

    def choose(self, which: int, names: list[str]) -> tuple[str, ...]:
        """Some of these, at least one."""
        found = tuple(name for index, name in enumerate(names) if which >> index % 16 & 1)
        return found or (names[which % len(names)],)

    def edit(self, edit: Edit, ids: tuple[str, ...] | list[str],
             change: Callable[[Entry], Entry]) -> Edited:
        usable = {burst: len(names) for burst, names in self.model.usable().items()}
        done = self.store.edit(edit, self.revision)
        step = self.edited(ids, change)
        if isinstance(edit, SetSplit):
            assert done.changed == sum(usable.get(burst, 0) for burst, (_, after)
                                       in step.bursts.items() if after[1])
        else:
            assert done.changed == len(step.samples)
        if step.samples or step.bursts:
            self.rises()
            assert not self.model.lacking()
        assert done.revision == self.revision
        return done

    def edited(self, ids: tuple[str, ...] | list[str], change: Callable[[Entry], Entry]) -> Step:
        return self.model.edit(ids, change, stored_sides(self.store))

    def travel(self, real: Callable[[], Edited], model: Callable[[], Step]) -> None:
        done, step = real(), model()
        assert not step.samples or done.changed == len(step.samples)
        self.rises()

    def refused(self, edit: Edit | None) -> None:
        try:
            self.store.edit(edit) if edit else self.store.undo()
        except DatasetError:
            return
        raise AssertionError('it should have been refused')

    def rises(self) -> None:
        assert self.store.revision() > self.revision
        self.revision = self.store.revision()

    def crash(self, work: Callable[[], object], where: str,
              dies: Callable[..., None]) -> None:
        """Die at some place; what holds files open ends, as the kernel sees to."""
        with ExitStack() as stack:
            stack.enter_context(mock.patch(f'recognizer_ros.dataset.{where}', dies))
            try:
                work()
            except Crash:
                pass
            else:
                raise AssertionError('it should have died')
        self.restart()


TestDataSet = DataSet.TestCase
TestDataSet.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
