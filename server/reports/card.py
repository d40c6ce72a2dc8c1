"""A finding on the page: its lines, its witness as a conversation, advice, and what its kind means."""

from __future__ import annotations

from collections.abc import Iterable

from jurat.policies import Finding
from jurat.policies.findings import Witness
from jurat.policies.spans import NOWHERE
from jurat.policies.values import show_value
from jurat.server.excerpts import Mark, excerpt
from jurat.server.reports.guide import Page
from jurat.server.reports.markup import Html, el, joined, marked, styled
from jurat.server.reports.result import Entry, Result, Standing

CLASSES = {"blue": "x-rule", "bold red": "x-main", "bold blue": "x-other"}


def card(entry: Entry, result: Result, page: Page) -> Html:
    """One finding in full."""
    finding = entry.finding
    witness = finding.proof.witness if finding.proof else None
    return el(
        "article",
        _kind(entry),
        el("h3", marked(finding.message)),
        _lines(finding, result),
        _witness(witness) if witness else Html(),
        *(el("p", marked(note), class_="remark") for note in finding.notes),
        el("p", el("b", "Help: "), marked(finding.help), class_="advice") if finding.help else Html(),
        _meaning(page),
        class_=f"card {finding.severity}",
        id=f"finding-{entry.fingerprint}".replace(":", "-"),
    )


def place(finding: Finding) -> str:
    """Where it stands, for people."""
    return "" if finding.span.source == NOWHERE.source else str(finding.span)


def _kind(entry: Entry) -> Html:
    finding = entry.finding
    minor = [el("span", "does not close the gate")] if entry.standing is Standing.MINOR else []
    tag = el("span", f"{finding.severity} {finding.code}", class_="tag")
    return el("p", tag, el("span", finding.name), el("span", place(finding)), *minor, class_="kind")


def _lines(finding: Finding, result: Result) -> Html:
    related = [Mark(note.span, note.message) for note in finding.related]
    text = excerpt([Mark(finding.span, main=True), *related], result.sources)
    return (
        el("pre", styled(text, CLASSES), class_="excerpt", tabindex="0", aria_label="Lines") if text.plain else Html()
    )


def _witness(witness: Witness) -> Html:
    """The situation and what is in force in it beside the conversation that reads like it."""
    known = [joined(el("b", name), f" = {show_value(value)}") for name, value in witness.values.items()]
    known += [joined(el("b", name), " is unknown") for name in witness.unknown if name not in witness.values]
    known += [joined(el("b", name), " is absent") for name in witness.absent]
    situation = [el("h4", "Situation"), _chips(known or [Html("any, whatever is known")])]
    if witness.in_force:
        situation += [el("h4", "In force"), _chips(map(joined, witness.in_force))]
    talk = [el("h4", "For example"), _talk(witness)] if witness.conversation else []
    return el("div", el("div", *situation), el("div", *talk), class_="pair")


def _chips(items: Iterable[Html]) -> Html:
    return el("ul", *(el("li", each) for each in items), class_="values")


def _talk(witness: Witness) -> Html:
    lines = (
        el("li", el("span", speaker, class_="who"), line, class_=speaker) for speaker, line in witness.conversation
    )
    return el("ol", *lines, class_="talk")


def _meaning(page: Page) -> Html:
    """What the documentation of its kind says."""
    if not page.sections:
        return Html()
    parts = [
        joined(el("h4", title), *(el("p", marked(each)) for each in text.split("\n\n")))
        for title, text in page.sections
    ]
    return el("details", el("summary", f"What `{page.name}` means".replace("`", "")), *parts)
