"""What calls made before another one can change of what its guard looks at (semantics, sections 4 and 5).

Each tool is called once at most beforehand, and succeeds or fails. A success writes all that the tool provides,
over what was written before it. Outside of history ``called``, ``succeeded`` and ``failed`` then are true for the rest of the turn; ``once(e)`` of such an event is
true, and ``count(e)`` one more for each call that is one. What a call makes of any other operator that looks at its
events, or at what the tool provides, is left open, as far as the operator's kind allows: ``once`` can only become true,
``historically`` only false, ``count`` only grow, ``since`` and ``previously`` may become either. Time does not pass:
nothing falls out of a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import product
from typing import Literal

from jurat.policies.evaluation import Look
from jurat.policies.expr import (
    And,
    Atom,
    Event,
    Expr,
    Fact,
    History,
    Implies,
    Not,
    Or,
    atoms,
    mentioned_atoms,
)
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Provision
from jurat.policies.scope import TOOL_EVENTS
from jurat.policies.types import Value

Ending = Literal["succeeded", "failed"]
ENDINGS: tuple[Ending, ...] = ("succeeded", "failed")
Changes = Mapping[Atom, tuple[Value | None, ...] | None]
"""The values that atoms may have by then, of which they can have any; None is any value of the type."""

MAX_STEPS = 3
"""Calls that may have to be made first, one for the other: a turn has four rounds."""
POSITIONS = 2
"""That a call adds to the history: its start and its end."""


def openers(graph: PolicyGraph, guard: Expr) -> frozenset[str]:
    """The tools whose calls can make a guard true: they provide a fact of it, or bring an event about that it asks for."""
    return makers(graph, mentioned_atoms(_helpful(guard, wanted=True)))


def makers(graph: PolicyGraph, mentioned: Iterable[Atom]) -> frozenset[str]:
    """The tools that provide one of these facts, or whose events are among these."""
    found: set[str] = set()
    for atom in mentioned:
        if isinstance(atom, Fact):
            found.update(graph.providers.get(atom.path, ()))
        elif isinstance(atom, Event) and atom.name in TOOL_EVENTS:
            found.update(graph.vocabulary.tools if atom.argument == "*" else (str(atom.argument),))
    return frozenset(graph.vocabulary.tools.keys() & found)


def _helpful(expr: Expr, *, wanted: bool) -> Iterator[Atom]:
    """The atoms whose change can give a formula that truth: calls never take an event back."""
    match expr:
        case Not(operand):
            yield from _helpful(operand, wanted=not wanted)
        case And(operands) | Or(operands):
            for each in operands:
                yield from _helpful(each, wanted=wanted)
        case Implies(left, right):
            yield from _helpful(left, wanted=not wanted)
            yield from _helpful(right, wanted=wanted)
        case Event() | History(operator="once"):
            yield from (expr,) if wanted else ()
        case History(operator="historically"):
            yield from () if wanted else (expr,)
        case _:
            yield from atoms(expr)


def occurs(event: Event, tool: str, ending: Ending) -> bool:
    """Whether a call of a tool with this ending is such an event."""
    return event.argument in (tool, "*") and event.name in ("called", ending)


def event_of(atom: Atom) -> Event | None:
    """The event of a tool that alone decides what becomes of an atom; None where more does."""
    event = atom.operands[0] if isinstance(atom, History) and atom.operator in ("once", "count") else atom
    return event if isinstance(event, Event) and event.name in TOOL_EVENTS else None


def provisions(graph: PolicyGraph, fact: Fact, tools: Iterable[str]) -> list[tuple[str, Provision]]:
    """What each of some tools provides of a fact."""
    declared = graph.vocabulary.tools
    return [(tool, each) for tool in tools for each in declared[tool].provides if each.fact == fact.path]


def ways(graph: PolicyGraph, guard: Expr, look: Look, tools: Iterable[str]) -> Iterator[Changes]:
    """What a guard looks at after any of these tools were called first, each once at most; the first way is no call.

    What a fact is in the end was written by the last success that provides it; two facts have their last writers in one
    and the same order of calls.
    """
    order = sorted(tools)
    for endings in product((None, *ENDINGS), repeat=len(order)):
        calls = {tool: ending for tool, ending in zip(order, endings, strict=True) if ending}
        for written in _last_written(graph, guard, [tool for tool in calls if calls[tool] == "succeeded"]):
            others = {atom: _after(graph, atom, look, calls) for atom in atoms(guard) if not isinstance(atom, Fact)}
            yield {**written, **{atom: after for atom, after in others.items() if after != ()}}


def _last_written(
    graph: PolicyGraph, guard: Expr, tools: list[str]
) -> Iterator[dict[Atom, tuple[Value | None, ...] | None]]:
    """What these successes, each in some order, leave in the facts of a guard."""
    offered = {fact: provisions(graph, fact, tools) for fact in atoms(guard) if isinstance(fact, Fact)}
    facts = sorted((fact for fact, offers in offered.items() if offers), key=lambda fact: fact.path)
    for last in product(*(offered[fact] for fact in facts)):
        writers = {fact: tool for fact, (tool, _) in zip(facts, last, strict=True)}
        if _in_some_order({fact: [tool for tool, _ in offered[fact]] for fact in facts}, writers):
            yield {fact: _value_of(each) for fact, (_, each) in zip(facts, last, strict=True)}


def _in_some_order(providers: Mapping[Fact, list[str]], last: Mapping[Fact, str]) -> bool:
    """Whether calls can be ordered so that of each fact's providers this one comes last."""
    before: dict[str, set[str]] = {}
    for fact, tools in providers.items():
        before.setdefault(last[fact], set()).update(set(tools) - {last[fact]})
    try:
        TopologicalSorter(before).prepare()
    except CycleError:
        return False
    return True


def _value_of(provision: Provision) -> tuple[Value | None, ...] | None:
    return (provision.value,) if provision.kind == "value" and provision.value is not None else None


def _after(graph: PolicyGraph, atom: Atom, look: Look, calls: Mapping[str, Ending]) -> tuple[Value | None, ...] | None:
    """The values that an atom that is no fact may have after some calls; empty where it stays as it is."""
    if event := event_of(atom):
        number = sum(occurs(event, tool, ending) for tool, ending in calls.items())
        return () if not number else (_number(look(atom)) + number,) if _counts(atom) else (True,)
    touching = makers(graph, mentioned_atoms([atom])) & calls.keys() if isinstance(atom, History) else ()
    return _open(atom, look(atom), len(touching)) if isinstance(atom, History) and touching else ()


def _open(history: History, now: Value | None, calls: int) -> tuple[Value | None, ...]:
    """What an operator may become after calls that touch it."""
    if history.operator == "count":
        return tuple(range(_number(now), _number(now) + POSITIONS * calls + 1))
    if history.operator in ("once", "historically"):
        return (now, history.operator == "once")
    return (True, False)


def _counts(atom: Atom) -> bool:
    return isinstance(atom, History) and atom.operator == "count"


def _number(value: Value | None) -> int:
    return value if isinstance(value, int) else 0
