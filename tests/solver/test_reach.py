"""Who can reach which tool, with which arguments: against trying every situation and every argument."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from random import Random
from types import ModuleType

import pytest
from tests.solver.small_policies import AMOUNT, LEVEL_FACT, SMALL, VIP, SmallBuilder, admissible

from jurat.policies import load
from jurat.policies.arguments import constraint_of
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Compare, Const, Expr, Formula, arguments, conjunction
from jurat.policies.findings import Finding, Verdict
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Action, Call, Forbid, Offer, ToolDeclaration
from jurat.policies.resolution import Resolution
from jurat.policies.spans import NOWHERE
from jurat.policies.types import IntType, Value
from jurat.policies.valuation import Valuation
from jurat.solver import check
from jurat.solver.checks import argument_bound, unguarded_tool, unopenable_guard
from jurat.solver.known import arguments_for, can_be_called
from jurat.solver.limits import DEFAULT
from jurat.solver.paths import Calling
from jurat.solver.prover import Prover
from jurat.solver.ranges import ranges
from jurat.solver.reach import Column, Reach, columns, matrix

POLICIES = 60
SIZES = replace(SMALL, guidelines=(2, 5), observations=(2, 2))


class ToolBuilder(SmallBuilder):
    """More offers, limits on one tool, and tools that are consequential."""

    def tools(self) -> dict[str, ToolDeclaration]:
        limits = self.random.choice(
            [Compare("<=", AMOUNT, Const(2, IntType(0, 3))), Compare("<=", AMOUNT, LEVEL_FACT), VIP]
        )
        found = super().tools()
        limited = replace(found["refund"], limits=Formula(limits, NOWHERE, "limits"), consequential=True)
        return {**found, "refund": limited}

    def action(self, id_: str) -> Action:
        return Offer("refund") if self.chance(0.3) else super().action(id_)


@cache
def policy(seed: int) -> PolicyGraph:
    return build_graph(ToolBuilder(Random(f"tools {seed}"), SIZES).policy())


class OfferBuilder(ToolBuilder):
    """Tools that are only offered, by guidelines that look at what their guards look at."""

    def action(self, id_: str) -> Action:
        return Offer("refund") if self.chance(0.6) else Forbid("tool", "refund")

    def condition(self) -> Expr:
        return conjunction(*(self.trusted() for _ in range(2)))


def offers(seed: int) -> PolicyGraph:
    return build_graph(OfferBuilder(Random(f"offers {seed}"), replace(SIZES, guidelines=(1, 2))).policy())


def found_by(module: ModuleType, graph: PolicyGraph) -> list[Finding]:
    """The findings of one check, none of whose questions stays open."""
    outcomes = list(module.run(Prover(graph, DEFAULT)))
    assert all(outcome.proof.verdict is not Verdict.UNKNOWN for outcome in outcomes)
    return [outcome.finding for outcome in outcomes if outcome.finding]


def calls(graph: PolicyGraph, resolution: Resolution, tool: str) -> list[tuple[set[str], dict[str, Value]]]:
    """Every call of a tool that a situation admits, with those who want it; as the engine's toolbox decides."""
    actions = [each for each in resolution.actions if not isinstance(each.action, Forbid)]
    banned = any(
        isinstance(a.action, Forbid) and (a.action.what, a.action.target) == ("tool", tool) for a in resolution.actions
    )
    wanted = {a.guideline for a in actions if isinstance(a.action, Call | Offer) and a.action.tool == tool}
    declared, look = graph.vocabulary.tools[tool], resolution.settled.valuation.look
    asked: list[Expr] = [declared.guard.expr] if declared.guard else []
    for each in actions:
        if isinstance(each.action, Call) and each.action.tool == tool:
            asked += [constraint_of(constraint, declared) for constraint in each.action.constraints]
    if banned or not wanted:
        return []
    choices: list[dict[str, Value]] = [{}, *({"amount": amount} for amount in range(4))]
    return [(wanted, given) for given in choices if all(evaluate(expr, look, given) is True for expr in asked)]


@dataclass
class Tried:
    reached: set[tuple[str, str]] = field(default_factory=set)
    """(tool, entity)"""
    by: set[tuple[str, Value | None]] = field(default_factory=set)
    """(tool, value of `vip`), which stays absent where the policy does not mention it."""
    mentioned: bool = True
    beyond: set[str] = field(default_factory=set)
    amounts: dict[tuple[str, str], set[Value]] = field(default_factory=dict)

    def can(self, tool: str, vip: Value | None) -> bool:
        return (tool, vip if self.mentioned else None) in self.by


@cache
def tried(seed: int) -> Tried:
    graph = policy(seed)
    found = Tried(mentioned=VIP.path in graph.atoms)
    for valuation, resolution in admissible(graph):
        for tool, declared in graph.vocabulary.tools.items():
            for wanted, given in calls(graph, resolution, tool):
                found.by.add((tool, valuation.look(VIP)))
                for g in wanted:
                    found.reached.add((tool, g))
                    found.amounts.setdefault((tool, g), set()).update(given.values())
                limits = declared.limits
                if limits and evaluate(limits.expr, valuation.look, given) is not True:
                    found.beyond |= wanted
    return found


@pytest.mark.parametrize("seed", range(POLICIES))
def test_the_matrix_is_what_trying_everything_finds(seed: int) -> None:
    graph, expected = policy(seed), tried(seed)
    among = columns(graph, "vip")
    assert among is not None
    for row in matrix(Prover(graph, DEFAULT), among):
        for cell in row.cells:
            value = cell.column.value
            assert (cell.reach is not Reach.NEVER) == expected.can(row.tool, value), (row.tool, value)
            assert cell.reach is not Reach.UNKNOWN
            assert bool(cell.ways) == (cell.reach is not Reach.NEVER)
            for way in cell.ways:
                assert (row.tool, way.path.entity) in expected.reached
                assert way.witness is not None
                assert way.arguments is not None
        entities = {way.path.entity for cell in row.cells for way in cell.ways}
        assert entities == {g for tool, g in expected.reached if tool == row.tool}


@pytest.mark.parametrize("seed", range(POLICIES))
def test_the_ranges_are_those_of_the_calls(seed: int) -> None:
    graph, expected = policy(seed), tried(seed)
    calling = Calling(Prover(graph, DEFAULT), "refund")
    for path in calling.paths:
        amounts = expected.amounts.get(("refund", path.entity), set())
        found = ranges(calling, path)
        assert bool(found) == bool(amounts)
        for each in found:
            assert each.low is not None
            assert each.high is not None
            assert (each.low.number, each.high.number) == (min(amounts), max(amounts))  # type: ignore[type-var]  # ints


@pytest.mark.parametrize("seed", range(POLICIES))
def test_every_call_is_within_the_limits_unless_a_finding_says_how_it_is_not(seed: int) -> None:
    found = found_by(argument_bound, policy(seed))
    assert {each.subjects[0] for each in found} == tried(seed).beyond
    for each in found:
        assert each.proof is not None
        assert each.proof.witness is not None
        assert any(note.startswith("for example with") for note in each.notes)


@pytest.mark.parametrize("seed", range(3 * POLICIES))
def test_a_guard_that_never_opens_is_found(seed: int) -> None:
    graph = offers(seed)
    if not any(True for _ in admissible(graph)):
        return  # contradictory axioms are another finding
    told = bool(found_by(unopenable_guard, graph))
    if shut(graph) and not told:  # one fault is one finding: a call that is impossible is told of as such
        assert any(each.name == "conflicting-actions" and "refund" in each.message for each in check(graph).findings)
    else:
        assert told == shut(graph)


def shut(graph: PolicyGraph) -> bool:
    """A caller acts somewhere and nothing forbids the tool; its guard holds somewhere, but never there."""
    guard = graph.vocabulary.tools["refund"].guard
    situations = list(admissible(graph))
    if guard is None or any(calls(graph, resolution, "refund") for _, resolution in situations):
        return False
    plain = not arguments(guard.expr)
    vacuous = plain and not any(evaluate(guard.expr, valuation.look) is True for valuation, _ in situations)
    return not vacuous and wanted_somewhere(graph, "refund")


def wanted_somewhere(graph: PolicyGraph, tool: str) -> bool:
    """Whether a caller ever acts while nothing forbids the tool."""
    for _, resolution in admissible(graph):
        actions = [each.action for each in resolution.actions]
        banned = any(isinstance(a, Forbid) and (a.what, a.target) == ("tool", tool) for a in actions)
        if not banned and any(isinstance(a, Call | Offer) and a.tool == tool for a in actions):
            return True
    return False


@pytest.mark.parametrize("seed", range(2 * POLICIES))
def test_a_tool_that_only_judgements_keep_shut_is_found(seed: int) -> None:
    graph = build_graph(ToolBuilder(Random(f"guards {seed}"), SIZES).policy())
    situations = list(admissible(graph))
    if not situations:
        return  # the axioms contradict each other, and nothing else is asked
    found = {each.subjects[0] for each in found_by(unguarded_tool, graph)}
    reached = {g for _, resolution in situations for wanted, _ in calls(graph, resolution, "refund") for g in wanted}
    assert found == {g for g in reached if all(judged_open(graph, g, valuation) for valuation, _ in situations)}


def judged_open(graph: PolicyGraph, g: str, valuation: Valuation) -> bool:
    """Whether, of what a guideline and the tool say themselves, right answers and arguments are all that is missing."""
    entity, tool = graph.entities[g], graph.vocabulary.tools["refund"]
    said: list[Expr] = [tool.guard.expr] if tool.guard else []
    if entity.kind == "guideline" and not graph.entailers[g]:
        said.append(entity.condition)
    mine = (each for each in entity.actions if isinstance(each, Call) and each.tool == "refund")
    said += [constraint_of(constraint, tool) for call in mine for constraint in call.constraints]
    keys = sorted(graph.vocabulary.observations)
    for answers in product((True, False), repeat=len(keys)):
        look = valuation.with_observations(dict(zip(keys, answers, strict=True))).look
        for amount in (None, 0, 1, 2, 3):
            given: dict[str, Value] = {} if amount is None else {"amount": amount}
            if all(evaluate(expr, look, given) is True for expr in said):
                return True
    return False


@pytest.mark.parametrize("seed", range(POLICIES))
def test_calls_in_a_known_situation(seed: int) -> None:
    graph = policy(seed)
    for _, resolution in list(admissible(graph))[::17]:
        expected = [given for _, given in calls(graph, resolution, "refund")]
        assert can_be_called(graph, resolution, "refund") == bool(expected)
        found = arguments_for(graph, resolution, "refund")
        assert (found is not None) == bool(expected)
        assert found is None or dict(found) in expected


def test_the_policies_tried_have_every_kind_of_tool() -> None:
    """Else the comparisons above would say little."""
    assert any(tried(seed).beyond for seed in range(POLICIES))
    assert not all(tried(seed).beyond for seed in range(POLICIES))
    assert any(shut(offers(seed)) for seed in range(3 * POLICIES))
    assert not all(shut(offers(seed)) for seed in range(3 * POLICIES))


ROLES = """
jurat: 1
facts:
  actor.role: {type: {enum: [sales, manager]}, from: authentication}
  order.total: {type: {decimal: {min: 0}}, from: tools}
observations: {asks: The customer asks for a discount}
tools:
  discount: {python: "t:discount", guard: arguments.percent < 30.5 && actor.role == "manager"}
  look: {python: "t:look"}
  spare: {python: "t:spare"}
guidelines:
  discount: {when: asks && order.total > 10, tools: [{discount: {percent: arguments.percent >= 2.5}}]}
  look: {when: asks, offer: [look]}
"""


def test_a_role_that_never_reaches_a_tool_is_proved_and_the_proof_says_on_what_it_rests() -> None:
    graph = load(ROLES)
    among = columns(graph, "actor.role")
    assert among is not None
    assert [column.value for column in among] == ["sales", "manager", None]
    rows = {row.tool: row for row in matrix(Prover(graph, DEFAULT), among)}
    assert [cell.reach for cell in rows["discount"].cells] == [Reach.NEVER, Reach.GUARDED, Reach.NEVER]
    assert all(cell.trust_base.model_independent for cell in rows["discount"].cells)
    assert [cell.reach for cell in rows["look"].cells] == [Reach.OPEN] * 3
    assert [cell.reach for cell in rows["spare"].cells] == [Reach.NEVER] * 3
    [way] = rows["discount"].cells[1].ways
    assert way.witness is not None
    assert way.witness.values.keys() == {"actor.role", "asks", "order.total"}
    [(_, [percent])] = rows["discount"].paths
    assert str(percent) == "arguments.percent is at least 2.5 and less than 30.5"


def test_a_fact_that_has_too_many_values_makes_no_columns() -> None:
    assert columns(load(ROLES), "order.total") is None
    assert [cell.column for cell in next(iter(matrix(Prover(load(ROLES), DEFAULT)))).cells] == [Column()]
