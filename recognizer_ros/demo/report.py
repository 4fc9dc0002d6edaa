"""What a demo shows, in figures."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """:param seconds_to_new_class: from the first release of Record for a class to the first
        answer by a model that knows it; ``None``: no model ever did.
    :param heldout_accuracy: of the live version, on bursts that were not trained on.
    :param live_accuracy: share of frames of scenes never recorded whose best label was right.
    :param live_frames: how many such frames were answered.
    :param latency_ms: image stamp to result received, ``p50`` and ``p99``.
    :param classification_hz: answers a second while training ran.
    """

    samples: int
    bursts: int
    dropped_frames: int
    seconds_to_new_class: dict[str, float | None]
    versions: int
    heldout_accuracy: float | None
    live_accuracy: float
    live_accuracy_by_class: dict[str, float]
    live_frames: int
    classification_hz: float
    latency_ms: dict[str, float]
    net: str
    weights: str
    input_size: str
    setup_s: float
    run_s: float
    machine: str


def machine() -> str:
    """This machine, for people."""
    return f'{len(os.sched_getaffinity(0))} cores, {platform.machine()}, {platform.system()}'


def percentile(values: Sequence[float], percent: float) -> float:
    """Value that ``percent`` % of the values do not exceed; NaN when there are none."""
    ordered = sorted(values)
    if not ordered:
        return float('nan')
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def write(report: Report, path: Path) -> None:
    """Write it as JSON."""
    path.write_text(json.dumps(asdict(report), indent=2) + '\n')


def text(report: Report) -> str:
    """The report for a terminal."""
    def shown(value: float | None) -> str:
        return 'never' if value is None else f'{value:.1f} s'

    waits = ', '.join(f'{name} {shown(value)}'
                      for name, value in report.seconds_to_new_class.items())
    classes = ', '.join(f'{name} {value:.2f}'
                        for name, value in report.live_accuracy_by_class.items())
    held = 'unknown' if report.heldout_accuracy is None else f'{report.heldout_accuracy:.3f}'
    rows = [
        ('recorded', f'{report.samples} samples in {report.bursts} bursts, '
                     f'{report.dropped_frames} frames dropped'),
        ('new class after', waits),
        ('model versions', f'{report.versions} ({report.net}, {report.input_size}, weights '
                           f'{report.weights})'),
        ('held-out accuracy', held),
        ('live accuracy', f'{report.live_accuracy:.3f} on {report.live_frames} frames of scenes '
                          f'never recorded ({classes})'),
        ('answers', f'{report.classification_hz:.1f} Hz while training, latency '
                    f'{report.latency_ms["p50"]:.0f} ms p50, '
                    f'{report.latency_ms["p99"]:.0f} ms p99'),
        ('time', f'set-up {report.setup_s:.0f} s, run {report.run_s:.0f} s on {report.machine}'),
    ]
    return '\n'.join(f'  {name:<18} {value}' for name, value in rows)
