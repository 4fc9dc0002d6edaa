"""The cards "Training" and "Classes"."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_bridge import NAN, FakeBridge, FakeInsight, busy_state
from focusing import focus
from playwright.sync_api import Page, expect

from recognizer_ros.core.errors import NodeUnavailableError
from recognizer_ros.server.bridge import CurvePoint

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
TRAINING = busy_state().training


def head(accuracy: float) -> CurvePoint:
    return CurvePoint(1_700_000_000_000_000_000, 'head', 0, 17, NAN, NAN, accuracy, accuracy / 2)


def epoch(number: int, loss: float, accuracy: float) -> CurvePoint:
    return CurvePoint(1_700_000_000_000_000_000, 'finetune', number, 17, loss, 0.9, accuracy,
                      accuracy / 2)


class Curves(FakeInsight):
    """A head and two epochs, and how often they were asked for."""

    points = (head(0.5), epoch(1, 1.25, 0.625), epoch(2, 0.75, 0.875))
    asked = 0

    def curves(self) -> tuple[CurvePoint, ...]:
        self.asked += 1
        self._note('curves')
        return self.points


@pytest.fixture
def curves(bridge: FakeBridge) -> Curves:
    bridge.insight = Curves(bridge.insight._note)
    return bridge.insight


@pytest.fixture
def trained(curves: Curves, page: Page) -> Page:
    return page


def test_curves_in_sight_and_in_words(trained: Page) -> None:
    loss, score = (trained.locator(f'#{name}-chart').get_by_role('img')
                   for name in ('loss', 'score'))
    expect(loss).to_have_attribute('aria-label',
                                   'Loss of 2 epochs: 1.25 at first, 0.75 now, lowest 0.75.')
    expect(score).to_have_attribute(
        'aria-label', 'Held-out accuracy of 1 head and 2 epochs: 50 % at first, 87.5 % now, '
                      'highest 87.5 %.')
    expect(score.locator('text')).to_have_text(['40 %', '60 %', '80 %', '100 %'])
    drawn = {name: score.locator(f'.{name}').get_attribute('d') or ''
             for name in ('heads', 'epochs', 'line')}
    assert [drawn[name].count('M') for name in drawn] == [1, 2, 1]
    assert 'a' in drawn['epochs']  # discs; a head is a diamond, so that no colour tells them apart
    assert 'a' not in drawn['heads']


def test_the_same_as_a_table_by_keyboard(trained: Page) -> None:
    focus(trained.locator('#curves-table > summary'))
    trained.keyboard.press('Enter')
    row, time = trained.locator('#curves-body tr'), re.compile(r'\d:13:20')
    expect(row).to_have_count(3)
    expect(row.first.locator('th, td')).to_have_text(
        ['epoch 2', time, '0.750', '90 %', '87.5 %', '43.8 %'])
    expect(row.last.locator('th, td')).to_have_text(
        ['head', time, '–', '–', '50 %', '25 %'])


def test_a_new_epoch_is_drawn(trained: Page, curves: Curves, bridge: FakeBridge) -> None:
    label = trained.locator('#loss-chart svg')
    expect(label).to_have_attribute('aria-label', 'Loss of 2 epochs: 1.25 at first, 0.75 now, '
                                                  'lowest 0.75.')
    curves.points += (epoch(3, 0.5, 0.9),)
    bridge.change(training=replace(TRAINING, epoch=4))
    expect(label).to_have_attribute('aria-label', 'Loss of 3 epochs: 1.25 at first, 0.5 now, '
                                                  'lowest 0.5.')


def test_curves_are_asked_for_once_a_second_at_most(trained: Page, curves: Curves,
                                                    bridge: FakeBridge) -> None:
    expect(trained.locator('#curves')).to_be_visible()
    for number in range(4, 12):
        bridge.change(training=replace(TRAINING, epoch=number, epoch_images=number))
        expect(trained.locator('#epoch')).to_contain_text(f'epoch {number} of 20')
    curves.points += (epoch(3, 0.5, 0.9),)
    bridge.change(training=replace(TRAINING, live_version=7))
    expect(trained.locator('#loss-chart svg')).to_have_attribute(
        'aria-label', 'Loss of 3 epochs: 1.25 at first, 0.5 now, lowest 0.5.')
    assert curves.asked < 8


def test_only_what_is_known_is_drawn(open_page: OpenPage, curves: Curves) -> None:
    curves.points = (head(0.5),)
    page = open_page()
    expect(page.locator('#score-figure')).to_be_visible()
    expect(page.locator('#loss-figure')).to_be_hidden()


def test_of_several_tags_an_image_macro_f1_counts(open_page: OpenPage, curves: Curves,
                                                  bridge: FakeBridge) -> None:
    bridge.change(training=replace(TRAINING, label_mode='multi'))
    page = open_page()
    expect(page.locator('#score-name')).to_have_text('Held-out macro-F1')
    expect(page.locator('#score-chart svg')).to_have_attribute(
        'aria-label', 'Held-out macro-F1 of 1 head and 2 epochs: 25 % at first, 43.8 % now, '
                      'highest 43.8 %.')


def test_before_the_first_head_there_are_no_charts(open_page: OpenPage, curves: Curves) -> None:
    curves.points = ()
    with (page := open_page()).expect_response('**/api/v1/training/curves'):
        page.reload()
    expect(page.locator('#phase')).to_have_text('Fine-tuning')
    expect(page.locator('#curves')).to_be_hidden()


def test_a_trainer_that_does_not_answer_is_told(open_page: OpenPage, curves: Curves,
                                                bridge: FakeBridge) -> None:
    bridge.failure = NodeUnavailableError('the trainer does not answer: is its node running?')
    page = open_page()
    expect(page.locator('#curves-note')).to_contain_text('the trainer does not answer')
    bridge.failure = None
    bridge.change(training=replace(TRAINING, epoch=4))
    expect(page.locator('#curves')).to_be_visible()
    expect(page.locator('#curves-note')).to_be_empty()


def test_how_far_it_is(trained: Page, bridge: FakeBridge) -> None:
    bridge.change(training=replace(TRAINING, epoch_images=120, images=300, images_per_s=30.0,
                                   eta_s=6.0))
    expect(trained.locator('#epoch')).to_have_text(
        'epoch 3 of 20 · 6 s left · 3 min at most for all')
    bar = trained.get_by_role('progressbar', name='Progress of this epoch')
    expect(bar).to_have_js_property('position', 0.4)
    bridge.change(training=replace(TRAINING, state='done', message='waits for new data'))
    expect(trained.locator('#phase')).to_have_text('Up to date')
    expect(trained.locator('#epoch')).to_be_empty()
    expect(trained.locator('#progress')).to_be_hidden()


def test_images_and_bursts_of_each_class(trained: Page, bridge: FakeBridge) -> None:
    bridge.change(dataset=replace(bridge.state().dataset, classes=('bottle', 'can', 'cup'),
                                  class_samples=(198, 22, 1), class_bursts=(9, 2, 1)))
    expect(trained.locator('#classes button')).to_have_text(
        ['bottle198images · 9 bursts', 'can22images · 2 bursts', 'cup1image · 1 burst'])
    widths = trained.locator('#classes .track').evaluate_all(
        '(tracks) => tracks.map((track) => Number(track.style.getPropertyValue("--share")))')
    assert widths == pytest.approx([1, 22 / 198, 1 / 198])


def test_imbalance_is_named(trained: Page, bridge: FakeBridge) -> None:
    expect(trained.locator('#balance')).to_be_empty()
    bridge.change(dataset=replace(bridge.state().dataset, classes=('bottle', 'can'),
                                  class_samples=(198, 22), class_bursts=(9, 2)))
    expect(trained.locator('#balance')).to_have_text(
        '“bottle” has 9 times the images of “can”: record more of “can”.')
