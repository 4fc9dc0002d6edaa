"""A network under training and its scores on held-out samples."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from safetensors.torch import save

from ..core.labels import LabelMode
from ..core.predictions import Floats, probabilities
from ..core.scores import Scores
from ..core.split import Split
from ..dataset.reader import Sample, Snapshot
from ..inference.model import Model
from ..inference.scoring import Bools, score
from .batches import Batches
from .nets import Net

_BATCH = 16


def held_out(snapshot: Snapshot, batches: Batches) -> list[Sample]:
    """The samples that versions are scored on."""
    return batches.usable(snapshot.part(Split.VALIDATION))


@torch.inference_mode()
def net_scores(net: Net, labels: tuple[str, ...], mode: LabelMode, snapshot: Snapshot,
               batches: Batches, stop: Callable[[], bool]) -> Scores | None:
    """Score a network on held-out samples; ``None`` when stopped between batches."""
    samples: list[Sample] = []
    rows: list[Floats] = []
    net.module.eval()
    for kept, inputs in batches.plain(held_out(snapshot, batches), _BATCH):
        samples += kept
        rows.append(net.module(inputs).float().cpu().numpy())
        if stop():
            return None
    logits = np.concatenate(rows) if rows else np.zeros((0, len(labels)), np.float32)
    return score(probabilities(logits, mode), truth(samples, labels), labels, mode,
                 snapshot.warning)


def model_scores(model: Model, labels: tuple[str, ...], mode: LabelMode, snapshot: Snapshot,
                 images: Callable[[Sample], Floats | None]) -> Scores:
    """Score a stored model on held-out samples, whatever its network and labels.

    :param labels: classes of the data; those that the model does not know count as answered wrong.
    :param images: the model's input of a sample; ``None``: unusable.
    """
    samples: list[Sample] = []
    rows: list[Floats] = []
    place = {label: position for position, label in enumerate(labels)}
    for sample in snapshot.part(Split.VALIDATION):
        batch = images(sample)
        if batch is None:
            continue
        answer = probabilities(model.backend.infer(batch)[0], model.bundle.label_mode)
        row = np.zeros(len(labels), np.float32)
        for label, value in zip(model.bundle.labels, answer, strict=True):
            if label in place:
                row[place[label]] = value
        samples.append(sample)
        rows.append(row)
    table = np.array(rows, np.float32).reshape(len(rows), len(labels))
    return score(table, truth(samples, labels), labels, mode, snapshot.warning)


def truth(samples: Sequence[Sample], labels: Sequence[str]) -> Bools:
    """Which labels hold, shape (samples, labels)."""
    return np.array([[label in sample.tags for label in labels] for sample in samples],
                    bool).reshape(len(samples), len(labels))


def weights_of(net: Net) -> bytes:
    """The network's weights as a safetensors file."""
    return save({name: tensor.detach().cpu().contiguous()
                 for name, tensor in net.module.state_dict().items()})


def backbone_sha256(net: Net) -> str:
    """SHA-256 of all weights but the last layer's."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.module.state_dict().items()):
        if not name.startswith(f'{net.head}.'):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
