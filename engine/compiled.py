"""The resolver, compiled: what is in force and what may be, for one situation or for thousands at once.

A truth value has two bits, one for each reading of the semantics: the upper one says *certainly*, the lower one *possibly*, so
that true is 3, unknown 1 and false 0. Then Kleene's *and* and *or* are those of the machine, and *not* exchanges the bits
and inverts them, which is how a negated predicate comes to be read from the other bound. Each guideline becomes a few
such operations, in the order of the strata, in one function of Python. Situations stand beside each other in one long
number, two bits each, so that the same function decides all of them (bit-slicing; Biham, A Fast New DES
Implementation in Software, 1997).

A turn takes both bounds from here, and tells what follows from them as the reference does.

:mod:`jurat.policies.semantics` says what is right; a property test holds this to it. Axioms are made true by the reference, and
a policy with a circle of relations in it, of which the reference takes a fixpoint, is resolved by it altogether.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from jurat.policies.axioms import settle
from jurat.policies.errors import ValuationError
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import And, Expr, Implies, Not, Observation, Or
from jurat.policies.graph import PolicyGraph
from jurat.policies.semantics import Bound, bounds, matched
from jurat.policies.valuation import Valuation, valuation_of

Situation = Valuation | Mapping[str, object]
TRUE, UNKNOWN, FALSE = 3, 1, 0
_CODES: Mapping[object, int] = {True: TRUE, False: FALSE, None: UNKNOWN}
_FROM_BOOLS = bytes([FALSE, TRUE, *[UNKNOWN] * 254])
_DIGITS = bytes([ord("0") + code for code in range(4)] + [0] * 252)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in force for certain, and what is or may be, sorted; as :class:`~jurat.policies.Resolution` has them."""

    in_force: tuple[str, ...]
    possible: tuple[str, ...]


@lru_cache(maxsize=16)
def compiled(graph: PolicyGraph) -> Compiled:
    """The resolver of a policy, compiled once."""
    return Compiled(graph)


class Batch:
    """The standings of many situations; ``values`` has a number for each entity, two bits a situation, first one lowest."""

    def __init__(self, names: Sequence[str], values: Sequence[int], size: int) -> None:
        self._names, self._values, self._size = names, values, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: int) -> Standing:
        if not 0 <= place < self._size:
            raise IndexError(place)
        return _standing(self._names, [value >> 2 * place & TRUE for value in self._values])

    def __iter__(self) -> Iterator[Standing]:
        return (self[place] for place in range(self._size))

    def times_in_force(self) -> dict[str, int]:
        """In how many of the situations each entity is certainly in force."""
        upper = _lows(self._size) << 1
        return {name: (value & upper).bit_count() for name, value in zip(self._names, self._values, strict=True)}


class Compiled:
    """The resolver of one policy; to compile takes about as long as to build its graph."""

    def __init__(self, graph: PolicyGraph) -> None:
        self._graph = graph
        self._names = tuple(sorted(graph.entities))
        self._observations = frozenset(graph.vocabulary.observations)
        circular = any(len(each) > 1 for each in graph.strata)
        self._program = None if circular else _Program(graph, self._names)
        self._empty = valuation_of(graph, {})

    def resolve(self, situation: Situation) -> Standing:
        """What :func:`jurat.policies.resolve` has in force and possible.

        Raises:
            ValuationError: the situation does not fit the vocabulary.
            RefusedTurn: facts alone falsify an axiom.
        """
        if self._program is None:
            return self._by_reference(situation)
        return _standing(self._names, self._program.run(list(self._leaves(self._program, situation)), 1))

    def bounds(self, settled: Valuation) -> tuple[Bound, Bound]:
        """The certain and the possible reading, as the semantics has them, of a situation that makes the axioms true."""
        if self._program is None:
            return bounds(self._graph, *matched(self._graph, settled))
        leaves = self._program.observed(settled.values) + self._program.others(settled)
        in_force, matches = self._program.run_with_matches(list(leaves))
        low = Bound(self._graph, frozenset(self._which(matches, TRUE)), None, set(self._which(in_force, TRUE)))
        high = Bound(self._graph, frozenset(self._which(matches, UNKNOWN)), low, set(self._which(in_force, UNKNOWN)))
        low.other = high
        return low, high

    def _which(self, codes: Sequence[int], least: int) -> Iterator[str]:
        return (name for name, code in zip(self._names, codes, strict=True) if code >= least)

    def resolve_all(self, situations: Iterable[Situation]) -> Batch:
        """As :meth:`resolve`, for each of them."""
        rows = list(situations)
        if self._program is None or not rows:
            return self._all_by_reference(rows)
        width = self._program.width
        codes = b"".join([self._leaves(self._program, each) for each in reversed(rows)]).translate(_DIGITS)
        leaves = [int(codes[place::width], 4) for place in range(width)]
        return Batch(self._names, self._program.run(leaves, len(rows)), len(rows))

    def _leaves(self, program: _Program, situation: Situation) -> bytes:
        """The truth of what conditions are made of, a byte each: observations first."""
        if isinstance(situation, Mapping) and not self._graph.axioms:
            rest = situation.keys() - self._observations
            given = valuation_of(self._graph, {key: situation[key] for key in rest}) if rest else self._empty
            if self._observations.isdisjoint(given.values):  # else one was named by another spelling of its text
                return program.observed(situation) + program.others(given)
        given = situation if isinstance(situation, Valuation) else valuation_of(self._graph, situation)
        settled = settle(self._graph, given).valuation
        return program.observed(settled.values) + program.others(settled)

    def _by_reference(self, situation: Situation) -> Standing:
        given = situation if isinstance(situation, Valuation) else valuation_of(self._graph, situation)
        low, high = bounds(self._graph, *matched(self._graph, settle(self._graph, given).valuation))
        return Standing(tuple(sorted(low.in_force)), tuple(sorted(high.in_force)))

    def _all_by_reference(self, rows: Sequence[Situation]) -> Batch:
        found = [self._by_reference(each) for each in rows]
        values = [
            sum(
                ((name in each.in_force) * 2 + (name in each.possible)) << 2 * place for place, each in enumerate(found)
            )
            for name in self._names
        ]
        return Batch(self._names, values, len(rows))


def _standing(names: Sequence[str], values: Sequence[int]) -> Standing:
    force = tuple([g for g, value in zip(names, values, strict=True) if value == TRUE])
    return Standing(force, tuple([g for g, value in zip(names, values, strict=True) if value]))


def _lows(size: int) -> int:
    """The lower bit of each of so many situations."""
    return ((1 << 2 * size) - 1) // TRUE


class _Program:
    """The function of a policy. Every name in its text is made of a number; none is the author's."""

    def __init__(self, graph: PolicyGraph, names: Sequence[str]) -> None:
        self._keys = tuple(sorted(graph.vocabulary.observations))
        self._take: Callable[[Any], Any] = (
            itemgetter(*self._keys) if len(self._keys) > 1 else lambda row: [row[key] for key in self._keys]
        )
        self._leaves: list[Expr] = []
        text = _Text(graph, {key: place for place, key in enumerate(self._keys)}, self._leaves)
        scope: dict[str, Any] = {}
        exec(text.function(names), scope)  # noqa: S102 - made of numbers alone
        self._function: Callable[..., Any] = scope["decided"]

    @property
    def width(self) -> int:
        """How many leaves there are."""
        return len(self._keys) + len(self._leaves)

    def observed(self, values: Mapping[str, object]) -> bytes:
        """The observations; quickly where all are known.

        Raises:
            ValuationError: one is neither true, false nor unknown.
        """
        try:
            return bytes(self._take(values)).translate(_FROM_BOOLS)
        except (KeyError, TypeError, ValueError):
            return bytes([_code(key, values.get(key)) for key in self._keys])

    def others(self, valuation: Valuation) -> bytes:
        """What is not an observation."""
        return bytes([_CODES[evaluate(leaf, valuation.look)] for leaf in self._leaves])

    def run(self, leaves: Sequence[int], size: int) -> list[int]:
        """What each entity comes to, in the order of the names."""
        low = _lows(size)
        found: list[int] = self._function(leaves, low, low << 1)
        return found

    def run_with_matches(self, leaves: Sequence[int]) -> tuple[list[int], list[int]]:
        """As :meth:`run` of one situation, and what each entity's condition comes to."""
        found: tuple[list[int], list[int]] = self._function(leaves, UNKNOWN, UNKNOWN << 1, True)
        return found


def _code(key: str, value: object) -> int:
    if value is not None and not isinstance(value, bool):
        raise ValuationError(f"`{key}`: `{value}` is not true or false")
    return _CODES[value]


class _Text:
    """The text of the function: a statement for each predicate of section 3 that is not another one already."""

    def __init__(self, graph: PolicyGraph, places: Mapping[str, int], leaves: list[Expr]) -> None:
        self._graph, self._places, self._leaves = graph, places, leaves
        self._conditions: dict[Expr, str] = {}
        self._lines: list[str] = []
        self._known: dict[tuple[str, str], str] = {}

    def function(self, names: Sequence[str]) -> str:
        """The whole text. Strata in order, so that no predicate waits for a long chain of others."""
        for (g,) in self._graph.strata:
            self._once("inforce", g)
        found = ", ".join(self._once("inforce", g) for g in names)
        matches = ", ".join(self._once("matched", g) for g in names)
        body = "\n ".join([*self._lines, f"return ([{found}], [{matches}]) if with_matches else [{found}]"])
        return f"def decided(v, L, H, with_matches=False):\n {body}\n"

    def _once(self, predicate: str, g: str) -> str:
        key = predicate, g
        if key not in self._known:
            self._known[key] = _PREDICATES[predicate](self, g)
        return self._known[key]

    def _each(self, predicate: str, entities: Iterable[str]) -> list[str]:
        return [self._once(predicate, g) for g in entities]

    def matched(self, g: str) -> str:
        return self._condition(self._graph.entities[g].condition)

    def entailed(self, g: str) -> str:
        return self._any(self._each("inforce", self._graph.entailers[g]))

    def live(self, g: str) -> str:
        begun = self._any([self._once("matched", g), self._once("entailed", g)])
        groups = [
            self._any([self._all(self._each("inforce", alternative)) for alternative in group])
            for group in self._graph.alternatives[g]
        ]
        return self._all([begun, *self._each("inforce", self._graph.requirements[g]), *groups])

    def blocked(self, g: str) -> str:
        return self._any([*self._each("live", self._graph.overriders[g]), self.ambiguous(g)])

    def ambiguous(self, g: str) -> str:
        return self._any(
            self._all([*self._each("live", (d, target)), self._any(self._each("live", rivals))])
            for d, target, rivals in self._graph.ambiguities[g]
        )

    def outranked(self, g: str) -> str:
        rivals = [
            self._all([self._once("matched", h), self._once("live", h), self._not(self._once("blocked", h))])
            for h in self._graph.outrankers[g]
        ]
        return self._all([self._once("matched", g), self._not(self._once("entailed", g)), self._any(rivals)])

    def inforce(self, g: str) -> str:
        hindered = [self._not(self._once("blocked", g)), self._not(self._once("outranked", g))]
        return self._all([self._once("live", g), *hindered])

    def _condition(self, expr: Expr) -> str:
        if expr not in self._conditions:
            self._conditions[expr] = self._formula(expr)
        return self._conditions[expr]

    def _formula(self, expr: Expr) -> str:
        if isinstance(expr, Observation):
            return self._let(f"v[{self._places[expr.key]}]")
        if isinstance(expr, Not):
            return self._not(self._condition(expr.operand))
        if isinstance(expr, And):
            return self._all(map(self._condition, expr.operands))
        if isinstance(expr, Or):
            return self._any(map(self._condition, expr.operands))
        if isinstance(expr, Implies):
            return self._any([self._not(self._condition(expr.left)), self._condition(expr.right)])
        self._leaves.append(expr)
        return self._let(f"v[{len(self._places) + len(self._leaves) - 1}]")

    def _let(self, value: str) -> str:
        name = f"x{len(self._lines)}"
        self._lines.append(f"{name} = {value}")
        return name

    def _any(self, parts: Iterable[str]) -> str:
        found = [each for each in dict.fromkeys(parts) if each != NEVER]
        if ALWAYS in found:
            return ALWAYS
        return found[0] if len(found) == 1 else self._let(" | ".join(found)) if found else NEVER

    def _all(self, parts: Iterable[str]) -> str:
        found = [each for each in dict.fromkeys(parts) if each != ALWAYS]
        if NEVER in found:
            return NEVER
        return found[0] if len(found) == 1 else self._let(" & ".join(found)) if found else ALWAYS

    def _not(self, part: str) -> str:
        if part in (NEVER, ALWAYS):
            return ALWAYS if part == NEVER else NEVER
        return self._let(f"({part} & L) << 1 ^ H | ({part} & H) >> 1 ^ L")


NEVER, ALWAYS = "0", "(L | H)"
_PREDICATES: dict[str, Callable[[_Text, str], str]] = {
    "matched": _Text.matched,
    "entailed": _Text.entailed,
    "live": _Text.live,
    "blocked": _Text.blocked,
    "outranked": _Text.outranked,
    "inforce": _Text.inforce,
}
