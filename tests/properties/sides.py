"""What :mod:`tests.properties.agreement` compares with the reference, each side through the code that users run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import z3
from pysat.solvers import MinisatGH  # type: ignore[import-untyped]  # it ships no types
from tests.properties.agreement import Case, Situation, Tally, differing
from tests.properties.clingo_twin import Twin
from tests.properties.comparing import InForce, Symbolic
from tests.properties.random_policies import BEFORE, ONCE_PAID, PAID, TIMES_PAID

from jurat.engine.limits import Limits
from jurat.engine.match import Knowledge, match
from jurat.engine.session import Moment, Session, State
from jurat.engine.trace import Trace
from jurat.engine.turn import Working
from jurat.llm.scripted import ScriptedJudge
from jurat.policies.checker import Encoder
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import Atom, Fact
from jurat.policies.findings import Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.semantics import bounds, matched, resolve
from jurat.policies.types import BoolType, EnumType, ListType, Value
from jurat.policies.valuation import Valuation, valuation_of
from jurat.solver.build import all_of, any_of, array
from jurat.solver.claims import Claim, Name, Not, Predicate
from jurat.solver.encoding import encode
from jurat.solver.sat import SatLane
from jurat.solver.sat.clauses import TRUE
from jurat.solver.sat.lane import WHOLE
from jurat.solver.sat.scales import EPOCH, MICROSECOND, Scale
from jurat.solver.terms import literal

NAMES: tuple[Name, ...] = ("matched", "entailed", "supported", "live", "blocked", "ambiguous", "in force")
WAVES = Limits().waves
MODEL_EVERY = 8
"""Situations, of which Z3 is asked for a model of one; asking costs more than all else that is done with Z3."""


def compared(case: Case, sides: dict[str, Callable[[Case, Tally], Iterator[str]]]) -> Tally:
    """What each side says of a case; a mismatch names the side."""
    tally = Tally()
    for name, side in sides.items():
        tally.pairs[name] += len(case.situations)
        tally.mismatches += [f"{name}: {each}" for each in side(case, tally)]
    return tally


# -- the engine --------------------------------------------------------------------------------------------------


def engine(case: Case, tally: Tally) -> Iterator[str]:
    """The conditions that a turn asks about, in waves, and what it resolves from the answers."""
    for each in case.situations:
        found = _turn(case.graph, each)
        if (found.in_force, found.possible) != tuple(tuple(sorted(ids)) for ids in each.in_force):
            said = (frozenset(found.in_force), frozenset(found.possible))
            yield f"{differing(each.in_force, said)} in {_shown(each.given)}"
    for each in case.refused:
        tally.refusals["engine"] += 1
        try:
            _turn(case.graph, each)
        except RefusedTurn:
            continue
        yield f"not refused: {_shown(each.given)}"


def _turn(graph: PolicyGraph, situation: Situation) -> Any:
    judge = ScriptedJudge({**dict.fromkeys(graph.vocabulary.observations), **situation.answers})
    knowledge = Knowledge(graph, judge, _working(graph, situation.trusted))
    return _finished(match(graph, knowledge, WAVES)).resolution


def _working(graph: PolicyGraph, trusted: Valuation) -> Working:
    """A turn on a message, in a session with the past that the situation tells of."""
    facts = {key: value for key, value in trusted.values.items() if key in graph.vocabulary.facts}
    journeys = {j: str(s) for j in graph.journeys if (s := trusted.values.get(f"journey.{j}.state")) is not None}
    happened = {key for key, value in trusted.values.items() if value is True and _is_event(key)}
    state = State("agent", facts, journeys, moments=tuple(_past(trusted, frozenset(happened))), turns=9)
    trace = Trace("session", 9, graph.digest, True, "agent", "scripted", "scripted", "hello", None)
    return Working(Session("session", state), state, trace, lambda: 0.0, events=happened)


def _is_event(key: str) -> bool:
    return key == PAID.key or key.startswith(("called(", "failed("))


def _past(trusted: Valuation, happened: frozenset[str]) -> Iterator[Moment]:
    """Positions at which the customer paid as often as history says, and at the last but one if it says so."""
    paid, nothing = frozenset((PAID.key,)), frozenset[str]()
    before = trusted.values.get(BEFORE.key) is True
    times = trusted.values.get(TIMES_PAID.key, trusted.values.get(ONCE_PAID.key, 0))
    assert isinstance(times, int)
    for _ in range(times - before - (PAID.key in happened)):
        yield Moment(paid, 1, 0.0)
    yield Moment(paid if before else nothing, 1, 0.0)
    yield Moment(happened, 9, 0.0)


def _finished(work: Awaitable[Any]) -> Any:
    """The result of a coroutine that waits for nothing."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    raise AssertionError("a scripted judge waits for nothing")


# -- Z3 ----------------------------------------------------------------------------------------------------------


def smt(case: Case, tally: Tally) -> Iterator[str]:
    """No situation has a model that differs: one question for all of them; and every eighth is seen to have a model."""
    symbolic = Symbolic(encode(case.graph))
    pins: dict[tuple[Atom, Value | None], list[z3.BoolRef]] = {}

    def pinned(valuation: Valuation) -> list[z3.BoolRef]:
        found = []
        for atom in symbolic.atoms:
            key = (atom, valuation.look(atom))
            if key not in pins:
                pin = _list_pins if isinstance(atom.type, ListType) else Symbolic._pin
                pins[key] = list(pin(symbolic, atom, valuation))
            found += pins[key]
        return found

    outcomes: dict[InForce, list[z3.BoolRef]] = {}
    for number, each in enumerate(case.situations):
        assert each.settled is not None
        literals = pinned(each.settled)
        outcomes.setdefault(each.in_force, []).append(all_of(literals))
        if number % MODEL_EVERY == 0:
            tally.questions["z3 models"] += 1
            if not _satisfiable(symbolic.solver, literals):
                yield f"not admitted: {_shown(each.settled)}"
    wrong = [all_of((any_of(where), any_of(symbolic._unlike(said)))) for said, where in outcomes.items()]
    if _satisfiable(symbolic.solver, [any_of(wrong)]):
        yield from _smt_by_situation(case, symbolic, pinned)
    unsettled = [*case.unsettled]
    tally.refusals["z3"] += len(unsettled)
    if _satisfiable(symbolic.solver, [any_of([all_of(pinned(each)) for each in unsettled])]):
        yield from (f"admitted: {_shown(v)}" for v in unsettled if _satisfiable(symbolic.solver, pinned(v)))


def _satisfiable(solver: z3.Solver, literals: list[z3.BoolRef]) -> bool:
    """As ``solver.check``, without coercing what are literals already."""
    answer = z3.Z3_solver_check_assumptions(solver.ctx.ref(), solver.solver, len(literals), array(literals))
    assert answer != z3.Z3_L_UNDEF
    return bool(answer == z3.Z3_L_TRUE)


def _list_pins(symbolic: Symbolic, atom: Atom, valuation: Valuation) -> Iterator[z3.BoolRef]:
    """A list has the elements that it has, its size, and none of the others that formulas ask about."""
    assert isinstance(atom, Fact)
    value, term = valuation.look(atom), symbolic.encoding.atoms.list(atom)
    yield term.known if value is not None else z3.Not(term.known)
    if value is not None:
        assert isinstance(value, tuple)
        assert isinstance(atom.type, ListType)
        yield term.size == len(value)
        same = [literal(each, atom.type.element) for each in value]
        yield from (term.contains(each) for each in same)
        for asked in term.asked.values():
            yield z3.Implies(term.contains(asked.value), z3.Or(*(asked.value == each for each in same)))


def _smt_by_situation(case: Case, symbolic: Symbolic, pinned: Callable[[Valuation], list[z3.BoolRef]]) -> Iterator[str]:
    for each in case.situations:
        assert each.settled is not None
        for unlike in symbolic._unlike(each.in_force):
            if _satisfiable(symbolic.solver, [*pinned(each.settled), unlike]):
                yield f"possible: {unlike} in {_shown(each.settled)}"


# -- propositional logic -----------------------------------------------------------------------------------------


def sat(case: Case, tally: Tally) -> Iterator[str]:
    """All of a policy in one component, pinned; then questions as checks ask them."""
    lane = SatLane(case.graph)
    component = lane._component(WHOLE)
    component.everything()
    component.solve([])  # it is given what it has so far
    forces = {g: component.forces(g) for g in case.graph.entities}
    for each in case.situations:
        assert each.settled is not None
        pins = list(_sat_pins(component, each.settled))
        if component.solve(pins) is not True:
            yield f"not admitted: {_shown(each.settled)}"
            continue
        implied = {*component._solver.propagate(pins)[1], TRUE}
        for g, literals in forces.items():
            for force, bound in zip(literals, each.in_force, strict=True):
                expected = force if g in bound else -force
                # What follows without the pins is not among what they imply.
                if expected in implied or component.solve([*pins, -expected]) is False:
                    continue
                tally.open["sat"] += 1
                if not _left_open(component) or component.solve([*pins, expected]) is False:
                    yield f"{g}: not {g in bound} in {_shown(each.settled)}"
    for valuation in case.unsettled:
        tally.refusals["sat"] += 1
        if component.solve(list(_sat_pins(component, valuation))) is not False and not _left_open(component):
            yield f"admitted: {_shown(valuation)}"
    yield from _asked(case, lane, tally)
    lane.release()


def _left_open(component: Any) -> bool:
    return bool(component.everything() or component.past.open)


def _sat_pins(component: Any, valuation: Valuation) -> Iterator[int]:
    """Each atom has its value, said by its literals and not by formulas about it."""
    for atom in component.atoms.met:
        value = valuation.look(atom)
        if isinstance(atom.type, BoolType):
            true, false = component.atoms.pair(atom)
            yield true if value is True else -true
            yield false if value is False else -false
        elif isinstance(atom.type, ListType):
            known, members = component.atoms.members(atom)
            yield known if value is not None else -known
            if value is not None:
                yield from (member if each in value else -member for each, member in members.items())
        else:
            known, scale = component.atoms.scale(atom)
            yield known if value is not None else -known
            if value is not None:
                yield from _cuts(scale, value)


def _cuts(scale: Scale, value: Value) -> Iterator[int]:
    at = place(scale, value)
    yield from (cut if at >= point else -cut for point, cut in scale._literals.items())


def place(scale: Scale, value: Value) -> Any:
    """Where a value stands among the cut points of its scale."""
    if isinstance(scale.type, EnumType):
        return scale.type.values.index(str(value))
    if isinstance(value, datetime):
        return (value - EPOCH) // MICROSECOND
    if isinstance(value, timedelta):
        return value // MICROSECOND
    return (value, 0) if type(scale.type).__name__ == "DecimalType" else value


def _asked(case: Case, lane: SatLane, tally: Tally) -> Iterator[str]:
    """What a situation shows is possible, by the cone of each entity; and what is shown as possible is."""
    if not case.situations:
        return
    first = case.situations[0]
    assert first.settled is not None
    low, high = bounds(case.graph, *matched(case.graph, first.settled))
    for g in case.graph.entities:
        for name in NAMES:
            tally.questions["sat"] += 1
            bound = low if tally.questions["sat"] % 2 else high
            value = g in bound.in_force if name == "in force" else getattr(bound, name)(g)
            predicate = Predicate(name, g, "certain" if bound is low else "possible")
            claim: Claim = predicate if value else Not(predicate)
            answer = lane.ask([claim])
            if answer is not None and answer.verdict is not Verdict.REFUTED:
                yield f"said to be impossible: {claim} in {_shown(first.settled)}"
        yield from _replayed(case.graph, lane, g)


def _replayed(graph: PolicyGraph, lane: SatLane, g: str) -> Iterator[str]:
    """The situation that is shown for something is one, and shows it."""
    answer = lane.ask([Predicate("in force", g)])
    if answer is None or answer.values is None:
        return
    try:
        said = resolve(graph, answer.values)
    except RefusedTurn:
        yield f"{g}: refused: {dict(answer.values)}"
        return
    if g not in said.in_force:
        yield f"{g}: not in force in {dict(answer.values)}"
    shown, settled = valuation_of(graph, answer.values).values, said.settled.valuation.values
    changed = {key for key in shown if settled.get(key) != shown[key]}
    if changed:
        yield f"{g}: {sorted(changed)} had to be changed in {dict(answer.values)}"


# -- the checker's encoder ---------------------------------------------------------------------------------------


def checker(case: Case, tally: Tally) -> Iterator[str]:
    """Its clauses, pinned; what unit propagation says, which is all that the checker does."""
    encoder = Encoder(case.graph)
    low, high = encoder.readings["certain"], encoder.readings["possible"]
    with MinisatGH(encoder.clauses) as solver:
        for each in case.situations:
            assert each.settled is not None
            pins = [*_checker_pins(encoder, each.settled)]
            possible, implied = solver.propagate(pins)
            if not possible:
                yield f"not admitted: {_shown(each.settled)}"
                continue
            found = {*implied, 1}
            for reading, bound in ((low, each.in_force[0]), (high, each.in_force[1])):
                for g in case.graph.entities:
                    expected = reading.force[g] if g in bound else -reading.force[g]
                    if expected in found or not solver.propagate([*pins, -expected])[0]:
                        continue
                    tally.open["checker"] += 1
                    if _spelled_out(encoder) or not solver.propagate([*pins, expected])[0]:
                        yield f"{g}: not {g in bound} in {_shown(each.settled)}"
        for valuation in case.unsettled:
            if _spelled_out(encoder):
                tally.refusals["checker"] += 1
                if solver.propagate([*_checker_pins(encoder, valuation)])[0]:
                    yield f"admitted: {_shown(valuation)}"


def _spelled_out(encoder: Encoder) -> bool:
    return all(isinstance(expr, Atom) for expr in encoder.atoms)


def _checker_pins(encoder: Encoder, valuation: Valuation) -> Iterator[int]:
    for expr, (true, false) in encoder.atoms.items():
        if isinstance(expr, Atom) and isinstance(expr.type, BoolType):
            value = valuation.look(expr)
            yield true if value is True else -true
            yield false if value is False else -false
    yield from (known if valuation.look(atom) is not None else -known for atom, known in encoder.presence.items())
    for atom, (places, cuts) in encoder.scales.items():
        at = valuation.look(atom)
        if at is not None:
            number: Any = atom.type.values.index(str(at)) if isinstance(atom.type, EnumType) else at
            for (point, inclusive), cut in zip(places, cuts, strict=True):
                yield cut if number < point or (inclusive and number == point) else -cut


# -- clingo ------------------------------------------------------------------------------------------------------


def asp(case: Case, tally: Tally) -> Iterator[str]:
    """The stable models of a program of its own; of a stratified policy there has to be exactly one."""
    settled = [each.settled for each in case.situations if each.settled is not None]
    unsettled = list(case.unsettled)
    twin = Twin(case.graph.policy, [*settled, *unsettled])
    for each, valuation in zip(case.situations, settled, strict=True):
        models = twin.models(valuation)
        tally.questions["clingo models"] += len(models)
        if not models or (case.graph.stratified and len(models) != 1):
            yield f"{len(models)} stable models in {_shown(valuation)}"
        elif any("inadmissible" in model for model in models):
            yield f"not admitted: {_shown(valuation)}"
        elif wrong := differing(each.in_force, twin.said(models)):
            yield f"{wrong} in {_shown(valuation)}"
    for valuation in unsettled:
        tally.refusals["clingo"] += 1
        if not all("inadmissible" in model for model in twin.models(valuation)):
            yield f"admitted: {_shown(valuation)}"


def _shown(valuation: Valuation) -> dict[str, Value]:
    return dict(sorted(valuation.values.items()))


SIDES: dict[str, Callable[[Case, Tally], Iterator[str]]] = {
    "engine": engine, "sat": sat, "z3": smt, "checker": checker, "clingo": asp,
}  # fmt: skip

__all__ = ["SIDES", "compared"]
