"""The keyboard's way into the page."""

from playwright.sync_api import Locator, expect


def focus(target: Locator) -> None:
    """Give it the focus, which an element that is still hidden would not take, in silence."""
    expect(target).to_be_visible()
    target.focus()
    expect(target).to_be_focused()
