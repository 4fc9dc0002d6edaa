import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import makers
import numpy as np
import pytest

from recognizer_ros.core.bundle import HEAD
from recognizer_ros.core.config import ClassifierConfig
from recognizer_ros.core.errors import ImageError, ModelError
from recognizer_ros.core.labels import LabelMode
from recognizer_ros.core.predictions import Floats, Prediction
from recognizer_ros.inference import engine as engines
from recognizer_ros.inference.engine import Engine, Frame, Offer
from recognizer_ros.inference.model import Model, on_cpu
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend
from recognizer_ros.inference.reject import Reject
from recognizer_ros.registry.store import Version

RED = makers.flat(makers.RED)


@dataclass
class Answer:
    tag: int
    results: tuple[Prediction, ...]
    version: int
    labels: tuple[str, ...]


@dataclass
class Bench:
    """Listener and settings of an engine. :ivar log: what happened, in order."""

    config: ClassifierConfig = field(default_factory=lambda: ClassifierConfig(threads=1))
    asked: int = 0
    answers: list[Answer] = field(default_factory=list)
    log: list[tuple[str, int]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def settings(self) -> ClassifierConfig:
        config = self.config
        self.asked += 1
        return config

    def answered(self, answer: engines.Answer[int]) -> None:
        bundle = answer.model.bundle
        self.log.append(('answered', bundle.version))
        self.answers.append(Answer(answer.tag, answer.results, bundle.version, bundle.labels))
        assert self.gate.wait(20)

    def unreadable(self, error: ImageError) -> None:
        self.log.append((str(error), 0))

    def swapped(self, model: Model) -> None:
        self.log.append(('swapped', model.bundle.version))


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.gate.set()
    return bench


@pytest.fixture
def engine(bench: Bench) -> Iterator[Engine[int]]:
    engine: Engine[int] = Engine(bench.settings, bench, on_cpu)
    yield engine
    bench.gate.set()
    engine.close()


@pytest.fixture
def use(engine: Engine[int], tmp_path: Path) -> Callable[..., None]:
    """Give the engine a model and wait until it is used."""
    def use(labels: tuple[str, ...] = ('red', 'green', 'blue'), version: int = 1,
            weights: Floats | None = None, gain: float = 1.0) -> None:
        made = makers.model(tmp_path, labels, version, weights=weights, gain=gain)
        engine.update(offer(made))
        makers.wait_for(lambda: engine.model and engine.model.bundle == made.bundle)
    return use


@pytest.fixture
def ask(engine: Engine[int], bench: Bench) -> Callable[..., Answer]:
    """Classify an image and wait for the answer."""
    tags = itertools.count(100)

    def ask(image: makers.Pixels = RED, order: str = 'bgr') -> Answer:
        tag = next(tags)
        engine.offer(frame(image, tag, order))
        makers.wait_for(lambda: bench.answers and bench.answers[-1].tag == tag)
        return bench.answers[-1]
    return ask


def offer(version: Version) -> Offer:
    return Offer(version.bundle, lambda _: version.backbone, version.head_bytes())


def frame(image: makers.Pixels, tag: int, order: str = 'bgr') -> Frame[int]:
    return Frame(lambda: (image, order), tag)


def taken(engine: Engine[int], bench: Bench, image: makers.Pixels, tag: int) -> None:
    """Offer a frame that gets no answer; wait until the engine has looked at it."""
    before = bench.asked
    engine.offer(frame(image, tag))
    makers.wait_for(lambda: bench.asked > before)


def test_a_frame_is_answered_with_its_tag(use: Callable[..., None],
                                          ask: Callable[..., Answer]) -> None:
    use()
    for label, colour in makers.COLOURS.items():
        assert ask(makers.flat(colour)).results[0].label == label
    assert ask(makers.flat(makers.RED), 'rgb').results[0].label == 'blue'


def test_the_version_in_use_is_not_loaded_again(
        engine: Engine[int], bench: Bench, use: Callable[..., None], tmp_path: Path) -> None:
    use()
    first = engine.model
    assert first
    again = Offer(first.bundle, lambda _: tmp_path / 'gone', b'')
    engine.update(again)
    use(version=2, weights=np.ones((3, 3), np.float32))
    assert engine.refusal == ''
    engine.update(again)
    makers.wait_for(lambda: engine.refusal)


def test_the_newest_frame_wins_and_the_others_are_counted(
        engine: Engine[int], bench: Bench, use: Callable[..., None]) -> None:
    use()
    bench.gate.clear()
    engine.offer(frame(RED, 0))
    makers.wait_for(lambda: bench.answers)
    for tag in range(1, 6):
        engine.offer(frame(RED, tag))
    assert engine.dropped == 4
    bench.gate.set()
    makers.wait_for(lambda: len(bench.answers) == 2)
    assert [answer.tag for answer in bench.answers] == [0, 5]


def test_without_a_model_nothing_is_answered(engine: Engine[int], bench: Bench,
                                             use: Callable[..., None],
                                             ask: Callable[..., Answer]) -> None:
    taken(engine, bench, RED, 1)
    use()
    ask()
    assert [answer.tag for answer in bench.answers] == [100]


def test_disabled_it_answers_nothing(engine: Engine[int], bench: Bench,
                                     use: Callable[..., None],
                                     ask: Callable[..., Answer]) -> None:
    use()
    bench.config = replace(bench.config, enabled=False)
    taken(engine, bench, RED, 1)
    bench.config = replace(bench.config, enabled=True)
    ask()
    assert [answer.tag for answer in bench.answers] == [100]


def test_labels_and_results_are_always_of_one_model(
        engine: Engine[int], bench: Bench, tmp_path: Path, ask: Callable[..., Answer]) -> None:
    """Models that agree on nothing but the picture take turns while frames stream."""
    turned = 10 * np.eye(3, dtype=np.float32)[[2, 0, 1]]
    models = {1: makers.model(tmp_path, ('red', 'green', 'blue'), 1),
              2: makers.model(tmp_path, ('2 blue', '2 red', '2 green'), 2, weights=turned),
              3: makers.model(tmp_path, ('3 red', '3 green'), 3, gain=2)}
    says = {1: 'red', 2: '2 red', 3: '3 red'}
    seen: set[int] = set()
    bench.config = replace(bench.config, threshold=0.0)
    for turn in itertools.cycle((1, 2, 3)):
        engine.update(offer(models[turn]))
        makers.wait_for(lambda: engine.model)
        for _ in range(4):
            ask()
        seen = {answer.version for answer in bench.answers}
        if seen == {1, 2, 3} and len(bench.answers) > 100:
            break
    assert seen == {1, 2, 3}
    for answer in bench.answers:
        assert answer.labels == models[answer.version].bundle.labels
        assert answer.results[0].label == says[answer.version]
        assert {result.label for result in answer.results} == set(answer.labels)


def test_a_swap_is_told_before_the_first_answer_of_the_model(
        bench: Bench, use: Callable[..., None], ask: Callable[..., Answer]) -> None:
    use(version=1)
    ask()
    ask()
    use(version=2)
    assert ask().version == 2
    assert bench.log == [('swapped', 1), ('answered', 1), ('answered', 1), ('swapped', 2),
                         ('answered', 2)]


def refused(engine: Engine[int], bad: Offer) -> str:
    """Offer a model that is not taken; return why."""
    engine.refusal = ''
    engine.update(bad)
    makers.wait_for(lambda: engine.refusal)
    return engine.refusal


def test_a_refused_model_leaves_the_old_one_and_says_why(
        engine: Engine[int], tmp_path: Path, use: Callable[..., None],
        ask: Callable[..., Answer]) -> None:
    use(version=1)
    version = makers.model(tmp_path, version=2, gain=2)
    version.backbone.write_bytes(b'damaged')
    said = refused(engine, offer(version))
    assert 'model version 2' in said
    assert 'is damaged' in said
    assert ask().version == 1
    use(version=3)
    assert engine.refusal == ''
    assert ask().version == 3


def test_a_refused_head_leaves_the_old_one_and_says_why(
        engine: Engine[int], tmp_path: Path, use: Callable[..., None],
        ask: Callable[..., Answer]) -> None:
    use(version=1)
    good = offer(makers.model(tmp_path, ('a', 'b', 'c'), 2))
    spoilt = makers.colour_head(weights=np.full((3, 3), np.nan, np.float32)).to_bytes()
    checksums = {**good.bundle.sha256, HEAD: hashlib.sha256(spoilt).hexdigest()}
    for bad, why in (
            (replace(good, head=good.head[:-1]), 'its head is damaged'),
            (replace(good, bundle=replace(good.bundle, labels=('a', 'b'), probe=(0.5, 0.5))),
             'for 2 labels'),
            (replace(good, head=spoilt, bundle=replace(good.bundle, sha256=checksums)),
             'not finite')):
        said = refused(engine, bad)
        assert said.startswith('model version 2: ')
        assert why in said
        answer = ask()
        assert (answer.version, answer.results[0].label) == (1, 'red')
    use(('a', 'b', 'c'), version=3)
    assert engine.refusal == ''
    assert ask().results[0].label == 'a'


def test_another_head_is_swapped_in_without_loading_the_network_again(
        engine: Engine[int], use: Callable[..., None], ask: Callable[..., Answer]) -> None:
    use(version=1)
    first = engine.model
    use(('3 blue', '3 red', '3 green'), 2, 10 * np.eye(3, dtype=np.float32)[[2, 0, 1]])
    assert first
    assert engine.model
    assert engine.model.backend is first.backend
    assert ask().results[0].label == '3 red'
    use(version=3, gain=2)
    assert engine.model.backend is not first.backend
    assert ask().results[0].label == 'red'


def test_a_model_that_fails_while_it_runs_is_given_up_until_the_next_one(
        engine: Engine[int], bench: Bench, use: Callable[..., None],
        ask: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    use(version=1)

    def fail(self: OnnxRuntimeBackend, batch: Floats) -> Floats:
        raise ModelError('the model refuses its input')

    with monkeypatch.context() as patch:
        patch.setattr(OnnxRuntimeBackend, 'infer', fail)
        engine.offer(frame(RED, 1))
        makers.wait_for(lambda: engine.model is None)
    assert engine.refusal == 'the model refuses its input'
    use(version=2)
    assert ask().version == 2
    assert [answer.tag for answer in bench.answers] == [100]


def test_a_model_that_fails_does_not_take_the_next_one_with_it(
        engine: Engine[int], tmp_path: Path, use: Callable[..., None],
        ask: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    use(version=1)
    following = offer(makers.model(tmp_path, version=2, gain=2))
    infer = OnnxRuntimeBackend.infer

    def fail_while_the_next_is_loaded(self: OnnxRuntimeBackend, batch: Floats) -> Floats:
        if threading.current_thread().name == 'load':
            return infer(self, batch)
        engine.update(following)
        makers.wait_for(lambda: engine.model and engine.model.bundle.version == 2)
        raise ModelError('the model refuses its input')

    with monkeypatch.context() as patch:
        patch.setattr(OnnxRuntimeBackend, 'infer', fail_while_the_next_is_loaded)
        engine.offer(frame(RED, 1))
        makers.wait_for(lambda: engine.refusal == 'the model refuses its input')
    assert ask().version == 2


def test_threshold_and_number_of_results_change_while_it_runs(
        bench: Bench, use: Callable[..., None], ask: Callable[..., Answer]) -> None:
    use()
    white = makers.flat(makers.WHITE)
    assert len(ask(white).results) == 3
    bench.config = replace(bench.config, top_k=2)
    assert len(ask(white).results) == 2
    bench.config = replace(bench.config, threshold=0.4)
    assert ask(white).results == ()
    assert [result.label for result in ask(RED).results] == ['red']


def test_smoothing_goes_on_over_a_swap(bench: Bench, use: Callable[..., None],
                                       ask: Callable[..., Answer]) -> None:
    bench.config = replace(bench.config, smoothing=0.25, threshold=0.0)
    use()
    ask(makers.flat(makers.BLUE))
    use(('green', 'red'), 2, 10 * np.eye(3, dtype=np.float32)[[1, 0]])
    scores = {result.label: result.score for result in ask(RED).results}
    assert scores['red'] == pytest.approx(0.25, abs=0.01)
    assert scores['green'] == pytest.approx(0.0, abs=0.01)


def strange(engine: Engine[int], tmp_path: Path, mode: LabelMode = 'single') -> None:
    """Use a model that knows red and green things, and has seen twenty of each."""
    head = makers.colour_head(3)
    marks = np.tile(np.linspace(-9, -3, 20, dtype=np.float32), (3, 1))
    reject = Reject(np.eye(3, 2, dtype=np.float32), 12.0, np.ones(3, np.float32), marks,
                    np.full(3, 20, np.float32))
    made = makers.model(tmp_path, mode=mode, version=7)
    data = replace(head, reject=reject).to_bytes()
    made.folder.joinpath(HEAD).write_bytes(data)
    checksums = {**made.bundle.sha256, HEAD: hashlib.sha256(data).hexdigest()}
    engine.update(offer(replace(made, bundle=replace(made.bundle, sha256=checksums))))
    makers.wait_for(lambda: engine.model and engine.model.bundle.version == 7)


@pytest.mark.parametrize('mode', ['single', 'multi'])
def test_an_image_stranger_than_the_share_allows_is_unknown(
        engine: Engine[int], bench: Bench, tmp_path: Path, ask: Callable[..., Answer],
        mode: LabelMode) -> None:
    strange(engine, tmp_path, mode)
    blue = makers.flat(makers.BLUE)
    assert ask(blue).results[0].label == 'blue', 'switched off'
    bench.config = replace(bench.config, unknown=0.05)
    assert ask(RED).results[0].label == 'red'
    (answer,) = ask(blue).results
    assert (answer.label, answer.score) == ('unknown', pytest.approx(1 - 1 / 21))
    assert engine.last
    assert engine.last.unknown
    bench.config = replace(bench.config, unknown=0.04)  # 20 images cannot tell that little
    assert ask(blue).results[0].label == 'blue'
    assert not engine.last.unknown


def test_being_unknown_is_smoothed_too(engine: Engine[int], bench: Bench, tmp_path: Path,
                                       ask: Callable[..., Answer]) -> None:
    strange(engine, tmp_path)
    bench.config = replace(bench.config, unknown=0.05, smoothing=2.0)
    ask(RED)
    assert ask(makers.flat(makers.BLUE)).results[0].label != 'unknown', 'one of two frames'
    assert ask(makers.flat(makers.BLUE)).results[0].label == 'unknown'


def test_a_model_that_cannot_tell_calls_nothing_unknown(
        bench: Bench, use: Callable[..., None], ask: Callable[..., Answer]) -> None:
    bench.config = replace(bench.config, unknown=0.5)
    use()
    assert ask(makers.flat(makers.BLACK)).results[0].label in makers.COLOURS


def test_an_image_that_cannot_be_read_is_told_and_the_next_answered(
        engine: Engine[int], bench: Bench, use: Callable[..., None],
        ask: Callable[..., Answer]) -> None:
    use()

    def read() -> tuple[makers.Pixels, str]:
        raise ImageError('no image')

    engine.offer(Frame(read, 1))
    makers.wait_for(lambda: bench.log == [('swapped', 1), ('no image', 0)])
    assert ask().results[0].label == 'red'


def test_it_measures_itself(engine: Engine[int], use: Callable[..., None],
                            ask: Callable[..., Answer]) -> None:
    use()
    assert engine.stages.percentiles_ms(50)['infer'] == 0
    ask()
    ask()
    assert all(engine.stages.percentiles_ms(50).values())


def test_close_ends_it_whatever_waits(bench: Bench, tmp_path: Path) -> None:
    engine: Engine[int] = Engine(bench.settings, bench, on_cpu)
    engine.update(offer(makers.model(tmp_path)))
    engine.offer(frame(RED, 1))
    engine.close()
    engine.close()
    assert not {'classify', 'load'} & {thread.name for thread in threading.enumerate()}
