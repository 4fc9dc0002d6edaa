"""``recognizer models``: look through the versions of a model, choose one, give one away."""

import argparse
import json
from math import isnan
from pathlib import Path
from typing import Any

from .cli_dataset import action
from .core import stamps
from .core.bundle import BACKBONE
from .core.errors import ConfigError, ModelError
from .core.files import disk_errors, write_durably
from .registry.store import Registry, Version


def add(commands: Any) -> None:
    """Add the command to those of ``recognizer``."""
    models = commands.add_parser('models', help='look through the model versions, choose one, '
                                 'export one')
    actions = models.add_subparsers(metavar='ACTION', required=True)
    listing = action(actions, 'list', _list, 'list versions, newest first')
    listing.add_argument('--json', action='store_true', help='one JSON object')
    choose = action(actions, 'activate', _activate, 'make a version live; where a trainer runs, '
                    'ask its service activate_model instead')
    choose.add_argument('version', type=int, metavar='N', help='its number; 0: the one that was '
                        'live before')
    export = action(actions, 'export', _export, 'write a version as one ONNX file, from images to '
                    'probabilities, with labels and preprocessing as metadata')
    export.add_argument('--version', type=int, default=0, metavar='N', help='its number; 0: the '
                        'live one (the default)')
    export.add_argument('file', type=Path, metavar='FILE.onnx', help='replaced when it is there')


def _list(given: argparse.Namespace) -> int:
    registry = _registry(given.data)
    live, versions = registry.live(), registry.versions()
    if given.json:
        print(json.dumps({'live': live, 'previous': registry.previous(),
                          'models': [_as_json(version) for version in versions]}))
        return 0
    for version in versions:
        bundle, scores = version.bundle, version.bundle.scores
        print(f'{"*" if bundle.version == live else " "} {bundle.version:>4}  '
              f'{stamps.show(bundle.created_ns)}  {bundle.net} {bundle.stage:<8}  '
              f'score {scores.headline:.3f} on {scores.samples}  {", ".join(bundle.labels)}')
    return 0


def _as_json(version: Version) -> dict[str, Any]:
    bundle, scores = version.bundle, version.bundle.scores
    return {'version': bundle.version, 'parent': bundle.parent, 'stage': bundle.stage,
            'net': bundle.net, 'labels': bundle.labels, 'label_mode': bundle.label_mode,
            'dataset_revision': bundle.dataset_revision, 'created_ns': bundle.created_ns,
            'score': None if isnan(scores.headline) else scores.headline,
            'samples': scores.samples, 'reason': bundle.reason}


def _activate(given: argparse.Namespace) -> int:
    root = _registry(given.data).root
    registry = Registry(root, writer=True)
    try:
        chosen = registry.activate(given.version)
    finally:
        registry.close()
    print(f'model version {chosen.bundle.version} is live')
    return 0


def _export(given: argparse.Namespace) -> int:
    try:
        from .inference.onnx_file import assemble
    except ModuleNotFoundError as error:  # a robot without a trainer may do without it
        raise ConfigError(f'the Python package {error.name} is missing: install it with '
                          '`pip install onnx`') from error

    registry = _registry(given.data)
    version = registry.get(given.version or registry.live())
    size = version.size_of(BACKBONE)
    data = assemble(version.read(BACKBONE, 0, size), version.head_bytes(), version.bundle)
    with disk_errors(given.file.absolute().parent):
        write_durably(given.file, data)
    print(f'model version {version.bundle.version} written to {given.file}, '
          f'{len(data) / 2**20:.1f} MiB')
    return 0


def _registry(data: Path) -> Registry:
    """The versions of a data folder. :raises ModelError: there are none."""
    registry = Registry(data / 'models')
    if not registry.numbers():
        raise ModelError(f'{data} has no model yet: train one with '
                         f'`recognizer train --data {data}`')
    return registry
