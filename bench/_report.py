"""What every bench takes and gives: settings, figures and bars."""

import contextlib
import os
import platform
from collections.abc import Sequence
from typing import Any

from recognizer_ros.core.errors import ConfigError
from recognizer_ros.demo.report import percentile


def parse(kind: type[Any], settings: dict[str, str]) -> Any:
    """Settings from text, by the types of their defaults.

    :raises ConfigError: a name or value is wrong.
    """
    defaults = kind()
    try:
        return kind(**{name: type(getattr(defaults, name))(value)
                       for name, value in settings.items()})
    except (AttributeError, ValueError) as error:
        raise ConfigError(f'bad setting ({error}): this bench has '
                          + ', '.join(vars(defaults))) from error


def machine() -> str:
    """What it runs on."""
    gpu = ''
    with contextlib.suppress(ImportError):  # some benches run where there is no PyTorch
        import torch

        gpu = f', {torch.cuda.get_device_name()}' if torch.cuda.is_available() else ''
    return (f'{len(os.sched_getaffinity(0))} cores, {platform.machine()}, '
            f'{platform.system()}{gpu}')


def bar(value: float, limit: float, at_least: bool = True) -> dict[str, float | bool]:
    """A figure and what it must be."""
    return {'value': round(value, 4), 'bar': limit,
            'ok': bool(value >= limit if at_least else value <= limit)}


def spread(values: Sequence[float], digits: int = 1) -> dict[str, float]:
    """How values lie, rounded to so many digits."""
    if not values:
        return {'count': 0}
    return {'count': len(values), **{f'p{share}': round(percentile(values, share), digits)
                                     for share in (50, 95, 99)}, 'max': round(max(values), digits)}
