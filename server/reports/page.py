"""A check as one page of HTML that needs nothing else: no script, no other file, no other host."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from itertools import groupby

from jurat import __version__
from jurat.policies import Finding, PolicyGraph, Proof, Severity, Verdict
from jurat.server.drawing import Picture, picture_of, to_svg
from jurat.server.reports.card import card, place
from jurat.server.reports.guide import pages
from jurat.server.reports.markup import Html, el, joined, marked
from jurat.server.reports.pretty import counts
from jurat.server.reports.result import RANKS, Entry, Result, Standing, outcome

BOXES_DRAWN = 150
"""A picture with more boxes is of what findings are about and what is next to it."""

PROOFS_LISTED = 200
"""Proofs of one check that are listed."""

SIGNS = {"passed": "✓", "nothing-to-prove": "–", "failed": "✕", "undecided": "?", "invalid": "✕"}
Section = tuple[str, str, Html]


def as_text(result: Result, *, every_note: bool = False) -> str:  # noqa: ARG001 - a page has room for every note
    """The page."""
    css = (files("jurat.server.reports") / "page.css").read_text("utf-8")
    sections = [section for section in _sections(result) if section[2]]
    body = joined(
        el("a", "Skip to the findings", href="#main", class_="skip"),
        _head(result),
        el(
            "nav",
            el("ul", *(el("li", el("a", title, href=f"#{id_}")) for id_, title, _ in sections)),
            aria_label="Parts",
        ),
        el("main", *(_section(*section) for section in sections), id="main"),
        el("footer", f"Written by Jurat {__version__}. {_digest(result)}"),
    )
    title = el("title", f"{result.status}: {result.path} · Jurat")
    head = [
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_security(css, body)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        title,
        el("style", Html(css)),
    ]
    return f'<!doctype html>\n<html lang="en">{el("head", *head)}{el("body", body)}</html>\n'


def _security(css: str, body: str) -> str:
    """Nothing may be loaded and nothing may run; only our own styles count, the picture's among them."""
    styles = [css, *re.findall(r"<style>(.*?)</style>", body, re.DOTALL)]
    hashes = " ".join(f"'sha256-{_hash(style)}'" for style in dict.fromkeys(styles))
    return f"default-src 'none'; style-src {hashes}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _head(result: Result) -> Html:
    asked = counts(result.report) if result.report else "the policy's text has faults"
    words = outcome(result)
    said = el("div", el("h1", words[:1].upper() + words[1:]), el("p", f"{result.path}: {asked}"))
    sign = el("span", SIGNS[result.status], class_="sign", aria_hidden="true")
    return el("header", el("div", sign, said, class_=f"verdict {result.status}"), _tiles(result))


def _tiles(result: Result) -> Html:
    """The counts that matter, without those that are nought."""
    counted = result.standing(Standing.OPEN, Standing.MINOR)
    found = [(each.value, each.value, sum(e.finding.severity is each for e in counted)) for each in Severity]
    found += [(each.value, each.value, len(result.standing(each))) for each in (Standing.KNOWN, Standing.ALLOWED)]
    found += [("fixed", "fixed", len(result.fixed)), ("undecided", "warning", len(result.undecided))]
    proved = [proof for proof in result.proofs if proof.verdict is Verdict.PROVED]
    free = sum(proof.trust_base.model_independent for proof in proved)
    found += [("proved", "proved", len(proved)), ("proved whatever the model says", "proved", free)]
    tiles = (
        el("li", el("b", f"{number:,}"), _plural(name, number), class_=kind) for name, kind, number in found if number
    )
    return el("ul", *tiles, class_="tiles")


def _plural(name: str, number: int) -> str:
    return name + "s" if name in {"error", "warning", "note"} and number != 1 else name


def _digest(result: Result) -> str:
    return f"Policy {result.report.digest}." if result.report else ""


def _section(id_: str, title: str, content: Html) -> Html:
    return el("section", el("h2", title, id=f"{id_}-title"), content, id=id_, aria_labelledby=f"{id_}-title")


def _sections(result: Result) -> Iterable[Section]:
    shown = result.standing(Standing.OPEN, Standing.MINOR)
    grave = [entry for entry in shown if entry.finding.severity is not Severity.NOTE]
    known = {page.code: page for page in pages(entry.finding for entry in result.entries)}
    order = sorted(grave, key=lambda entry: -RANKS[entry.finding.severity])
    yield "findings", "Findings", joined(*(card(each, result, known[each.finding.code]) for each in order))
    yield "undecided", "Undecided", _list(_undecided(each) for each in result.undecided)
    yield "notes", "Notes", _notes([entry for entry in shown if entry.finding.severity is Severity.NOTE])
    yield "accepted", "Accepted", _accepted(result)
    yield "policy", "The policy", _graph(result)
    yield "proofs", "Proofs", _proofs(result.proofs)


def _list(items: Iterable[Html]) -> Html:
    found = [el("li", each) for each in items]
    return el("ul", *found, class_="list") if found else Html()


def _undecided(proof: Proof) -> Html:
    return joined(marked(proof.question), el("div", marked(proof.reason), class_="place"))


def _notes(entries: Sequence[Entry]) -> Html:
    """Notes of one kind together, behind a click where there are many."""
    groups = []
    for (code, name), group in groupby(sorted(entries, key=_kind), key=_kind):
        found = list(group)
        listed = _list(joined(marked(each.finding.message), _below(each.finding)) for each in found)
        advice = [
            el("p", marked(each), class_="remark") for each in dict.fromkeys(e.finding.help for e in found) if each
        ]
        title = el("summary", f"{code} {name}, {len(found):,}")
        groups.append(el("details", title, listed, *advice, open="" if len(found) <= 5 else None, class_="card"))
    return joined(*groups)


def _kind(entry: Entry) -> tuple[str, str]:
    return entry.finding.code, entry.finding.name


def _below(finding: Finding) -> Html:
    return el("div", place(finding), class_="place")


def _accepted(result: Result) -> Html:
    """What somebody allowed or knows of, with the reason, and what of it is mended."""
    items = []
    for entry in result.standing(Standing.ALLOWED, Standing.KNOWN):
        finding = entry.finding
        why = f"allowed: {finding.allowed}" if finding.allowed else "known: it is in the baseline"
        items.append(
            joined(el("b", f"{finding.code} "), marked(finding.message), el("div", marked(why)), _below(finding))
        )
    items += [joined(el("b", f"fixed: {each.code} "), marked(each.message)) for each in result.fixed]
    return _list(items)


def _graph(result: Result) -> Html:
    if result.graph is None or not result.graph.entities:
        return Html()
    picture, said = _picture(result.graph, [entry.finding for entry in result.standing(Standing.OPEN, Standing.MINOR)])
    remark = el("p", said, class_="remark") if said else Html()
    if not picture.boxes:
        return remark
    drawn = el(
        "div", Html(to_svg(picture)), class_="graph", tabindex="0", role="region", aria_label="The policy, drawn"
    )
    return el("figure", drawn, remark)


def _picture(graph: PolicyGraph, findings: Sequence[Finding]) -> tuple[Picture, str]:
    """The whole policy where that is not too much, else the part that findings are about."""
    whole = picture_of(graph, tuple(each for each in findings if each.severity is not Severity.NOTE))
    if len(whole.boxes) <= BOXES_DRAWN:
        return whole, ""
    kept = [box.id for box in whole.boxes if box.faults]
    beside = {arrow.target for arrow in whole.arrows if arrow.source in set(kept)}
    beside |= {arrow.source for arrow in whole.arrows if arrow.target in set(kept)}
    chosen = set([*kept, *sorted(beside - set(kept))][:BOXES_DRAWN])
    boxes = tuple(box for box in whole.boxes if box.id in chosen)
    arrows = tuple(arrow for arrow in whole.arrows if {arrow.source, arrow.target} <= chosen)
    said = f"{len(boxes):,} of {len(whole.boxes):,} boxes: what findings are about, and what is next to it; `jurat graph` draws all"
    return Picture(whole.title, boxes, arrows), said


def _proofs(proofs: Sequence[Proof]) -> Html:
    """Every question by check, with its answer and what that leans on."""
    parts = []
    for check, group in groupby(sorted(proofs, key=lambda proof: proof.check), key=lambda proof: proof.check):
        found = list(group)
        rest = len(found) - PROOFS_LISTED
        more = [el("p", f"and {rest:,} more; --format json has all", class_="remark")] if rest > 0 else []
        parts.append(el("details", el("summary", f"{check}, {len(found):,}"), _table(found[:PROOFS_LISTED]), *more))
    return el("div", *parts, class_="card quiet") if parts else Html()


def _table(proofs: Iterable[Proof]) -> Html:
    head = el("tr", *(el("th", title, scope="col") for title in ("question", "answer", "leans on")))
    return el("div", el("table", el("thead", head), el("tbody", *map(_row, proofs))), class_="wide")


def _row(proof: Proof) -> Html:
    trusted = [*proof.trust_base.axioms, *proof.trust_base.observations]
    base = ", ".join(trusted) or "no axiom and no judgement"
    if proof.verdict is Verdict.UNKNOWN:
        base = ""
    leans = marked("; ".join(filter(None, (base, proof.reason))))
    answer = el("td", proof.verdict.value, class_=proof.verdict.value)
    return el(
        "tr", el("td", marked(proof.question)), answer, el("td", leans if proof.verdict is not Verdict.REFUTED else "")
    )
