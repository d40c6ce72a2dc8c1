"""How tests move about on the pages."""

from __future__ import annotations

import json

from tests.server.browser import Page

KEY = "a key of the operator that is long enough for it"
HELD = {"authorization": f"Bearer {KEY}"}


def enter(page: Page, server: str) -> None:
    """Open the chat, signed in."""
    page.open(server)
    page.value(f"sessionStorage.setItem('key', '{KEY}')")
    page.open(server)
    page.wait("document.querySelector('.welcome, .meta')")


def go(page: Page, address: str, shown: str) -> None:
    """Go to an address behind the `#`, and wait for what a selector names."""
    page.value(f"location.hash = '{address}'")
    page.wait(f"document.querySelector({json.dumps('.page:not([hidden]) ' + shown)})")


def inspect(page: Page, session: str, turn: int) -> None:
    """Go to a turn in the inspector."""
    page.value("performance.clearMarks()")
    page.value(f"location.hash = '#/inspector/{session}/{turn}'")
    page.wait("performance.getEntriesByName('turn-shown').length && document.querySelector('.turn')")


def say(page: Page, text: str) -> None:
    """Write in the chat, and wait for the reply."""
    number = page.value("document.querySelectorAll('.meta').length")
    page.value("document.getElementById('message').focus()")
    page.type(text)
    page.press("Enter")
    page.wait(f"document.querySelectorAll('.meta').length === {number + 1}")


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until this has the focus."""
    for _ in range(most):
        if page.value(f"document.activeElement?.matches({selector!r})"):
            return
        page.press("Tab")
    raise AssertionError(f"Tab never came to {selector}: {page.value('document.activeElement.outerHTML')[:200]}")


def fits(page: Page) -> list[str]:
    """What is wider than it may be, so that one would have to scroll sideways."""
    found = page.value(
        "[document.documentElement, ...document.querySelectorAll('.page:not([hidden]), .page:not([hidden]) .column')]"
        ".filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.tagName + '.' + each.className)"
    )
    return list(found)
