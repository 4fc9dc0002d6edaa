"""Topics, services and action of each node, for docs/reference.md.

test/docs/test_reference.py holds this table against the running nodes.
"""

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What a node does with a name."""

    PUBLISHES = 'publishes'
    SUBSCRIBES = 'subscribes'
    SERVES = 'serves'
    CALLS = 'calls'
    ACTS = 'serves the action'


@dataclass(frozen=True)
class Qos:
    """Quality of service. :param latched: transient local: who comes later gets the last one."""

    reliable: bool
    latched: bool
    depth: int

    def __str__(self) -> str:
        kind = 'reliable' if self.reliable else 'best effort'
        return f'{kind}, {"transient local, " if self.latched else ""}depth {self.depth}'


IMAGE = Qos(reliable=False, latched=False, depth=1)
RECORDED = Qos(reliable=False, latched=False, depth=10)
QUEUE = Qos(reliable=True, latched=False, depth=10)
LATCHED = Qos(reliable=True, latched=True, depth=1)


@dataclass(frozen=True)
class Endpoint:
    """One name that one node uses.

    :param name: relative to the namespace, or absolute. :param qos: of topics only.
    """

    node: str
    role: Role
    name: str
    type: str
    doc: str
    qos: Qos | None = None


_IMAGE, _JPEG = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
_ANSWER, _LABELS = 'vision_msgs/msg/Classification', 'vision_msgs/msg/LabelInfo'
_VISION, _TAGS = 'vision_msgs/msg/VisionInfo', 'recognizer_ros/msg/Tags'
_DATASET, _TRAINING = 'recognizer_ros/msg/DatasetStatus', 'recognizer_ros/msg/TrainingStatus'
_UPDATE, _HEALTH = 'recognizer_ros/msg/ModelUpdate', 'diagnostic_msgs/msg/DiagnosticArray'
_SWITCH, _ADD = 'std_srvs/srv/SetBool', 'recognizer_ros/srv/AddSample'
_SET, _GET = 'rcl_interfaces/srv/SetParameters', 'rcl_interfaces/srv/GetParameters'
_LIST, _SAMPLE = 'recognizer_ros/srv/ListSamples', 'recognizer_ros/srv/GetSample'
_EDIT, _UNDO = 'recognizer_ros/srv/EditSamples', 'recognizer_ros/srv/Undo'
_PEER, _REVIEW = 'recognizer_ros/srv/Negotiate', 'recognizer_ros/srv/Review'
_ADVISE, _CURVES = 'recognizer_ros/srv/Advise', 'recognizer_ros/srv/GetCurves'
_SINGLE = 'recognizer_ros/srv/ClassifyImage'
_UNSURE = 'recognizer_ros/srv/ListUncertain'
_PUB, _SUB, _SRV, _CALL = Role.PUBLISHES, Role.SUBSCRIBES, Role.SERVES, Role.CALLS
_NODES = ('camera', 'recorder', 'trainer', 'classifier', 'web')

ENDPOINTS = (
    Endpoint('camera', _PUB, 'image_raw', _IMAGE, 'Frames of the source, bgr8.', IMAGE),
    Endpoint('camera', _PUB, 'image_raw/compressed', _JPEG,
             'The same as JPEG; encoded only while somebody subscribes.', IMAGE),
    Endpoint('camera', _SRV, 'negotiate', _PEER,
             'Offers and hang-ups of WebRTC peers: see [WebRTC](webrtc.md).'),
    Endpoint('camera', _PUB, 'camera_info', 'sensor_msgs/msg/CameraInfo',
             'The calibration with the header of each image, where `camera_info` names one.',
             IMAGE),

    Endpoint('recorder', _SUB, 'image_raw', _IMAGE, 'Frames to store while Record is held.',
             RECORDED),
    Endpoint('recorder', _SUB, 'tags', _TAGS, 'Who holds Record, and with which tags.', QUEUE),
    Endpoint('recorder', _PUB, 'dataset', _DATASET,
             'State of the data set, on every change and once a second while recording.', LATCHED),
    Endpoint('recorder', _SRV, 'add_sample', _ADD, 'Store one image file.'),
    Endpoint('recorder', _SRV, 'list_samples', _LIST, 'A page of the stored samples.'),
    Endpoint('recorder', _SRV, 'get_sample', _SAMPLE, 'A sample with its image.'),
    Endpoint('recorder', _SRV, 'edit_samples', _EDIT,
             'Tags, classes, splits; delete, quarantine, restore, purge.'),
    Endpoint('recorder', _SRV, 'undo', _UNDO, 'Take back the last edit, or do it again.'),

    Endpoint('trainer', _SUB, 'dataset', _DATASET, 'Tells when there is something to learn.',
             LATCHED),
    Endpoint('trainer', _PUB, 'training', _TRAINING,
             'What the trainer does, on every change and at most 5 times a second.', LATCHED),
    Endpoint('trainer', _PUB, 'model', _UPDATE, 'The version that is live.', LATCHED),
    Endpoint('trainer', _SRV, 'trainer/set_enabled', _SWITCH, 'Turn learning on or off.'),
    Endpoint('trainer', _SRV, 'list_models', 'recognizer_ros/srv/ListModels',
             'All versions with their scores, newest first.'),
    Endpoint('trainer', _SRV, 'activate_model', 'recognizer_ros/srv/ActivateModel',
             'Make a version live: promote by hand, or roll back.'),
    Endpoint('trainer', _SRV, 'get_model', 'recognizer_ros/srv/GetModel',
             "A piece of a version's ONNX file."),
    Endpoint('trainer', _SRV, 'review', _REVIEW,
             'How the live version answers the held-out samples as they are now.'),
    Endpoint('trainer', _SRV, 'advise', _ADVISE, 'What to record or to mend next, and why.'),
    Endpoint('trainer', _SRV, 'get_curves', _CURVES,
             'Loss and held-out scores of each head and epoch.'),
    Endpoint('trainer', _CALL, 'edit_samples', _EDIT,
             'Set samples aside whose image cannot be used.'),
    Endpoint('trainer', Role.ACTS, 'train', 'recognizer_ros/action/Train',
             'Train once, now, whatever the switch says.'),

    Endpoint('classifier', _SUB, 'image_raw', _IMAGE,
             'Frames to classify; always the newest, older ones are dropped and counted. With '
             '`transport` compressed: `image_raw/compressed`.', IMAGE),
    Endpoint('classifier', _SUB, 'model', _UPDATE, 'The version to use.', LATCHED),
    Endpoint('classifier', _PUB, 'classification', _ANSWER,
             'One message for each classified frame, with the header of the image; `class_id` is '
             'the label; no results when nothing passes the threshold.', QUEUE),
    Endpoint('classifier', _PUB, 'events', 'recognizer_ros/msg/LabelEvent',
             'A label has come, or is gone: see [events](events.md).', QUEUE),
    Endpoint('classifier', _PUB, 'image_overlay', _IMAGE,
             'The frame with its results drawn in; only while somebody subscribes.', IMAGE),
    Endpoint('classifier', _PUB, 'explanation', _IMAGE, 'What `explain` answered last.', QUEUE),
    Endpoint('classifier', _PUB, 'label_info', _LABELS, 'Labels of the model in use.', LATCHED),
    Endpoint('classifier', _PUB, 'vision_info', _VISION,
             'Network and backend in use; `database_version` is the model version.', LATCHED),
    Endpoint('classifier', _SRV, 'classifier/set_enabled', _SWITCH,
             'Turn classification on or off.'),
    Endpoint('classifier', _SRV, 'explain', 'recognizer_ros/srv/Explain',
             'Where in the newest frame a label was seen.'),
    Endpoint('classifier', _SRV, 'classify_image', _SINGLE,
             'What the live model says of an image file.'),
    Endpoint('classifier', _SRV, 'list_uncertain', _UNSURE,
             'Frames that the model was not sure of, for a person to tag.'),
    Endpoint('classifier', _CALL, 'get_model', 'recognizer_ros/srv/GetModel',
             'A network that is not on this machine.'),

    Endpoint('web', _PUB, 'tags', _TAGS, 'Record, as held on the page; sender `web`.', QUEUE),
    Endpoint('web', _SUB, 'dataset', _DATASET, 'Shown on the page.', LATCHED),
    Endpoint('web', _SUB, 'training', _TRAINING, 'Shown on the page.', LATCHED),
    Endpoint('web', _SUB, 'label_info', _LABELS, 'Shown on the page.', LATCHED),
    Endpoint('web', _SUB, 'vision_info', _VISION, 'Shown on the page.', LATCHED),
    Endpoint('web', _SUB, 'classification', _ANSWER, 'Shown on the page.', QUEUE),
    Endpoint('web', _SUB, 'image_raw/compressed', _JPEG,
             'The video; subscribed only while somebody looks.', IMAGE),
    Endpoint('web', _SUB, '/diagnostics', _HEALTH, "The page's messages.", QUEUE),
    Endpoint('web', _CALL, 'add_sample', _ADD, 'Uploads.'),
    Endpoint('web', _CALL, 'list_samples', _LIST, 'REST of the stored samples.'),
    Endpoint('web', _CALL, 'get_sample', _SAMPLE, 'REST of the stored samples.'),
    Endpoint('web', _CALL, 'edit_samples', _EDIT, 'REST of the stored samples.'),
    Endpoint('web', _CALL, 'undo', _UNDO, 'REST of the stored samples.'),
    Endpoint('web', _CALL, 'negotiate', _PEER, 'WHIP and WHEP.'),
    Endpoint('web', _CALL, 'list_models', 'recognizer_ros/srv/ListModels',
             'Versions on the page.'),
    Endpoint('web', _CALL, 'activate_model', 'recognizer_ros/srv/ActivateModel',
             'Another version, or the one before, on the page.'),
    Endpoint('web', _CALL, 'review', _REVIEW, 'Mistakes, on the page.'),
    Endpoint('web', _CALL, 'advise', _ADVISE, 'Coach, on the page.'),
    Endpoint('web', _CALL, 'get_curves', _CURVES, 'Curves, on the page.'),
    Endpoint('web', _CALL, 'classify_image', _SINGLE, 'REST: what the model says of an image.'),
    Endpoint('web', _CALL, 'list_uncertain', _UNSURE, 'Not sure, on the page.'),
    Endpoint('web', _CALL, 'trainer/set_enabled', _SWITCH, 'The switch on the page.'),
    Endpoint('web', _CALL, 'classifier/set_enabled', _SWITCH, 'The switch on the page.'),
    Endpoint('web', _CALL, 'classifier/set_parameters', _SET, 'Threshold and smoothing.'),
    Endpoint('web', _CALL, 'classifier/get_parameters', _GET, 'Threshold and smoothing.'),

    *(Endpoint(node, _PUB, '/diagnostics', _HEALTH, 'State, once a second.', QUEUE)
      for node in _NODES),
)
