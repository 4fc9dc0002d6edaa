"""The state as JSON, in sections that are sent apart from each other."""

import json
import math
from dataclasses import asdict

from .describe import SWITCH, TEXT, Schema, array, record, shape
from .state import Alert, Classification, Dataset, State, Training

SHAPES: dict[str, Schema] = {
    'tags': record(active=array(TEXT), recording=SWITCH),
    'dataset': shape(Dataset),
    'training': shape(Training),
    'classification': shape(Classification),
    'alerts': array(shape(Alert)),
}
NAMES = tuple(SHAPES)


def sections(state: State) -> dict[str, str]:
    """Return the JSON text of each section of ``NAMES``. NaN and infinity become null."""
    values: dict[str, object] = {
        'tags': {'active': state.tags, 'recording': state.recording},
        'dataset': asdict(state.dataset),
        'training': asdict(state.training),
        'classification': asdict(state.classification),
        'alerts': [asdict(alert) for alert in state.alerts],
    }
    return {name: json.dumps(finite(values[name]), allow_nan=False) for name in NAMES}


def joined(texts: dict[str, str]) -> str:
    """Return one JSON object of sections that are JSON text already."""
    return '{' + ', '.join(f'"{name}": {text}' for name, text in texts.items()) + '}'


def finite(value: object) -> object:
    """Return a JSON value with null for NaN and infinity, which JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
