"""Every error that a user can cause. Each message is one line: what is wrong, and the way out."""


class RecognizerError(Exception):
    """Base of all errors below; ``str()`` of it can be shown to a person as it is."""


class ConfigError(RecognizerError):
    """An option or parameter has a value that is not allowed."""


class LabelError(RecognizerError):
    """A tag or class name cannot be used."""


class SourceError(RecognizerError):
    """A camera source cannot be opened or read."""


class ImageError(RecognizerError):
    """Bytes or a message that should be an image are not one that can be used."""


class DatasetError(RecognizerError):
    """The data set cannot do what was asked."""


class NotFoundError(DatasetError):
    """A sample or class is not in the data set."""


class ConflictError(DatasetError):
    """Somebody else changed what an edit is about; nothing was changed."""


class DataVersionError(RecognizerError):
    """The data folder was written by another version of this program."""


class DataLockedError(RecognizerError):
    """Another process already writes to this data folder."""


class DiskFullError(RecognizerError):
    """Too little room is left on the disk."""


class TrainingError(RecognizerError):
    """Training cannot start or go on."""


class NetError(TrainingError):
    """The network is unknown or cannot be trained with these settings."""


class WeightsError(TrainingError):
    """Initial weights cannot be loaded."""


class ExportError(TrainingError):
    """A trained network could not be exported, or the export answers differently."""


class ModelError(RecognizerError):
    """A model version is missing, damaged, or not what its description says."""


class PortInUseError(RecognizerError):
    """Another program already listens on the port."""


class AccessError(RecognizerError):
    """The tokens or the certificate of the page cannot be read, written or used."""


class NodeUnavailableError(RecognizerError):
    """A node that is needed does not answer."""


class DemoError(RecognizerError):
    """The demo could not do its job."""


class NegotiationError(RecognizerError):
    """A WebRTC peer cannot have what it asks for. :ivar status: of HTTP, 4xx or 503."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
