"""Every formula that an author wrote, what it belongs to, and where its pieces stand in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jurat.policies.arguments import constraint_of
from jurat.policies.cel import Node, parse
from jurat.policies.cel_faults import SyntaxFault
from jurat.policies.checking import read_formula
from jurat.policies.expr import Expr
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Action, Call
from jurat.policies.scope import scope_of
from jurat.policies.spans import Span
from jurat.policies.types import EnumType


@dataclass(frozen=True, slots=True)
class Written:
    """A formula in the author's text; ``owner`` is what it belongs to, ``guideline`` and ``tool`` its ids if it has one."""

    owner: str
    what: str
    expr: Expr
    span: Span
    guideline: str = ""
    tool: str = ""

    @property
    def subject(self) -> str:
        """Whose ``allow`` is about it, as findings name subjects; empty for an axiom, which has none."""
        name = self.owner.split("`")[1]
        if self.guideline or self.tool:
            return self.guideline or f"tool:{self.tool}"
        if self.what in ("trigger", "transition"):
            return name
        kind = "goal" if self.owner.startswith("goal ") else self.what
        return "" if kind == "axiom" else f"{kind}:{name}"


def conditions(graph: PolicyGraph) -> Iterator[Written]:
    """What decides when something applies, opens or moves on: conditions, guards, triggers and transitions."""
    for g, guideline in sorted(graph.guidelines.items()):
        yield Written(f"`{g}`", "condition", guideline.condition, guideline.condition_span, g)
    for id_, tool in sorted(graph.vocabulary.tools.items()):
        if tool.guard:
            yield Written(f"`{id_}`", "guard", tool.guard.expr, tool.guard.span, tool=id_)
    for j, journey in sorted(graph.journeys.items()):
        for trigger in journey.triggers:
            yield Written(f"`{j}`", "trigger", trigger.expr, trigger.span)
        for s, state in journey.states.items():
            for transition in state.transitions:
                name = f"`{j}/{s}` to `{transition.target}`"
                yield Written(name, "transition", transition.condition, transition.span)


def every_formula(graph: PolicyGraph) -> Iterator[Written]:
    """Those, and what is said of arguments, of the vocabulary, of sessions and of what is to be met."""
    yield from conditions(graph)
    for g, entity in graph.entities.items():
        yield from _constraints(graph, g, entity.actions)
    for axiom in graph.axioms:
        yield Written(f"`{axiom.id}`", "axiom", axiom.expr, axiom.span)
    for id_, tool in sorted(graph.vocabulary.tools.items()):
        if tool.limits:
            yield Written(f"`{id_}`", "limits", tool.limits.expr, tool.limits.span, tool=id_)
    for invariant in graph.policy.invariants:
        yield Written(f"`{invariant.id}`", "invariant", invariant.expr, invariant.span)
    for goal in graph.policy.goals:
        yield Written(f"`{goal.id}`", "goal", goal.condition, goal.span)


def _constraints(graph: PolicyGraph, g: str, actions: tuple[Action, ...]) -> Iterator[Written]:
    for call in actions:
        if isinstance(call, Call):
            for each in call.constraints:
                if each.formula is not None:
                    said = constraint_of(each, graph.vocabulary.tools[call.tool])
                    owner = f"`{each.argument}` in `{g}`"
                    yield Written(owner, "constraint", said, each.span, g if g in graph.guidelines else "", call.tool)


def place_of(graph: PolicyGraph, whole: Written, part: Expr) -> tuple[str, Span] | None:
    """The author's text of a part of a formula, and where it stands; None where the file does not show it plainly."""
    text = _text_at(graph, whole.span)
    for offset, node in _nodes(text):
        piece = text[node.start + offset : node.end + offset]
        if _meaning(graph, piece, whole) == part:
            span, start = whole.span, whole.span.column + node.start + offset
            return piece, Span(span.source, span.line, start, span.line, start + len(piece))
    return None


def _text_at(graph: PolicyGraph, span: Span) -> str:
    """What stands on a line between two columns; nothing where it runs over several lines."""
    lines = graph.policy.sources.get(span.source, "").split("\n")
    if span.line != span.end_line or span.line > len(lines):
        return ""
    return lines[span.line - 1][span.column - 1 : span.end_column - 1]


def _nodes(text: str) -> list[tuple[int, Node]]:
    """The pieces of a formula, outer ones first, with the width of the quote that it stands in."""
    quoted = int(text[:1] in ("'", '"') and text[-1:] == text[:1])
    inner = text[quoted : len(text) - quoted]
    if quoted and ("\\" in inner or "''" in inner):
        return []
    try:
        found = [parse(inner)] if inner else []
    except SyntaxFault:
        return []
    for node in found:
        found += node.parts
    return [(quoted, node) for node in found]


def _meaning(graph: PolicyGraph, text: str, whole: Written) -> Expr | None:
    journeys = {id_: EnumType(tuple(each.states)) for id_, each in graph.journeys.items()}
    tools = graph.vocabulary.tools
    scope = scope_of(graph.vocabulary, journeys)
    scope = scope.with_arguments(tools[whole.tool].parameters) if whole.tool else scope
    formula, _ = read_formula(text, whole.span, scope, None)
    return formula.expr if formula else None
