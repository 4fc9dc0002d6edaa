"""The card "Versions"."""

from dataclasses import replace

import pytest
from fake_bridge import FakeBridge
from playwright.sync_api import Locator, Page, expect

from recognizer_ros.core.errors import ModelError, NodeUnavailableError

pytestmark = pytest.mark.browser


@pytest.fixture
def card(page: Page) -> Locator:
    page.locator('#versions summary').click()
    expect(page.locator('.version')).to_have_count(3)
    return page.locator('#versions')


def test_versions_are_asked_for_only_when_somebody_looks(page: Page, bridge: FakeBridge) -> None:
    expect(page.locator('#versions-meta')).to_have_text('version 6 is live')
    assert bridge.calls == []


def test_how_good_each_is(card: Locator) -> None:
    expect(card.locator('.version .name')).to_have_text(
        ['6 · last layer', '5 · whole network', '4 · last layer'])
    expect(card.locator('.version .number')).to_have_text(['75.0 %', '62.5 %', '50.0 %'])
    note = card.locator('.version .note').first
    expect(note).to_contain_text('60 held-out images · lost: red mug −10 %')
    expect(note).to_have_attribute('title', 'reason 6')
    expect(card.get_by_role('button', name='Version 6 is live')).to_be_disabled()


def test_another_version_is_used(card: Locator, bridge: FakeBridge) -> None:
    card.get_by_role('button', name='Use version 4').click()
    assert bridge.until(lambda: ('activate', 4) in bridge.calls)
    expect(card.get_by_role('button', name='Version 4 is live')).to_be_disabled()
    card.get_by_role('button', name='Use version 6').click()
    expect(card.get_by_role('button', name='Version 6 is live')).to_be_disabled()
    card.get_by_role('button', name='Back to the version before').click()
    assert bridge.until(lambda: ('activate', 0) in bridge.calls)
    expect(card.get_by_role('button', name='Version 5 is live')).to_be_disabled()


def test_by_keyboard(page: Page, bridge: FakeBridge) -> None:
    page.locator('#versions summary').focus()
    page.keyboard.press('Enter')
    expect(page.locator('.version')).to_have_count(3)
    page.get_by_role('button', name='Use version 5').focus()
    page.keyboard.press('Enter')
    assert bridge.until(lambda: ('activate', 5) in bridge.calls)


def test_a_version_of_another_page_appears(card: Locator, bridge: FakeBridge) -> None:
    bridge.models.live = 4
    bridge.change(training=replace(bridge.state().training, live_version=4))
    expect(card.get_by_role('button', name='Version 4 is live')).to_be_disabled()
    expect(card.locator('#versions-meta')).to_have_text('version 4 is live')


def test_a_refusal_is_told_and_changes_nothing(card: Locator, bridge: FakeBridge) -> None:
    bridge.failure = ModelError('a file of model version 4 is damaged')
    card.get_by_role('button', name='Use version 4').click()
    expect(card.locator('#versions-note')).to_have_text('a file of model version 4 is damaged')
    expect(card.get_by_role('button', name='Version 6 is live')).to_be_disabled()


def test_no_trainer(page: Page, bridge: FakeBridge) -> None:
    bridge.failure = NodeUnavailableError('the trainer does not answer: is its node running?')
    page.locator('#versions summary').click()
    expect(page.locator('#versions-note')).to_contain_text('the trainer does not answer')
    bridge.failure = None
    bridge.change(training=replace(bridge.state().training, state='head'))
    expect(page.locator('.version')).to_have_count(3)
    expect(page.locator('#versions-note')).to_be_empty()
