"""`jurat tools`: who can reach which tool, and how far that hangs on the model's judgement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

import click

from jurat.server.cli.shell import Exit, Refused, console, load_policy, policy_argument, working
from jurat.server.cli.streams import write_json

if TYPE_CHECKING:
    from jurat.policies.graph import PolicyGraph
    from jurat.solver.assurance import Assurance
    from jurat.solver.prover import Prover
    from jurat.solver.reach import Column, Row

Item = TypeVar("Item")

EPILOG = """\b
Examples:
  jurat tools                              every tool, who calls it, with which arguments
  jurat tools shop --by customer.tier      a column for every tier, with a proof for each `never`
  jurat tools shop --distance              how many wrong answers of the model open a protected tool
  jurat tools shop --format json | jq .    for programs

\b
Exit status:
  0  every question has an answer
  2  the policy cannot be read, its axioms contradict each other, or --by names no fact that makes columns
  3  undecided: a limit was reached before an answer; raise --rlimit
"""


@click.command(short_help="Say who can reach which tool, with proof.", epilog=EPILOG)
@policy_argument
@click.option("--by", metavar="FACT", help="A column for every value of this fact, an enum or true or false.")
@click.option("--distance", is_flag=True, help="Count the misjudged observations that open each protected tool.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
@click.option("--rlimit", type=click.IntRange(min=1), help="Z3's resource limit for each question (not a time).")
def tools(path: str, by: str | None, distance: bool, form: str, rlimit: int | None) -> int:
    """Show who can reach which tool of the policy at PATH, and prove it where nobody can.

    Each tool is listed with the guidelines and journey states that call or offer it, the ranges of its numeric arguments
    on each of those paths, and a situation in which it is called.
    """
    from jurat.solver.limits import DEFAULT, Limits
    from jurat.solver.prover import Prover

    graph = load_policy(path)
    among = _columns(graph, by)
    prover = Prover(graph, Limits(rlimit=rlimit) if rlimit else DEFAULT)
    _refuse_contradictions(prover)
    rows, found = _answers(prover, among, distance=distance)
    _print(graph, rows, found, by, form)
    return _status(rows, found)


def _columns(graph: PolicyGraph, by: str | None) -> tuple[Column, ...]:
    from jurat.policies.diagnostics import near_miss
    from jurat.solver.reach import Column, columns

    if by is None:
        return (Column(),)
    facts = graph.vocabulary.facts
    if by not in facts:
        hint = near_miss(by, list(facts))
        raise Refused(f"no fact is called `{by}`" + (f"; {hint}" if hint else ""))
    found = columns(graph, by)
    if found is None:
        raise Refused(f"`{by}` is a fact of type {facts[by].type}; --by takes an enum, or true or false")
    return found


def _refuse_contradictions(prover: Prover) -> None:
    """From axioms that contradict each other every `never` would follow."""
    from jurat.solver.checks import inconsistent_axioms

    if any(outcome.finding for outcome in inconsistent_axioms.run(prover)):
        raise Refused("the axioms contradict each other, so that everything could be proved; see `jurat check`")


def _answers(prover: Prover, among: tuple[Column, ...], *, distance: bool) -> tuple[list[Row], list[Assurance] | None]:
    from jurat.server.cli.interrupts import interruptible
    from jurat.solver import interrupt
    from jurat.solver.assurance import assurances
    from jurat.solver.reach import matrix

    count = len(prover.graph.vocabulary.tools)
    with interruptible(interrupt) as stop_if_interrupted, working(f"looking for ways to {count} tools") as tell:

        def told(name: str, found: Iterator[Item]) -> list[Item]:
            gathered: list[Item] = []
            for each in found:
                stop_if_interrupted()
                gathered.append(each)
                tell(f"{name}, {len(gathered)} done")
            return gathered

        rows = told(f"looking for ways to {count} tools", matrix(prover, among))
        return rows, told("counting wrong answers", assurances(prover)) if distance else None


def _print(graph: PolicyGraph, rows: list[Row], found: list[Assurance] | None, by: str | None, form: str) -> None:
    from jurat.server.assurances import assurances_json, assurances_text
    from jurat.server.tool_table import table_json, table_text

    if form == "json":
        assured = {} if found is None else {"assurances": assurances_json(found)}
        write_json({"digest": graph.digest, "by": by, "tools": table_json(graph, rows), **assured}, indent=2)
        return
    text = table_text(graph, rows)
    if found is not None:
        text.append("\n").append_text(assurances_text(found))
    console().print(text, end="")


def _status(rows: list[Row], found: list[Assurance] | None) -> Exit:
    from jurat.policies import Verdict

    open_ = any(cell.reach == "unknown" for row in rows for cell in row.cells)
    open_ |= any(Verdict.UNKNOWN in (each.holds, each.distance.verdict) for each in found or ())
    return Exit.UNDECIDED if open_ else Exit.PASSED
