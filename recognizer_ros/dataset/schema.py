"""The tables of samples.db and how to open it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ..core.errors import DatasetError, DataVersionError

FILE = 'samples.db'

# A table or column that is there may only be changed by one more step.
_STEPS = ("""
CREATE TABLE state (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES ('revision', 0);
CREATE TABLE bursts (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    split INTEGER NOT NULL
);
CREATE TABLE samples (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    stamp_ns INTEGER NOT NULL,
    burst INTEGER NOT NULL REFERENCES bursts (id),
    source TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    quarantined TEXT,
    deleted_ns INTEGER
);
CREATE INDEX samples_by_burst ON samples (burst, stamp_ns);
CREATE TABLE labels (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE tags (
    sample INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
    label INTEGER NOT NULL REFERENCES labels (id),
    PRIMARY KEY (sample, label)
) WITHOUT ROWID;
""", """
-- Chosen by a person.
ALTER TABLE bursts ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
-- Set where a class has this burst alone: it is shared by stamp, see core/split.py.
ALTER TABLE bursts ADD COLUMN gap_from_ns INTEGER;
ALTER TABLE bursts ADD COLUMN held_out_from_ns INTEGER;
-- Revision that its last edit made. 0: never edited.
ALTER TABLE samples ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tags_by_label ON tags (label, sample);
CREATE INDEX usable_by_time ON samples (stamp_ns DESC, id DESC)
    WHERE quarantined IS NULL AND deleted_ns IS NULL;
CREATE INDEX quarantined_by_time ON samples (stamp_ns DESC, id DESC)
    WHERE quarantined IS NOT NULL;
CREATE INDEX deleted_by_time ON samples (stamp_ns DESC, id DESC) WHERE deleted_ns IS NOT NULL;
CREATE TABLE edits (
    id INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    description TEXT NOT NULL,
    revision INTEGER NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0
);
-- What an edit made of samples; tags as lines.
CREATE TABLE sample_changes (
    edit INTEGER NOT NULL REFERENCES edits (id) ON DELETE CASCADE,
    sample INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
    tags_before TEXT NOT NULL,
    deleted_before INTEGER,
    tags_after TEXT NOT NULL,
    deleted_after INTEGER,
    PRIMARY KEY (edit, sample)
) WITHOUT ROWID;
CREATE INDEX sample_changes_by_sample ON sample_changes (sample);
CREATE TABLE burst_changes (
    edit INTEGER NOT NULL REFERENCES edits (id) ON DELETE CASCADE,
    burst INTEGER NOT NULL REFERENCES bursts (id),
    split_before INTEGER NOT NULL,
    pinned_before INTEGER NOT NULL,
    split_after INTEGER NOT NULL,
    pinned_after INTEGER NOT NULL,
    PRIMARY KEY (edit, burst)
) WITHOUT ROWID;
""", """
-- Tells samples with the stamp of the border apart.
ALTER TABLE bursts ADD COLUMN gap_from_sample INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bursts ADD COLUMN held_out_from_sample INTEGER NOT NULL DEFAULT 0;
-- With all columns that lists and counts need, so that they read no table.
DROP INDEX usable_by_time;
CREATE INDEX usable_by_time ON samples (stamp_ns DESC, id DESC, burst)
    WHERE quarantined IS NULL AND deleted_ns IS NULL;
CREATE INDEX usable_by_burst ON samples (burst, stamp_ns)
    WHERE quarantined IS NULL AND deleted_ns IS NULL;
""")
VERSION = len(_STEPS)

USABLE = 'quarantined IS NULL AND deleted_ns IS NULL'
EFFECTIVE_SPLIT = (
    'CASE WHEN held_out_from_ns IS NULL THEN split '
    'WHEN (stamp_ns, samples.id) >= (held_out_from_ns, held_out_from_sample) THEN 1 '
    'WHEN (stamp_ns, samples.id) >= (gap_from_ns, gap_from_sample) THEN 2 ELSE 0 END')
"""Split of a sample; of ``samples JOIN bursts``."""


def open_writer(root: Path) -> sqlite3.Connection:
    """Open the index for writing; make it when it is missing, and bring an older one up to date.

    :raises DataVersionError: a newer version of this program made it.
    :raises DatasetError: the file is damaged or not allowed.
    """
    try:
        db = sqlite3.connect(root / FILE, isolation_level=None, check_same_thread=False)
        db.execute('PRAGMA journal_mode=WAL')
        db.execute('PRAGMA synchronous=FULL')
        db.execute('PRAGMA foreign_keys=ON')
        found = _version(db)
        ours = found > 0 or not db.execute('SELECT 1 FROM sqlite_master').fetchone()
        if ours and found < VERSION:
            steps = ''.join(_STEPS[found:])  # at once: whoever reads sees nothing in between
            db.executescript(f'BEGIN; {steps} PRAGMA user_version={VERSION}; COMMIT;')
    except sqlite3.Error as error:
        raise DatasetError(f'{root / FILE} cannot be opened ({error}): restore it from a backup, '
                           'or choose another data folder') from error
    return _checked(db, root)


def open_reader(root: Path) -> sqlite3.Connection:
    """Open the index for reading only.

    :raises DatasetError: there is none, or it is damaged. :raises DataVersionError: as above.
    """
    if not is_there(root):
        raise DatasetError(f'{root} holds no data set: record something, or import a folder with '
                           '`recognizer dataset import`')
    with read_errors(root):
        return _checked(_read_only(root), root)


def is_there(root: Path) -> bool:
    """Whether there is an index, and not a file alone that is just being made.

    :raises DatasetError: it is damaged.
    """
    if not (root / FILE).is_file():
        return False
    with read_errors(root), closing(_read_only(root)) as db:
        return db.execute('SELECT 1 FROM sqlite_master').fetchone() is not None


def _read_only(root: Path) -> sqlite3.Connection:
    return sqlite3.connect(f'{(root / FILE).absolute().as_uri()}?mode=ro', uri=True,
                           isolation_level=None, check_same_thread=False)


@contextmanager
def read_errors(root: Path) -> Iterator[None]:
    """Turn errors of SQLite into ours. :raises DatasetError: the index is damaged."""
    try:
        yield
    except sqlite3.Error as error:
        raise DatasetError(f'{root / FILE} cannot be read ({error}): restore it from a backup, or '
                           'choose another data folder') from error


def revision(db: sqlite3.Connection) -> int:
    """Number of the last change; 0 when nothing was ever stored."""
    return int(db.execute("SELECT value FROM state WHERE key = 'revision'").fetchone()[0])


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute('PRAGMA user_version').fetchone()[0])


def _checked(db: sqlite3.Connection, root: Path) -> sqlite3.Connection:
    found = _version(db)
    if found == VERSION:
        return db
    db.close()
    way_out = ('start the recorder on it once, which brings it up to date' if 0 < found < VERSION
               else 'use the version of recognizer_ros that wrote it, or choose another data '
               'folder')
    raise DataVersionError(
        f'{root} has data format {found}, this program reads {VERSION}: {way_out}')
