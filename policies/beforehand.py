"""What calls made before another one can change of what its guard looks at (semantics, sections 4 and 5).

Each tool is called once at most beforehand, and succeeds or fails. A success writes what the tool provides. Outside of
history ``called``, ``succeeded`` and ``failed`` then are true for the rest of the turn; ``once(e)`` of such an event is
true, and ``count(e)`` one more for each call that is one. What a call makes of any other operator that looks at its
events, or at what the tool provides, is left open, as far as the operator's kind allows: ``once`` can only become true,
``historically`` only false, ``count`` only grow, ``since`` and ``previously`` may become either. Time does not pass:
nothing falls out of a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from jurat.policies.types import Value
from jurat.policies.valuation import TOOL_EVENTS

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
    """What a guard looks at after any of these tools were called first, each once at most; the first way is no call."""
    order = sorted(tools)
    for endings in product((None, *ENDINGS), repeat=len(order)):
        calls = {tool: ending for tool, ending in zip(order, endings, strict=True) if ending}
        yield {atom: after for atom in atoms(guard) if (after := _after(graph, atom, look, calls)) != ()}


def _after(graph: PolicyGraph, atom: Atom, look: Look, calls: Mapping[str, Ending]) -> tuple[Value | None, ...] | None:
    """The values that an atom may have after some calls; empty where it stays as it is."""
    if isinstance(atom, Fact):
        return _written(graph, atom, look, [tool for tool, ending in calls.items() if ending == "succeeded"])
    if event := event_of(atom):
        number = sum(occurs(event, tool, ending) for tool, ending in calls.items())
        return () if not number else (_number(look(atom)) + number,) if _counts(atom) else (True,)
    touching = makers(graph, mentioned_atoms([atom])) & calls.keys() if isinstance(atom, History) else ()
    return _open(atom, look(atom), len(touching)) if isinstance(atom, History) and touching else ()


def _written(graph: PolicyGraph, fact: Fact, look: Look, tools: list[str]) -> tuple[Value | None, ...] | None:
    found = [each for _, each in provisions(graph, fact, tools)]
    if any(each.kind != "value" or each.value is None for each in found):
        return None
    return (look(fact), *(each.value for each in found)) if found else ()


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
