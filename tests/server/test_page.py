"""The page in a real browser, at the width of a desk and of a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.conftest import shared

from .browser import browser

TURNS = "document.querySelectorAll('.meta').length"


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example policy, served; every browser is somebody else to it."""
    yield from shared(repository, tmp_path_factory.mktemp("served"))


def test_a_message_gets_its_reply_and_the_reasons_for_it(server: str, tmp_path: Path) -> None:
    with browser() as page:
        page.size(1280, 800)
        page.open(server)
        page.wait("document.querySelector('.welcome')")
        page.type("I want a refund for order 1042")
        page.press("Enter")
        page.wait(f"{TURNS} === 1")
        assert "158.90" in page.text(".agent .bubble")
        why = page.text("#reasons")
        for told in (
            "refund-granted",
            "→ ",
            "order.returnable true",
            "check_order_status(order_id: 1042)",
            "The customer asks for a refund",
        ):
            assert told in why, why
        page.type("this is ridiculous, about that refund: get me a manager")
        page.press("Enter")
        page.wait(f"{TURNS} === 2")
        assert "Not asked, for nothing hangs on it:" in page.text("#reasons")
        assert "Handed off to human" in page.text("#reasons")
        page.picture(tmp_path / "page.png")
        assert (tmp_path / "page.png").stat().st_size > 10_000
        assert page.console == []


def test_an_earlier_turn_explains_itself_again_and_a_reload_keeps_the_conversation(server: str) -> None:
    with browser() as page:
        page.open(server)
        page.wait("document.querySelector('.welcome')")
        for number, message in enumerate(("I want a refund for order 1042", "Can I have an upgrade?"), 1):
            page.type(message)
            page.press("Enter")
            page.wait(f"{TURNS} === {number}")
        assert "standard-upgrade" in page.text("#reasons")
        page.click(".meta button")
        assert "refund-granted" in page.text("#reasons")
        page.open(server)
        page.wait(f"{TURNS} === 2")
        assert page.text(".customer .bubble") == "I want a refund for order 1042"
        assert page.console == []


def test_what_a_customer_writes_is_never_markup(server: str) -> None:
    with browser() as page:
        page.open(server)
        page.wait("document.querySelector('.welcome')")
        page.type("<img src=x onerror='document.title=1'><b>refund</b> 1042")
        page.press("Enter")
        page.wait(f"{TURNS} === 1")
        assert page.text(".customer .bubble").startswith("<img src=x")
        assert page.value("document.querySelectorAll('.bubble img, .bubble b, #reasons img').length") == 0


def test_shift_and_enter_is_a_new_line(server: str) -> None:
    with browser() as page:
        page.open(server)
        page.wait("document.querySelector('.welcome')")
        page.type("one")
        page.press("Enter", shift=True)
        page.type("two")
        assert page.value("document.getElementById('message').value") == "one\ntwo"


def test_on_a_phone_nothing_overflows_and_the_reasons_open_and_close_by_key(server: str) -> None:
    with browser() as page:
        page.size(360, 740)
        page.open(server)
        page.wait("document.querySelector('.welcome')")
        page.type("I want a refund for order 1042 " + "x" * 120)
        page.press("Enter")
        page.wait(f"{TURNS} === 1")
        assert page.value("document.documentElement.scrollWidth <= innerWidth")
        visible = "getComputedStyle(document.getElementById('why')).visibility"
        assert page.value(visible) == "hidden"
        page.click(".meta button")
        page.wait(f"{visible} === 'visible'")
        assert page.value("document.activeElement.id") == "close"
        page.press("Escape")
        page.wait(f"{visible} === 'hidden'")
        assert page.value("document.activeElement.textContent") == "Why?"


def test_a_new_conversation_starts_with_the_facts_that_were_chosen(server: str) -> None:
    with browser() as page:
        page.open(server)
        page.wait("document.querySelector('.welcome')")
        page.click("#renew")
        page.wait("document.getElementById('facts').open")
        page.value("document.querySelector('select[name=\"customer.tier\"]').value = 'gold'")
        before = page.value("sessionStorage.getItem('session')")
        page.click("#begin")
        page.wait(f"sessionStorage.getItem('session') !== '{before}'")
        page.type("Can I have an upgrade?")
        page.press("Enter")
        page.wait(f"{TURNS} === 1")
        assert "vip-upgrade" in page.text("#reasons")


def test_an_unproved_policy_has_a_loud_banner(unproved_server: str) -> None:
    with browser() as page:
        page.open(unproved_server)
        page.wait("!document.getElementById('banner').hidden")
        assert page.text("#banner").startswith("Unproved: this policy did not pass its check (4 findings)")
