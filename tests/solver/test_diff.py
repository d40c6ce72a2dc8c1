"""``jurat diff`` against trying every situation of two small policies with the reference semantics."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import pytest
from tests.solver.editing import levels, pair, situations

from jurat.policies import PolicyError, load
from jurat.policies.arguments import constraint_of
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import conjunction
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Forbid, HandOff, Instruct, Offer, Reply
from jurat.policies.printing import show
from jurat.policies.resolution import Resolution
from jurat.policies.types import Value
from jurat.solver.diff import Change, Comparison, Status, diff

PAIRS = 120
AMOUNTS: list[dict[str, Value]] = [{}, *({"amount": value} for value in range(4))]
Happening = tuple[str, int | None]
"""What happens, and with which arguments where it is about a call."""


@cache
def compared(seed: int) -> tuple[tuple[PolicyGraph, PolicyGraph], Comparison] | None:
    graphs = pair(seed)
    return (graphs, diff(*graphs)) if graphs else None


def happenings(graph: PolicyGraph, resolution: Resolution) -> set[Happening]:
    """Everything that happens in a situation, in the words of a comparison."""
    found: set[Happening] = set()
    for each in resolution.actions:
        found |= {(text, None) for text in texts(graph, each.action)}
    found |= {(f"the customer is asked whether `{show(graph.entities[g].condition)}`", None) for g in resolution.ask}
    meant = {target for each in resolution.clarifications for target in each.targets}
    found |= {(f"the customer is asked whether `{show(graph.entities[g].condition)}` is meant", None) for g in meant}
    for tool in graph.vocabulary.tools.values():
        for place, given in enumerate(AMOUNTS):
            if tool.guard and evaluate(tool.guard.expr, resolution.settled.valuation.look, given) is True:
                found.add((f"the guard of `{tool.id}` holds", place))
            if admitted(graph, tool.id, resolution, given):
                found.add((f"a call of `{tool.id}` is admitted", place))
    return found | {(text, None) for text in moves(graph, resolution)}


def texts(graph: PolicyGraph, action: object) -> Iterator[str]:
    match action:
        case Instruct(text):
            yield f"the agent is told: {text}"
        case Call(tool, constraints):
            yield f"`{tool}` is called"
            if constraints:
                asked = conjunction(*(constraint_of(each, graph.vocabulary.tools[tool]) for each in constraints))
                yield f"`{tool}` is called with `{show(asked)}`"
        case Offer(tool):
            yield f"`{tool}` is offered"
        case Forbid(what, target):
            yield f"the {what} `{target}` is forbidden"
        case Reply(id_):
            yield f"the reply is `{id_}`"
        case HandOff(to):
            yield f"the conversation is handed to `{to}`"
        case _:
            yield f'`{action.decision}` is "{action.value}"'  # type: ignore[attr-defined]  # what is left


def admitted(graph: PolicyGraph, tool: str, resolution: Resolution, given: dict[str, Value]) -> bool:
    """As the engine's toolbox has it."""
    actions, look = [each.action for each in resolution.actions], resolution.settled.valuation.look
    calls = [each for each in actions if isinstance(each, Call) and each.tool == tool]
    wanted = [constraint_of(each, graph.vocabulary.tools[tool]) for call in calls for each in call.constraints]
    guard = graph.vocabulary.tools[tool].guard
    return (
        bool(calls or Offer(tool) in actions)
        and Forbid("tool", tool) not in actions
        and all(evaluate(each, look, given) is True for each in [*wanted, *([guard.expr] if guard else [])])
    )


def moves(graph: PolicyGraph, resolution: Resolution) -> Iterator[str]:
    look = resolution.settled.valuation.look
    for journey in graph.journeys.values():
        if any(evaluate(each.expr, look) is True for each in journey.triggers):
            yield f"the journey `{journey.id}` begins"
        here = resolution.settled.valuation.values.get(f"journey.{journey.id}.state")
        for state in journey.states.values():
            if here == state.id:
                true = [each.target for each in state.transitions if evaluate(each.condition, look) is True]
                yield from (f"the journey `{journey.id}` goes from `{state.id}` to `{target}`" for target in true[:1])


def expected(graphs: tuple[PolicyGraph, PolicyGraph]) -> tuple[set[str], set[str]]:
    """What happens somewhere only before, and what only after."""
    lost: set[str] = set()
    gained: set[str] = set()
    for _, resolved in situations(*graphs):
        old, new = (happenings(graph, each) for graph, each in zip(graphs, resolved, strict=True))
        lost |= {text for text, _ in old - new}
        gained |= {text for text, _ in new - old}
    return lost, gained


@pytest.mark.parametrize("seed", range(PAIRS))
def test_each_topic_is_what_trying_everything_says(seed: int) -> None:
    found = compared(seed)
    if found is None or found[1].inconsistent:
        return
    lost, gained = expected(found[0])
    rows = found[1].rows
    assert not found[1].undecided
    assert {row.key.text for row in rows if row.only_before} == lost
    assert {row.key.text for row in rows if row.only_after} == gained
    for row in rows:
        both = bool(row.only_before) and bool(row.only_after)
        more = bool(row.only_after) is not row.key.restrictive
        change = Change.INCOMPARABLE if both else Change.MORE if more else Change.LESS
        assert row.change is (change if row.only_before or row.only_after else Change.EQUIVALENT)


@pytest.mark.parametrize("seed", range(PAIRS))
def test_the_share_is_the_one_counted_by_trying(seed: int) -> None:
    found = compared(seed)
    if found is None or found[1].share is None or not found[1].differing or not comparable(*found):
        return
    graphs, comparison = found
    assert comparison.share is not None
    kinds = levels(graphs)
    admissible = affected = 0
    for given, resolved in situations(*graphs):
        if is_cell(graphs, comparison, given, kinds):
            old, new = (happenings(graph, each) for graph, each in zip(graphs, resolved, strict=True))
            admissible += 1
            affected += old != new
    assert comparison.share.reason == ""
    assert comparison.share.affected * admissible == affected * comparison.share.admissible


def comparable(graphs: tuple[PolicyGraph, PolicyGraph], comparison: Comparison) -> bool:
    """Whether levels were cut as all formulas cut them, not only those of the part that was compared.

    Pasts and events of calls are left out: trying everything also tries those that no session can have.
    """
    assert comparison.share is not None
    if any("(" in key for key in comparison.share.cells) or "count(" in comparison.share.reason:
        return False
    cells = comparison.share.cells.get("level")
    defaults = [graph.vocabulary.facts["level"].default for graph in graphs]
    return cells is None or cells == len(levels(graphs)) + (None in defaults)


def is_cell(
    graphs: tuple[PolicyGraph, PolicyGraph], comparison: Comparison, given: dict[str, Value], kinds: list[int]
) -> bool:
    """Whether a situation is the one tried for its cell."""
    assert comparison.share is not None
    if any(key not in given for graph in graphs for key in graph.vocabulary.observations if key in mentioned(graphs)):
        return False
    for id_, journey in graphs[0].journeys.items():
        state = f"journey.{id_}.state"
        if state not in comparison.share.cells and given.get(state) not in (None, next(iter(journey.states))):
            return False
    if "level" in given:
        return given["level"] in kinds
    return "level" not in mentioned(graphs) or any(graph.vocabulary.facts["level"].default is None for graph in graphs)


def mentioned(graphs: tuple[PolicyGraph, PolicyGraph]) -> set[str]:
    return {key for graph in graphs for key in graph.atoms}


def test_the_pairs_tried_have_every_kind_of_change() -> None:
    """Else the comparison above would say little."""
    found = [each[1] for seed in range(PAIRS) if (each := compared(seed))]
    assert {row.change for each in found for row in each.rows} == {*Change} - {Change.UNDECIDED}
    kinds = {row.key.kind for each in found for row in each.differing}
    assert kinds >= {
        "tool",
        "call",
        "offer",
        "forbidden tool",
        "guard",
        "decision",
        "hand-off",
        "reply",
        "instruction",
        "question",
    }
    assert sum(each.status is Status.EQUIVALENT for each in found) >= PAIRS // 10
    counted = [each for each in found if each.share and each.differing and each.share.fraction is not None]
    assert len({each.share.fraction for each in counted if each.share}) >= PAIRS // 10


BASE = """
jurat: 1
facts:
  customer.tier: {type: {enum: [standard, silver, gold], ordered: true}}
  order.total: {decimal: {min: 0}}
  order.id: string
observations: {asks_refund: The customer asks for a refund, angry: The customer is angry, asks_upgrade: The customer asks for an upgrade}
decisions: {upgrade: {enum: [free, paid]}}
tools: {pay: {python: "tools:pay", guard: arguments.amount <= 500}, look: {python: "tools:look"}}
guidelines:
  refund: {when: asks_refund && order.total <= 100, action: Pay it back, tools: [{pay: {amount: order.total}}]}
  calm: {when: angry, action: Calm down, hand_off: human, overrides: [refund]}
  upgrade: {when: 'asks_upgrade && customer.tier >= "silver"', decide: {upgrade: free}}
"""


def edited(*changes: tuple[str, str], more: str = "") -> Comparison:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return diff(load(BASE), load(text + more))


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ([("refund: {when", "give-back: {when"), ("[refund]", "[give-back]")], ""),
        ([("asks_refund && order.total <= 100", "order.total <= 100.0 && asks_refund")], ""),
        ([('customer.tier >= "silver"', '(customer.tier == "silver" || customer.tier == "gold")')], ""),
        ([], "  never: {when: angry && asks_refund, overrides: [loser]}\n  loser: {when: angry && asks_refund, decide: {upgrade: paid}}\n"),
        (
            [("upgrade: {when: 'asks_upgrade && customer.tier >= \"silver\"'", "silver: {when: 'asks_upgrade && customer.tier == \"silver\"'")],
            "  gold: {when: 'asks_upgrade && customer.tier == \"gold\"', decide: {upgrade: free}}\n",
        ),
    ],
    ids=["rename", "reorder", "another spelling", "always overridden", "split"],
)  # fmt: skip
def test_an_edit_that_changes_nothing_is_said_to_change_nothing(changes: list[tuple[str, str]], more: str) -> None:
    found = edited(*changes, more=more)
    assert found.status is Status.EQUIVALENT
    assert found.share is not None
    assert found.share.affected == 0


def test_a_bound_that_moves_shows_at_the_bound_and_in_its_share() -> None:
    found = edited(("<= 100", "<= 200"))
    assert {row.key.text for row in found.differing} == {
        "a call of `pay` is admitted", "`pay` is called", "`pay` is called with `arguments.amount == order.total`",
        "the agent is told: Pay it back",
    }  # fmt: skip
    assert {row.change for row in found.differing} == {Change.MORE}
    for row in found.differing:
        assert row.only_after is not None
        assert 100 < row.only_after.values["order.total"] <= 200  # type: ignore[operator]  # a number
    assert found.share is not None
    # absent, up to 100, up to 200, up to 500 (where the guard ends) and beyond; asked for, and not angry
    assert found.share.fraction == Fraction(1, 5 * 4)


def test_a_guard_is_compared_for_every_argument() -> None:
    found = edited(("amount <= 500", "amount <= 400"))
    (row,) = found.differing
    assert (row.key.text, row.change) == ("the guard of `pay` holds", Change.LESS)
    assert row.only_before is not None
    assert 400 < row.only_before.arguments["pay.arguments.amount"] <= 500  # type: ignore[operator]  # a number


def test_only_proves_that_nothing_changes_outside_a_region() -> None:
    new = BASE.replace('customer.tier >= "silver"', 'customer.tier >= "gold"')
    graphs = load(BASE), load(new)
    assert diff(*graphs).status is Status.DIFFERENT
    assert diff(*graphs, only='asks_upgrade && customer.tier == "silver"').status is Status.EQUIVALENT
    found = diff(*graphs, only='customer.tier == "gold"')
    assert {row.change for row in found.differing} == {Change.LESS}
    with pytest.raises(PolicyError, match=r"did you mean `customer\.tier`"):
        diff(*graphs, only="customer.tear")


def test_a_value_that_only_one_policy_has_is_left_out_and_said() -> None:
    found = edited(("gold], ordered", "gold, platinum], ordered"))
    assert found.status is Status.EQUIVALENT
    assert any("`customer.tier`" in note and "values of both" in note for note in found.notes)
    narrower = edited(("standard, silver, gold]", "silver, gold]"), ('customer.tier >= "silver"', "true"))
    assert narrower.status is Status.DIFFERENT  # where the tier is absent
    assert all("customer.tier" not in row.only_after.values for row in narrower.differing if row.only_after)


def test_a_fact_of_another_type_is_free_on_either_side() -> None:
    found = edited(("order.total: {decimal: {min: 0}}", "order.total: string"), ("order.total <= 100", 'order.total == "x"'),
                   ("[{pay: {amount: order.total}}]", "[pay]"))  # fmt: skip
    assert any("each policy reads its own" in note for note in found.notes)
    told = next(row for row in found.differing if row.key.kind == "instruction")
    assert told.change is Change.INCOMPARABLE
    assert told.only_after is not None
    assert told.only_after.values["order.total (after)"] == "x"


def test_a_default_that_changes_matters_where_the_fact_is_absent() -> None:
    found = edited(("ordered: true}}", "ordered: true}, default: gold}"))
    row = next(each for each in found.differing if each.key.kind == "decision")
    assert row.change is Change.MORE
    assert row.only_after is not None
    assert "customer.tier" not in row.only_after.values


def test_axioms_of_either_policy_bound_what_is_compared_and_are_told_apart() -> None:
    found = edited(more='axioms: ["!(angry && asks_refund)"]\n')
    assert [(each.by, each.axiom) for each in found.admitted] == [("before", "!(angry && asks_refund)")]
    assert found.admitted[0].values == {"angry": True, "asks_refund": True}
    assert not found.differing
    assert found.status is Status.DIFFERENT


def test_axioms_that_contradict_each_other_leave_nothing_to_compare() -> None:
    old, new = (load(BASE + f'axioms: ["{axiom}"]\n') for axiom in ("angry", "!angry"))
    found = diff(old, new)
    assert found.inconsistent
    assert found.status is Status.DIFFERENT


def test_what_no_situation_shows_is_a_change_all_the_same() -> None:
    found = edited(("The customer is angry", "The customer is annoyed"), ('"tools:look"', '"tools:see"'))
    assert found.declared == (
        "the observation `angry` has another text", "the tool `look` has another target",
    )  # fmt: skip
    assert found.status is Status.DIFFERENT
    assert not found.differing


def test_a_journey_that_goes_elsewhere_is_a_topic() -> None:
    journey = (
        "journeys:\n  help:\n    triggers: [angry]\n    initial: ask\n    states:\n"
        "      ask: {{say: What happened?, to: [{{when: {when}, state: done}}]}}\n      done: {{end: true}}\n"
    )
    old, new = (load(BASE + journey.format(when=when)) for when in ("asks_refund", "asks_refund || asks_upgrade"))
    (row,) = diff(old, new).differing
    assert (row.key.text, row.change) == ("the journey `help` goes from `ask` to `done`", Change.MORE)


def test_what_compares_two_numbers_of_a_situation_is_not_countable() -> None:
    found = edited(
        ("order.id: string", "order.id: string\n  order.paid: decimal"),
        ("order.total <= 100", "order.total <= order.paid"),
    )
    assert found.share is not None
    assert found.share.fraction is None
    assert "order.total <= order.paid" in found.share.reason


def test_an_argument_that_equals_a_fact_is_counted_with_it() -> None:
    """Whether the argument equals the total, or is merely no more than it, is another question in most cells."""
    guard = "guard: arguments.amount <= 500", "guard: arguments.amount == order.total"
    equal = BASE.replace(*guard)
    found = diff(load(equal), load(equal.replace("amount == order.total}", "amount != order.total}")))
    assert found.share is not None
    assert found.share.fraction == Fraction(2, 3)  # wherever there is a total: up to 100, or more
    uncounted = diff(load(equal), load(equal.replace("amount == order.total}", "amount <= order.total}"))).share
    assert uncounted is not None
    assert "does more than compare" in uncounted.reason
