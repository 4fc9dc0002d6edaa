"""Edits of a data set: what each one makes of a sample."""

from dataclasses import dataclass, replace

from ..core.errors import DatasetError
from ..core.labels import normalise
from ..core.split import Split

MAX_IDS = 100_000
MAX_REASON = 200


@dataclass(frozen=True)
class State:
    """What edits change of a sample. :param tags: sorted. :param deleted_ns: when; or ``None``."""

    tags: tuple[str, ...]
    deleted_ns: int | None = None

    def with_tags(self, tags: set[str]) -> 'State':
        """:raises LabelError: too many."""
        return replace(self, tags=tuple(sorted(normalise(tags))))


@dataclass(frozen=True)
class SetTags:
    """Replace all tags of samples. :param ids: SHA-256 of each."""

    ids: tuple[str, ...]
    tags: tuple[str, ...]

    def __call__(self, state: State, now_ns: int) -> State:
        return state.with_tags(set(self.tags))

    def describe(self, changed: int) -> str:
        """For people."""
        return f'{_samples(changed)} tagged {", ".join(self.tags) or "nothing"}'


@dataclass(frozen=True)
class AddTags:
    """Give samples more tags."""

    ids: tuple[str, ...]
    tags: tuple[str, ...]

    def __call__(self, state: State, now_ns: int) -> State:
        return state.with_tags({*state.tags, *self.tags})

    def describe(self, changed: int) -> str:
        """For people."""
        return f'{", ".join(self.tags)} added to {_samples(changed)}'


@dataclass(frozen=True)
class RemoveTags:
    """Take tags from samples."""

    ids: tuple[str, ...]
    tags: tuple[str, ...]

    def __call__(self, state: State, now_ns: int) -> State:
        return state.with_tags(set(state.tags) - set(self.tags))

    def describe(self, changed: int) -> str:
        """For people."""
        return f'{", ".join(self.tags)} removed from {_samples(changed)}'


@dataclass(frozen=True)
class RenameClass:
    """Rename a class everywhere; merge it into ``new`` where that exists."""

    old: str
    new: str

    def __call__(self, state: State, now_ns: int) -> State:
        return state.with_tags({self.new if tag == self.old else tag for tag in state.tags})

    def describe(self, changed: int) -> str:
        """For people."""
        return f'{self.old} renamed to {self.new} in {_samples(changed)}'


@dataclass(frozen=True)
class Delete:
    """Take samples out of use; they can be restored until they are purged."""

    ids: tuple[str, ...]

    def __call__(self, state: State, now_ns: int) -> State:
        return state if state.deleted_ns is not None else replace(state, deleted_ns=now_ns)

    def describe(self, changed: int) -> str:
        """For people."""
        return f'{_samples(changed)} deleted'


@dataclass(frozen=True)
class Restore:
    """Bring samples back that were deleted, or set aside."""

    ids: tuple[str, ...]

    def __call__(self, state: State, now_ns: int) -> State:
        return replace(state, deleted_ns=None)

    def describe(self, changed: int) -> str:
        """For people."""
        return f'{_samples(changed)} restored'


@dataclass(frozen=True)
class Quarantine:
    """Set samples aside that cannot be used, until they are restored or stored again. A program
    finds that out, not a person: it is no step for undo.

    :param reason: one sentence.
    """

    ids: tuple[str, ...]
    reason: str

    def describe(self, changed: int) -> str:
        """For people."""
        return f'{_samples(changed)} set aside: {self.reason}'


@dataclass(frozen=True)
class Purge:
    """Remove deleted samples for good: cannot be undone. :param ids: empty: all deleted ones."""

    ids: tuple[str, ...] = ()

    def describe(self, changed: int) -> str:
        """For people."""
        return f'{_samples(changed)} purged'


@dataclass(frozen=True)
class SetSplit:
    """Put the bursts of samples into a split, whatever comes."""

    ids: tuple[str, ...]
    split: Split


Change = SetTags | AddTags | RemoveTags | RenameClass | Delete | Restore
Edit = Change | Purge | Quarantine | SetSplit


@dataclass(frozen=True)
class Edited:
    """What an edit did. :param changed: samples."""

    changed: int
    revision: int
    description: str


def checked(edit: Edit) -> Edit:
    """Return the edit with normalised tags and each sample once.

    :raises LabelError: a tag cannot be used. :raises DatasetError: it makes no sense.
    """
    if isinstance(edit, RenameClass):
        old, new = normalise([edit.old]), normalise([edit.new])
        if not old or not new or old == new:
            raise DatasetError('give the name of the class and another, new name')
        return RenameClass(old[0], new[0])
    if len(edit.ids) > MAX_IDS:
        raise DatasetError(f'{len(edit.ids)} samples at once are too many: give at most {MAX_IDS}')
    if not edit.ids and not isinstance(edit, Purge):
        raise DatasetError('no samples given: name at least one')
    edit = replace(edit, ids=tuple(dict.fromkeys(edit.ids)))
    if isinstance(edit, SetTags | AddTags | RemoveTags):
        edit = replace(edit, tags=normalise(edit.tags))
        if not edit.tags and not isinstance(edit, SetTags):
            raise DatasetError('no tags given: name at least one')
    if isinstance(edit, Quarantine):
        edit = replace(edit, reason=_one_line(edit.reason))
        if not edit.reason:
            raise DatasetError('no reason given: say why the samples cannot be used')
    if isinstance(edit, SetSplit) and edit.split not in (Split.TRAIN, Split.VALIDATION):
        raise DatasetError('a burst can be put into train or validation only')
    return edit


def _one_line(text: str) -> str:
    shown = ''.join(char if char.isprintable() else ' ' for char in text[:2 * MAX_REASON])
    return ' '.join(shown.split())[:MAX_REASON]


def _samples(count: int) -> str:
    return f'{count} sample' + 's' * (count != 1)
