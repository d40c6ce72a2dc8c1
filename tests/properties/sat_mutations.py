"""Planted bugs in the propositional lane, one line of it rewritten in each, for the agreement of lanes to find.

``python benchmarks/agreement/mutate.py`` runs them all and says how many examples each took.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from random import Random
from types import ModuleType
from typing import Any
from unittest.mock import patch

from tests.properties.agreement import Tally, drawn_case
from tests.properties.sides import sat

from jurat.policies.errors import ValuationError

EXAMPLES, SITUATIONS = 2_000, 3
SAT = "jurat.solver.sat"


@dataclass(frozen=True, slots=True)
class Mutant:
    """``where`` (``module.function`` or ``module.Class.method``) with ``new`` in place of ``old``."""

    says: str
    where: str
    old: str
    new: str

    @contextmanager
    def applied(self) -> Iterator[None]:
        """While this lasts the lane has the bug."""
        owner, name = self._owner()
        right = inspect.getattr_static(owner, name)
        wrong = rewritten(right, self.old, self.new)
        with ExitStack() as stack:
            if isinstance(owner, ModuleType):
                _replace_everywhere(stack, right, wrong)
            else:
                stack.enter_context(patch.object(owner, name, wrong))
            yield

    def _owner(self) -> tuple[Any, str]:
        module, *names = self.where.split(".")
        owner: Any = import_module(f"{SAT}.{module}")
        for each in names[:-1]:
            owner = getattr(owner, each)
        return owner, names[-1]


def rewritten(function: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
    """The same function with a part of its text replaced, which has to be there exactly once."""
    text = textwrap.dedent(inspect.getsource(function))
    if text.count(old) != 1:
        raise AssertionError(f"`{old}` stands {text.count(old)} times in {function.__qualname__}")
    found: dict[str, Any] = {}
    code = compile("from __future__ import annotations\n" + text.replace(old, new), "<mutant>", "exec")
    exec(code, function.__globals__, found)  # noqa: S102 - our own text
    wrong: Callable[..., Any] = found[function.__name__]
    return wrong


def _replace_everywhere(stack: ExitStack, right: Any, wrong: Any) -> None:
    """In every module of the lane that imported it, and in the tables that it stands in."""
    for module in [each for name, each in sys.modules.items() if name.startswith(SAT)]:
        for name, value in vars(module).copy().items():
            if value is right:
                stack.enter_context(patch.object(module, name, wrong))
            elif isinstance(value, dict) and any(each is right for each in value.values()):
                stack.enter_context(patch.dict(value, {k: wrong for k, each in value.items() if each is right}))


REWRITTEN: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "section 3": (
        ("requirements mean nothing", "readings.Reading.supported", "*[self.in_force(d) for d in graph.requirements[g]], ", ""),
        ("any-groups mean nothing", "readings.Reading.supported", ", *groups", ""),
        ("any-groups need every alternative", "readings.Reading.supported", "one([both([", "both([both(["),
        ("entailment needs a match", "readings.Reading.live", "(self.matched(g), self.entailed(g))", "(self.matched(g),)"),
        ("what is not supported is live", "readings.Reading.live", "(triggered, self.supported(g))", "(triggered,)"),
        ("blocked by what is in force", "readings.Reading.blocked", "self.live(h)", "self.in_force(h)"),
        ("blocked by what matches", "readings.Reading.blocked", "self.live(h)", "self.matched(h)"),
        ("nothing is ambiguous", "readings.Reading.blocked", ", self.ambiguous(g)", ""),
        ("one target is ambiguous", "readings.Reading.ambiguous", "one([self.live(rival) for rival in rivals])", "TRUE"),
        ("ambiguous whoever disambiguates", "readings.Reading.ambiguous", "self.live(by), ", ""),
        ("the entailed are outranked", "readings.Reading.outranked", "-reader.entailed(g), ", ""),
        ("entailed read from the wrong bound", "readings.Reading.outranked", "-reader.entailed(g)", "-self.entailed(g)"),
        ("what does not match is outranked", "readings.Reading.outranked", "self.matched(g), ", ""),
        ("the blocked outrank", "readings.Reading._contends", ", -self.other.blocked(h)", ""),
        ("the entailed outrank", "readings.Reading._contends", "self.matched(h), ", ""),
        ("what is not live outranks", "readings.Reading._contends", "self.live(h), ", ""),
        ("blocked read from its own bound", "readings.Reading.holds", "-self.other.blocked(g)", "-self.blocked(g)"),
        ("ranks mean nothing", "readings.Reading.holds", ", -self.other.outranked(g, self)", ""),
        ("outranked read from its own bound", "readings.Reading.holds", "self.other.outranked(g, self)", "self.outranked(g, self)"),
        ("equals outrank", "ranks.Ranks._nodes", "bisect_right(self._ranks, rank)", "bisect_left(self._ranks, rank)"),
        ("kin outrank", "ranks.Ranks._nodes", "[start - 1, *kin, end]", "[start - 1, end]"),
        ("the last contender is left out", "ranks.cover", "if end & 1:", "if end & 1 and end - start > 1:"),
        ("half of a node is left out", "ranks.Ranks.children", "2 * place + 1", "2 * place"),
    ),
    "cycles": (
        ("cycles hold themselves up (completion)", "component.Component._rule", "self.network.cycles.get(g)", "None"),
        ("the greatest solution of a cycle", "readings.Reading.least", "dict.fromkeys(cycle, FALSE)", "dict.fromkeys(cycle, TRUE)"),
        ("a cycle unrolled once", "readings.Reading.least", "for _ in cycle:", "for _ in cycle[:1]:"),
        ("bounds alternated once", "readings.solved", "range(len(cycle) + 1)", "range(1)"),
        ("possible in a cycle is certain", "readings.solved", "return lower.members", "return upper.members"),
        ("certain in a cycle is possible", "readings.solved", "return lower.members, upper.members", "return lower.members, lower.members"),
        ("members read from outside the cycle", "readings.Reading.live", "self.members.keys().isdisjoint(self.network.supports(g))", "True"),
        ("ranks make no cycle", "network.Network._looked_at", "yield from self.ranks.outranking(place)", "pass"),
    ),
    "definitions": (
        ("what matches need not", "component.Component._define_condition", "pending.append([-last, sure, *(-true for true, _ in pairs)])", "pass"),
        ("what may match need not", "component.Component._define_condition", "pending.append([-last, maybe, *(false for _, false in pairs)])", "pass"),
        ("what is unknown may not match", "component.Component._define_condition", "[-selector, -maybe, -false]", "[-selector, -maybe, true]"),
        ("what is unknown matches", "component.Component._define_condition", "[-selector, -sure, true]", "[-selector, -sure, -false]"),
        ("what is in force need not be", "component.Component._define_rule", ", [-selector, variable, -value]", ""),
        ("what is not in force may be", "component.Component._define_rule", "[-selector, -variable, value], ", ""),
        ("the bounds change places", "component.Component._predicate", 'claim.bound == "certain"', 'claim.bound == "possible"'),
        ("possible reads what is certain", "component.Component._reading", "self.forces(g)[bound]", "self.forces(g)[0]"),
        ("cones without entailment", "network.Network.supports", "yield from self.graph.entailers[g]", "pass"),
        ("cones without requirements", "network.Network.supports", "yield from self.graph.requirements[g]", "pass"),
        ("cones without rivals", "network.Network.local", "(g, *overriders, *named)", "(g, *overriders)"),
        ("cones without overriders", "network.Network.local", "(g, *overriders, *named)", "(g, *named)"),
        ("cones cut off", "lane.SatLane._prepared", "self.network.cone(g, most)", "self.network.cone(g, 1)"),
    ),
    "axioms and history": (
        ("the axioms of a cone forgotten", "component.Component.definition", "parts += [self.group(number) for number in sorted(groups)]", "pass"),
        ("the axioms of atoms forgotten", "formulas._atom", "f.meet(expr)", "pass"),
        ("axioms about nothing else forgotten", "component.Component.everything", "parts += [self.group(number) for number in self.axioms.groups]", "pass"),
        ("axioms not closed", "axioms.admitted", "((TRUE, FALSE), (FALSE, TRUE))", "()"),
        ("axioms closed against what is false", "axioms.admitted", "((TRUE, FALSE), (FALSE, TRUE))", "((TRUE, FALSE),)"),
        ("axioms closed against what is true", "axioms.admitted", "((TRUE, FALSE), (FALSE, TRUE))", "((FALSE, TRUE),)"),
        ("axioms closed over what is known", "axioms.admitted", "list(formulas.atoms.pair(atom))", "[]"),
        ("axioms may be false", "axioms.admitted", "yield from _avoided([], formulas.when(part, truth=False))", "pass"),
        ("axioms have to be true", "axioms.admitted", "_avoided([], formulas.when(part, truth=False))", "[[each] for each in formulas.when(part, truth=True)]"),
        ("a failed call is no failure", "past.above", '[Event("failed", ANY)]', "[]"),
        ("laws of history turned round", "past.Past._follows", "add(-premise, conclusion)", "add(-conclusion, premise)"),
    ),
    "formulas": (
        ("an unknown conjunction is false", "formulas._and", "f.one(false for _, false in pairs)", "-f.both(*(true for true, _ in pairs))"),
        ("an unknown disjunction is false", "formulas._or", "f.both(*(false for _, false in pairs))", "-f.one(true for true, _ in pairs)"),
        ("negation of unknown is true", "formulas._not", "return false, true", "return -true, true"),
        ("implied by what is true alone", "formulas._implies", "f.one((not_left, right))", "right"),
        ("an implication is false too early", "formulas._implies", "f.both(left, not_right)", "not_right"),
        ("branches that agree are unknown", "formulas._chosen", "f.both(known, known_too, holds(", "f.both(FALSE, known_too, holds("),
        ("absence is unknown", "formulas._has", "return known, -known", "return known, FALSE"),
        ("a comparison with an absent fact is false", "formulas._told", "f.both(known, known_too, -it)", "f.one((-known, -known_too, -it))"),
        ("membership in an absent list is false", "atoms.Atoms.contains", "self.clauses.all_of((known, -found))", "-found"),
        ("a fact with a default can be absent", "atoms.Atoms._given", "declaration.default is not None", "declaration.default == ()"),
        ("a state without its journey", "atoms.Atoms._known", "self.pair(JourneyActive(atom.journey))[0]", "self.clauses.new()"),
        ("a list of unequal items is no match", "formulas._among", "f.both(*differs)", "FALSE"),
    ),
    "order encoding": (
        ("`>` is `>=`", "scales.compared", 'if operator == ">":\n        return scale.reached(after)', 'if operator == ">":\n        return scale.reached(at)'),
        ("`<=` is `<`", "scales.compared", 'if operator == "<=":\n        return -scale.reached(after)', 'if operator == "<=":\n        return -scale.reached(at)'),
        ("`==` is `>=`", "scales.compared", "scale.clauses.all_of((scale.reached(at), -scale.reached(after)))", "scale.reached(at)"),
        ("cut points of whole numbers off by one", "scales.ends", "floor(value) + 1", "floor(value) + 2"),
        ("halves rounded down", "scales.ends", "return ceil(value), ", "return floor(value), "),
        ("cut points of enums off by one", "scales.ends", "return place, place + 1", "return place, place + 2"),
        ("nothing above a decimal", "scales.ends", "(number, 0), (number, 1)", "(number, 0), (number, 0)"),
        ("nothing after a text", "scales.ends", 'value + "\\0"', "value"),
        ("the end of a range is not in it", "scales.Scale.reached", "point > self.high", "point >= self.high"),
        ("the start of a range can be missed", "scales.Scale.reached", "point <= self.low", "point <= self.low + 1"),
        ("cut points without an order", "scales.Scale._cut", "add([-found, literals[points[place - 1]]])", "pass"),
        ("`<=` of two facts turned round", "comparing._both", "return -_less(clauses, right, left)", "return -_less(clauses, left, right)"),
        ("`<` of two facts off by one", "comparing._less", "-left.reached(point)", "-left.reached(point + 1)"),
        ("texts that start alike end late", "comparing._beyond", "ord(stem[-1]) + 1", "ord(stem[-1]) + 2"),
    ),
}  # fmt: skip

MUTANTS: dict[str, Mutant] = {
    says: Mutant(says, where, old, new) for group in REWRITTEN.values() for says, where, old, new in group
}

SELDOM = frozenset(
    (
        "the entailed are outranked",
        "entailed read from the wrong bound",
        "bounds alternated once",
        "a failed call is no failure",
        "an unknown conjunction is false",
        "branches that agree are unknown",
        "membership in an absent list is false",
        "a fact with a default can be absent",
        "`<=` of two facts turned round",
        "texts that start alike end late",
    )
)
"""Bugs that take hundreds of examples to be seen, too long for every run of the tests."""


def found_after(mutant: Mutant, seed: int, limit: int = EXAMPLES) -> int | None:
    """How many policies, with a few situations each, it takes to see a bug; None if it is not seen within the limit."""
    random = Random(seed)
    for number in range(1, limit + 1):
        case = drawn_case(random, SITUATIONS)
        with mutant.applied():
            if differs(lambda case=case: sat(case, Tally())):  # type: ignore[misc]
                return number
    return None


def differs(disagreements: Callable[[], Iterator[str]]) -> bool:
    """Whether the lane says something else than the reference, or shows what is no situation at all."""
    try:
        return any(True for _ in disagreements())
    except ValuationError:
        return True
