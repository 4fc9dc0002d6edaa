"""What axe-core finds wrong with the page, in all its states (WCAG 2.2 AA)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from fake_bridge import FakeBridge, busy_state
from focusing import focus
from playwright.sync_api import Page, expect

from recognizer_ros.server.serve import Server
from recognizer_ros.server.state import Alert, Classification, Dataset, State, Training

pytestmark = pytest.mark.browser

RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
EMPTY = State(dataset=Dataset(online=True), training=Training(online=True),
              classification=Classification(online=True))
OFFLINE = replace(busy_state(), dataset=replace(busy_state().dataset, online=False),
                  training=replace(busy_state().training, online=False),
                  classification=replace(busy_state().classification, online=False))
RECORDING = replace(
    busy_state(), dataset=replace(busy_state().dataset, recording=True, active_tags=('mug',),
                                  burst_samples=12),
    alerts=tuple(Alert(number, number, level, level, 'Something that takes a few words to say.', 0)
                 for number, level in enumerate(('info', 'warning', 'error'), 5)))


FEW = pytest.mark.parametrize('view', ['dark desktop', 'light phone'], indirect=True)


@pytest.fixture(params=['dark desktop', 'light desktop', 'dark phone', 'light phone'])
def view(request: pytest.FixtureRequest, open_page: Callable[..., Page]) -> Page:
    """The page in one of its looks."""
    scheme, _, size = request.param.partition(' ')
    width, height = (360, 740) if size == 'phone' else (1280, 900)
    return open_page(color_scheme=scheme, reduced_motion='reduce', is_mobile=size == 'phone',
                     has_touch=size == 'phone', viewport={'width': width, 'height': height})


def wrong(page: Page) -> list[str]:
    """What breaks a rule, and where."""
    found = Axe().run(page, options={'runOnly': {'type': 'tag', 'values': RULES}}).response
    return [f'{rule["id"]} at {node["target"][0]}: {node["failureSummary"]}'
            for rule in found['violations'] for node in rule['nodes']]


def open_all(page: Page) -> None:
    """Open every card, and wait until what they load is there."""
    for card in page.locator('details').all():
        if card.is_visible() and card.get_attribute('open') is None:
            card.locator('> summary').click()
    page.wait_for_load_state('load')
    page.evaluate('() => new Promise((done) => requestIdleCallback(done))')


def show(page: Page, bridge: FakeBridge, state: State) -> None:
    """Have the page show a state, which has that many classes."""
    bridge.change(**{name: getattr(state, name) for name in vars(state)})
    expect(page.locator('#classes li')).to_have_count(len(state.dataset.classes))
    expect(page.locator('#dataset.offline')).to_have_count(0 if state.dataset.online else 1)


def test_the_page_at_work(view: Page, bridge: FakeBridge) -> None:
    open_all(view)
    expect(view.locator('.version')).to_have_count(3)
    assert wrong(view) == []
    show(view, bridge, RECORDING)
    expect(view.locator('.recording #badge')).to_be_visible()
    expect(view.locator('.alert.error')).to_be_visible()
    assert wrong(view) == []


@FEW
def test_the_page_of_a_robot_that_knows_nothing(view: Page, bridge: FakeBridge) -> None:
    show(view, bridge, EMPTY)
    open_all(view)
    assert wrong(view) == []


@FEW
def test_the_page_of_a_robot_that_goes_away(view: Page, bridge: FakeBridge, server: Server
                                            ) -> None:
    show(view, bridge, OFFLINE)
    assert wrong(view) == []
    server.stop()
    expect(view.locator('#connection')).to_have_text('reconnecting…')
    assert wrong(view) == []


@FEW
def test_the_question_for_a_token(view: Page) -> None:
    view.locator('#entry').evaluate('(dialog) => dialog.showModal()')
    expect(view.get_by_role('textbox', name='Token')).to_be_focused()
    assert wrong(view) == []


@FEW
def test_an_image_shown_large(view: Page) -> None:
    view.locator('#images > summary').click()
    focus(view.locator('#gallery-list [role=option]').first)
    view.keyboard.press('Enter')
    expect(view.locator('#gallery-view')).to_be_visible()
    assert wrong(view) == []
