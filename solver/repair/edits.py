"""What may be edited to repair a policy, each edit as a change of the policy's content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jurat.policies.expr import And, Expr, Not, Observation, conjunction
from jurat.policies.model import Axiom, Policy, Ref, Relation, RelationKind
from jurat.policies.printing import show


@dataclass(frozen=True, slots=True)
class Override:
    """Let one guideline win over another: ``overrides``."""

    winner: str
    loser: str

    def __str__(self) -> str:
        return f"let `{self.winner}` override `{self.loser}`"


@dataclass(frozen=True, slots=True)
class Require:
    """Let a guideline apply only with another one: ``requires``."""

    guideline: str
    needed: str

    def __str__(self) -> str:
        return f"let `{self.guideline}` require `{self.needed}`"


@dataclass(frozen=True, slots=True)
class Narrow:
    """Let a guideline apply only where a formula holds as well: a stronger ``when``."""

    guideline: str
    formula: Expr

    def __str__(self) -> str:
        return f"let `{self.guideline}` apply only where `{show(self.formula)}`"


@dataclass(frozen=True, slots=True)
class Release:
    """Take one relation out that a guideline states of another."""

    kind: RelationKind
    source: str
    target: str

    def __str__(self) -> str:
        words = {"overrides": "no longer override", "requires": "no longer require", "entails": "no longer entail"}
        return f"let `{self.source}` {words[self.kind]} `{self.target}`"


@dataclass(frozen=True, slots=True)
class Reverse:
    """Turn a precedence around."""

    winner: str
    loser: str

    def __str__(self) -> str:
        return f"let `{self.winner}` override `{self.loser}`, not the other way round"


@dataclass(frozen=True, slots=True)
class AddAxiom:
    """Declare that two observations never hold together. It changes what is assumed, not what is done."""

    left: str
    right: str

    def __str__(self) -> str:
        return f"declare that `{self.left}` and `{self.right}` exclude each other, if that is so"

    @property
    def formula(self) -> Expr:
        return Not(And((Observation(self.left), Observation(self.right))))


Edit = Override | Require | Narrow | Release | Reverse | AddAxiom

COSTS: dict[type[Edit], int] = {Override: 100, Narrow: 102, Require: 103, Release: 104, Reverse: 105, AddAxiom: 150}
"""Fewer edits come first; of as many, precedence before the rest, and an assumption last."""


def applied(policy: Policy, edits: Iterable[Edit]) -> Policy:
    """The policy with some edits made."""
    for edit in edits:
        policy = _applied(policy, edit)
    return policy


def _applied(policy: Policy, edit: Edit) -> Policy:
    match edit:
        case Override(winner, loser):
            return _related(policy, "overrides", winner, loser)
        case Require(guideline, needed):
            return _related(policy, "requires", guideline, needed)
        case Reverse(winner, loser):
            return applied(policy, (Release("overrides", loser, winner), Override(winner, loser)))
        case Release(kind, source, target):
            gone = (kind, _ref(source), _ref(target))
            kept = tuple(each for each in policy.relations if (each.kind, each.source, each.target) != gone)
            return replace(policy, relations=kept)
        case Narrow(guideline, formula):
            old = policy.guidelines[guideline]
            new = replace(old, condition=conjunction(old.condition, formula))
            return replace(policy, guidelines={**policy.guidelines, guideline: new})
        case AddAxiom():
            return replace(policy, axioms=(*policy.axioms, Axiom(show(edit.formula), edit.formula)))


def _related(policy: Policy, kind: RelationKind, source: str, target: str) -> Policy:
    return replace(policy, relations=(*policy.relations, Relation(kind, _ref(source), _ref(target))))


def _ref(name: str) -> Ref:
    return Ref("guideline", name)
