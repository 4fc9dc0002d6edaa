"""What the page shows of the robot at a moment; one field each of the sections sent to it."""

from dataclasses import dataclass

from ..core.labels import LabelMode


@dataclass(frozen=True)
class Dataset:
    """Newest DatasetStatus. ``online`` is false while no recorder answers."""

    online: bool = False
    revision: int = 0
    samples: int = 0
    validation_samples: int = 0
    bursts: int = 0
    classes: tuple[str, ...] = ()
    class_samples: tuple[int, ...] = ()
    class_bursts: tuple[int, ...] = ()
    recording: bool = False
    active_tags: tuple[str, ...] = ()
    burst: int = 0
    burst_samples: int = 0
    dropped: int = 0
    duplicates: int = 0
    pending: int = 0
    error: str = ''


@dataclass(frozen=True)
class Training:
    """Newest TrainingStatus. ``state`` is the constant's name in lower case, without STATE_."""

    online: bool = False
    enabled: bool = False
    state: str = 'off'
    message: str = ''
    net: str = ''
    label_mode: str = ''
    epoch: int = 0
    epochs: int = 0
    epoch_images: int = 0
    images: int = 0
    loss: float | None = None
    train_accuracy: float | None = None
    images_per_s: float = 0.0
    eta_s: float | None = None
    best_accuracy: float | None = None
    live_version: int = 0
    classes: tuple[str, ...] = ()
    class_samples: tuple[int, ...] = ()


@dataclass(frozen=True)
class Result:
    """One label and its score, 0 to 1."""

    label: str
    score: float


@dataclass(frozen=True)
class Classification:
    """Newest answer of the classifier.

    :param stamp_ns: when the image was captured.
    :param results: best first; empty when nothing passed the threshold.
    :param rate_hz: answers a second, lately.
    """

    online: bool = False
    enabled: bool = False
    version: int = 0
    label_mode: LabelMode | None = None
    labels: tuple[str, ...] = ()
    stamp_ns: int = 0
    results: tuple[Result, ...] = ()
    rate_hz: float = 0.0
    threshold: float = 0.0
    smoothing: float = 0.0


@dataclass(frozen=True)
class Alert:
    """Something went wrong, or did not.

    :param id: counts up; :param time_ms: Unix time; :param level: info, warning or error.
    :param category: node it is about; :param duration_ms: 0: stays until replaced.
    """

    id: int
    time_ms: int
    level: str
    category: str
    message: str
    duration_ms: int = 0


@dataclass(frozen=True)
class State:
    """Everything the page shows, at one moment.

    ``tags`` and ``recording`` are what this server was told; ``dataset`` is what the recorder
    does.
    """

    tags: tuple[str, ...] = ()
    recording: bool = False
    dataset: Dataset = Dataset()
    training: Training = Training()
    classification: Classification = Classification()
    alerts: tuple[Alert, ...] = ()
