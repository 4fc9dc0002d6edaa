"""Settings of each node, declared once: ROS parameters and command-line options are made of these.

Names follow the original Recognizer's command line where it had the option.
"""

import dataclasses
import difflib
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, cast

from .errors import ConfigError

Value = bool | int | float | str
ConfigT = TypeVar('ConfigT')


@dataclass(frozen=True)
class Setting:
    """What is known of one field besides its name, type and default.

    :param doc: meaning, unit, and what special values do.
    :param minimum: smallest allowed value; ``None``: no limit. Likewise ``maximum``.
    :param choices: the allowed values; empty: any.
    :param live: may change while the node is active.
    """

    doc: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False


def setting(default: Value, doc: str, minimum: float | None = None, maximum: float | None = None,
            choices: tuple[str, ...] = (), live: bool = False) -> Any:
    """Return a dataclass field that carries a :class:`Setting`."""
    about = Setting(doc, minimum, maximum, choices, live)
    return field(default=default, metadata={'setting': about})


def settings(config: type[Any]) -> dict[str, Setting]:
    """Return the :class:`Setting` of each field, by name, in the order of declaration."""
    return {item.name: item.metadata['setting'] for item in fields(config)}


def default_of(config: type[Any], name: str) -> Value:
    """Return the default value of a field."""
    return cast(Value, next(item.default for item in fields(config) if item.name == name))


def check(config: type[Any], name: str, value: Value) -> None:
    """Check one value against type, range and choices.

    :raises ConfigError: naming the setting and what it allows.
    """
    known = settings(config)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise ConfigError(f'unknown setting {name!r}' + (f': did you mean {near[0]!r}?' if near
                                                         else ''))
    about, kind = known[name], type(default_of(config, name))
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not ((numeric and kind is float) or type(value) is kind):
        raise ConfigError(f'{name} must be of type {kind.__name__}, not {value!r}')
    if numeric and not _within(float(value), about):
        raise ConfigError(f'{name} must be {allowed(about)}, not {value}')
    if about.choices and value not in about.choices:
        raise ConfigError(f'{name} must be {allowed(about)}, not {value!r}')


def allowed(about: Setting) -> str:
    """Return what a setting allows, for people."""
    if about.choices:
        return 'one of ' + ', '.join(about.choices)
    if about.minimum is not None and about.maximum is not None:
        return f'between {about.minimum} and {about.maximum}'
    if about.minimum is not None:
        return f'at least {about.minimum}'
    return f'at most {about.maximum}' if about.maximum is not None else 'anything'


def replace(config: ConfigT, changes: dict[str, Value]) -> ConfigT:
    """Return a copy with changed values, all of them checked first.

    :raises ConfigError: a name or value is not allowed.
    """
    for name, value in changes.items():
        check(type(config), name, value)
    return dataclasses.replace(config, **changes)  # type: ignore[type-var]


def _within(value: float, about: Setting) -> bool:
    above = about.minimum is None or value >= about.minimum
    return above and (about.maximum is None or value <= about.maximum)


@dataclass(frozen=True)
class CameraConfig:
    """Node ``camera``."""

    input: str = setting('/dev/video0', 'Source: /dev/videoN, csi://N, rtsp://HOST/PATH, '
                         'http://HOST/PATH, file://PATH, folder://PATH, webrtc://, topic://NAME '
                         'or pattern://[OBJECT][?seed=N]; see docs/sources.md. Can change while '
                         'running.', live=True)
    input_width: int = setting(640, 'Width of the frames, pixels. Sources of another size are '
                               'scaled; 0: as the source gives them.', 0, 8192)
    input_height: int = setting(480, 'Height of the frames, pixels. 0: as the source gives them.',
                                0, 8192)
    input_rate: float = setting(30.0, 'Frames per second, at most.', 0.1, 240.0)
    input_codec: str = setting('auto', 'What a /dev/videoN sends; auto: mjpeg.',
                               choices=('auto', 'mjpeg', 'raw', 'h264', 'h265'))
    input_flip: str = setting('none', 'How frames are turned; clockwise and counterclockwise by '
                              'a quarter.',
                              choices=('none', 'counterclockwise', 'rotate-180', 'clockwise',
                                       'horizontal', 'upper-right-diagonal', 'vertical',
                                       'upper-left-diagonal'))
    input_latency: int = setting(100, 'Longest wait for late packets of rtsp:// over UDP, '
                                 'milliseconds.', 0, 10_000)
    input_loop: bool = setting(True, 'Start a file or folder again at its end.')
    frame_id: str = setting('camera', 'TF frame named in every image header.')
    camera_info: str = setting('', 'Calibration file as camera_calibration writes it: path, '
                               'file:// or package://PACKAGE/PATH. Published on camera_info with '
                               'each image. Empty: none.')
    jpeg_quality: int = setting(90, 'JPEG quality of image_raw/compressed.', 1, 100, live=True)
    viewers: int = setting(8, 'WebRTC viewers at a time, at most.', 0, 64)
    udp_ports: str = setting('', 'UDP ports of WebRTC, such as 50000-50100: one for each peer and '
                             'network address. Empty: any.')
    ice_servers: str = setting('', 'STUN and TURN servers of WebRTC, separated by commas: '
                               'stun:HOST:PORT, turn:USER:PASSWORD@HOST:PORT. Empty: none, as on '
                               'a local network.')


@dataclass(frozen=True)
class RecorderConfig:
    """Node ``recorder``."""

    data: str = setting('data', 'Folder of the data set; made when missing.')
    jpeg_quality: int = setting(95, 'JPEG quality of stored frames.', 1, 100, live=True)
    queue: int = setting(64, 'Frames that may wait to be written; more are dropped and counted.',
                         1, 1024)
    settle: float = setting(0.15, 'Time a frame waits for the Tags message that may belong to it, '
                            'seconds.', 0.0, 10.0)
    transport: str = setting('raw', 'Which images to record: raw takes image_raw, compressed '
                             'takes image_raw/compressed and stores JPEG files as they come.',
                             choices=('raw', 'compressed'))
    rate_limit: float = setting(0.0, 'Frames stored a second at most. 0: all.', 0.0, 1000.0,
                                live=True)
    near_duplicates: int = setting(0, 'Leave out a frame that differs from the last one stored in '
                                   'fewer than so many of the 64 bits of a difference hash; 4 is '
                                   'a good value. 0: store all.', 0, 64, live=True)
    disk_reserve: int = setting(500, 'Recording stops when less is left on the disk, MiB.', 0,
                                1_000_000, live=True)


@dataclass(frozen=True)
class TrainerConfig:
    """Node ``trainer``."""

    data: str = setting('data', 'Folder of the data set and the models.')
    net: str = setting('resnet18', 'Any torchvision classification network.')
    net_width: int = setting(224, 'Width of the network input, pixels.', 32, 1024)
    net_height: int = setting(224, 'Height of the network input, pixels.', 32, 1024)
    weights: str = setting('imagenet', 'Initial weights: imagenet (downloaded once), none, or the '
                           'path of a safetensors file.')
    batch_size: int = setting(16, 'Images in a training step.', 1, 4096)
    workers: int = setting(2, 'Threads that decode images.', 1, 64)
    threads: int = setting(0, 'CPU threads for training. 0: all cores but one, which is left to '
                           'the classifier; in the foreground, all.', 0, 256)
    background: bool = setting(True, 'Train only when nothing else wants the CPU (SCHED_IDLE), so '
                               'that the classifier comes first.')
    optimizer: str = setting('adam', 'Optimizer of fine-tuning.', choices=('adam', 'sgd'))
    learning_rate: float = setting(0.001, 'Learning rate for batches of 32; scaled for others.',
                                   1e-7, 10.0)
    augmentation: bool = setting(True, 'Colour jitter, crop and horizontal flip while training.')
    epochs: int = setting(0, 'Epochs of fine-tuning at most. 0: until the held-out score stops '
                          'rising.', 0, 10_000)
    patience: int = setting(5, 'Epochs without a better held-out score after which fine-tuning '
                            'rests until there is new data.', 1, 1000)
    label_mode: str = setting('auto', 'auto: multi when some sample has several tags.',
                              choices=('auto', 'single', 'multi'))
    enabled: bool = setting(True, 'Train. The service trainer/set_enabled changes it.', live=True)
    cache_limit: int = setting(1000, 'Room on the disk for features of samples, kept so that a '
                               'head is fitted at once, MiB.', 1, 1_000_000)
    gpu_memory: int = setting(0, 'The most that training takes of the memory of the GPU, MiB. 0: '
                              'all.', 0, 10_000_000)
    auto_promote: bool = setting(True, 'Make a version live when it is good enough. Off: it waits '
                                 'in the list of models until somebody activates it.', live=True)
    keep_versions: int = setting(20, 'Model versions kept on disk; the live one and the one '
                                 'before are never removed.', 2, 1000)
    print_freq: int = setting(10, 'Log every so many training steps, but not more than once a '
                              'second.', 1, 10_000, live=True)
    seed: int = setting(0, 'Seed of all random choices in training.', 0, 2**31 - 1)


@dataclass(frozen=True)
class ClassifierConfig:
    """Node ``classifier``."""

    threshold: float = setting(0.001, 'Smallest score of a published result.', 0.0, 1.0, live=True)
    smoothing: float = setting(0.0, '0 or 1: off; below 1: weight of the newest frame; above 1: '
                               'mean over so many frames.', 0.0, 100.0, live=True)
    top_k: int = setting(5, 'Results published for a frame, at most.', 1, 1000, live=True)
    unknown: float = setting(0.0, 'Answer "unknown" to an image that is stranger than all but '
                             'this share of the held-out images. 0: never; 0.05 is a good value.',
                             0.0, 0.5, live=True)
    events_min_frames: int = setting(5, 'Frames in a row that decide that a label has come or '
                                     'gone: topic events.', 1, 1000, live=True)
    events_min_score: float = setting(0.6, 'Smallest score of a label that is there.', 0.0, 1.0,
                                      live=True)
    events_labels: str = setting('', 'Labels that events are told of, separated by commas. Empty: '
                                 'all.', live=True)
    keep_uncertain: int = setting(24, 'Frames that the model was not sure of, kept in memory for '
                                  'a person to tag; at most one in five seconds. 0: none.', 0, 256,
                                  live=True)
    transport: str = setting('raw', 'Which images to classify: raw takes image_raw, compressed '
                             'takes image_raw/compressed.', choices=('raw', 'compressed'))
    backend: str = setting('auto', 'What runs the network; auto: the first of these that works.',
                           choices=('auto', 'tensorrt', 'cuda', 'jetson_inference', 'cpu'))
    precision: str = setting('fp16', 'Of networks on a GPU; fp16 is faster, with CUDA as TF32.',
                             choices=('fp16', 'fp32'))
    threads: int = setting(0, 'CPU threads for inference. 0: all cores.', 0, 256)
    cache: str = setting('~/.cache/recognizer_ros', 'Folder of networks fetched from another '
                         'machine, and of those that TensorRT has compiled.')
    cache_limit: int = setting(4000, 'Room on the disk for it, MiB.', 1, 1_000_000)
    enabled: bool = setting(True, 'Classify. The service classifier/set_enabled changes it.',
                            live=True)


@dataclass(frozen=True)
class WebConfig:
    """Node ``web``."""

    host: str = setting('127.0.0.1', 'Address to listen on. 127.0.0.1: this machine only. '
                        '0.0.0.0: all networks; then HTTPS and a token are needed.')
    port: int = setting(8050, 'TCP port. 0: any free one.', 0, 65535)
    ssl_key: str = setting('', 'Private key file; with ssl_cert the page is served over HTTPS.')
    ssl_cert: str = setting('', 'Certificate file.')
    access: str = setting('~/.recognizer', 'Folder of tokens, certificate and audit log; used '
                          'where host is not this machine itself.')
    title: str = setting('Recognizer', 'Title of the page.')
    lease: float = setting(60.0, 'Longest time Record holds without a sign of life from the one '
                           'who holds it, seconds.', 1.0, 120.0, live=True)
    upload_limit: int = setting(32, 'Largest upload, MiB.', 1, 1024)
    streams: int = setting(64, 'Video viewers and event streams at a time, each.', 1, 256)


NODES: dict[str, type[Any]] = {
    'camera': CameraConfig,
    'classifier': ClassifierConfig,
    'recorder': RecorderConfig,
    'trainer': TrainerConfig,
    'web': WebConfig,
}
