"""Which observations a shortcut may answer, one reason after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from jurat.engine import Engine, Toolbox
from jurat.engine.shortcuts import skippable
from jurat.llm import Condition, Judgement, Message, ReplyRequest
from jurat.llm.scripted import ScriptedVoice
from jurat.policies import load

PLAIN = """\
jurat: 1
facts: {vip: bool}
decisions: {rate: int}
observations: {hours: The customer asks when we are open, parking: The customer asks where to park}
guidelines:
  tell_hours: {when: hours, action: Tell the hours}
  tell_parking: {when: hours && parking, action: Tell where to park}
"""


def of(where: Path, text: str) -> set[str]:
    (where / "policy.yaml").write_text(text, "utf-8")
    return set(skippable(load(where)))


def test_conditions_of_mere_instructions_may_be_skipped(tmp_path: Path) -> None:
    assert of(tmp_path, PLAIN) == {"hours", "parking"}


@pytest.mark.parametrize(
    "more",
    [
        "  other: {when: vip && !parking, action: Say so}",
        "  other: {when: 'vip ? parking : false', action: Say so}",
        "  other: {when: parking, forbid: [{topic: prices}]}",
        "  other: {when: parking, hand_off: human}",
        "  other: {when: parking, decide: {rate: 3}}",
        "  other: {when: parking, action: Say so, criticality: high}",
        "  other: {when: parking, action: Say so, on_unknown: ask}",
        "  other: {when: parking, action: Say so, overrides: [tell_hours]}",
        "  other: {when: parking, action: Say so, rank: 3}",
        "  other: {when: parking, action: Say so, entails: [quiet]}\n  quiet: {when: vip, forbid: [{topic: prices}]}",
        "  other: {when: parking, tools: [look]}",
        "  other: {when: parking, offer: [look]}",
        "  other: {when: parking, reply: map}\nreplies: {map: {text: The map is on our site}}",
        "  other: {when: parking, action: Say so, composition: strict}",
        "tools: {pay: {python: 'tools:pay', guard: parking}}",
        "axioms: [parking || vip]",
        "journeys:\n  visit: {triggers: [{when: parking}], initial: hello, states: {hello: {say: Hello}}}",
        "journeys:\n  visit: {triggers: [{when: vip}], initial: a, states: {a: {say: Hello, to: [{when: parking, state: b}]}, b: {end: true}}}",
    ],
)
def test_what_could_let_something_in_or_lift_a_restraint_is_always_asked(tmp_path: Path, more: str) -> None:
    assert "parking" not in of(tmp_path, PLAIN + more)


def test_the_author_says_what_is_critical(tmp_path: Path) -> None:
    where_to_park = "The customer asks where to park"
    marked = PLAIN.replace(where_to_park, f"{{text: {where_to_park}, critical: true}}")
    assert of(tmp_path, marked) == {"hours"}


class Hasty:
    """Finds that all holds and nothing is brought up anew, and in the second message it takes for false what it may."""

    name = "hasty"

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        hasty = sum(each.role == "customer" for each in conversation) == 2
        return [Judgement(each.key, self._truth(each, hasty), None) for each in conditions]

    @staticmethod
    def _truth(condition: Condition, hasty: bool) -> bool:
        return not condition.key.startswith("again:") and not (hasty and not condition.critical)


def told(where: Path, text: str, renamed: str | None = None) -> list[tuple[str, ...]]:
    """What was to be said in each of three messages; before the second the policy may become another one."""
    asked: list[tuple[str, ...]] = []

    def write(request: ReplyRequest) -> str:
        asked.append(tuple(request.instructions))
        return "Well"

    async def talk() -> None:
        (where / "policy.yaml").write_text(text, "utf-8")
        graph = load(where)
        engine = Engine(graph, Hasty(), ScriptedVoice(write), Toolbox(graph, {}), unproved=True)
        session = engine.start_session()
        await engine.turn(session, "one")
        if renamed:
            (where / "policy.yaml").write_text(renamed, "utf-8")
            graph = load(where)
            engine = Engine(graph, Hasty(), ScriptedVoice(write), Toolbox(graph, {}), unproved=True)
        await engine.turn(session, "two")
        await engine.turn(session, "three")

    asyncio.run(talk())
    return asked


def test_what_was_carried_out_does_not_seem_to_have_ended_and_is_not_carried_out_again(tmp_path: Path) -> None:
    assert told(tmp_path, PLAIN) == [("Tell the hours", "Tell where to park"), (), ()]
    needs = PLAIN.replace("when: hours && parking", "when: vip || parking, requires: [tell_hours]")
    assert told(tmp_path, needs) == [("Tell the hours", "Tell where to park"), (), ()]


def test_what_was_carried_out_under_another_policy_is_no_concern_of_this_one(tmp_path: Path) -> None:
    other = PLAIN.replace("tell_hours:", "say_hours:")
    assert told(tmp_path, PLAIN, other)[1:] == [("Tell the hours",), ()]
