"""``jurat ask``: can this ever happen, and does it always hold?

A formula over the vocabulary and over what the policy does (:mod:`jurat.solver.predicates`) is asked of every admissible
situation. It happens where it is certainly true. It always holds if there is no situation in which the judge knows the
observations that the formula itself names, and it is not certainly true: so `a implies a` always holds, and a fact that
may be absent has to be reckoned with. What is proved holds with whatever else is unknown to the judge.

A formula that looks at the past or at events, and not at what the policy does, is asked of whole sessions
(:mod:`jurat.solver.sessions`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from jurat.policies.checking import read_formula
from jurat.policies.diagnostics import Diagnostic
from jurat.policies.errors import JuratError, PolicyError
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import And, Atom, Compare, Event, Expr, History, If, Implies, Not, Observation, Or, atoms, walk
from jurat.policies.fault_codes import UNSUPPORTED
from jurat.policies.findings import TrustBase, Verdict, Witness
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.scope import scope_of
from jurat.policies.semantics import resolve
from jurat.policies.spans import Span
from jurat.policies.types import BoolType, EnumType, Value
from jurat.solver import claims as c
from jurat.solver.checks import inconsistent_axioms
from jurat.solver.claims import Claim, Holds, every, some
from jurat.solver.known import arguments_for
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.predicates import Meaning, Predicates, Seen
from jurat.solver.prover import Prover
from jurat.solver.sessions import SessionProof, prove_always, reach
from jurat.solver.witness import Question, witness_of

SOURCE = "<formula>"
"""The source that spans of the formula name."""


class Contradiction(JuratError):
    """The axioms of a policy contradict each other, so that everything and its opposite could be proved."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one question.

    ``yes``: that it can happen, or that it always holds; None is undecided, for the ``reason`` given. ``witness``: a
    situation that shows it, or that shows it not to hold, with ``unclear`` where the formula is not false there but
    unknown. Without one, ``core`` and ``trust`` are what the proof needed. ``method``: how sessions were searched.
    """

    yes: bool | None
    witness: Witness | None = None
    unclear: bool = False
    core: tuple[str, ...] = ()
    trust: TrustBase = field(default_factory=TrustBase)
    arguments: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """For each tool whose call the formula speaks of arguments that the witness admits."""
    method: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked of a policy, and the answers wanted; ``sessions`` where it was asked of whole sessions."""

    formula: str
    digest: str
    sessions: bool
    ever: Reply | None
    always: Reply | None
    seconds: float = field(default=0.0, compare=False)


def ask(
    graph: PolicyGraph,
    formula: str,
    wanted: tuple[Literal["ever", "always"], ...] = ("ever", "always"),
    limits: Limits = DEFAULT,
    sessions: bool | None = None,
) -> Answers:
    """Answer whether a formula can ever come true, and whether it always holds; deterministic for given limits.

    ``sessions`` insists on whole sessions, or on single situations, whatever the formula speaks of.

    Raises:
        PolicyError: the formula is none, or cannot be asked so; its spans are in the source :data:`SOURCE`.
        Contradiction: no situation satisfies the axioms.
        InternalError: the solver and the reference semantics disagree, a bug of Jurat's.
    """
    started = time.perf_counter()
    asked = read(graph, formula)
    prover = Prover(replace(graph, asked=frozenset(atoms(asked.expr)) - asked.meanings.keys()), limits)
    _refuse_contradictions(prover)
    whole = asked.looks_back and not asked.meanings if sessions is None else sessions
    if whole and asked.meanings:
        raise asked.fault("what a policy does can be asked of single situations only, not of whole sessions")
    questions: dict[str, Callable[[Prover, Asked], Reply]] = (
        {"ever": _ever_reached, "always": _always_held} if whole else {"ever": _ever, "always": _always}
    )
    found = {each: questions[each](prover, asked) for each in wanted}
    seconds = time.perf_counter() - started
    return Answers(formula, graph.digest, whole, found.get("ever"), found.get("always"), seconds)


def _refuse_contradictions(prover: Prover) -> None:
    for outcome in inconsistent_axioms.run(prover):
        if outcome.proof.verdict is Verdict.REFUTED:
            names = ", ".join(f"`{name.removeprefix('axiom:')}`" for name in outcome.proof.core)
            raise Contradiction(f"the axioms contradict each other, so that anything could be proved: {names}")


# -- the formula -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A formula, and what it says of the policy beside the vocabulary."""

    text: str
    expr: Expr
    meanings: Mapping[Event, Meaning]

    @property
    def looks_back(self) -> bool:
        """Whether it speaks of the past, or of what has just happened."""
        return any(isinstance(atom, Event | History) and atom not in self.meanings for atom in atoms(self.expr))

    @property
    def observations(self) -> list[Observation]:
        found = {each for each in walk(self.expr) if isinstance(each, Observation)}
        return sorted(found, key=lambda each: each.key)

    def core(self, found: tuple[str, ...]) -> tuple[str, ...]:
        """The core of a proof, with the calls that the formula speaks of, which no core tells apart."""
        return (*found, *(f"call:{tool}" for tool in self.tools))

    def trust(self, found: TrustBase) -> TrustBase:
        """What a proof leans on, with the observations of what is said about those calls."""
        said = (walk(each) for meaning in self.meanings.values() for each in meaning.formulas)
        judged = {each.key for formula in said for each in formula if isinstance(each, Observation)}
        return TrustBase(found.axioms, tuple(sorted(judged.union(found.observations))))

    @property
    def tools(self) -> list[str]:
        """The tools whose calls it speaks of."""
        return sorted({each.argument or "" for each in self.meanings if each.name == "allows"})

    def value(self, seen: Seen) -> bool | None:
        """What it says in a situation."""
        look = seen.resolution.settled.valuation.look

        def at(atom: Atom) -> Value | None:
            meaning = self.meanings.get(atom) if isinstance(atom, Event) else None
            return look(atom) if meaning is None else meaning.holds(seen)

        value = evaluate(self.expr, at)
        assert value is None or isinstance(value, bool)
        return value

    def claim(self, prover: Prover, *, truth: bool = True) -> Claim:
        """That it is certainly true, or certainly false."""
        return self._claim(self.expr, prover, truth)

    def _claim(self, expr: Expr, prover: Prover, truth: bool) -> Claim:
        """Kleene's connectives as claims; what says nothing of the policy is one claim."""
        meaning = self.meanings.get(expr) if isinstance(expr, Event) else None
        if meaning is not None:
            return meaning.claim(prover) if truth else c.Not(meaning.claim(prover))
        if not any(each in self.meanings for each in walk(expr) if isinstance(each, Event)):
            return Holds(expr, truth)
        match expr:
            case Not(operand):
                return self._claim(operand, prover, not truth)
            case And(operands) | Or(operands):
                parts = [self._claim(each, prover, truth) for each in operands]
                return every(*parts) if isinstance(expr, And) is truth else some(*parts)
            case Implies(left, right):
                return self._claim(Or((Not(left), right)), prover, truth)
            case If(test, then, other) if isinstance(expr.type, BoolType):
                return self._choice(test, (self._claim(then, prover, truth), self._claim(other, prover, truth)), prover)
            case Compare("==" | "!=", left, right):
                return self._same(left, right, prover, truth is (expr.operator == "=="))
        raise self.fault("what a policy does can be joined with other formulas, and compared with nothing but truth")

    def _choice(self, test: Expr, branches: tuple[Claim, Claim], prover: Prover) -> Claim:
        then, other = branches
        yes, no = (self._claim(test, prover, truth) for truth in (True, False))
        return some(every(yes, then), every(no, other), every(then, other))

    def _same(self, left: Expr, right: Expr, prover: Prover, equal: bool) -> Claim:
        pairs = [(True, equal), (False, not equal)]
        return some(*(every(self._claim(left, prover, a), self._claim(right, prover, b)) for a, b in pairs))

    def fault(self, message: str) -> PolicyError:
        """That the formula as a whole cannot be asked."""
        return PolicyError([Diagnostic(Span(SOURCE, 1, 1, 1, len(self.text) + 1), UNSUPPORTED, message, self.text)])


def read(graph: PolicyGraph, text: str) -> Asked:
    """A formula over the vocabulary of a policy and what it does.

    Raises:
        PolicyError: everything that is wrong with it.
    """
    predicates = Predicates(graph)
    states = {id_: EnumType(tuple(journey.states)) for id_, journey in graph.journeys.items()}
    scope = replace(scope_of(graph.vocabulary, states), functions=predicates.functions)
    formula, faults = read_formula(text, Span(SOURCE, 1, 1, 1, 1), scope)
    if formula is None:
        raise PolicyError(faults)
    return Asked(text, formula.expr, predicates.meanings)


# -- single situations -------------------------------------------------------------------------------------------


def _ever(prover: Prover, asked: Asked) -> Reply:
    return _look(prover, asked, (asked.claim(prover),), lambda value: value is True)


def _always(prover: Prover, asked: Asked) -> Reply:
    """No situation where it is false; nor one where it is unknown though its own observations are known."""
    false = _look(prover, asked, (asked.claim(prover, truth=False),), lambda value: value is False)
    if false.yes is not False:
        return replace(false, yes=None if false.yes is None else False)
    known = [some(Holds(each), Holds(each, truth=False)) for each in asked.observations]
    unclear = _look(prover, asked, (c.Not(asked.claim(prover)), *known), lambda value: value is None)
    return replace(unclear, yes=None if unclear.yes is None else not unclear.yes, unclear=bool(unclear.yes))


def _look(prover: Prover, asked: Asked, claims: tuple[Claim, ...], wanted: Callable[[bool | None], bool]) -> Reply:
    """Whether there is a situation of which all claims are true; ``wanted`` is what the formula must then say."""
    question = Question(claims)
    answer = question.put(prover)
    if answer.verdict is Verdict.UNKNOWN:
        return Reply(None, reason=answer.reason)
    if not answer.possible:
        return Reply(False, core=asked.core(answer.core), trust=asked.trust(prover.trust_base(answer.core)))
    part = prover.cones.part(question.entities, question.mentioned)
    known, clear = asked.observations, list[bool]()

    def shows(resolution: Resolution) -> bool:
        """That the formula says so; clearly, not for want of an observation, if it did so at first."""
        value = asked.value(Seen(prover.graph, part, resolution))
        look = resolution.settled.valuation.look
        if not wanted(value) or (value is None and any(look(each) is None for each in known)):
            return False
        clear.append(not {*resolution.possible}.intersection(question.entities) - {*resolution.in_force})
        return clear[-1] >= clear[0]

    witness = witness_of(prover, question, shows)
    if witness is None:
        return Reply(None, reason="every situation that the solver finds needs a value that cannot be written down")
    return Reply(True, witness, arguments=_arguments(part, asked, witness))


def _arguments(graph: PolicyGraph, asked: Asked, witness: Witness) -> dict[str, Mapping[str, Value]]:
    resolution = resolve(graph, witness.values)
    found = {tool: arguments_for(graph, resolution, tool) for tool in asked.tools}
    return {tool: given for tool, given in found.items() if given}


# -- whole sessions ----------------------------------------------------------------------------------------------


def _ever_reached(prover: Prover, asked: Asked) -> Reply:
    return _of_session(reach(prover, asked.expr))


def _always_held(prover: Prover, asked: Asked) -> Reply:
    return _of_session(prove_always(prover, asked.expr))


def _of_session(proof: SessionProof) -> Reply:
    if proof.verdict is Verdict.UNKNOWN:
        return Reply(None, reason=proof.reason, method=proof.method)
    yes = proof.verdict is Verdict.PROVED
    return Reply(yes, proof.witness, core=proof.core, trust=proof.trust_base, method=proof.said)
