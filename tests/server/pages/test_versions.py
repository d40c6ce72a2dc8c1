"""The page of versions: what was proved, what one changes, putting one in effect."""

from __future__ import annotations

import httpx2
from tests.server.browser import Page
from tests.server.pages.visiting import enter, go, tab_to


def changed(operator: httpx2.Client) -> None:
    """A second version, which says something else and is stricter."""
    files = operator.get("/v1/versions/1").json()["files"]
    files["policy.yaml"] = files["policy.yaml"].replace("order.total > 500", "order.total > 300")
    made = operator.post("/versions", json={"files": files, "comment": "review <b>more</b> refunds"})
    assert made.status_code == 201, made.text


def test_versions_are_compared_and_put_in_effect_with_their_proof(
    page: Page, own_server: str, operator: httpx2.Client
) -> None:
    enter(page, own_server)
    go(page, "#/versions", "a.row-link")
    assert "There is one so far" in page.text("#versions .detail")
    changed(operator)
    go(page, "#/versions/2", ".pairs")
    assert "review <b>more</b> refunds" in page.text("#versions .list")
    shown = " ".join(page.text("#versions .detail").split())
    for told in (
        "Version 2",
        "in effect",
        "proved",
        "sent over HTTP",
        "Obligations",
        "z3",
        "Nothing was found that keeps it from taking effect",
    ):
        assert told in shown, shown
    assert "Put it in effect" not in shown, "it is"
    tab_to(page, "#against")
    tab_to(page, "#versions form.ask button")
    page.press("Enter")
    page.wait("document.querySelector('#texts .diff') && document.querySelector('#behaviour .card')", 100)
    lines = (
        "[...document.querySelectorAll('.diff tr.{}')].map((each) => each.querySelector('.code').textContent.trim())"
    )
    assert page.value(lines.format("removed")) == ["when: asks_refund && order.returnable && order.total > 500"]
    assert page.value(lines.format("added")) == ["when: asks_refund && order.returnable && order.total > 300"]
    assert "order.total" in page.text("#behaviour")
    assert "refund-review" in page.text("#behaviour")
    go(page, "#/versions/1", "#comment")
    page.wait("document.querySelector('#versions .detail h2').textContent === 'Version 1'")
    tab_to(page, "#comment")
    page.type("too strict")
    page.press("Enter")
    page.wait("document.querySelector('#versions [role=status] .card.go')", 100)
    assert "Version 1 is in effect" in page.text("#versions [role=status]")
    assert "Obligations" in page.text("#versions [role=status]")
    assert operator.get("/v1/versions").json()["active"] == 1
    page.wait("document.querySelector('#versions .list').textContent.includes('too strict')")
    assert page.console == []


def test_a_version_that_cannot_take_effect_says_why(page: Page, own_server: str, operator: httpx2.Client) -> None:
    changed(operator)
    enter(page, own_server)
    go(page, "#/versions/1", "#comment")
    # Another operator cannot make a proved version fail, so the server's answer to one is what is put in its place.
    page.value(
        """(() => { const real = window.fetch; window.fetch = (path, options) => String(path).endsWith('/rollback')
        ? Promise.resolve(new Response(JSON.stringify({error: {code: 'not-proved', message: 'the check ended with `failed`'},
          report: {status: 'failed', obligations: 3, findings: [{code: 'J001', name: 'conflicting-actions', closes_gate: true,
          message: '`a` and `b` disagree', help: 'say which wins', allowed: null, witness: null}], proofs: []}}),
          {status: 422, headers: {'content-type': 'application/json'}})) : real(path, options); })()"""
    )
    page.value("document.querySelector('#versions form.ask').requestSubmit()")
    page.wait("document.querySelector('#versions [role=status] .card.stop')")
    told = page.text("#versions [role=status]")
    assert "The check ended with" in told
    assert "conflicting-actions" in told
    assert operator.get("/v1/versions").json()["active"] == 2


def test_texts_of_versions_are_compared_line_by_line(operator: httpx2.Client) -> None:
    changed(operator)
    found = operator.get("/pages/versions/2/texts", params={"against": 1}).json()
    [file] = found["files"]
    assert (file["name"], file["status"], file["too_long"]) == ("policy.yaml", "changed", False)
    [stretch] = file["stretches"]
    assert [each["kind"] for each in stretch] == ["same"] * 3 + ["removed", "added"] + ["same"] * 3
    removed, added = stretch[3], stretch[4]
    assert (removed["before"], removed["after"]) == (added["after"], None)
    assert operator.get("/pages/versions/2/texts", params={"against": 2}).json()["files"] == []
    assert operator.get("/pages/versions/2/texts", params={"against": 9}).status_code == 404
    assert operator.get("/pages/versions/2/texts").status_code == 422
