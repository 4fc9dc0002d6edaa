"""The tables of samples.db and how to open it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import DatasetError, DataVersionError

VERSION = 1
FILE = 'samples.db'

_TABLES = """
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
"""


def open_writer(root: Path) -> sqlite3.Connection:
    """Open the index for writing; make it when it is missing.

    :raises DataVersionError: another version of this program made it.
    :raises DatasetError: the file is damaged or not allowed.
    """
    try:
        db = sqlite3.connect(root / FILE, isolation_level=None, check_same_thread=False)
        db.execute('PRAGMA journal_mode=WAL')
        db.execute('PRAGMA synchronous=FULL')
        db.execute('PRAGMA foreign_keys=ON')
        if _version(db) == 0 and not db.execute('SELECT 1 FROM sqlite_master').fetchone():
            db.executescript(f'BEGIN; {_TABLES} PRAGMA user_version={VERSION}; COMMIT;')
    except sqlite3.Error as error:
        raise DatasetError(f'{root / FILE} cannot be opened ({error}): restore it from a backup, '
                           'or choose another data folder') from error
    return _checked(db, root)


def open_reader(root: Path) -> sqlite3.Connection:
    """Open the index for reading only.

    :raises DatasetError: there is none, or it is damaged. :raises DataVersionError: as above.
    """
    if not (root / FILE).is_file():
        raise DatasetError(f'{root} holds no data set: record something, or import a folder with '
                           '`recognizer dataset import`')
    with read_errors(root):
        db = sqlite3.connect(f'{(root / FILE).absolute().as_uri()}?mode=ro', uri=True,
                             isolation_level=None)
        return _checked(db, root)


@contextmanager
def read_errors(root: Path) -> Iterator[None]:
    """Turn errors of SQLite into ours. :raises DatasetError: the index is damaged."""
    try:
        yield
    except sqlite3.Error as error:
        raise DatasetError(f'{root / FILE} cannot be read ({error}): restore it from a backup, or '
                           'choose another data folder') from error


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute('PRAGMA user_version').fetchone()[0])


def _checked(db: sqlite3.Connection, root: Path) -> sqlite3.Connection:
    found = _version(db)
    if found != VERSION:
        db.close()
        raise DataVersionError(
            f'{root} has data format {found}, this program reads {VERSION}: use the version of '
            'recognizer_ros that wrote it, or choose another data folder')
    return db
