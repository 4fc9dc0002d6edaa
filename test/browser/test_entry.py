"""The page of a robot that asks for a token."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_bridge import WEB, FakeBridge
from playwright.sync_api import Browser, Page, expect

from recognizer_ros.core.config import WebConfig
from recognizer_ros.server.access import Access, Scope
from recognizer_ros.server.app import create_app
from recognizer_ros.server.serve import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def server(bridge: FakeBridge, tmp_path: Path) -> Iterator[Server]:
    config = WebConfig(host='0.0.0.0', port=0, access=str(tmp_path / 'access'))
    server = Server(create_app(bridge, config, WEB), config)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def access(server: Server) -> Access:
    assert server.access
    return server.access


@pytest.fixture
def stranger(browser: Browser, server: Server) -> Iterator[Page]:
    """A page that has opened nothing yet; its browser trusts the robot's certificate."""
    context = browser.new_context(ignore_https_errors=True,
                                  base_url=server.url.replace('0.0.0.0', 'localhost'))
    yield context.new_page()
    context.close()


def is_in(page: Page) -> None:
    expect(page.locator('#entry')).to_be_hidden()
    expect(page.locator('#connection')).to_have_text('connected')
    expect(page.locator('.chip').first).to_be_visible()


def test_the_address_with_the_token_opens_the_page(stranger: Page, access: Access,
                                                   bridge: FakeBridge) -> None:
    token = access.issue(Scope.TAG)
    stranger.goto(f'/#token={token}')
    is_in(stranger)
    assert token not in stranger.url
    assert token not in stranger.evaluate('document.cookie')
    stranger.locator('button.class[value=stapler]').click()
    assert bridge.until(lambda: bridge.state().tags == ('mug', 'stapler'))
    stranger.goto('/')  # the cookie is enough
    is_in(stranger)


def test_a_token_is_typed(stranger: Page, access: Access) -> None:
    stranger.goto('/')
    field = stranger.get_by_label('Token', exact=True)
    expect(field).to_be_focused()
    expect(stranger.locator('.chip')).to_have_count(0)
    field.fill('wrong')
    stranger.keyboard.press('Enter')
    expect(stranger.locator('#entry-note')).to_contain_text('not known')
    stranger.keyboard.press('Escape')
    expect(stranger.locator('#entry')).to_be_visible()
    field.fill(f' {access.issue(Scope.VIEW)} ')
    stranger.get_by_role('button', name='Enter').click()
    is_in(stranger)


def test_a_wrong_address_asks_and_says_why(stranger: Page, access: Access) -> None:
    stranger.goto('/#token=wrong')
    expect(stranger.locator('#entry-note')).to_contain_text('not known')
    stranger.get_by_label('Token', exact=True).fill(access.issue(Scope.VIEW))
    stranger.keyboard.press('Enter')
    is_in(stranger)


def test_who_may_only_look_is_told(stranger: Page, access: Access, bridge: FakeBridge) -> None:
    stranger.goto(f'/#token={access.issue(Scope.VIEW)}')
    is_in(stranger)
    stranger.locator('#train').click()
    expect(stranger.locator('#alerts')).to_contain_text('allows to view, not to admin')
    assert bridge.calls == []


def test_a_revoked_token_is_asked_for_again(stranger: Page, access: Access) -> None:
    stranger.goto(f'/#token={access.issue(Scope.TAG)}')
    is_in(stranger)
    access.revoke(access.tokens[0].id)
    stranger.reload()
    expect(stranger.locator('#entry')).to_be_visible()
