"""What can be asked of a policy, in words that belong to no solver: both lanes read them, and so does a report.

A claim is true or false of a situation. :class:`Predicate` is a predicate of the semantics by one of its two bounds,
:class:`Holds` a formula that is certainly true or certainly false, and the rest combines them. A :class:`Symbolic`
claim is one that only Z3 can read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jurat.policies.expr import Atom, Expr, mentioned_atoms
from jurat.policies.graph import PolicyGraph

if TYPE_CHECKING:
    import z3

Name = Literal["matched", "entailed", "supported", "live", "blocked", "ambiguous", "in force"]
Bound = Literal["certain", "possible"]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A predicate of section 3 of the semantics, of one entity and by one bound."""

    name: Name
    entity: str
    bound: Bound = "certain"


@dataclass(frozen=True, slots=True)
class Holds:
    """A formula over the vocabulary is certainly true (``truth``), or certainly false."""

    expr: Expr
    truth: bool = True


@dataclass(frozen=True, slots=True)
class Symbolic:
    """A Z3 formula, with the entities and atoms that it speaks of."""

    formula: z3.BoolRef
    entities: tuple[str, ...] = ()
    mentioned: frozenset[Atom] = frozenset()


@dataclass(frozen=True, slots=True)
class Not:
    claim: Claim


@dataclass(frozen=True, slots=True)
class All:
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Some:
    claims: tuple[Claim, ...]


Claim = Predicate | Holds | Symbolic | Not | All | Some


def in_force(entity: str) -> Predicate:
    """It is certainly in force."""
    return Predicate("in force", entity, "certain")


def possible(entity: str) -> Predicate:
    """It is in force, or could be, depending on what is unknown."""
    return Predicate("in force", entity, "possible")


def acts(graph: PolicyGraph, entity: str) -> Predicate:
    """Its own actions are to be done: it is in force, or with ``on_unknown: act`` could be."""
    return possible(entity) if graph.entities[entity].on_unknown == "act" else in_force(entity)


def binds(entity: str) -> Claim:
    """Its prohibitions bind: it is possibly live and not certainly blocked, even if outranked."""
    return every(Predicate("live", entity, "possible"), Not(Predicate("blocked", entity, "certain")))


def unknown(expr: Expr) -> Claim:
    """A formula is neither certainly true nor certainly false."""
    return every(Not(Holds(expr)), Not(Holds(expr, truth=False)))


def every(*claims: Claim) -> Claim:
    """All of them."""
    return claims[0] if len(claims) == 1 else All(claims)


def some(*claims: Claim) -> Claim:
    """At least one of them."""
    return claims[0] if len(claims) == 1 else Some(claims)


def parts(claims: Iterable[Claim]) -> Iterator[Predicate | Holds | Symbolic]:
    """What some claims are made of."""
    for claim in claims:
        match claim:
            case All(inner) | Some(inner):
                yield from parts(inner)
            case Not(operand):
                yield from parts((operand,))
            case _:
                yield claim


def entities_of(claims: Iterable[Claim]) -> tuple[str, ...]:
    """The entities that some claims speak of, in the order of their first mention."""
    found: dict[str, None] = {}
    for part in parts(claims):
        if isinstance(part, Predicate):
            found[part.entity] = None
        elif isinstance(part, Symbolic):
            found |= dict.fromkeys(part.entities)
    return tuple(found)


def mentioned_by(claims: Iterable[Claim]) -> frozenset[Atom]:
    """The atoms that some claims speak of themselves, apart from the entities' own."""
    found: set[Atom] = set()
    for part in parts(claims):
        if isinstance(part, Holds):
            found |= mentioned_atoms([part.expr])
        elif isinstance(part, Symbolic):
            found |= part.mentioned
    return frozenset(found)
