"""Review, advice and curves of a real trainer, over DDS and on the page."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import makers
import numpy as np
import pytest
from ros_graph import CONFIGURE, Graph, http, wait_for

from recognizer_ros.core.bundle import BACKBONE, HEAD, WEIGHTS
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import reader
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.inference.head import Head
from recognizer_ros.msg import Advice, Model
from recognizer_ros.nodes.trainer import Trainer
from recognizer_ros.nodes.web import Web
from recognizer_ros.registry.store import Registry
from recognizer_ros.srv import Advise, GetCurves, Review
from recognizer_ros.training.curves import CURVES, Curves
from recognizer_ros.training.embeddings import FeatureFile
from recognizer_ros.training.known_features import key

SMALL = {'net': 'resnet18', 'weights': 'none', 'net_width': 32, 'net_height': 32}
LABELS = ('cup', 'mug', 'pen')


def learned(data: Path) -> None:
    """What a trainer leaves behind: two bursts of each class, their features, and a version that
    takes a third of the cups for mugs."""
    rng = np.random.default_rng(0)
    rows = {}
    with SampleStore(data) as store:
        for label, middle in zip(LABELS, np.eye(3), strict=True):
            for turn in range(2):
                burst = store.begin_burst('test', (label,))
                for number in range(12):
                    image = makers.jpeg(makers.noise(int(rng.integers(2**31))))
                    taken = LABELS.index('mug') if label == 'cup' and number % 3 == 0 else None
                    row = np.eye(3)[taken] if taken is not None else middle
                    rows[hashlib.sha256(image).hexdigest()] = (
                        5 * row + 0.1 * rng.standard_normal(3)).astype(np.float16)
                    store.add([NewSample(image, (label,), (turn * 12 + number + 1) * 10**9, burst,
                                         'test', 32, 24)])
    registry = Registry(data / 'models', writer=True)
    bundle = replace(makers.bundle(LABELS), net='resnet18')
    version = registry.add(bundle, {
        BACKBONE: makers.colour_net(), WEIGHTS: b'weights',
        HEAD: Head(np.eye(3, dtype=np.float32), np.zeros(3, np.float32)).to_bytes()})
    registry.activate(version.bundle.version)
    curves = Curves()
    curves.add('head', 3, makers.scores(LABELS, 0.5, samples=10))
    curves.add('finetune', 4, makers.scores(LABELS, 0.75, samples=12), 1, 0.9, 0.6)
    registry.attach(version, {CURVES: curves.table()})
    registry.close()
    file = FeatureFile(data / 'cache', key(bundle.backbone_sha256, bundle.preprocessing), 1 << 20)
    file.put(rows)
    file.close()


class Asked:
    """Asks a trainer that is switched off."""

    def __init__(self, graph: Graph, data: Path) -> None:
        self.graph, self.data = graph, data

    def review(self, **values: Any) -> Any:
        return self.graph.call(Review, 'review', Review.Request(**values))

    def advise(self) -> Any:
        return self.graph.call(Advise, 'advise', Advise.Request())

    def curves(self) -> Any:
        return self.graph.call(GetCurves, 'get_curves', GetCurves.Request())

    def held_out(self, label: str) -> set[str]:
        return {sample.sha256 for sample in reader.snapshot(self.data).part(Split.VALIDATION)
                if sample.tags == (label,)}


@pytest.fixture(scope='module')
def asked(shared: Graph, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    data = tmp_path_factory.mktemp('data')
    learned(data)
    shared.start(Trainer, data=str(data), enabled=False, **SMALL)
    return Asked(shared, data)


@pytest.fixture(scope='module')
def url(asked: Asked) -> str:
    """Of the page."""
    made = f'{asked.graph.start(Web, port=0).url}api/v1/'
    wait_for(lambda: http(f'{made}review')[0] == 200)
    return made


def test_the_table(asked: Asked) -> None:
    answer = asked.review()
    assert (answer.success, answer.message) == (True, '')
    assert list(answer.labels) == list(LABELS)
    assert list(answer.confusion) == [8, 4, 0, 0, 12, 0, 0, 0, 12]
    assert (list(answer.ids), answer.total) == ([], 0)
    assert answer.dataset_revision == reader.revision(asked.data)
    assert answer.model_version == 1


def test_a_cell_page_by_page(asked: Asked) -> None:
    whole = asked.review(truth='cup', answer='mug')
    assert set(whole.ids) < asked.held_out('cup')
    assert (len(whole.ids), whole.total) == (4, 4)
    assert list(whole.scores) == sorted(whole.scores, reverse=True)
    assert all(0.5 < score <= 1 for score in whole.scores)
    page = asked.review(truth='cup', answer='mug', offset=1, limit=2)
    assert (list(page.ids), page.total) == (list(whole.ids)[1:3], 4)
    assert list(asked.review(truth='cup', answer='mug', offset=2**32 - 1).ids) == []
    assert asked.review(truth='cup', answer='fork').total == 0


@pytest.mark.parametrize(('values', 'why'), [
    ({'truth': 'cup'}, 'both truth and answer'), ({'answer': 'cup'}, 'both truth and answer'),
    ({'truth': 'cup', 'answer': 'mug', 'limit': 1001}, 'limit must be 1 to 1000')])
def test_a_request_without_sense_is_refused(asked: Asked, values: dict[str, Any], why: str
                                            ) -> None:
    answer = asked.review(**values)
    assert not answer.success
    assert why in answer.message


def test_advice(asked: Asked) -> None:
    answer = asked.advise()
    assert (answer.success, answer.model_version) == (True, 1)
    [pair] = [item for item in answer.advice if item.kind == Advice.CONFUSED_PAIR]
    assert list(pair.labels) == ['cup', 'mug']
    assert set(pair.samples) == set(asked.review(truth='cup', answer='mug').ids)
    assert pair.text
    assert '4 of “cup” were taken for “mug”' in pair.evidence
    assert 'Stehman' in pair.method
    [wrong] = [item for item in answer.advice if item.kind == Advice.WRONG_TAGS]
    assert set(wrong.suggestions) == {'mug'}
    assert len(wrong.samples) == len(wrong.suggestions)
    weights = [item.weight for item in answer.advice]
    assert weights == sorted(weights, reverse=True)


def test_curves_go_on_from_the_live_version(asked: Asked) -> None:
    answer = asked.curves()
    assert answer.success
    assert list(answer.stages) == [Model.STAGE_HEAD, Model.STAGE_FINETUNE]
    assert (list(answer.epochs), list(answer.dataset_revisions)) == ([0, 1], [3, 4])
    assert list(answer.accuracies) == [0.5, 0.75]
    assert np.isnan(answer.losses[0])
    assert answer.losses[1] == pytest.approx(0.9)
    assert all(stamp.sec > 0 for stamp in answer.stamps)


def test_the_page_has_the_same(asked: Asked, url: str) -> None:
    status, review = http(f'{url}review?{urlencode({"truth": "cup", "answer": "mug"})}')
    told = asked.review(truth='cup', answer='mug')
    assert (status, review['confusion']) == (200, [[8, 4, 0], [0, 12, 0], [0, 0, 12]])
    assert [one['id'] for one in review['samples']] == list(told.ids)
    assert (review['total'], review['model_version']) == (4, 1)
    status, advice = http(f'{url}advice')
    assert status == 200
    assert [one['text'] for one in advice['advice']] == [one.text for one in asked.advise().advice]
    assert {'confused_pair', 'wrong_tags'} <= {one['kind'] for one in advice['advice']}
    status, curves = http(f'{url}training/curves')
    assert status == 200
    assert [(one['stage'], one['loss'] is None) for one in curves['points']] == [
        ('head', True), ('finetune', False)]


def test_before_anything_was_learned(graph: Graph, tmp_path: Path) -> None:
    asked = Asked(graph, tmp_path)
    graph.start(Trainer, data=str(tmp_path), enabled=False, **SMALL)
    review = asked.review()
    assert (review.success, 'nothing was learned yet' in review.message) == (False, True)
    advice = asked.advise()
    assert (advice.success, list(advice.advice), advice.model_version) == (True, [], 0)
    curves = asked.curves()
    assert (curves.success, list(curves.stamps)) == (True, [])


def test_a_trainer_that_is_not_configured_says_so(graph: Graph, tmp_path: Path) -> None:
    asked = Asked(graph, tmp_path)
    graph.start(Trainer, autostart=False, data=str(tmp_path), **SMALL)
    for answer in (asked.review(), asked.advise(), asked.curves()):
        assert (answer.success, answer.message) == (False, 'the trainer is not configured')
    assert graph.change('trainer', CONFIGURE)
    assert asked.advise().success
