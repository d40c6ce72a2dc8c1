"""What an edit changes, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import groupby
from typing import Any

from rich.text import Text

from jurat import __version__
from jurat.policies.types import Value
from jurat.policies.values import jsonable, show_value
from jurat.server.reports.result import count
from jurat.server.reports.words import listed, one_line
from jurat.solver.diff import Admitted, Change, Comparison, Example, Row, Share, Status

NAMES_SHOWN = 8
"""Names that a share was counted over before the rest is only counted."""

MANY = 10**9
"""Numbers from here on are rounded for people."""

LEAST_SHOWN, MOST_SHOWN = Fraction(1, 10_000), Fraction(999, 1000)
"""Shares beyond these are not rounded for people but said to be beyond them."""

STYLES = {
    Change.MORE: "bold red",
    Change.LESS: "bold green",
    Change.INCOMPARABLE: "bold magenta",
    Change.UNDECIDED: "bold yellow",
    Change.EQUIVALENT: "bold",
}


def render(found: Comparison, before: str, after: str) -> Text:
    """Every topic that differs with its situations, what else changes, how much is affected, and the result."""
    text = Text()
    for _, group in groupby(sorted(found.differing, key=_grouping), key=_grouping):
        text.append_text(_topics(list(group))).append("\n")
    for row in found.undecided:
        text.append("undecided", STYLES[row.change]).append(f"  {one_line(row.key.text)} ({row.reason})\n")
    text.append_text(_lines("also changed", found.declared, "bold red"))
    text.append_text(_admitted(found.admitted))
    text.append_text(_lines("vocabulary", found.notes, "bold cyan"))
    if found.share is not None and found.differing:
        text.append_text(_share(found.share, found.region))
    return text.append_text(_tally(found, before, after)).append_text(_status(found))


def _grouping(row: Row) -> tuple[str, str, str]:
    """Topics that the same situations show are told together."""
    return row.change, _situation(row.only_before), _situation(row.only_after)


def _situation(example: Example | None) -> str:
    if example is None:
        return ""
    values = [f"{name} = {show_value(value)}" for name, value in example.values.items()]
    values += [f"{name} is unknown" for name in example.unknown if name not in example.values]
    values += [f"{name} is absent" for name in example.absent]
    return ", ".join(values) or "any, whatever is known"


def _topics(rows: list[Row]) -> Text:
    text = Text()
    for row in rows:
        text.append(row.change, STYLES[row.change]).append(f"  {one_line(row.key.text)}\n", "bold")
    for title, examples in (
        ("only before", [row.only_before for row in rows]),
        ("only after", [row.only_after for row in rows]),
    ):
        text.append_text(_example(title, [each for each in examples if each is not None]))
    return text


def _example(title: str, examples: list[Example]) -> Text:
    """One situation; the arguments are those of the first topic that has any."""
    if not examples:
        return Text()
    first = examples[0]
    text = _remark(title, _situation(first))
    if arguments := next((each.arguments for each in examples if each.arguments), None):
        text.append_text(_remark("a call with", ", ".join(_short(*each) for each in arguments.items())))
    for speaker, line in first.conversation:
        text.append(f"       {speaker}: ", "dim").append(f"{one_line(line)}\n")
    text.append_text(_remark("in force before", ", ".join(first.before) or "nothing"))
    return text.append_text(_remark("in force after", ", ".join(first.after) or "nothing"))


def _short(path: str, value: Value) -> str:
    return f"{path.partition('.arguments.')[2]} = {show_value(value)}"


def _remark(title: str, content: str) -> Text:
    return Text.assemble(("   = ", "blue"), (title, "bold"), f": {one_line(content)}\n")


def _lines(title: str, sentences: Iterable[str], style: str) -> Text:
    text = Text()
    for sentence in sentences:
        text.append(title, style).append(f"  {one_line(sentence)}\n")
    return text


def _admitted(found: Iterable[Admitted]) -> Text:
    sentences = []
    for each in found:
        values = ", ".join(f"{name} = {show_value(value)}" for name, value in each.values.items())
        sentences.append(f"only {each.by}, for the other has the axiom `{each.axiom}`: {values or 'any situation'}")
    return _lines("admitted", sentences, "bold red")


def _share(share: Share, region: str) -> Text:
    text = Text.assemble(("affected", "bold"))
    fraction = share.fraction
    if fraction is None:
        return text.append(f": not countable; {one_line(share.reason or 'no situation is admitted')}\n")
    where = " outside the region" if region else ""
    text.append(
        f": {_large(share.affected)} of {_large(share.admissible)} situations{where} ({percentage(fraction)})\n"
    )
    text.append(f"  counted over {listed(list(share.cells), NAMES_SHOWN)}\n", "dim")
    return text.append(
        "  a situation: every observation and event true or false, every fact absent or in one of the ranges that formulas\n"
        "  tell apart; not weighted by how often it occurs\n",
        "dim",
    )


def _large(number: int) -> str:
    """All digits, where a person would read them; --format json has the exact fraction in any case."""
    return f"{number:,}" if number < MANY else f"about {number:.2e}"


def percentage(fraction: Fraction) -> str:
    """A share as a percentage of three digits that count; never 0 % of something nor 100 % of less than everything."""
    if 0 < fraction < LEAST_SHOWN:
        return "less than 0.01 %"
    return "more than 99.9 %" if MOST_SHOWN < fraction < 1 else f"{float(fraction * 100):.3g} %"


def _tally(found: Comparison, before: str, after: str) -> Text:
    text = Text.assemble((one_line(before), "bold"), " → ", (one_line(after), "bold"), ": ")
    compared = f"{len(found.rows):,} of {count(len(found.rows) + found.untouched, 'topic')} compared"
    alike = f", {found.untouched:,} written alike with all they depend on" if found.untouched else ""
    return text.append(f"{compared}{alike}, {found.seconds:.1f} s\n")


def _status(found: Comparison) -> Text:
    where = f" outside `{one_line(found.region)}`" if found.region else ""
    if found.inconsistent:
        return Text.assemble(
            ("not comparable", "bold red"), f": no situation satisfies the axioms of both: {found.inconsistent}\n"
        )
    if found.status is Status.EQUIVALENT:
        return Text.assemble(("equivalent", "bold green"), f": this edit changes nothing{where} (proved)\n")
    if found.status is Status.UNDECIDED:
        return Text.assemble(
            ("undecided", "bold yellow"),
            f": {count(len(found.undecided), 'topic')} without an answer; raise --rlimit\n",
        )
    topics = count(len(found.differing), "topic")
    return Text.assemble(("different", "bold red"), f": {topics}{where}\n")


def as_json(found: Comparison, before: str, after: str) -> dict[str, Any]:
    """The whole comparison for :mod:`json`."""
    return {
        "status": found.status.value,
        "before": {"path": before, "digest": found.digests[0]},
        "after": {"path": after, "digest": found.digests[1]},
        "only": found.region or None,
        "topics": [_row_as_json(row) for row in found.rows],
        "untouched": found.untouched,
        "declared": list(found.declared),
        "vocabulary": list(found.notes),
        "admitted": [{"by": each.by, "axiom": each.axiom, "values": _values(each.values)} for each in found.admitted],
        "inconsistent": found.inconsistent or None,
        "share": _share_as_json(found.share),
        "seconds": round(found.seconds, 3),
        "jurat": __version__,
    }


def _row_as_json(row: Row) -> dict[str, Any]:
    return {
        "kind": row.key.kind,
        "name": row.key.name,
        "text": row.key.text,
        "change": row.change.value,
        "only_before": _example_as_json(row.only_before),
        "only_after": _example_as_json(row.only_after),
        "trust_base": {
            "axioms": list(row.trust.axioms),
            "observations": list(row.trust.observations),
            "model_independent": row.trust.model_independent,
        },
        "reason": row.reason or None,
    }


def _example_as_json(example: Example | None) -> dict[str, Any] | None:
    if example is None:
        return None
    return {
        "values": _values(example.values),
        "arguments": _values(example.arguments),
        "unknown": list(example.unknown),
        "absent": list(example.absent),
        "conversation": [{"speaker": speaker, "text": line} for speaker, line in example.conversation],
        "in_force_before": list(example.before),
        "in_force_after": list(example.after),
    }


def _share_as_json(share: Share | None) -> dict[str, Any] | None:
    if share is None:
        return None
    fraction = share.fraction
    return {
        "affected": share.affected,
        "admissible": share.admissible,
        "fraction": None if fraction is None else f"{fraction.numerator}/{fraction.denominator}",
        "percent": None if fraction is None else float(fraction * 100),
        "cells": dict(share.cells),
        "reason": share.reason or None,
    }


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: jsonable(value) for name, value in values.items()}
