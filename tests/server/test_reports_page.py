"""The report as a page: one file that needs and runs nothing, readable on a phone, with a keyboard, by day and night."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jurat.policies import Report, Severity
from jurat.server.reports.formats import text_of
from jurat.server.reports.page import BOXES_DRAWN
from jurat.server.reports.result import Result, judged

from .browser import Page, browser
from .results import HOSTILE, checked, hostile, invalid, undecided

VOID = {"meta", "br"}


class Parsed(HTMLParser):
    """The elements of a page, which have to be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


@pytest.fixture(scope="module")
def results(repository: Path) -> dict[str, Result]:
    broken = checked(repository / "examples/support-broken", "examples/support-broken")
    return {"failed": broken, "undecided": undecided(), "invalid": invalid(), "hostile": hostile()}


@pytest.mark.parametrize("name", ["failed", "undecided", "invalid", "hostile"])
def test_a_page_is_well_formed_and_loads_and_runs_nothing(results: dict[str, Result], name: str) -> None:
    page = Parsed(text_of("html", results[name], 1))
    assert {tag for tag, _ in page.elements} & {"script", "iframe", "link", "img", "object", "form", "base"} == set()
    for _, attributes in page.elements:
        assert not any(key.startswith("on") or key == "style" for key in attributes)
        assert all((attributes.get(key) or "#").startswith("#") for key in ("href", "src", "xlink:href"))
    (policy,) = (a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in str(policy)


def test_a_page_has_every_finding_and_every_line_of_every_witness(results: dict[str, Result]) -> None:
    result = results["failed"]
    said = " ".join(Parsed(text_of("html", result, 1)).said.split())
    for entry in result.entries:
        assert entry.finding.message.replace("`", "") in said
        assert entry.finding.help.replace("`", "") in said
        witness = entry.finding.proof.witness if entry.finding.proof else None
        if witness and entry.finding.severity is not Severity.NOTE:
            assert all(f"{speaker}{line}" in said for speaker, line in witness.conversation)


def test_what_the_author_wrote_stays_text(results: dict[str, Result]) -> None:
    page = Parsed(text_of("html", results["hostile"], 1))
    assert page.said.count("<script>alert(1)</script>") > 10
    assert HOSTILE.splitlines()[0] in page.said


def test_a_large_policy_is_drawn_where_findings_are() -> None:
    guidelines = "".join(f"  g{n}: {{condition: It is {n} o'clock, action: Say {n}}}\n" for n in range(BOXES_DRAWN))
    large = checked("jurat: 1\nguidelines:\n" + guidelines + "  wrong: {when: 1 < 2, action: Go, entails: [g7]}\n")
    drawn = {attributes.get("class") for tag, attributes in Parsed(text_of("html", large, 1)).elements if tag == "g"}
    assert drawn >= {"guideline faulty", "guideline"}
    assert "2 of 151 boxes" in text_of("html", large, 1)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as opened:
        yield opened


@pytest.fixture
def address(results: dict[str, Result], tmp_path: Path) -> str:
    (tmp_path / "report.html").write_text(text_of("html", results["failed"], 1), encoding="utf-8")
    return (tmp_path / "report.html").as_uri()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_page_fits_every_width_and_its_styles_are_let_in(page: Page, address: str, width: int) -> None:
    page.size(width, 800)
    page.open(address)
    assert page.console == []  # where the policy of contents would complain
    assert page.value("getComputedStyle(document.querySelector('.card')).borderLeftWidth") == "5px"
    assert page.value("getComputedStyle(document.querySelector('svg .faulty .box')).strokeWidth") == "2.5px"
    assert page.value("document.documentElement.scrollWidth") == width


def test_a_page_is_readable_by_night(page: Page, address: str) -> None:
    page.size(1280, 800)
    page.open(address)
    light = page.value(LUMINANCES)
    page.dark()
    dark = page.value(LUMINANCES)
    assert light["ground"] > 0.8
    assert dark["ground"] < 0.1
    for found in (light, dark):
        assert min(found["contrasts"]) >= 4.5, found  # WCAG 2.2, level AA


LUMINANCES = """(() => {
  const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  const luminance = text => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number); return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b) }
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!c.startsWith('rgba(0, 0, 0, 0')) return luminance(c) } return 1 }
  const contrasts = [...document.querySelectorAll('h1, h2, h3, h4, p, li, summary, code, .tag, .sign, td, th, a, b, .x-main, .x-rule')].filter(e => e.checkVisibility()).map(e => {
    const [a, b] = [luminance(getComputedStyle(e).color), ground(e)].sort((x, y) => y - x)
    return (a + 0.05) / (b + 0.05) })
  return {ground: ground(document.body), contrasts} })()"""


def test_a_page_can_be_used_with_the_keyboard(page: Page, address: str) -> None:
    page.size(1280, 800)
    page.open(address)
    reached = []
    for _ in range(40):
        page.press("Tab")
        reached.append(
            page.value(
                "document.activeElement.matches('.skip, nav a, summary, pre, .graph') && document.activeElement.className + document.activeElement.tagName"
            )
        )
    assert reached[0] == "skipA"
    assert {"A", "SUMMARY", "excerptPRE", "graphDIV"} <= set(reached)
    page.value("document.querySelector('article summary').focus()")
    page.press("Enter")
    page.wait("document.querySelector('article details').open")


def test_a_policy_without_anything_to_draw_has_a_page_too() -> None:
    import jurat

    graph = jurat.load("jurat: 1\nguidelines: {}\n")
    text = text_of("html", judged(Report(graph.digest, (), ()), graph, "policy"), 0)
    assert not re.search("<svg|<article", text)
    assert "Nothing to prove" in text
