"""What to record or to mend next, from what is known of the samples: pure functions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.insight import MOST_SAMPLES, Advice, Kind
from ..core.predictions import Floats
from ..core.split import dominant
from ..dataset.reader import Sample
from . import duplicates, looks, wrong_tags
from .known_features import Ints
from .looks import LIGHT
from .review import Review
from .wrong_tags import Suspects

LOOKED_AT = 24
"""Pictures of a class that are looked at, at most."""
_LEAST_SAMPLES, _MANY_TIMES = 20, 4
_LEAST_MISTAKES, _OFTEN, _MOST_PAIRS = 3, 0.1, 3
_MOSTLY, _MOST_TWINS = 0.5, 12
_LEAST_PICTURES, _BRIGHTNESS_STOPS, _COLOUR_STOPS = 12, 0.2, 0.1
_COUNTED = 'counted; a head on frozen features still gains much up to some 16 images a class ' \
           '(Radford et al., 2021, fig. 6)'
_GROUPED = 'counted; held-out images must come from other scenes than those trained on (Roberts ' \
           'et al., "Cross-validation strategies for data with … structure", 2017)'
_BALANCED = 'counted; rare classes suffer from it (Buda, Maki and Mazurowski, 2018)'
_CONFUSED = 'confusion matrix of model version {} on {} held-out images, whose bursts were held ' \
            'out whole (Stehman, 1997)'


@dataclass(frozen=True)
class Known:
    """Samples with one tag whose features are known, oldest first.

    :param rows: features, shape (n, features).
    """

    samples: tuple[Sample, ...]
    rows: Floats

    def places(self, label: str) -> Ints:
        """Where a class is."""
        return np.array([place for place, sample in enumerate(self.samples)
                         if sample.tags[0] == label], np.int64)


def by_class(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """The samples of each class, classes sorted."""
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        for tag in sample.tags:
            found[tag].append(sample)
    return dict(sorted(found.items()))


def spread_out(samples: Sequence[Sample], most: int) -> list[Sample]:
    """So many at most, evenly spread over them."""
    return [samples[place * len(samples) // most] for place in range(most)] \
        if len(samples) > most else list(samples)


def too_few(classes: Mapping[str, Sequence[Sample]]) -> list[Advice]:
    """Classes short of images, of bursts, or far behind the largest one."""
    counts = {label: len(samples) for label, samples in classes.items()}
    few = [_few_samples(label, count) for label, count in counts.items()
           if count < _LEAST_SAMPLES]
    for label, samples in classes.items():
        bursts = Counter(sample.burst for sample in samples)
        if dominant(bursts) is not None:
            few.append(_few_bursts(label, len(bursts)))
    most = max(counts, key=lambda label: counts[label], default='')
    rare = {label: count for label, count in counts.items()
            if count >= _LEAST_SAMPLES and counts[most] >= _MANY_TIMES * count}
    return [*few, *([_imbalance(rare, most, counts[most])] if rare else [])]


def _few_samples(label: str, count: int) -> Advice:
    return Advice(
        Kind.FEW_SAMPLES, 1 - 0.5 * count / _LEAST_SAMPLES, (label,),
        f'Record {_LEAST_SAMPLES - count} or more further images of “{label}”.',
        f'“{label}” has {_images(count)}; {_LEAST_SAMPLES} are the least to go on.', _COUNTED)


def _few_bursts(label: str, bursts: int) -> Advice:
    found = ('was recorded in a single burst' if bursts == 1
             else f'lies almost wholly in one of its {bursts} bursts')
    return Advice(
        Kind.FEW_BURSTS, 0.8, (label,),
        f'Press Record once more for “{label}”, in another place and another light.',
        f'“{label}” {found}, so its score is of images like those it was trained on.', _GROUPED)


def _imbalance(rare: Mapping[str, int], most: str, count: int) -> Advice:
    least = min(rare, key=lambda label: rare[label])
    ratio = count / rare[least]
    return Advice(
        Kind.IMBALANCE, min(0.6, 0.1 * ratio / _MANY_TIMES + 0.2), (*rare, most),
        f'Record more of {_listed(rare)}.',
        f'“{most}” has {count} images, “{least}” {rare[least]}: {ratio:.0f} times as many.',
        _BALANCED)


def confused_pairs(review: Review) -> list[Advice]:
    """Pairs of classes that are taken for each other, the worst three."""
    table = review.confusion
    support = np.maximum(table.sum(1), 1)
    found = []
    for one, other in zip(*np.triu_indices(len(table), 1), strict=True):
        mistakes = int(table[one, other] + table[other, one])
        share = max(table[one, other] / support[one], table[other, one] / support[other])
        if mistakes >= _LEAST_MISTAKES and share >= _OFTEN:
            found.append(_pair(review, review.labels[one], review.labels[other], float(share)))
    return sorted(found, key=lambda advice: -advice.weight)[:_MOST_PAIRS]


def _pair(review: Review, one: str, other: str, share: float) -> Advice:
    cells = [review.cell(one, other), review.cell(other, one)]
    scored = sorted(((score, name) for names, scores in cells
                     for name, score in zip(names, scores, strict=True)), reverse=True)
    return Advice(
        Kind.CONFUSED_PAIR, min(0.9, 0.4 + share), (one, other),
        f'Record “{one}” and “{other}” in the same places, from the sides that tell them apart.',
        f'Of the held-out images {len(cells[0][0])} of “{one}” were taken for “{other}”, and '
        f'{len(cells[1][0])} the other way round.',
        _CONFUSED.format(review.model_version, len(review.ids)),
        tuple(name for _, name in scored[:MOST_SAMPLES]))


def wrong_tagged(known: Known) -> list[Advice]:
    """Tags that are probably wrong."""
    labels = sorted({sample.tags[0] for sample in known.samples})
    index = {label: place for place, label in enumerate(labels)}
    found = wrong_tags.suspects(
        known.rows, np.array([index[sample.tags[0]] for sample in known.samples], np.int64),
        np.array([sample.burst for sample in known.samples], np.int64))
    return [_doubtful(known, labels, found)] if len(found.places) else []


def _doubtful(known: Known, labels: Sequence[str], found: Suspects) -> Advice:
    some = found.places[:MOST_SAMPLES]
    count, total = len(found.places), len(known.samples)
    about = sorted({known.samples[place].tags[0] for place in some}
                   | {labels[place] for place in found.better[:MOST_SAMPLES]})
    return Advice(
        Kind.WRONG_TAGS, min(0.9, 0.5 + 5 * count / total), tuple(about),
        f'Look at {"this image" if count == 1 else f"these {_images(len(some))}"}: another tag '
        'seems to fit better.',
        f'For {count} of {total} images a model that has not seen them, and the images most like '
        'them, say another class.', wrong_tags.METHOD,
        tuple(known.samples[place].sha256 for place in some),
        tuple(labels[place] for place in found.better[:MOST_SAMPLES]))


@dataclass(frozen=True)
class Twins:
    """Images of a class that seem to be almost the same picture as an earlier one.

    :param share: of the images of the class. :param pairs: some of them with their twin.
    """

    label: str
    share: float
    pairs: tuple[tuple[Sample, Sample], ...]


def seeming_twins(known: Known) -> list[Twins]:
    """The dozen classes, at most, most of whose images seem to be twins; to be checked by their
    pictures."""
    rows, found = known.rows - known.rows.mean(0), []
    for label in sorted({sample.tags[0] for sample in known.samples}):
        places = known.places(label)
        twin = duplicates.twins(rows[places])
        share = float((twin >= 0).mean())
        if len(places) >= _LEAST_SAMPLES and share >= _MOSTLY:
            chosen = places[twin >= 0][::-(-int((twin >= 0).sum()) // LOOKED_AT)]
            of = dict(zip(places, places[twin], strict=True))
            found.append(Twins(label, share, tuple(
                (known.samples[place], known.samples[of[place]]) for place in chosen)))
    return sorted(found, key=lambda twins: -twins.share)[:_MOST_TWINS]


def near_duplicates(twins: Twins, pictures: Mapping[str, Floats]) -> list[Advice]:
    """What remains when their pictures are looked at: features of a class may coincide after
    fine-tuning though its images do not (Papyan, Han and Donoho, 2020)."""
    same = tuple(one.sha256 for one, other in twins.pairs
                 if one.sha256 in pictures and other.sha256 in pictures
                 and looks.alike(pictures[one.sha256], pictures[other.sha256]))
    share = twins.share * len(same) / len(twins.pairs)
    if share < _MOSTLY:
        return []
    return [Advice(
        Kind.NEAR_DUPLICATES, 0.3 * share, (twins.label,),
        f'Move the camera or the thing while you record “{twins.label}”.',
        f'About {share:.0%} of the images of “{twins.label}” are almost the same picture as an '
        'earlier one.', duplicates.METHOD, same[:MOST_SAMPLES])]


def one_light(label: str, samples: Sequence[Sample], pictures: Mapping[str, Floats]
              ) -> list[Advice]:
    """Whether all of a class were taken in the same light. :param samples: spread over it."""
    shown = [sample.sha256 for sample in samples if sample.sha256 in pictures]
    if len(shown) < _LEAST_PICTURES or len({sample.burst for sample in samples}) < 2:
        return []
    bright, colour = looks.spread(pictures[name] for name in shown)
    if bright >= _BRIGHTNESS_STOPS or colour >= _COLOUR_STOPS:
        return []
    return [Advice(
        Kind.ONE_LIGHT, 0.25, (label,),
        f'Record “{label}” in another light too: by a window, by a lamp, in the dark.',
        f'The images of “{label}” differ by {bright:.2f} stops in brightness and {colour:.2f} in '
        'colour.', LIGHT, tuple(shown))]


def _images(count: int) -> str:
    return '1 image' if count == 1 else f'{count} images'


def _listed(labels: Iterable[str]) -> str:
    return ', '.join(f'“{label}”' for label in labels)
