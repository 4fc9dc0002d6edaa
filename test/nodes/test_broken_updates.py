"""Whatever an update is like, the model in use goes on."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bombs
import makers
import pytest
from robots import update
from ros_graph import Graph
from update_bench import Bench, goes_on, message, refused, started

from recognizer_ros.core.bundle import BACKBONE, HEAD
from recognizer_ros.msg import ModelUpdate
from recognizer_ros.registry.store import Version


@pytest.fixture(scope='module')
def bench(shared: Graph, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with started(shared, tmp_path_factory.mktemp('robot')) as bench:
        yield bench


Builder = Callable[[Bench, Version], ModelUpdate]


def of_bytes(change: Callable[[bytes], bytes]) -> Builder:
    """Other bytes than announced."""
    def build(bench: Bench, _: Version) -> ModelUpdate:
        version = bench.made()
        version.backbone.write_bytes(change(version.backbone.read_bytes()))
        return message(version)
    return build


def of_net(net: bytes) -> Builder:
    """Another network, as announced."""
    return lambda bench, _: message(bench.with_net(net))


def of_head(head: bytes) -> Builder:
    """Another head, as announced."""
    def build(bench: Bench, _: Version) -> ModelUpdate:
        version = bench.made()
        return message(makers.stored(version.folder, version.backbone.read_bytes(), head,
                                     version.bundle))
    return build


def of_bundle(**values: Any) -> Builder:
    """Another description."""
    def build(bench: Bench, _: Version) -> ModelUpdate:
        version = bench.made()
        return message(replace(version, bundle=replace(version.bundle, **values)))
    return build


def flipped(data: bytes) -> bytes:
    return data[:60] + bytes([data[60] ^ 4]) + data[61:]


def wrong_checksum(bench: Bench, _: Version) -> ModelUpdate:
    version = bench.made()
    sha256 = {**version.bundle.sha256, BACKBONE: 'a' * 64}
    return message(replace(version, bundle=replace(version.bundle, sha256=sha256)))


def older(bench: Bench, in_use: Version) -> ModelUpdate:
    return update(bench.made(), in_use.bundle.version * 10**9 - 1)


def same_number(_: Bench, in_use: Version) -> ModelUpdate:
    sha256 = {**in_use.bundle.sha256, HEAD: 'f' * 64}
    return message(replace(in_use, bundle=replace(in_use.bundle, sha256=sha256)))


def absent(bench: Bench, _: Version) -> ModelUpdate:
    version = bench.made()
    said = message(version)
    version.backbone.unlink()
    return said


def of_text(text: str) -> Builder:
    """No description at all."""
    def build(bench: Bench, _: Version) -> ModelUpdate:
        said = message(bench.made())
        said.bundle = text
        return said
    return build


NAN_HEAD = makers.colour_head(weights=makers.NAN * makers.colour_head().weight).to_bytes()
NOT_HERE = r'not a byte of it in .* s \(no trainer answers: is its node running\?\)'
LOCAL: dict[str, tuple[Builder, str]] = {
    'truncated': (of_bytes(lambda data: data[:-10]), NOT_HERE + '.*is damaged'),
    'bit-flipped': (of_bytes(flipped), NOT_HERE + '.*is damaged'),
    'wrong sha256': (wrong_checksum, NOT_HERE + '.*is damaged'),
    'NaN in the head': (of_head(NAN_HEAD), 'the head holds numbers that are not finite'),
    'NaN in the backbone': (of_net(makers.colour_net(gain=makers.NAN)),
                            'answers on the test frame differ|not finite'),
    'wrong input shape': (of_net(makers.colour_net(size=(16, 16))),
                          'the model refuses an input of shape'),
    'wrong class count': (of_bundle(labels=('a', 'b'), probe=(0.5, 0.5)),
                          r'a head of shape \(3, 3\) for 2 labels'),
    'labels missing': (of_bundle(labels=()), r'model bundle is damaged \(no labels\)'),
    'external data': (of_net(bombs.external('weights.bin')), 'keeps weights in other files'),
    'unknown operator': (of_net(bombs.unknown_operator()), 'Teleport'),
    'a bomb that never ends': (of_net(bombs.endless()), 'the network does not end within 1 s'),
    'a bomb of 3 GB': (of_net(bombs.huge()), 'refuses an input|cannot load the model'),
    'wrong expected output': (of_bundle(probe=(0.1, 0.1, 0.8)), 'answers on the test'),
    'older version': (older, r'went live before version \d+, which is in use'),
    'same version, other bytes': (same_number, 'claims to be the version in use but has other'),
    'absent file': (absent, NOT_HERE + '.*No such file'),
    'pickle in disguise': (of_net(bombs.pickled(Path('made-by-a-pickle'))),
                           'ONNX Runtime cannot load the model'),
    'no head': (of_head(b''), 'the file of the head is damaged'),
    'no description': (of_text('{'), 'model bundle is damaged'),
    'a path for a sha256': (of_bundle(sha256={BACKBONE: '../../x', HEAD: 'x'}),
                            'bundle is damaged'),
}


@pytest.mark.parametrize('kind', LOCAL)
def test_a_broken_update_is_refused(bench: Bench, kind: str, tmp_path: Path,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where relative paths would lead to
    makers.photo(tmp_path / 'weights.bin', b'\x00' * 64)
    build, reason = LOCAL[kind]
    in_use = bench.begin()
    refused(bench, build(bench, in_use), reason)
    assert os.listdir(tmp_path) == ['weights.bin']
    goes_on(bench)
