import json
import math
import os
from dataclasses import asdict
from pathlib import Path

import pytest
from reports import report

from recognizer_ros.demo.report import machine, percentile, text, write


@pytest.mark.parametrize(('percent', 'value'), [(0, 1), (50, 51), (98, 99), (99, 100), (100, 100)])
def test_percentiles(percent: float, value: float) -> None:
    assert percentile([*range(100, 0, -1)], percent) == value


def test_percentile_of_one_value_and_of_none() -> None:
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7.0
    assert math.isnan(percentile([], 50))


def test_the_text_tells_all_figures() -> None:
    shown = text(report())
    for part in ('120 samples in 12 bursts, 1 frames dropped', 'apple 2.2 s, mug never',
                 '5 (resnet18, 64×64, weights none)', '0.938', '0.875 on 80 frames',
                 'apple 1.00, mug 0.75', '14.5 Hz', '12 ms p50, 40 ms p99', 'set-up 30 s',
                 '2 cores'):
        assert part in shown, part


def test_what_is_not_known_is_said() -> None:
    assert 'unknown' in text(report(heldout_accuracy=None))


def test_the_file_is_json_with_all_fields(tmp_path: Path) -> None:
    write(report(), tmp_path / 'report.json')
    assert json.loads((tmp_path / 'report.json').read_text()) == asdict(report())


def test_this_machine_is_told() -> None:
    assert machine().startswith(f'{len(os.sched_getaffinity(0))} cores, ')
