"""The main loop: how fast a class is learned, and what inference keeps while training runs.

Settings: ``images``, ``net``, ``weights``, ``size``, ``minutes``, ``rate_hz`` as in the demo.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from recognizer_ros.core.errors import ConfigError
from recognizer_ros.demo.job import Job, run

MIN_HZ = 15.0
MIN_LIVE_ACCURACY = {'rendered': 0.90, 'photographs': 0.70}
MAX_LEAK = 0.10
_KINDS = {'net': str, 'weights': str, 'size': int, 'minutes': float, 'rate_hz': float}


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Run the demo and compare its figures with the bars."""
    images = Path(settings['images']) if 'images' in settings else None
    job = Job.for_photographs(images) if images else Job()
    try:
        job = replace(job, **{name: _KINDS[name](value) for name, value in settings.items()
                              if name != 'images'})
    except (KeyError, ValueError) as error:
        raise ConfigError(f'bad setting ({error}): the bench loop has images, '
                          + ', '.join(_KINDS)) from error
    report = run(job, Path('bench-loop.log'),
                 lambda line: print(line, file=sys.stderr, flush=True))
    waits = [wait for wait in report.seconds_to_new_class.values() if wait is not None]
    least = MIN_LIVE_ACCURACY['photographs' if images else 'rendered']
    figures = {
        'live_accuracy_share': report.live_accuracy,
        'heldout_accuracy_share': report.heldout_accuracy,
        'classification_hz': report.classification_hz,
        'latency_p50_ms': report.latency_ms['p50'],
        'latency_p99_ms': report.latency_ms['p99'],
        'new_class_worst_s': max(waits, default=None),
        'dropped_frames_count': report.dropped_frames,
        'run_s': report.run_s,
    }
    bars = {'live_accuracy': {'value': report.live_accuracy, 'bar': least,
                              'ok': report.live_accuracy >= least},
            'classes_learned': {'value': len(waits), 'bar': len(report.seconds_to_new_class),
                                'ok': len(waits) == len(report.seconds_to_new_class)}}
    if job.rate_hz > MIN_HZ:
        bars['classification_hz'] = {'value': report.classification_hz, 'bar': MIN_HZ,
                                     'ok': report.classification_hz >= MIN_HZ}
    if report.heldout_accuracy is not None:
        gap = abs(report.heldout_accuracy - report.live_accuracy)
        bars['heldout_minus_live'] = {'value': gap, 'bar': MAX_LEAK, 'ok': gap <= MAX_LEAK}
    return {'name': 'loop', 'machine': report.machine, 'figures': figures, 'bars': bars}
