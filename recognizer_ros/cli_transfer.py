"""``recognizer dataset import`` and ``export``: move samples in and out."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from .cli_dataset import action, add_filters, query
from .dataset.store import SampleStore

_KINDS = ('folder', 'seed', 'csv')


def add(actions: Any) -> None:
    """Add both to the actions of ``recognizer dataset``."""
    take = action(actions, 'import', _import, 'store what a folder, an archive, a table or a bag '
                  'holds')
    take.add_argument('source', type=Path, metavar='SOURCE', help='a folder with one sub-folder a '
                      'class, the folder of the original Recognizer, an export, a zip of one of '
                      'these, a CSV with the columns path and tags, or a rosbag2')
    take.add_argument('--images', type=Path, metavar='FOLDER', help='of a CSV: where its paths '
                      'start from. Default: the folder of the CSV.')
    take.add_argument('--topic', default='', help='of a bag: the images. Default: the only one.')
    take.add_argument('--tags-topic', default='', metavar='TOPIC', help='of a bag: the tags. '
                      'Default: the only one.')
    take.add_argument('--ranges', type=Path, metavar='CSV', help='of a bag: times and their '
                      'tags, instead of a topic')
    give = action(actions, 'export', _export, 'write samples for other programs, or for an '
                  'import')
    give.add_argument('destination', type=Path, metavar='DESTINATION', help='a new folder, or a '
                      'new file that ends in .zip')
    give.add_argument('--format', choices=_KINDS, default='folder', help='train/CLASS/ and '
                      'val/CLASS/, images/ and tags.json of the original Recognizer, or images/ '
                      'and samples.csv; each with samples.csv, which an import restores all from')
    add_filters(give)


def _import(given: argparse.Namespace) -> int:
    from .dataset.transfer import importer
    from .dataset.transfer.opening import open_source
    from .dataset.transfer.source import Options

    options = Options(given.images, given.topic, given.tags_topic, given.ranges)
    # Opened first: an unusable source makes no data set.
    with open_source(given.source, options) as source, SampleStore(given.data) as store:
        done = importer.run(store, source, time.time_ns(), _show_progress)
    print(f'{done.samples} images of {done.classes} classes stored in {given.data}, '
          f'{done.duplicates} were there already, {done.unusable} skipped')
    return 0


def _export(given: argparse.Namespace) -> int:
    from .dataset.transfer import export

    done = export.run(given.data, given.destination, export.Kind(given.format), query(given),
                      _show_progress)
    print(f'{done.samples} images of {done.classes} classes written to {given.destination}, '
          f'{done.damaged} left out as damaged')
    return 0


def _show_progress(done: int, total: int) -> None:
    print(f'\r{done} of {total}', end='\n' if done == total else '', file=sys.stderr, flush=True)
