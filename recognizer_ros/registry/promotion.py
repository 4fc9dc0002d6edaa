"""Which of two models goes live."""

from dataclasses import dataclass
from math import sqrt

from ..core.scores import Scores


@dataclass(frozen=True)
class Decision:
    """Whether to promote, and why: one sentence."""

    promote: bool
    reason: str


def decide(candidate: Scores, live: Scores | None, live_labels: tuple[str, ...],
           strict: bool) -> Decision:
    """Promote a candidate that scores no worse than the live model on the same samples, or knows a
    class that the live one does not.

    :param live: the live model's scores on the very samples of ``candidate``; ``None``: no model
        is live, or it cannot be scored any more.
    :param strict: only a better score is enough; else every epoch at 100 % would be a version.
        Else the score may be lower by its standard error: a head fitted on newer images must not
        be turned down by the luck of one or two held-out ones.
    """
    if not live_labels:
        return Decision(True, 'the first model')
    new = [label for label in candidate.labels if label not in live_labels]
    if new:
        return Decision(True, 'it knows ' + ', '.join(new))
    if live is None:
        return Decision(True, 'the live version cannot be used any more')
    if not candidate.samples:
        return Decision(not strict, 'nothing is held out to compare by')
    return _compared(candidate, live, strict)


def _compared(candidate: Scores, live: Scores, strict: bool) -> Decision:
    ours, theirs = candidate.headline, live.headline
    said = f'held-out score {ours:.3f} against {theirs:.3f} of the live version: '
    luck = sqrt(theirs * (1 - theirs) / candidate.samples)
    if ours > theirs:
        return Decision(True, said + 'better')
    if strict:
        return Decision(False, said + 'not better')
    if ours == theirs:
        return Decision(True, said + 'no worse')
    return (Decision(True, said + f'no worse by more than its standard error, {luck:.3f}')
            if ours >= theirs - luck else Decision(False, said + 'worse'))
