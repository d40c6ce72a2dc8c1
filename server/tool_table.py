"""Which tools can be reached by whom, as a table and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from jurat.policies.graph import PolicyGraph
from jurat.policies.values import jsonable, show_value
from jurat.server.reports.words import listed, one_line, situation

if TYPE_CHECKING:
    from jurat.policies.findings import TrustBase, Witness
    from jurat.solver.reach import Cell, Column, Row, Way

NAMED = 6
"""Observations or axioms that are named before the rest is only counted."""

WORDS = {"never": "never", "guarded": "guard", "open": "yes", "unknown": "undecided"}
STYLES = {"never": "green", "guarded": "cyan", "open": "yellow", "unknown": "bold red"}


def table_text(graph: PolicyGraph, rows: Sequence[Row]) -> Text:
    """The matrix, then each tool with its paths, an example of each, and what every `never` rests on."""
    text = Text()
    if not rows:
        return text.append("the policy has no tools\n")
    text.append_text(_matrix(rows)).append("\n")
    for row in rows:
        text.append_text(_tool(graph, row))
    return text


def _matrix(rows: Sequence[Row]) -> Text:
    columns = [cell.column for cell in rows[0].cells]
    titles = ["tool", *map(_title, columns)]
    lines = [[row.tool, *(WORDS[cell.reach] for cell in row.cells)] for row in rows]
    widths = [max(len(line[place]) for line in [titles, *lines]) for place in range(len(titles))]
    text = Text()
    if columns[0].fact is not None:
        text.append(f"{'':<{widths[0]}}   {columns[0].fact.path}\n", "bold")
    text.append("   ".join(f"{title:<{w}}" for title, w in zip(titles, widths, strict=True)).rstrip() + "\n", "bold")
    for row, line in zip(rows, lines, strict=True):
        text.append(f"{line[0]:<{widths[0]}}")
        for cell, word, width in zip(row.cells, line[1:], widths[1:], strict=True):
            text.append("   ").append(f"{word:<{width}}", STYLES[cell.reach])
        text.rstrip()
        text.append("\n")
    return text.append("yes: in some situation · guard: where its guard holds · never: proved\n", "dim")


def _title(column: Column) -> str:
    if column.fact is None:
        return "can be called"
    return "absent" if column.value is None else show_value(column.value).strip('"')


def _tool(graph: PolicyGraph, row: Row) -> Text:
    tool = graph.vocabulary.tools[row.tool]
    text = Text.assemble((row.tool, "bold"), " (consequential)" if tool.consequential else "", "\n")
    for title, formula in (("guard", tool.guard), ("limits", tool.limits)):
        if formula:
            text.append(f"  {title:<6} {one_line(formula.text)}\n")
    if not row.paths:
        text.append("  nothing calls or offers it\n", "dim")
    for path, bounds in row.paths:
        said = "; ".join(map(str, bounds))
        text.append(f"  {path.kind:<6} {path.entity}").append(f": {said}\n" if said else "\n")
        text.append_text(_example(row, path.entity))
    for line in _proofs(row):
        text.append(f"  {one_line(line)}\n", "dim")
    return text


def _example(row: Row, entity: str) -> Text:
    """The first situation in which a tool is called by way of a path."""
    text = Text()
    for way in (way for cell in row.cells for way in cell.ways if way.path.entity == entity):
        if way.witness:
            text.append(f"         for example {one_line(situation(way.witness))}{_given(way)}\n", "dim")
            break
    return text


def _given(way: Way) -> str:
    if not way.arguments:
        return ""
    return ", called with " + ", ".join(
        f"{name} = {show_value(value)}" for name, value in sorted(way.arguments.items())
    )


def _proofs(row: Row) -> Iterator[str]:
    """What each `never` rests on; the same for many columns is said once."""
    rests: dict[TrustBase, list[str]] = {}
    for cell in row.cells if row.paths else ():
        if cell.reach == "never":
            rests.setdefault(cell.trust_base, []).append(_title(cell.column))
    for base, titles in rests.items():
        where = "" if row.cells[0].column.fact is None else f" for {', '.join(titles)}"
        yield f"never{where}: {_rest(base)}"


def _rest(base: TrustBase) -> str:
    parts = [] if base.observations else ["whatever the model answers"]
    parts += [f"relies on observations {listed(base.observations, NAMED)}"] if base.observations else []
    parts += [f"by axioms {listed(base.axioms, NAMED)}"] if base.axioms else []
    return ", ".join(parts)


def table_json(graph: PolicyGraph, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Every tool for :mod:`json`; a cell's ``value`` is null where the fact is absent, or no fact was asked about."""
    return [_tool_json(graph, row) for row in rows]


def _tool_json(graph: PolicyGraph, row: Row) -> dict[str, Any]:
    tool = graph.vocabulary.tools[row.tool]
    return {
        "tool": row.tool,
        "consequential": tool.consequential,
        "guard": tool.guard.text if tool.guard else None,
        "limits": tool.limits.text if tool.limits else None,
        "paths": [
            {"entity": path.entity, "kind": path.kind, "arguments": [str(each) for each in bounds]}
            for path, bounds in row.paths
        ],
        "cells": [_cell_json(cell) for cell in row.cells],
    }


def _cell_json(cell: Cell) -> dict[str, Any]:
    value = cell.column.value
    return {
        "value": None if value is None else jsonable(value),
        "reach": cell.reach.value,
        "ways": [_way_json(way) for way in cell.ways],
        "trust_base": _trust_json(cell.trust_base) if cell.reach == "never" else None,
    }


def _way_json(way: Way) -> dict[str, Any]:
    given = None if way.arguments is None else {name: jsonable(value) for name, value in way.arguments.items()}
    return {
        "entity": way.path.entity,
        "situation": _situation_json(way.witness) if way.witness else None,
        "arguments": given,
    }


def _situation_json(witness: Witness) -> dict[str, Any]:
    return {
        "values": {name: jsonable(value) for name, value in witness.values.items()},
        "unknown": list(witness.unknown),
        "in_force": list(witness.in_force),
        "conversation": [{"speaker": speaker, "text": line} for speaker, line in witness.conversation],
    }


def _trust_json(base: TrustBase) -> dict[str, Any]:
    observed = list(base.observations)
    return {"axioms": list(base.axioms), "observations": observed, "model_independent": base.model_independent}
