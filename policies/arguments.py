"""The types of tool arguments: as declared, or as the formulas that speak of them need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jurat.policies.diagnostics import Diagnostic, Note
from jurat.policies.expr import Argument, Compare, Expr, walk
from jurat.policies.model import Call, Constraint, Guideline, Policy, State, ToolDeclaration
from jurat.policies.spans import Span
from jurat.policies.types import DECIMAL, DecimalType, IntType, Type, is_numeric


def constraint_of(constraint: Constraint, tool: ToolDeclaration) -> Expr:
    """A constraint as a formula: its own, or that the argument equals the value."""
    if constraint.formula is not None:
        return constraint.formula
    assert constraint.value is not None
    declared = dict(tool.parameters).get(constraint.argument, constraint.value.type)
    return Compare("==", Argument(constraint.argument, declared), constraint.value)


def argument_types(formulas: Iterable[Expr]) -> dict[str, Type]:
    """The arguments that formulas mention, each with one type that serves all of them."""
    found: dict[str, Type] = {}
    for name, type_ in (pair for formula in formulas for pair in _mentioned(formula)):
        found[name] = _joined(found[name], type_) if name in found else type_
    return found


def _mentioned(formula: Expr) -> Iterator[tuple[str, Type]]:
    return ((each.name, each.type) for each in walk(formula) if isinstance(each, Argument))


def _joined(left: Type, right: Type) -> Type:
    """Of an int and a decimal the decimal; ranges are left to the declaration."""
    if left == right:
        return left
    whole = isinstance(left, IntType) and isinstance(right, IntType)
    return left if whole or not is_numeric(left) else DECIMAL if _differ_in_kind(left, right) else left


def _differ_in_kind(left: Type, right: Type) -> bool:
    return isinstance(left, DecimalType) != isinstance(right, DecimalType)


def clashing_arguments(policy: Policy) -> list[Diagnostic]:
    """Arguments that one formula takes for a number and another for a text; to be declared by the author."""
    found: list[Diagnostic] = []
    first: dict[tuple[str, str], tuple[Type, Span]] = {}
    for tool, span, formula in _formulas(policy):
        for name, type_ in _mentioned(formula):
            before, where = first.setdefault((tool, name), (type_, span))
            if before != type_ and not (is_numeric(before) and is_numeric(type_)):
                found.append(_clash(tool, name, type_, span, Note(where, f"taken for {before} here")))
    return found


def _clash(tool: str, name: str, type_: Type, span: Span, note: Note) -> Diagnostic:
    message = f"`arguments.{name}` of `{tool}` is taken for {type_} here, and for something else elsewhere"
    return Diagnostic(span, "P321", message, help=f"declare `parameters` of `{tool}`", related=(note,))


def _formulas(policy: Policy) -> Iterator[tuple[str, Span, Expr]]:
    """Every formula about the arguments of a tool: its guard and limits, and what calls say."""
    tools = policy.vocabulary.tools
    own = ((tool.id, formula) for tool in tools.values() for formula in (tool.guard, tool.limits) if formula)
    yield from ((tool, formula.span, formula.expr) for tool, formula in own)
    states = [state for journey in policy.journeys.values() for state in journey.states.values()]
    owners: list[Guideline | State] = [*policy.guidelines.values(), *states]
    for owner in owners:
        for call in owner.actions:
            if isinstance(call, Call):
                yield from ((call.tool, c.span, constraint_of(c, tools[call.tool])) for c in call.constraints)
