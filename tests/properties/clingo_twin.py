"""A policy for clingo: ``meaning.lp`` over what was written, one situation after the other.

Nothing here is expanded, resolved or compared by our code: relations, tags, journeys, ranks and formulas go in as they
stand. Only formulas over decimals, texts, lists and times, which clingo does not have, are given as already evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import clingo

from jurat.policies.evaluation import evaluate
from jurat.policies.expr import (
    And,
    Compare,
    Const,
    Expr,
    Fact,
    Has,
    Implies,
    JourneyActive,
    JourneyState,
    Not,
    Observation,
    Or,
    atoms,
    key_of,
)
from jurat.policies.model import Policy
from jurat.policies.types import BoolType, EnumType, IntType, Type, Value
from jurat.policies.valuation import Valuation

MEANING = (Path(__file__).parent / "meaning.lp").read_text("utf-8")
Said = tuple[frozenset[str], frozenset[str]]
"""What is certainly and what is possibly in force."""


class Formulas:
    """Numbers for formulas and for what they look at, and the facts that describe them."""

    def __init__(self) -> None:
        self.facts: list[str] = []
        self.atoms: dict[Expr, int] = {}
        """Atoms, and the formulas that are given as if they were some."""
        self._nodes: dict[Expr, int] = {}

    def node(self, expr: Expr) -> int:
        if expr not in self._nodes:
            number = self._nodes[expr] = len(self._nodes)
            self.facts += [f"node({number}).", *self._describe(number, expr)]
        return self._nodes[expr]

    def _describe(self, n: int, expr: Expr) -> Iterator[str]:
        match expr:
            case Const():
                yield f"constant({n},{int(expr.value is True)})."
            case Not(operand):
                yield f"negated({n},{self.node(operand)})."
            case And(operands) | Or(operands):
                yield f"{'all' if isinstance(expr, And) else 'some'}({n})."
                yield from (f"operand({n},{self.node(each)})." for each in operands)
            case Implies(left, right):
                yield f"some({n}). operand({n},({self.node(Not(left))};{self.node(right)}))."
            case Has(Fact() | JourneyState() as of):
                yield f"present({n},{self.atom(of)})."
            case Compare(symbol, Fact() | JourneyState() as left, Const(int() | str() as value)) if _plain(left.type):
                yield f'compared({n},{self.atom(left)},"{symbol}",{number_of(value, left.type)}).'
            case _:
                yield f"leaf({n},{self.atom(expr)})."

    def atom(self, expr: Expr) -> int:
        return self.atoms.setdefault(expr, len(self.atoms))

    def parts(self, expr: Expr) -> set[int]:
        """The nodes of a formula and of all below it."""
        below: tuple[Expr, ...] = ()
        match expr:
            case Not(operand):
                below = (operand,)
            case And(operands) | Or(operands):
                below = operands
            case Implies(left, right):
                below = (Not(left), right)
        return {self.node(expr)}.union(*map(self.parts, below))


def _plain(type_: Type) -> bool:
    return isinstance(type_, IntType | EnumType)


def number_of(value: Value, type_: Type) -> int:
    """A truth value, a whole number or an enum's place as a number."""
    if isinstance(type_, EnumType):
        return type_.values.index(str(value))
    return int(value)  # type: ignore[arg-type]  # bool or int


class Twin:
    """One policy, with the values that its situations are going to have."""

    def __init__(self, policy: Policy, valuations: Iterable[Valuation]) -> None:
        self._formulas = Formulas()
        self.names = _names(policy)
        text = [*self._policy(policy), *self._axioms(policy), *self._formulas.facts, *self._defaults(policy)]
        self._defaulted = {path for path, fact in policy.vocabulary.facts.items() if fact.default is not None}
        self._values = {number: set[int]() for number in self._formulas.atoms.values()}
        for valuation in valuations:
            for number, value in self._given(valuation):
                self._values[number].add(value)
        text += [f"domain({number},{value})." for number, values in self._values.items() for value in sorted(values)]
        self._control = clingo.Control(["--warn=none", "0"])
        self._control.add("base", [], MEANING + "\n".join(text))
        self._control.ground([("base", [])])
        self._literals = {
            (each.symbol.arguments[0].number, each.symbol.arguments[1].number): each.literal
            for each in self._control.symbolic_atoms.by_signature("given", 2)
        }

    def models(self, valuation: Valuation) -> list[frozenset[str]]:
        """Every stable model in a situation, as the atoms that it shows."""
        given, found = set(self._given(valuation)), list[frozenset[str]]()
        pins = [literal if pair in given else -literal for pair, literal in self._literals.items()]
        self._control.solve(pins, on_model=lambda model: found.append(frozenset(str(model).split())))
        return found

    def said(self, models: Sequence[frozenset[str]]) -> Said:
        """The well-founded model among all stable ones."""
        every, some = frozenset.intersection(*models), frozenset[str]().union(*models)
        return self._read("c", every), self._read("p", some)

    def _read(self, bound: str, shown: frozenset[str]) -> frozenset[str]:
        return frozenset(g for g, number in self.names.items() if f"{bound}({number})" in shown)

    # -- what goes in -----------------------------------------------------------------------------------------------

    def _given(self, valuation: Valuation) -> Iterator[tuple[int, int]]:
        for expr, number in self._formulas.atoms.items():
            if isinstance(expr, Fact) and expr.path in self._defaulted and expr.path not in valuation.values:
                continue  # the program has defaults of its own
            value = evaluate(expr, valuation.look)
            if value is not None:
                yield number, number_of(value, expr.type)

    def _policy(self, policy: Policy) -> Iterator[str]:
        names, node = self.names, self._formulas.node
        for g, guideline in policy.guidelines.items():
            yield f"guideline({names[g]}). condition({names[g]},{node(guideline.condition)})."
            yield from self._marks(g, guideline.tags, guideline.rank)
            if guideline.scope:
                home = guideline.scope.partition("/")[0]
                yield f"home({names[g]},{names[home]}). scope({names[g]},({names[home]};{names[guideline.scope]}))."
        for j, journey in policy.journeys.items():
            active = JourneyActive(j)
            yield f"journey({names[j]}). condition({names[j]},{node(active)})."
            yield from self._marks(j, journey.tags, journey.rank)
            type_ = EnumType(tuple(journey.states))
            for s in journey.states:
                here = And((active, Compare("==", JourneyState(j, type_), Const(s, type_))))
                yield f"state({names[f'{j}/{s}']},{names[j]}). condition({names[f'{j}/{s}']},{node(here)})."
        yield from self._relations(policy)

    def _marks(self, id_: str, tags: Iterable[str], rank: int | None) -> Iterator[str]:
        yield from (f'tagged({self.names[id_]},"{tag}").' for tag in sorted(tags))
        if rank is not None:
            yield f"own_rank({self.names[id_]},{rank})."

    def _relations(self, policy: Policy) -> Iterator[str]:
        groups: dict[object, int] = {}
        kinds = {"tag": "tag", "any_tag": "any"}
        for i, each in enumerate(policy.relations):
            if each.kind == "exclusive_with":
                continue  # it says what is to be proved, and resolves nothing
            yield f"relation({i},{each.kind})."
            for word, ref in (("from", each.source), ("to", each.target)):
                name = f'"{ref.id}"' if ref.kind in kinds else self.names[ref.id]
                yield f"{word}({i},{kinds.get(ref.kind, 'entity')},{name})."
            if each.kind == "requires_any":
                yield f"in_group({i},{groups.setdefault((each.source, each.group), len(groups))})."

    def _axioms(self, policy: Policy) -> Iterator[str]:
        for axiom in policy.axioms:
            number = self._formulas.node(axiom.expr)
            yield f"axiom({number})."
            yield from (f"part({number},{each})." for each in sorted(self._formulas.parts(axiom.expr)))
            judged = sorted((each for each in atoms(axiom.expr) if isinstance(each, Observation)), key=key_of)
            yield from (f"about({number},{self._formulas.atom(each)})." for each in judged)

    def _defaults(self, policy: Policy) -> Iterator[str]:
        for expr, number in self._formulas.atoms.items():
            declared = policy.vocabulary.facts.get(expr.path) if isinstance(expr, Fact) else None
            if declared and declared.default is not None and isinstance(declared.type, BoolType | IntType | EnumType):
                yield f"default({number},{number_of(declared.default, declared.type)})."


def _names(policy: Policy) -> dict[str, int]:
    states = [f"{j}/{state}" for j, journey in policy.journeys.items() for state in journey.states]
    return {g: number for number, g in enumerate([*policy.guidelines, *policy.journeys, *states])}
