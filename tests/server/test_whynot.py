"""Why a guideline was followed and another was not, of real turns under small policies."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jurat.engine import Engine, Toolbox
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import PolicyGraph, load
from jurat.server.inspecting.whynot import why

POLICY = """\
jurat: 1
facts:
  tier: {type: {enum: [standard, gold], ordered: true}, default: standard}
  age: {int: {min: 0}}
observations:
  refund: The customer asks for a refund
  human: The customer asks for a person
  upgrade: The customer asks about an upgrade
  angry: The customer is angry
  sad: The customer is sad
axioms:
  - exclusive: [refund, upgrade]
guidelines:
  pay: {when: refund, action: Pay it}
  wait: {when: refund && tier == "gold", action: Wait, overrides: [pay]}
  thank: {when: refund, action: Thank, requires: [offer]}
  offer: {when: upgrade, action: Offer it}
  greet: {action: Say hello}
  calm: {when: sad, action: Calm down, on_unknown: ask}
  note: {when: angry && refund, action: Note it, overrides: [greet]}
  hand-over: {when: human, action: Hand over, overrides: [calm, offer]}
  old: {when: has(age) && age > 30, action: Decline}
  failed-pay: {when: succeeded("t"), action: Confirm}
  both-a: {when: refund, action: A}
  both-b: {when: refund, action: B}
  which: {when: refund, action: Ask, disambiguates: [both-a, both-b]}
  entailed: {when: upgrade, action: E}
  entails: {when: refund, action: F, entails: [entailed]}
  low: {when: refund, action: Low}
journeys:
  trip:
    triggers: [human]
    initial: start
    states: {start: {say: Where to?, to: [{when: upgrade, state: end}]}, end: {end: true}}
tools:
  t: {python: "tools:t"}
"""


def turn_of(
    text: str, answers: dict[str, Any], message: str = "hello", **facts: Any
) -> tuple[PolicyGraph, dict[str, Any]]:
    """A turn's trace as the store has it, and the policy."""
    graph = load(text)
    engine = Engine(
        graph, ScriptedJudge(answers, default=False), ScriptedVoice(lambda request: "well"), Toolbox(graph, {"t": lambda: "done"} if graph.vocabulary.tools else {}), unproved=True
    )  # fmt: skip

    async def run() -> dict[str, Any]:
        session = engine.start_session(facts)
        return (await engine.turn(session, message)).trace.as_json()

    return graph, json.loads(json.dumps(asyncio.run(run())))


@pytest.mark.parametrize(
    ("about", "answers", "facts", "standing", "sentence"),
    [
        ("pay", {"refund": 0.97}, {}, "in force", "`pay` was in force, because the judge found that “The customer asks for a refund” was true (97 %)."),
        ("greet", {}, {}, "in force", "`greet` was in force; it has no condition."),
        ("entailed", {"refund": True}, {}, "in force", "`entailed` was in force, because `entails` was in force, which entails it."),
        ("pay", {"refund": 0.02}, {}, "not triggered", "`pay` did not apply, because the judge found that “The customer asks for a refund” was not true (2 %)."),
        ("wait", {"refund": True}, {}, "not triggered", '`wait` did not apply, because `tier` was `"standard"`.'),
        ("old", {}, {}, "not triggered", "`old` did not apply, because `age` was absent."),
        ("old", {}, {"age": 12}, "not triggered", "`old` did not apply, because `age` was `12`."),
        ("failed-pay", {}, {}, "not triggered", '`failed-pay` did not apply, because `succeeded("t")` had not happened in this turn.'),
        ("pay", {"refund": True}, {"tier": "gold"}, "dropped", "but `wait` overrides it."),
        ("thank", {"refund": True}, {}, "dropped", "but it requires `offer`, which was not in force."),
        ("thank", {"refund": True, "upgrade": 0.5}, {}, "dropped", "`offer` did not apply, because “The customer asks about an upgrade” was not true, as the axioms have it."),
        ("both-a", {"refund": True}, {}, "dropped", "the customer is asked which is meant"),
        ("calm", {"sad": 0.5}, {}, "left open", "`calm` was left open, because the judge was not certain whether “The customer is sad” (50 %); so the customer is asked."),
        ("greet", {"angry": 0.5, "refund": True}, {}, "dropped", "but `note` overrides it if it applies, which was left open."),
        ("calm", {"human": True}, {}, "not triggered", "Whether “The customer is sad” made no difference: `hand-over` overrides `calm`."),
        ("trip", {}, {}, "not triggered", "What begins it: the judge found that “The customer asks for a person” was not true (0 %)."),
        ("trip/end", {}, {}, "not triggered", "the journey `trip` was not under way"),
        ("trip/start", {"human": True}, {}, "in force", "`journey.trip.state` was"),
    ],
)  # fmt: skip
def test_the_reason_is_told(
    about: str, answers: dict[str, Any], facts: dict[str, Any], standing: str, sentence: str
) -> None:
    graph, trace = turn_of(POLICY, answers, **facts)
    found = why(graph, trace, about)
    assert found["standing"] == standing, found
    assert sentence in " ".join(found["sentences"]), found


def test_rank_paradox_and_what_is_out_of_reach_are_told() -> None:
    text = """\
jurat: 1
observations: {x: Says x, y: Says y}
guidelines:
  high: {when: x, action: High, rank: 2}
  low: {when: x, action: Low}
  needs: {when: y, action: Needs, requires: [never]}
  never: {when: x && !x, action: Never}
"""
    graph, trace = turn_of(text, {"x": True})
    assert "but `high` has a higher rank." in why(graph, trace, "low")["sentences"][0]
    out = " ".join(why(graph, trace, "needs")["sentences"])
    assert "Whether “Says y” made no difference: `needs` requires `never`, which could not be in force." in out
    assert "`never` did not apply" in out
    paradox = "jurat: 1\nguidelines:\n  a: {action: A, requires: [b], overrides: [b]}\n  b: {action: B}\n"
    graph, trace = turn_of(paradox, {})
    assert "a paradox left it undecided, together with `b`" in why(graph, trace, "a")["sentences"][0]


def test_where_a_guideline_stood_is_what_the_trace_says_of_every_one() -> None:
    for answers in (
        {},
        {"refund": True},
        {"refund": 0.5},
        {"angry": 0.5, "human": True},
        {"upgrade": True, "human": 0.5},
    ):
        graph, trace = turn_of(POLICY, answers)
        last = trace["rounds"][-1]
        dropped, force = {each["id"] for each in last["dropped"]}, {each["id"] for each in last["in_force"]}
        merely = {each["id"] for each in last["possible"]} - dropped
        for g in graph.entities:
            found = why(graph, trace, g)
            place = (
                "in force"
                if g in force
                else "dropped"
                if g in dropped
                else "left open"
                if g in merely
                else "not triggered"
            )
            assert found["standing"] == place, (g, answers)
            assert all(each.endswith(".") and f"`{g}`" in found["sentences"][0] for each in found["sentences"])


def test_a_turn_in_which_nothing_was_decided_says_so() -> None:
    graph = load(POLICY)
    trace = {"rounds": [], "notes": ["the turn failed"], "anew": []}
    found = why(graph, trace, "pay")
    assert found["standing"] == "undecided"
    assert found["sentences"] == ["Nothing was decided in this turn, so no guideline was in force.", "The turn failed."]


def test_what_was_in_force_before_a_tool_ran_is_told() -> None:
    graph, trace = turn_of(POLICY, {"refund": True})
    first = json.loads(json.dumps(trace["rounds"][0]))
    first["in_force"].append({**first["in_force"][0], "id": "old"})
    trace["rounds"].insert(0, first)
    assert why(graph, trace, "old")["sentences"][-1] == (
        "It was in force in round 1 of this turn, before the situation changed."
    )


def test_where_a_journey_is_that_was_held_back_is_told() -> None:
    text = POLICY.replace(
        "hand-over: {when: human, action: Hand over, overrides: [calm, offer]}",
        "hand-over: {when: human, action: Hand over, overrides: [trip]}",
    )
    graph, trace = turn_of(text, {"human": True})
    assert "`hand-over` overrides it" in why(graph, trace, "trip")["sentences"][0]
    assert "`trip` has not begun: held back by `hand-over`." in why(graph, trace, "trip")["sentences"]
    assert len(why(graph, trace, "trip/start")["sentences"]) == 2


def test_how_a_journey_came_to_be_where_it_is_is_told() -> None:
    graph, trace = turn_of(POLICY, {"human": True})
    for each in ("trip", "trip/start"):
        assert "`trip` begins in `start`, because `human` is true." in why(graph, trace, each)["sentences"]
