"""Two copies of the observations over the same trusted values: as they are, and as they were judged.

See :mod:`jurat.solver.assurance` for what they are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import z3

from jurat.policies.errors import InternalError, RefusedTurn, ValuationError
from jurat.policies.expr import Atom, Observation, atoms, key_of
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.policies.types import Value
from jurat.solver.build import NO, YES, all_of, any_of, implication, negation
from jurat.solver.claims import Claim, entities_of, mentioned_by
from jurat.solver.formulas import truth
from jurat.solver.paths import definitions
from jurat.solver.prover import Prover
from jurat.solver.terms import Truth
from jurat.solver.witness import values_of

SETS = 8
"""Smallest sets of misjudged observations that are listed."""


@dataclass(frozen=True, slots=True)
class Misjudged:
    """A situation in which wrong answers make the difference: trusted values, what is, and what the judge answered.

    What is left out of ``values`` and ``answered`` does not matter.
    """

    values: Mapping[str, Value]
    real: Mapping[str, bool]
    answered: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Distance:
    """``fewest`` misjudged observations, None if no number is enough; ``sets``: smallest ones, ``more`` if not all.

    ``unknown``: what the judge does not know in ``example``. Where ``verdict`` is UNKNOWN the solver gave up, for the
    ``reason`` given, and it takes at least ``fewest``.
    """

    fewest: int | None
    sets: tuple[tuple[str, ...], ...] = ()
    more: bool = False
    unknown: tuple[str, ...] = ()
    example: Misjudged | None = None
    verdict: Verdict = Verdict.PROVED
    reason: str = ""


Replay = Callable[[PolicyGraph, Misjudged, z3.ModelRef], bool]
"""Whether the reference semantics, on a policy or its part, agrees that an example shows what it should."""


class Copies:
    """A solver that holds all that is true of both copies, for what some claims speak of.

    The encoding's own constants are the judged copy, after the axioms have had their say.
    """

    def __init__(self, prover: Prover, *claims: Claim) -> None:
        self.prover = prover
        entities, mentioned = entities_of(claims), mentioned_by(claims)
        self.atoms = prover.cones.atoms_of(entities, mentioned)
        self.observations = [atom for atom in self.atoms if isinstance(atom, Observation)]
        self._part = prover.cones.part(entities, mentioned)
        self.axioms = prover.cones.axioms_about(self.atoms)
        self._real = {atom: z3.Bool(f"{atom.key!a} is really so") for atom in self.observations}
        self._pairs = list(self._renamed(prover.cones.cone(entities).conditions | prover.cones.cone(entities).rules))
        self.solver = z3.Solver()
        self.solver.set("rlimit", prover.limits.rlimit)
        self.solver.set("random_seed", prover.limits.seed)
        held = definitions(prover, *claims)
        self.solver.add(*held, self.real(all_of(held)), *self._answers())
        self.wrong = {atom: self._misjudged(atom) for atom in self.observations}

    def real(self, formula: z3.BoolRef) -> z3.BoolRef:
        """A formula about the judged copy, said of what is."""
        found: z3.BoolRef = z3.substitute(formula, *self._pairs) if self._pairs else formula
        return found

    def really(self, atom: Observation) -> z3.BoolRef:
        """What an observation is."""
        return self._real[atom]

    def _renamed(self, entities: frozenset[str]) -> Iterator[tuple[z3.BoolRef, z3.BoolRef]]:
        encoding = self.prover.encoding
        for g in sorted(entities):
            for each in (encoding.certain[g], encoding.possible[g], encoding.low.matches[g], encoding.high.matches[g]):
                yield each, z3.Bool(f"{each.decl().name()} really")
        for atom, is_so in self._real.items():
            judged = self._judged(atom)
            yield judged.true, is_so
            yield judged.false, negation(is_so)

    def _judged(self, atom: Atom) -> Truth:
        return self.prover.truth_of(atom)

    def _known(self, atom: Observation) -> z3.BoolRef:
        return any_of((self._judged(atom).true, self._judged(atom).false))

    # -- which answers the judge gave itself ---------------------------------------------------------------------

    def _given(self, atom: Observation) -> z3.BoolRef:
        """The judge gave the answer: it is not one that the axioms derive."""
        derivable = any(atom in atoms(axiom.expr) for axiom in self.axioms)
        return z3.Bool(f"{atom.key!a} was answered") if derivable else self._known(atom)

    def _rank(self, atom: Observation) -> z3.ArithRef:
        return z3.Int(f"rank of {atom.key!a}")

    def _answers(self) -> Iterator[z3.BoolRef]:
        """Whatever is known was given, or is derived from what has a lower rank."""
        for atom in self.observations:
            given = self._given(atom)
            if given.eq(self._known(atom)):
                continue
            judged = self._judged(atom)
            yield implication(given, all_of((self._known(atom), self._rank(atom) == 0)))
            yield self._rank(atom) >= 0
            about = [axiom for axiom in self.axioms if atom in atoms(axiom.expr)]
            for known, opposite in ((judged.true, (NO, YES)), (judged.false, (YES, NO))):
                derived = any_of(self._refuted(axiom, atom, opposite) for axiom in about)
                yield implication(known, any_of((given, derived)))

    def _refuted(self, axiom: Axiom, atom: Observation, value: tuple[z3.BoolRef, z3.BoolRef]) -> z3.BoolRef:
        """An axiom would be false if an observation had this value, by what has a lower rank alone."""
        false = truth(axiom.expr, self.prover.encoding.atoms).false
        pairs = []
        for other in sorted((each for each in atoms(axiom.expr) if isinstance(each, Observation)), key=key_of):
            both, lower = self._judged(other), self._rank(other) < self._rank(atom)
            seen = value if other == atom else (all_of((both.true, lower)), all_of((both.false, lower)))
            pairs += [(both.true, seen[0]), (both.false, seen[1])]
        found: z3.BoolRef = z3.substitute(false, *pairs)
        return found

    def _misjudged(self, atom: Observation) -> z3.BoolRef:
        judged, is_so = self._judged(atom), self._real[atom]
        opposite = any_of((all_of((judged.true, negation(is_so))), all_of((judged.false, is_so))))
        return all_of((self._given(atom), opposite))

    # -- the fewest ----------------------------------------------------------------------------------------------

    def distance(self, replay: Replay) -> Distance:
        """How few misjudged observations satisfy what was added to the solver.

        Raises:
            InternalError: the reference semantics does not agree, which is a bug of Jurat's.
        """
        wrong = list(self.wrong.values())
        found = self.solver.check()
        if found == z3.unsat:
            return Distance(None)
        for most in range(len(wrong) + 1) if found == z3.sat else ():
            self.solver.push()
            if wrong:
                self.solver.add(z3.PbLe([(each, 1) for each in wrong], most))
            found = self.solver.check()
            if found == z3.sat:
                return self._of(most, replay)
            self.solver.pop()
            if found == z3.unknown:
                return Distance(most, verdict=Verdict.UNKNOWN, reason=self.solver.reason_unknown())
        return Distance(0, verdict=Verdict.UNKNOWN, reason=self.solver.reason_unknown())

    def _of(self, fewest: int, replay: Replay) -> Distance:
        """All about a bound at which there is a model, found last."""
        self.solver.push()
        example, unknown = self._example(replay)
        self.solver.pop()
        sets: list[tuple[str, ...]] = []
        while fewest and len(sets) <= SETS and self.solver.check() == z3.sat:
            model = self.solver.model()
            members = [atom for atom, each in self.wrong.items() if z3.is_true(model.eval(each, model_completion=True))]
            sets.append(tuple(atom.key for atom in members))
            self.solver.add(any_of(negation(self.wrong[atom]) for atom in members))
        return Distance(fewest, tuple(sorted(sets)[:SETS]), len(sets) > SETS, unknown, example)

    def _example(self, replay: Replay) -> tuple[Misjudged | None, tuple[str, ...]]:
        """A situation in which as much as can be is answered, and answered rightly; None if it cannot be written down."""
        for atom in self.observations:
            for wish in (negation(self.wrong[atom]), self._given(atom), negation(self._real[atom])):
                if self.solver.check(wish) == z3.sat:
                    self.solver.add(wish)
        self.solver.check()
        model = self.solver.model()
        trusted: list[Atom] = [atom for atom in self.atoms if not isinstance(atom, Observation)]
        values = values_of(self.prover, model, trusted)
        unknown = tuple(a.key for a in self.observations if not self._is(model, self._known(a)))
        if values is None:
            return None, unknown
        real = {atom.key: self._is(model, is_so) for atom, is_so in self._real.items()}
        given = {
            a.key: self._is(model, self._judged(a).true) for a in self.observations if self._is(model, self._given(a))
        }
        example = _minimal(Misjudged(values, real, given), lambda each: replay(self._part, each, model))
        if not _holds(example, lambda each: replay(self.prover.graph, each, model)):
            raise InternalError(f"the solver found a misjudgement that does not replay: {example}")
        return example, unknown

    def _is(self, model: z3.ModelRef, formula: z3.BoolRef) -> bool:
        return bool(z3.is_true(model.eval(formula, model_completion=True)))


def _minimal(example: Misjudged, shows: Callable[[Misjudged], bool]) -> Misjudged:
    """Leave out whatever does not matter, the wrong answers excepted."""
    if not _holds(example, shows):
        return example
    for key in sorted(example.values):
        fewer = replace(example, values={name: value for name, value in example.values.items() if name != key})
        example = fewer if _holds(fewer, shows) else example
    for key in sorted(example.answered):
        if example.answered[key] == example.real[key]:
            fewer = replace(example, answered={name: a for name, a in example.answered.items() if name != key})
            example = fewer if _holds(fewer, shows) else example
    return example


def _holds(example: Misjudged, shows: Callable[[Misjudged], bool]) -> bool:
    try:
        return shows(example)
    except (RefusedTurn, ValuationError):
        return False
