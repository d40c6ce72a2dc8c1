"""What the trace says of a journey's move: from where it went to where and why, or why it stayed where it was."""

from __future__ import annotations

from collections.abc import Iterable

from jurat.engine.describe import Look, leaving_open, supporting
from jurat.policies.expr import Atom, Expr, key_of
from jurat.policies.model import Transition
from jurat.policies.values import jsonable


def begun(journey: str, state: str, trigger: Expr, look: Look) -> str:
    """A trigger was true."""
    return f"`{journey}` begins in `{state}`{_because(trigger, look)}"


def gone(journey: str, state: str, way: Transition, look: Look) -> str:
    """A transition was taken."""
    because = ", for no other way holds" if way.otherwise else _because(way.condition, look)
    return f"`{journey}` goes from `{state}` to `{way.target}`{because}"


def stayed(journey: str, state: str, ways: Iterable[Expr], look: Look) -> str:
    """None was: what is unknown left it open, or all of them were false."""
    unknown = frozenset[Atom]().union(*(leaving_open(each, look) for each in ways))
    return f"`{journey}` remains in `{state}`, for " + (_listed(unknown, look) or "no way on holds")


def _because(expr: Expr, look: Look) -> str:
    because = _listed(supporting(expr, look), look)
    return f", because {because}" if because else ""


def _listed(found: Iterable[Atom], look: Look) -> str:
    return " and ".join(f"`{key_of(each)}` is {_value(each, look)}" for each in sorted(found, key=key_of))


def _value(atom: Atom, look: Look) -> str:
    value = look(atom)
    if value is None:
        return "unknown"
    return str(value).lower() if isinstance(value, bool) else str(jsonable(value))
