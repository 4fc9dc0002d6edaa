"""Which of two models goes live."""

from collections.abc import Callable
from dataclasses import dataclass

from ..core.scores import Scores


@dataclass(frozen=True)
class Decision:
    """Whether to promote, and why: one sentence."""

    promote: bool
    reason: str


def decide(candidate: Scores, live: Callable[[], Scores | None], live_labels: tuple[str, ...],
           strict: bool) -> Decision:
    """Promote a candidate that scores no worse than the live model on the same samples, or knows a
    class that the live one does not.

    :param live: the live model's scores on the very samples of ``candidate``; asked only when they
        matter. ``None``: no model is live, or it cannot be scored any more.
    :param strict: an equal score is not enough; else every epoch at 100 % would be a version.
    """
    if not live_labels:
        return Decision(True, 'the first model')
    new = [label for label in candidate.labels if label not in live_labels]
    if new:
        return Decision(True, 'it knows ' + ', '.join(new))
    scores = live()
    if scores is None:
        return Decision(True, 'the live version cannot be used any more')
    if not candidate.samples:
        return Decision(not strict, 'nothing is held out to compare by')
    ours, theirs = candidate.headline, scores.headline
    said = f'held-out score {ours:.3f} against {theirs:.3f} of the live version'
    return Decision(ours > theirs if strict else ours >= theirs, said)
