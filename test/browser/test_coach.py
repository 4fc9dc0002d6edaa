"""The card "Coach"."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_bridge import FakeBridge, FakeInsight
from focusing import focus
from playwright.sync_api import Locator, Page, expect

from recognizer_ros.core.errors import ConflictError, NodeUnavailableError
from recognizer_ros.core.insight import Advice, Advised, Kind
from recognizer_ros.dataset.edits import SetTags

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
IDS = tuple(f'{index:02x}' * 32 for index in range(1, 10))


def advice(kind: Kind, weight: float, samples: tuple[str, ...] = (),
           suggestions: tuple[str, ...] = ()) -> Advice:
    name = kind.name.lower()
    return Advice(kind, weight, ('can',), f'Do {name}.', f'Seen: {name}.',
                  f'Found: {name} (Author, 2021).', samples, suggestions)


WRONG = advice(Kind.WRONG_TAGS, 0.8, IDS[:7], ('can', 'cup', 'can', 'cup', 'can', 'cup', 'can'))


class Coach(FakeInsight):
    """What the trainer advises, and how often it was asked."""

    advice: tuple[Advice, ...] = (
        advice(Kind.NEAR_DUPLICATES, 0.1, IDS), WRONG, advice(Kind.FEW_BURSTS, 0.5))
    asked = 0

    def advise(self) -> Advised:
        self.asked += 1
        self._note('advise')
        return Advised(self.advice, 17, 6)


@pytest.fixture
def coach(bridge: FakeBridge) -> Coach:
    bridge.insight = Coach(bridge.insight._note)
    return bridge.insight


@pytest.fixture
def card(coach: Coach, page: Page) -> Locator:
    return looked_at(page)


def looked_at(page: Page) -> Locator:
    page.locator('#coach > summary').scroll_into_view_if_needed()
    return page.locator('#coach')


def test_advice_with_its_reasons(card: Locator) -> None:
    row = card.locator('.advice')
    expect(row.locator('.text')).to_have_text(
        ['Do wrong_tags.', 'Do few_bursts.', 'Do near_duplicates.'])
    expect(row.nth(1)).to_contain_text('Too few bursts')
    expect(row.nth(1)).to_contain_text('helps')
    expect(row.nth(1)).to_contain_text('Seen: few_bursts.')
    method = row.nth(1).get_by_text('Found: few_bursts (Author, 2021).')
    expect(method).to_be_hidden()
    row.nth(1).get_by_text('How this was found').click()
    expect(method).to_be_visible()
    expect(card.locator('#coach-meta')).to_have_text('3 to do')


def test_images_open_all_of_them(card: Locator) -> None:
    all_of_them = card.get_by_role('button', name='Show all 9 images')
    expect(all_of_them.locator('img')).to_have_count(6)
    all_of_them.click()
    images = card.page.locator('#images')
    expect(images).to_have_attribute('open', '')
    expect(images).to_contain_text('Do near_duplicates.')


def test_a_tag_is_put_right_and_taken_back(card: Locator, bridge: FakeBridge) -> None:
    doubt = card.locator('.doubts li')
    expect(doubt).to_have_count(6)
    expect(doubt.first).to_contain_text('tagged mug, red mug')
    doubt.first.get_by_role('button', name='Tag can instead of mug, red mug').click()
    expect(card.locator('#coach-said')).to_have_text('Tagged can.')
    assert (SetTags((IDS[0],), ('can',)), 17) in bridge.calls
    expect(doubt.locator('.plain').first).to_contain_text('Tag cup')
    card.get_by_role('button', name='Undo').click()
    expect(card.locator('#coach-said')).to_have_text('The tag is as it was.')
    assert ('undo', 18) in bridge.calls
    expect(card.get_by_role('button', name='Undo')).to_be_hidden()
    expect(doubt.locator('.plain').first).to_contain_text('Tag can')


def test_a_tag_that_is_right_is_not_asked_about_again(
        card: Locator, coach: Coach, bridge: FakeBridge) -> None:
    coach.advice = (WRONG,)
    for left in range(7, 0, -1):
        expect(card.locator('.doubts li')).to_have_count(min(left, 6))
        card.get_by_role('button', name='Tag is right').first.click()
    expect(card.locator('.doubts')).to_have_count(0)
    bridge.change(dataset=replace(bridge.state().dataset, revision=18))
    expect(card.locator('#coach-note')).to_contain_text('Nothing to record or to mend')
    expect(card.locator('.advice')).to_have_count(0)
    assert [call for call in bridge.calls if isinstance(call[0], SetTags)] == []


def test_by_keyboard_the_next_one_has_the_focus(card: Locator, bridge: FakeBridge) -> None:
    focus(card.get_by_role('button', name='Tag can').first)
    card.page.keyboard.press('Enter')
    expect(card.locator('#coach-said')).to_have_text('Tagged can.')
    expect(card.locator('.doubts .plain').first).to_be_focused()
    card.page.keyboard.press('Enter')
    assert bridge.until(lambda: (SetTags((IDS[1],), ('cup',)), 17) in bridge.calls)


def test_a_refusal_is_told_and_the_doubt_stays(card: Locator, bridge: FakeBridge) -> None:
    expect(card.locator('.doubts li')).to_have_count(6)
    bridge.failure = ConflictError('somebody else has changed this image: look again')
    card.get_by_role('button', name='Tag can').first.click()
    expect(card.locator('#coach-said')).to_have_text(
        'somebody else has changed this image: look again')
    expect(card.locator('.doubts .plain').first).to_contain_text('Tag can')
    expect(card.get_by_role('button', name='Undo')).to_be_hidden()


def test_new_data_are_looked_at_and_what_was_opened_stays(
        card: Locator, coach: Coach, bridge: FakeBridge) -> None:
    how = card.locator('.advice', has_text='few_bursts').get_by_text('How this was found')
    how.click()
    coach.advice = (advice(Kind.FEW_BURSTS, 0.9), advice(Kind.ONE_LIGHT, 0.2))
    bridge.change(dataset=replace(bridge.state().dataset, revision=18))
    expect(card.locator('.text')).to_have_text(['Do few_bursts.', 'Do one_light.'])
    expect(card.get_by_text('Found: few_bursts')).to_be_visible()
    expect(how).to_be_focused()


def test_it_asks_every_two_seconds_at_most(card: Locator, coach: Coach, bridge: FakeBridge
                                           ) -> None:
    expect(card.locator('.advice')).to_have_count(3)
    coach.advice = (advice(Kind.ONE_LIGHT, 0.2),)
    for revision in range(18, 40):
        bridge.change(dataset=replace(bridge.state().dataset, revision=revision,
                                      samples=400 + revision))
        expect(card.page.locator('#dataset-meta')).to_contain_text(f'{400 + revision} samples')
    expect(card.locator('.text')).to_have_text(['Do one_light.'])
    assert coach.asked < 10


def test_on_a_phone_it_is_closed_and_asks_nothing(open_page: OpenPage, coach: Coach) -> None:
    page = open_page(viewport={'width': 360, 'height': 740})
    card = looked_at(page)
    expect(card).not_to_have_attribute('open', '')
    assert coach.asked == 0
    card.locator('summary').first.click()
    expect(card.locator('.advice')).to_have_count(3)
    assert page.evaluate('document.documentElement.scrollWidth') == 360


def test_before_anything_is_stored(open_page: OpenPage, coach: Coach, bridge: FakeBridge) -> None:
    coach.advice = ()
    bridge.change(dataset=replace(bridge.state().dataset, samples=0))
    card = looked_at(open_page())
    expect(card.locator('#coach-note')).to_contain_text('Nothing is stored yet')


def test_a_trainer_that_does_not_answer_is_told(open_page: OpenPage, coach: Coach,
                                                bridge: FakeBridge) -> None:
    bridge.failure = NodeUnavailableError('the trainer does not answer: is its node running?')
    card = looked_at(open_page())
    expect(card.locator('#coach-note')).to_contain_text('the trainer does not answer')
    bridge.failure = None
    bridge.change(training=replace(bridge.state().training, live_version=7))
    expect(card.locator('.advice')).to_have_count(3)
    expect(card.locator('#coach-note')).to_be_empty()


def test_markup_in_advice_is_text(open_page: OpenPage, coach: Coach) -> None:
    name = '<img src=x onerror="document.title=1">'
    coach.advice = (Advice(Kind.FEW_SAMPLES, 0.5, (name,), name, name, name),)
    card = looked_at(open_page())
    expect(card.locator('.text')).to_have_text(name)
    assert card.locator('img').count() == 0
