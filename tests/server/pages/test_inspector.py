"""The inspector: from a reply to its reasons, and to the reasons against another guideline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.server.browser import Page
from tests.server.conftest import serving
from tests.server.pages.long_conversation import ID, written
from tests.server.pages.visiting import HELD, enter, go, say, tab_to

TURNS = 1_000
SECONDS = 1.0
"""That a page of so many turns may take to open."""


def explain(page: Page, id_: str) -> str:
    page.value(
        f"document.getElementById('why-not').value = '{id_}'; document.querySelector('.turn form').requestSubmit()"
    )
    page.wait(f"document.querySelector('.answer')?.textContent.includes('{id_}')")
    return page.text(".answer")


def test_from_a_reply_one_comes_to_why_it_was_given_and_why_another_was_not(page: Page, server: str) -> None:
    enter(page, server)
    say(page, "I want a refund for order 1042")
    say(page, "this is ridiculous, about that refund: get me a manager")
    page.click(".agent .meta a")
    page.wait("document.querySelector('.turn')")
    shown = page.text(".turn")
    for told in (
        "Turn 1", "I want a refund for order 1042", "refund-granted", "“The customer asks for a refund” yes 100 %",
        "Say that the order can be refunded", "check_order_status", "Wanted by refund-check", "Draft 1 passed",
        "order.returnable", "from check_order_status", "The whole turn", "Round 1:",
    ):  # fmt: skip
        assert told in " ".join(shown.split()), (told, shown)
    bands = "[...document.querySelectorAll('.gauges .band')].map((each) => [each.style.left, each.style.width])"
    assert page.value(bands)[0] == ["30%", "40%"], "the scripted judge's"
    marks = "[...document.querySelectorAll('.gauges .mark')].map((each) => each.style.left)"
    assert {"0%", "100%"} == set(page.value(marks))
    assert "“The customer asks about an upgrade” was not true" in explain(page, "vip-upgrade")
    assert "order.returnable was true" in explain(page, "refund-granted")
    assert "nothing that is called nonsense" in explain(page, "nonsense")
    page.click("[aria-label='Later turn']")
    page.wait("document.querySelector('.turn h2')?.textContent === 'Turn 2'")
    shown = " ".join(page.text(".turn").split())
    assert "Handed off to human" in shown
    assert "Not asked, for nothing hung on it" in shown
    assert "`escalate`" not in explain(page, "refund-check")
    assert "escalate overrides refund-check" in explain(page, "refund-check")
    page.click(".turn a.name")
    page.wait("document.querySelector('#policy article h2')?.textContent === 'escalate'")
    assert "Acknowledge the customer's feelings" in page.text("#policy article")
    assert page.console == []


def test_steps_are_drawn_from_when_they_began_and_who_knows_no_names_is_told_some(page: Page, server: str) -> None:
    enter(page, server)
    say(page, "I want a refund for order 1042")
    page.click(".agent .meta a")
    page.wait("document.querySelector('.turn')")
    bars = "[...document.querySelectorAll('.times .track i')].map((each) => [parseFloat(each.style.left), each.clientWidth])"
    drawn = page.value(bars)
    starts = [start for start, _ in drawn]
    assert starts == sorted(starts)
    assert 0 <= starts[0] < starts[-1] <= 100
    assert all(width >= 2 for _, width in drawn)
    assert page.value("[...document.querySelectorAll('.times .round')].map((each) => each.textContent)") == [
        f"Round {number}" for number in (1, 2, 3)
    ]
    assert "begins after" in page.text(".times")
    offered = "[...document.querySelectorAll('.turn .others button')].map((each) => each.textContent)"
    first = page.value(offered)
    assert first[-1].startswith("and ")
    assert not {"refund-granted", "refund-check"} & set(first), "what was followed is told above"
    page.value("[...document.querySelectorAll('.turn .others button')].at(-1).click()")
    names = page.value(offered)
    assert names[:8] == first[:8]
    assert "vip-upgrade" in names
    page.value(
        "[...document.querySelectorAll('.turn .others button')].find((each) => each.textContent === 'vip-upgrade').click()"
    )
    page.wait("document.querySelector('.answer .card')")
    assert "“The customer asks about an upgrade” was not true" in page.text(".answer")
    assert page.console == []


def test_a_list_is_searched_and_walked_with_the_keyboard_alone(
    page: Page, own_server: str, operator: httpx2.Client
) -> None:
    ids = {}
    for customer in ("mira-7", "jonas-8"):
        ids[customer] = operator.post("/sessions", json={"customer": customer}).json()["id"]
        operator.post(f"/sessions/{ids[customer]}/messages", json={"message": "Can I have an upgrade?"})
    enter(page, own_server)
    go(page, "#/inspector", f"a[data-key='{ids['jonas-8']}']")
    tab_to(page, "#search")
    page.type("MIRA")
    page.wait("document.querySelectorAll('#inspector .list a.row-link').length === 1")
    assert "mira-7" in page.text("#inspector .list")
    tab_to(page, "#inspector .list a.row-link")
    page.press("Enter")
    page.wait("document.querySelector('.turns a')")
    tab_to(page, ".turns a")
    page.press("Enter")
    page.wait("document.querySelector('.turn')")
    assert page.value("document.activeElement.textContent") == "Turn 1"
    assert page.text(".line h2") == "mira-7"
    tab_to(page, "#why-not")
    page.type("vip-upgrade")
    page.press("Enter")
    page.wait("document.querySelector('.answer .card')")
    assert 'customer.tier was "standard"' in page.text(".answer")
    page.value("document.getElementById('search').focus(); document.getElementById('search').select()")
    page.type("nobody of this name")
    page.wait("document.querySelector('#inspector .list .empty')")
    assert "Nothing found" in page.text("#inspector .list")
    assert page.console == []


def test_where_there_is_nothing_it_is_said_what_to_do(page: Page, own_server: str) -> None:
    page.open(f"{own_server}/static/seal.svg")
    page.value(f"sessionStorage.setItem('key', '{HELD['authorization'].removeprefix('Bearer ')}')")
    page.open(f"{own_server}/#/inspector")
    page.wait("document.querySelector('#inspector .list .empty')")
    assert "Write to the agent in the chat" in page.text("#inspector .list")
    go(page, "#/inspector/nobodys/1", ".detail [role=alert]")
    assert "There is no such" in page.text("#inspector .detail")


@pytest.fixture
def long_server(repository: Path, environment: dict[str, str], script: Path, tmp_path: Path) -> Iterator[str]:
    """A server whose store has a conversation of a thousand turns."""
    database = tmp_path / "long.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JURAT_SUPPORT_DB", environment["JURAT_SUPPORT_DB"])
        written(repository / "examples/support", database, TURNS)
    yield from serving(repository, environment, "examples/support", "--script", str(script), "--store", str(database))


def test_a_conversation_of_a_thousand_turns_opens_in_under_a_second(page: Page, long_server: str) -> None:
    page.open(f"{long_server}/static/seal.svg")
    page.value(f"sessionStorage.setItem('key', '{HELD['authorization'].removeprefix('Bearer ')}')")
    taken: list[float] = []
    for turn in (TURNS, 500, 1) * 4:  # a whole page load each: modules, list, timeline and turn
        page.open(f"{long_server}/?turn={turn}#/inspector/{ID}/{turn}")
        page.wait("performance.getEntriesByName('turn-shown').length")
        taken.append(page.value("performance.getEntriesByName('turn-shown')[0].startTime") / 1000)
        assert page.text(".turns [aria-current] .number") == str(turn)
        assert page.value("document.querySelectorAll('.turns li').length") == 50
        if turn == 1 and min(taken) < SECONDS:
            break  # it is once that it has to be quick: the others may have been beside something that was not
    assert min(taken) < SECONDS, taken
    assert "Mira Lindqvist" in page.text("#inspector .list")
    page.click(".pager button:last-child")
    page.wait("document.querySelector('.turns .number')?.textContent === '51'")
    page.value(
        "document.querySelector('.pager input').value = '777'; document.querySelector('.pager form').requestSubmit()"
    )
    page.wait("document.querySelector('.turn h2')?.textContent === 'Turn 777'")
    assert page.text(".turns [aria-current] .number") == "777"
    assert page.console == []
    print(f"opened in {', '.join(f'{each:.2f} s' for each in taken)}")
