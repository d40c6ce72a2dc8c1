"""The policy's page: found by text, walked through, looked into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.server.browser import Page
from tests.server.conftest import serving
from tests.server.pages.visiting import HELD, KEY, enter, go, tab_to

SCALE = "Number(/scale\\(([\\d.]+)/.exec(document.querySelector('.canvas svg > g').getAttribute('transform'))[1])"
CURRENT = "document.querySelector('.box-of.current')?.dataset.id"
OPENED = "document.querySelector('#policy article h2')?.textContent"


@pytest.fixture
def broken_server(repository: Path, environment: dict[str, str], script: Path) -> Iterator[str]:
    """The example with planted faults, served all the same."""
    yield from serving(repository, environment, "examples/support-broken", "--unproved", "--script", str(script))


def test_a_guideline_is_found_opened_and_explained(page: Page, server: str) -> None:
    enter(page, server)
    go(page, "#/policy", ".box-of")
    rows = "[...document.querySelectorAll('#policy .list a.row-link b')].map((each) => each.textContent)"
    for text, found in (
        ("refund-re", ["refund-review"]),
        ("within one working day", ["refund-review"]),
        ("sales", ["standard-upgrade", "vip-upgrade"]),
        ("no such text", []),
    ):
        page.value(
            f"document.getElementById('find').value = '{text}'; document.getElementById('find').dispatchEvent(new Event('input'))"
        )
        assert page.value(rows) == found
        page.wait(f"document.querySelectorAll('.box-of:not(.faint)').length <= {max(1, len(found))}")
    page.value("document.getElementById('find').focus(); document.getElementById('find').select()")
    page.type("review")
    page.press("Enter")
    page.wait(f"{OPENED} === 'refund-review'")
    shown = " ".join(page.text("#policy article").split())
    for told in (
        "asks_refund && order.returnable && order.total > 500", "“The customer asks for a refund”", "tag refunds",
        "Explain that a colleague reviews", "Overrides refund-granted", "Overridden by escalate", "holds whatever the model answers",
        "policy.yaml, line", "decide: {refund: review}", "Remarks of the check",
    ):  # fmt: skip
        assert told.lower() in shown.lower(), (told, shown)
    assert "refund-too-late:" not in page.text("#policy article pre"), "the text of the next one is not shown"
    page.value(
        "[...document.querySelectorAll('#policy article a.name')].find((each) => each.textContent === 'escalate').click()"
    )
    page.wait(f"{OPENED} === 'escalate'")
    go(page, "#/policy/account-help", "article")
    page.wait(f"{OPENED} === 'account-help'")
    assert "The customer has trouble with their password" in page.text("#policy article")
    assert page.console == []


def test_the_drawing_is_moved_zoomed_and_walked_through_with_keys_and_mouse(page: Page, server: str) -> None:
    enter(page, server)
    go(page, "#/policy", ".box-of")
    tab_to(page, ".canvas", 90)
    before = page.value(SCALE)
    page.press("+")
    page.wait(f"{SCALE} > {before}")
    page.press("0")
    page.wait(f"{SCALE} <= {before}")
    assert page.value("document.querySelectorAll('.box-of').length") == 19, "all of it"
    page.press("ArrowRight")
    page.wait(f"{CURRENT}")
    first = page.value(CURRENT)
    page.press("ArrowRight")
    page.wait(f"{CURRENT} !== '{first}'")
    assert page.value(CURRENT) in page.text(".drawing [role=status]"), "it is said to whoever cannot see it"
    page.press("Enter")
    page.wait(f"{OPENED} === {CURRENT}")
    page.press("0") if page.value("document.activeElement.matches('.canvas')") else page.click(
        "[aria-label='Show all']"
    )
    page.wait(f"{SCALE} <= {before}")
    page.point(".box-of[data-id='vip-upgrade'] .box")
    page.wait(f"{OPENED} === 'vip-upgrade'")
    moved = "document.querySelector('.canvas svg > g').getAttribute('transform')"
    at = page.value(moved)
    middle = page.value(
        "(() => { const r = document.querySelector('.canvas').getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()"
    )
    page.command("Input.dispatchMouseEvent", type="mousePressed", x=middle[0], y=middle[1], button="left", clickCount=1)
    for step in (20, 60):
        page.command(
            "Input.dispatchMouseEvent", type="mouseMoved", x=middle[0] + step, y=middle[1] + step, button="left"
        )
    page.command(
        "Input.dispatchMouseEvent",
        type="mouseReleased",
        x=middle[0] + 60,
        y=middle[1] + 60,
        button="left",
        clickCount=1,
    )
    page.wait(f"{moved} !== '{at}'")
    assert page.value(OPENED) == "vip-upgrade", "to move is not to choose"
    near = page.value(SCALE)
    page.command("Input.dispatchMouseEvent", type="mouseWheel", x=middle[0], y=middle[1], deltaX=0, deltaY=-300)
    page.wait(f"{SCALE} > {near}")
    assert page.console == []


def test_what_comes_after_one_has_gone_on_is_not_shown(page: Page, server: str) -> None:
    enter(page, server)
    go(page, "#/policy", ".box-of")
    page.value(
        """(() => { const real = window.fetch; window.fetch = async (path, options) => {
        const answer = await real(path, options);
        if (String(path).includes('/pages/policy/entity')) await new Promise((go_on) => { window.release = go_on; });
        return answer; }; })()"""
    )
    page.value("location.hash = '#/policy/escalate'")
    page.wait("window.release")
    go(page, "#/policy", ".detail > div")
    page.value("(async () => { release(); await new Promise((go_on) => setTimeout(go_on, 200)); })()")
    assert page.value("document.querySelector('#policy article')") is None
    assert page.value("document.querySelector('#policy .detail > div > h2') !== null")
    assert page.console == []


def test_findings_are_listed_and_marked(page: Page, broken_server: str) -> None:
    enter(page, broken_server)
    go(page, "#/policy", ".findings")
    listed = page.text(".findings")
    assert "4 FINDINGS" in listed.upper()
    assert "conflicting-actions" in listed
    page.click("[aria-label='Show all']")
    marked = "[...document.querySelectorAll('.box-of.faulty')].map((each) => each.dataset.id)"
    page.wait(f"{marked}.length > 4")
    assert {"vip-upgrade", "standard-upgrade", "priority-line"} <= set(page.value(marked))
    page.value(
        "[...document.querySelectorAll('.findings a')].find((each) => each.textContent.includes('J001')).click()"
    )
    page.wait(f"{OPENED} === 'standard-upgrade'")
    assert "can be in force together" in page.text("#policy article .card.stop")


def test_an_empty_policy_says_how_to_begin(
    page: Page, repository: Path, environment: dict[str, str], script: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/policy.yaml").write_text("jurat: 1\nagent: {name: Nobody}\n")
    script.write_text("judge: {}\n")
    for server in serving(repository, environment, str(tmp_path / "empty"), "--script", str(script)):
        enter(page, server)
        go(page, "#/policy", ".empty")
        assert "no guidelines yet" in page.text("#policy")
        assert "condition: The customer says hello" in page.text("#policy")


def test_a_thousand_guidelines_are_drawn_and_walked_through(
    page: Page, repository: Path, environment: dict[str, str], script: Path, tmp_path: Path
) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "large/policy.yaml").write_text(large(1_000))
    script.write_text("judge: {}\n")
    for server in serving(repository, environment, str(tmp_path / "large"), "--script", str(script)):
        enter(page, server)
        go(page, "#/policy", ".box-of")
        drawn = page.value("document.querySelectorAll('.box-of').length")
        assert 0 < drawn < 200, "only what is in sight"
        page.click("[aria-label='Show all']")
        page.wait("document.querySelectorAll('.box-of').length === 1000", 30)
        assert page.value("document.querySelectorAll('.box-of .small').length") == 0, "no small print from afar"
        page.value("location.hash = '#/policy/g777'")
        page.wait(f"{OPENED} === 'g777'")
        page.wait("document.querySelectorAll('.box-of').length < 200", 30)
        assert page.console == []


def large(number: int) -> str:
    """A policy of guidelines that override each other in rows of ten."""
    rows = [
        f"  g{n}: {{condition: Says {n}, action: Do {n}" + (f", overrides: [g{n - 1}]" if n % 10 else "") + "}"
        for n in range(number)
    ]
    return "\n".join(["jurat: 1", "guidelines:", *rows, ""])


def test_an_earlier_policy_is_shown_to_whoever_may_see_versions(own_server: str) -> None:
    with httpx2.Client(base_url=own_server, headers=HELD, timeout=120) as client:
        policy = client.get("/v1/versions/1").json()
        changed = {name: text.replace("one working day", "two working days") for name, text in policy["files"].items()}
        made = client.post("/versions", json={"files": changed, "comment": "slower"})
        assert made.status_code == 201, made.text
        earlier = client.get("/pages/policy", params={"digest": policy["digest"]}).json()
        assert (earlier["current"], earlier["version"], earlier["findings"]) == (False, 1, [])
        asked = {"digest": policy["digest"], "id": "refund-review"}
        assert "one working day" in client.get("/pages/policy/entity", params=asked).json()["text"]
        assert "two working days" in client.get("/pages/policy/entity", params={"id": "refund-review"}).json()["text"]
        assert client.get("/pages/policy", params={"digest": "0" * 64}).status_code == 404
        assert client.get("/pages/policy/entity", params={"id": "none"}).status_code == 404
        assert client.get("/pages/policy", params={"digest": "x"}).status_code == 422
    assert httpx2.get(f"{own_server}/pages/policy", params={"digest": policy["digest"]}, timeout=60).status_code == 401
    for address in ("/policy", "/pages/policy", "/pages/policy/entity?id=refund-review"):
        assert httpx2.get(own_server + address, timeout=60).status_code == 401, (
            "who may only chat is told of their own turns"
        )
    assert KEY not in httpx2.get(f"{own_server}/static/api.js", timeout=60).text
