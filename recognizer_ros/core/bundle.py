"""bundle.json: all that must be known to use a model version."""

import json
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

from .errors import ModelError
from .labels import LabelMode
from .preprocessing import Preprocessing
from .scores import ClassScore, Scores

FORMAT = 2
"""1 had one file for backbone and head."""
BACKBONE, WEIGHTS, HEAD = 'backbone.onnx', 'backbone.safetensors', 'head.safetensors'
"""Files of a version: the network up to its features, its weights, the last layer."""


@dataclass(frozen=True)
class Bundle:
    """One model version.

    :param version: from 1. :param parent: version it was trained from; 0: the initial weights.
    :param stage: ``head`` or ``finetune``.
    :param labels: class names in the order of the outputs.
    :param probe: probabilities expected on :func:`recognizer_ros.inference.preprocess.probe`.
    :param sha256: of each file of the version, by name. :param size: of backbone.onnx, bytes.
    :param reason: why it was promoted or not.
    """

    version: int
    parent: int
    stage: str
    net: str
    labels: tuple[str, ...]
    label_mode: LabelMode
    preprocessing: Preprocessing
    scores: Scores
    dataset_revision: int
    created_ns: int
    probe: tuple[float, ...]
    sha256: dict[str, str]
    size: int
    backbone_sha256: str
    reason: str = ''
    format: int = FORMAT


def to_json(bundle: Bundle) -> str:
    """Return the text of bundle.json; NaN is written as null."""
    return json.dumps(_null_nan(asdict(bundle)), indent=1, allow_nan=False)


def from_json(text: str | bytes) -> Bundle:
    """Read bundle.json; bytes of it are UTF-8.

    :raises ModelError: it is not one, or of another format.
    """
    try:
        data = json.loads(text)
        if data.get('format') != FORMAT:
            raise ModelError(f'model bundle has format {data.get("format")!r}, this program reads '
                             f'{FORMAT}: use the version of recognizer_ros that wrote it')
        return _checked(Bundle(**{**data, **_values(data)}))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f'model bundle is damaged ({error}): activate another version') from error


def _values(data: dict[str, Any]) -> dict[str, Any]:
    pre, scores = data['preprocessing'], _nan_null(data['scores'])
    if not isinstance(data['labels'], list):
        raise TypeError('labels are not a list')
    return {
        'labels': tuple(data['labels']),
        'probe': tuple(map(float, data['probe'])),
        'preprocessing': Preprocessing(**{**pre, 'mean': tuple(map(float, pre['mean'])),
                                          'std': tuple(map(float, pre['std']))}),
        'scores': Scores(**{
            **scores, 'labels': tuple(scores['labels']),
            'per_class': tuple(ClassScore(**_nan_null(item)) for item in scores['per_class']),
            'confusion': tuple(tuple(row) for row in scores['confusion'])}),
    }


def _checked(bundle: Bundle) -> Bundle:
    problems = [
        ('no labels', not bundle.labels),
        ('labels are not text', not all(isinstance(item, str) and item
                                        for item in bundle.labels)),
        ('a label stands twice', len(set(bundle.labels)) != len(bundle.labels)),
        ('unknown label mode', bundle.label_mode not in ('single', 'multi')),
        ('expected outputs do not go with the labels', len(bundle.probe) != len(bundle.labels)),
        ('bad input size', not (0 < bundle.preprocessing.width <= 4096
                                and 0 < bundle.preprocessing.height <= 4096)),
        ('mean and std need three numbers', (len(bundle.preprocessing.mean),
                                             len(bundle.preprocessing.std)) != (3, 3)),
        ('unknown preprocessing', (bundle.preprocessing.colour_order, bundle.preprocessing.resize)
         != (Preprocessing.colour_order, Preprocessing.resize)),
        ('a checksum is missing', not isinstance(bundle.sha256, dict) or not all(
            isinstance(bundle.sha256.get(name), str) for name in (BACKBONE, HEAD))),
    ]
    for problem, present in problems:
        if present:
            raise ModelError(f'model bundle is damaged ({problem}): activate another version')
    return bundle


def _nan_null(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: float('nan') if value is None else value for name, value in figures.items()}


def _null_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _null_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_null_nan(item) for item in value]
    return None if isinstance(value, float) and isnan(value) else value
