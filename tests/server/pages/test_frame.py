"""What holds of all pages: navigation, keyboard, phone, darkness, security."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx2
import pytest
from tests.server.browser import Page
from tests.server.pages.visiting import HELD, KEY, enter, fits, go, inspect, say, tab_to

STATIC = "server/static"
NAMESPACE = "http://www.w3.org/2000/svg"
"""Not an address that anything is loaded from."""


def test_the_four_pages_are_reached_by_keyboard_alone_and_the_chat_goes_on(page: Page, server: str) -> None:
    enter(page, server)
    say(page, "I want a refund for order 1042")
    for name, title in (
        ("inspector", "Inspector"),
        ("policy", "Policy"),
        ("versions", "Versions"),
        ("chat", "Customer"),
    ):
        tab_to(page, f"nav a[data-page={name}]")
        page.press("Enter")
        page.wait(f"!document.getElementById('{name}').hidden")
        page.wait(f"document.title.startsWith('{title}')")
        assert page.value("[...document.querySelectorAll('.page')].filter((each) => !each.hidden).length") == 1
        assert page.text("nav a[aria-current]").lower() == name
        page.value("document.body.focus()")
    assert "158.90" in page.text(".agent .bubble")
    page.wait("document.activeElement.id === 'message'")
    page.value("document.getElementById('skip').focus()")
    page.press("Enter")
    page.wait("document.activeElement.id === 'main'")
    assert page.console == []


def test_nothing_is_wider_than_a_phone_and_no_policy_of_the_browser_is_broken(page: Page, server: str) -> None:
    page.size(360, 740)
    page.dark()
    enter(page, server)
    say(page, "I want a refund for order 1042 " + "x" * 200)
    session = page.value("sessionStorage.getItem('session')")
    assert fits(page) == []
    for address, shown in (
        ("#/inspector", "a.row-link"),
        (f"#/inspector/{session}", ".turns"),
        (f"#/inspector/{session}/1", ".turn"),
        ("#/policy", ".box-of"),
        ("#/policy/refund-review", "article"),
        ("#/versions", "a.row-link"),
        ("#/versions/1", ".pairs"),
    ):
        go(page, address, shown)
        assert fits(page) == [], address
        assert page.value("document.documentElement.scrollHeight <= innerHeight"), (
            "columns scroll, and the header stays"
        )
    assert page.console == []
    page.value("document.body.setAttribute('style', 'color: red')")
    page.wait("getComputedStyle(document.body).color !== 'rgb(255, 0, 0)'")
    assert any("Content Security Policy" in each for each in page.console), "a breach would have been noticed"


def test_on_a_phone_a_turn_is_reached_and_left_again(page: Page, server: str) -> None:
    page.size(360, 740)
    enter(page, server)
    say(page, "I want a refund for order 1042")
    visible = "(name) => getComputedStyle(document.querySelector(`#inspector .${name}`)).display !== 'none'"
    go(page, "#/inspector", "a.row-link")
    assert page.value(f"['list', 'line', 'detail'].map({visible})") == [True, False, False]
    page.click("#inspector .list a.row-link")
    page.wait("document.querySelector('.turns a')")
    assert page.value(f"['list', 'line', 'detail'].map({visible})") == [False, True, False]
    page.click(".turns a")
    page.wait("document.querySelector('.turn')")
    assert page.value(f"['list', 'line', 'detail'].map({visible})") == [False, False, True]
    page.click(".turn .back")
    page.wait("document.querySelector('#inspector').dataset.level === 'conversation'")
    page.click(".line .back")
    page.wait("document.querySelector('#inspector').dataset.level === 'list'")


def test_without_a_key_only_ones_own_is_shown_until_one_signs_in(page: Page, server: str) -> None:
    other = httpx2.post(f"{server}/sessions", json={}, headers=HELD, timeout=60).json()["id"]
    page.open(server)
    page.wait("document.querySelector('.welcome')")
    say(page, "Can I have an upgrade?")
    mine = page.value("sessionStorage.getItem('session')")
    go(page, "#/inspector", "a.row-link")
    assert page.value("document.querySelectorAll('#inspector a.row-link').length") == 1
    assert other not in page.text("#inspector")
    inspect(page, mine, 1)
    assert "standard-upgrade" in page.text(".turn")
    go(page, "#/versions", ".empty")
    assert "You may not see this yet" in page.text("#versions")
    tab_to(page, "#versions .empty button")
    page.press("Enter")
    page.wait("document.getElementById('key').open")
    page.value("document.getElementById('key-text').focus()")
    page.type(KEY)
    tab_to(page, "#key-keep")
    page.press("Enter")
    page.wait("document.querySelector('#versions a.row-link')")
    go(page, "#/inspector", f"a[data-key='{other}']")
    assert page.text("#sign") == "Signed in"
    page.click("#sign")
    page.click("#key-forget")
    page.wait("document.getElementById('sign')?.textContent === 'Sign in'")


def test_a_wrong_key_is_one_clear_sentence(page: Page, server: str) -> None:
    page.open(server)
    page.value("sessionStorage.setItem('key', 'not a key')")
    page.open(server)
    page.wait("document.getElementById('proof').textContent !== ''")
    assert "the key or token is not one that is taken here" in page.text("#proof")
    go(page, "#/policy", ".empty")
    assert "The key or token is not one that is taken here." in page.text("#policy")


def test_a_reply_is_shown_piece_by_piece_as_it_comes(page: Page, server: str) -> None:
    enter(page, server)
    # A stream that stops where the test wants it to: what has come by then is what must be seen.
    page.value(
        """(() => { const real = window.fetch; window.fetch = (path, options) => {
        if (!String(path).endsWith('/messages')) return real(path, options);
        const body = new ReadableStream({ start(to) { window.told = (name, content) =>
          to.enqueue(new TextEncoder().encode(`event: ${name}\\ndata: ${JSON.stringify(content)}\\n\\n`)); } });
        return Promise.resolve(new Response(body, {headers: {'content-type': 'text/event-stream'}})); }; })()"""
    )
    page.type("hello")
    page.press("Enter")
    page.wait("window.told")
    page.value("told('step', {name: 'respond', detail: 'writing the reply', seconds: null, round: 1})")
    page.wait("document.querySelector('.work').textContent.includes('writing the reply')")
    for piece, so_far in (
        ("First <b>sentence</b>.", "First <b>sentence</b>."),
        (" Second.", "First <b>sentence</b>. Second."),
    ):
        page.value(f"told('text', {{text: {piece!r}}})")
        page.wait(f"document.querySelector('.agent .bubble').textContent === {so_far!r}")
    assert page.value("document.querySelectorAll('.meta').length") == 0, "the turn has not ended"
    page.value("told('error', {error: {code: 'busy', message: 'too many conversations at once'}})")
    page.wait("document.querySelector('.fault')")
    assert page.text(".fault") == "Too many conversations at once"
    assert page.console == []


def test_no_text_of_anybody_becomes_markup(page: Page, hostile_server: str) -> None:
    bad = "<img src=x onerror=window.hit=6>"
    with httpx2.Client(base_url=hostile_server, headers=HELD, timeout=60) as client:
        session = client.post("/sessions", json={"customer": bad}).json()["id"]
        said = client.post(f"/sessions/{session}/messages", json={"message": f"hello {bad}"})
        assert "event: turn" in said.text, said.text
    enter(page, hostile_server)
    say(page, f"hello {bad}")
    for address, shown, text in (
        ("#/inspector", f"a[data-key='{session}']", bad),
        (f"#/inspector/{session}/1", ".turn", "<script>window.hit=2</script>"),
        ("#/policy/answer", "article", "<img src=x onerror=window.hit=3>"),
        ("#/policy/other", "article", "<a href='javascript:window.hit=4'>click</a>"),
        ("#/policy", ".detail > div", "<b>Agent</b>"),
        ("#/versions/1", ".pairs", "in effect"),
    ):
        go(page, address, shown)
        page.wait(f"document.getElementById('main').textContent.includes({json.dumps(text)})")
    inspect(page, session, 1)
    page.value(
        f"document.getElementById('why-not').value = {bad!r}; document.querySelector('.turn form').requestSubmit()"
    )
    page.wait("document.querySelector('.answer').textContent !== ''")
    assert bad in page.text(".answer")
    go(page, "#/inspector/%3Cimg%20src=x%20onerror=window.hit=7%3E/1", ".empty")
    assert (
        page.value("document.querySelectorAll('#main :is(img, script, iframe, b b, i i), a[href^=javascript]').length")
        == 0
    )
    assert page.value("window.hit") is None
    assert not [each for each in page.console if "404" not in each]


@pytest.mark.parametrize("kind", ["js", "css", "html"])
def test_nothing_comes_from_elsewhere_and_no_text_is_read_as_markup(repository: Path, kind: str) -> None:
    files = sorted((repository / STATIC).glob(f"*.{kind}"))
    assert files
    for file in files:
        text = file.read_text("utf-8").replace(NAMESPACE, "")
        assert not re.search(r"https?://|//[a-z]+\.[a-z]|@import|url\(['\"]?(?!#)", text), file
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser", text
        ), file
        assert not re.search(r"<script>|<style|\son[a-z]+=\"|style=\"", text), file


def test_every_page_is_served_with_a_strict_policy(server: str) -> None:
    for name in ("/", "/static/page.js", "/static/pages.css"):
        answer = httpx2.get(server + name, timeout=60)
        policy = answer.headers["content-security-policy"]
        assert answer.status_code == 200
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
