"""Which of two models goes live."""

from dataclasses import dataclass

from ..core.scores import Scores


@dataclass(frozen=True)
class Decision:
    """Whether to promote, and why: one sentence."""

    promote: bool
    reason: str


def decide(candidate: Scores, live: Scores | None, candidate_labels: tuple[str, ...],
           live_labels: tuple[str, ...]) -> Decision:
    """Promote a candidate that scores no worse than the live model on the same samples, or knows a
    class that the live one does not.

    :param live: the live model's scores on the very samples of ``candidate``; ``None``: no model
        is live, or it cannot be scored any more.
    """
    if live is None:
        return Decision(True, 'the first model')
    new = [label for label in candidate_labels if label not in live_labels]
    if new:
        return Decision(True, 'it knows ' + ', '.join(new))
    if not candidate.samples:
        return Decision(True, 'nothing is held out to compare by')
    ours, theirs = candidate.headline, live.headline
    said = f'held-out score {ours:.3f} against {theirs:.3f} of the live version'
    return Decision(ours >= theirs, said)
