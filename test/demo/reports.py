"""A report for tests."""

from dataclasses import replace
from typing import Any

from recognizer_ros.demo.report import Report

_REPORT = Report(
    samples=120, bursts=12, dropped_frames=1, seconds_to_new_class={'apple': 2.25, 'mug': None},
    versions=5, heldout_accuracy=0.9375, live_accuracy=0.875,
    live_accuracy_by_class={'apple': 1.0, 'mug': 0.75}, live_frames=80, classification_hz=14.5,
    latency_ms={'p50': 12.0, 'p99': 40.0}, net='resnet18', weights='none', input_size='64×64',
    setup_s=30.0, run_s=190.5, machine='2 cores')


def report(**changes: Any) -> Report:
    """One with some other figures."""
    return replace(_REPORT, **changes)
