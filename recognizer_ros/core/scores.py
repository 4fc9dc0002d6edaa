"""How well a model does: values only; :mod:`recognizer_ros.inference.scoring` computes them."""

from dataclasses import dataclass, field

from .labels import LabelMode


@dataclass(frozen=True)
class ClassScore:
    """One class.

    :param support: samples of the class that were scored.
    :param change: recall less that of the version live before, on the same samples: below 0 the
        class was forgotten in part; NaN: that version did not know it, or there was none.
    """

    precision: float
    recall: float
    f1: float
    support: int
    change: float = float('nan')


@dataclass(frozen=True)
class Scores:
    """Scores in 0..1 on samples that were not trained on; NaN where undefined.

    :param samples: how many were scored; 0 means that no figure holds.
    :param confusion: rows true, columns answered, in the order of ``labels``; empty for multi.
    :param warning: why to take them with care; empty when there is no known reason.
    """

    samples: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    mean_average_precision: float
    calibration_error: float
    labels: tuple[str, ...] = ()
    per_class: tuple[ClassScore, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    warning: str = ''
    mode: LabelMode = field(default='single')

    @property
    def headline(self) -> float:
        """The figure that versions are compared by: accuracy (single) or macro-F1 (multi)."""
        return self.accuracy if self.mode == 'single' else self.macro_f1
