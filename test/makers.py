"""Small real things for tests: images, image files, a network that tells colours, its bundle."""

import hashlib
import io
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from recognizer_ros.core.bundle import BACKBONE, HEAD, Bundle
from recognizer_ros.core.labels import LabelMode
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.core.scores import Scores
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.inference.head import Head
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend
from recognizer_ros.inference.preprocess import probe, to_input
from recognizer_ros.registry.store import Version

Pixels = npt.NDArray[np.uint8]

RED, GREEN, BLUE, WHITE, BLACK = (
    (0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0))
"""Colours in the order B, G, R."""
COLOURS = {'red': RED, 'green': GREEN, 'blue': BLUE}
SMALL = Preprocessing(width=8, height=6, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
NAN = float('nan')


def wait_for(condition: Callable[[], Any], deadline_s: float = 20.0) -> None:
    """Wait until something holds; fail when it does not in time."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, 'it did not happen in time'
        time.sleep(0.002)


def flat(colour: tuple[int, int, int], width: int = 32, height: int = 24) -> Pixels:
    """An image of one colour; B, G, R."""
    return np.full((height, width, 3), colour, np.uint8)


def noise(seed: int, width: int = 32, height: int = 24) -> Pixels:
    """An image like no other."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def jpeg(image: Pixels, quality: int = 90) -> bytes:
    """A JPEG file of a B, G, R image."""
    ok, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert ok
    return data.tobytes()


def picture(image: Pixels, kind: str, **options: Any) -> bytes:
    """A file of any kind that Pillow writes, of a B, G, R image."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image[:, :, ::-1])).save(file, kind, **options)
    return file.getvalue()


def photo(path: Path, data: bytes) -> Path:
    """A file in a folder that is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def sample(seed: int, tags: tuple[str, ...], burst: int, stamp_ns: int = 0,
           source: str = 'test') -> NewSample:
    """A sample whose bytes depend on the seed alone."""
    return NewSample(jpeg(noise(seed)), tags, stamp_ns or seed + 1, burst, source, 32, 24)


def record(store: SampleStore, tags: tuple[str, ...], seeds: Iterable[int]) -> int:
    """Store a burst of samples; return its id."""
    burst = store.begin_burst('test', tags)
    store.add([sample(seed, tags, burst) for seed in seeds])
    return burst


def fill(store: SampleStore, count: int, burst_size: int,
         classes: tuple[str, ...] = ('mug',)) -> tuple[str, ...]:
    """Many rows at once, without image files: for lists and edits, until the next start.

    Sample N has the stamp N + 1; each burst has the next class.
    """
    first = store.begin_burst('test', classes)
    index, db = store._index, store._index.db
    names = [hashlib.sha256(b'%d' % number).hexdigest() for number in range(count)]
    with index.transaction():
        start = db.execute('SELECT coalesce(max(id), 0) + 1 FROM samples').fetchone()[0]
        db.executemany("INSERT OR IGNORE INTO bursts (id, source, split) VALUES (?, 'test', ?)", (
            (first + number, number // len(classes) % 5 == 1)
            for number in range(-(-count // burst_size))))
        db.executemany(
            "INSERT INTO samples (id, sha256, stamp_ns, burst, source, width, height) "
            "VALUES (?, ?, ?, ?, 'test', 640, 480)", (
                (start + number, name, number + 1, first + number // burst_size)
                for number, name in enumerate(names)))
        labels = {}
        for label in classes:
            db.execute('INSERT OR IGNORE INTO labels (name) VALUES (?)', (label,))
            labels[label] = db.execute('SELECT id FROM labels WHERE name = ?',
                                       (label,)).fetchone()[0]
        db.executemany('INSERT INTO tags VALUES (?, ?)', (
            (start + number, labels[classes[number // burst_size % len(classes)]])
            for number in range(count)))
        index.next_revision()
    index.recount()
    return tuple(names)


def files(store: SampleStore) -> set[str]:
    """The names of all image files, without their ending."""
    return {path.stem for path in (store.root / 'images').rglob('*') if path.is_file()}


def name(seed: int) -> str:
    """The id of a :func:`sample`."""
    return hashlib.sha256(jpeg(noise(seed))).hexdigest()


def names(seeds: Iterable[int]) -> tuple[str, ...]:
    """The ids of several."""
    return tuple(map(name, seeds))


def colour_net(size: tuple[int, int] = (SMALL.width, SMALL.height), gain: float = 1.0) -> bytes:
    """An ONNX file whose features are ``gain`` times the mean of each channel, R, G, B."""
    graph = helper.make_graph(
        [helper.make_node('Mul', ['input', 'gain'], ['maps']),
         helper.make_node('GlobalAveragePool', ['maps'], ['mean']),
         helper.make_node('Flatten', ['mean'], ['features'])], 'colours',
        [helper.make_tensor_value_info('input', TensorProto.FLOAT, [1, 3, size[1], size[0]])],
        [helper.make_tensor_value_info('features', TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.array(gain, np.float32), 'gain')])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid('', 17)])
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def colour_head(outputs: int = 3, weights: npt.NDArray[np.float32] | None = None) -> Head:
    """A last layer for :func:`colour_net`: ``weights``, shape (outputs, 3), and no bias.

    Without weights, logit N is ten times channel N.
    """
    if weights is None:
        weights = 10 * np.eye(outputs, 3, dtype=np.float32)
    return Head(np.asarray(weights, np.float32), np.zeros(len(weights), np.float32))


def scores(labels: tuple[str, ...] = (), accuracy: float = NAN, samples: int = 0,
           mode: LabelMode = 'single', macro_f1: float = NAN) -> Scores:
    """Scores of which only some figures matter."""
    return Scores(samples, accuracy, NAN, macro_f1, NAN, NAN, labels, mode=mode)


def bundle(labels: tuple[str, ...] = ('red', 'green', 'blue'), probe: tuple[float, ...] = (),
           version: int = 1, mode: LabelMode = 'single', preprocessing: Preprocessing = SMALL
           ) -> Bundle:
    """A description of a model that need not be there."""
    return Bundle(
        version=version, parent=0, stage='head', net='resnet18', labels=labels, label_mode=mode,
        preprocessing=preprocessing, scores=scores(labels, mode=mode), dataset_revision=7,
        created_ns=10**18, probe=probe or (0.0,) * len(labels),
        sha256={BACKBONE: '0' * 64, HEAD: '1' * 64}, size=1, backbone_sha256='b' * 64,
        reason='the first model')


def model(folder: Path, labels: tuple[str, ...] = ('red', 'green', 'blue'), version: int = 1,
          mode: LabelMode = 'single', weights: npt.NDArray[np.float32] | None = None,
          gain: float = 1.0) -> Version:
    """A version that tells colours. Those of one ``gain`` have the same backbone."""
    net, head = colour_net(gain=gain), colour_head(len(labels), weights)
    features = OnnxRuntimeBackend(net, 1).infer(to_input(probe(SMALL), SMALL))
    expected = tuple(map(float, head.scores(features, mode)[0]))
    return stored(folder / f'{version:04d}', net, head.to_bytes(),
                  bundle(labels, expected, version, mode))


def stored(folder: Path, backbone: bytes, head: bytes, bundle: Bundle) -> Version:
    """A version of these files, and their checksums in its description."""
    files = {BACKBONE: backbone, HEAD: head}
    for name, data in files.items():
        photo(folder / name, data)
    return Version(replace(bundle, size=len(backbone), sha256={
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()}), folder)
