"""Journeys, state by state."""

from __future__ import annotations

from typing import Any

from jurat.engine import ToolResult

LOAN = """
jurat: 1
facts: {score: {type: int, from: tools}}
tools: {credit: {python: "tools:credit", provides: {score: result.score}}}
observations:
  wants_loan: The customer wants a loan
  gave_income: The customer said what they earn
  changed_mind: The customer does not want a loan any more
journeys:
  loan:
    triggers: [wants_loan]
    initial: income
    states:
      income: {say: Ask for the income, to: [{when: changed_mind, state: bye}, {when: gave_income, state: check}]}
      check: {tool: credit, to: [{when: failed("credit"), state: sorry}, {state: sort}]}
      sort: {fork: true, to: [{when: score >= 700, state: offer}, {otherwise: true, state: sorry}]}
      offer: {say: Offer the loan, to: [{state: bye}]}
      sorry: {say: Say that it cannot be, to: [{state: bye}]}
      bye: {end: true}
guidelines:
  polite: {when: journey.loan.active, action: Be polite}
  at-income: {when: wants_loan || !wants_loan, action: Explain why, scope: loan/income}
"""
JUDGE: dict[str, Any] = {"wants_loan": ["loan"], "gave_income": ["earn"], "changed_mind": ["no thanks"]}


def credit(score: int | None) -> Any:
    def look() -> ToolResult:
        return ToolResult("looked", {"score": score}) if score else ToolResult("the bureau is closed", error=True)

    return look


def walk(world: Any, score: int | None, *messages: str) -> list[tuple[str | None, tuple[str, ...]]]:
    """After each message: the state, and the instructions to the voice."""
    here = world(LOAN, judge=JUDGE, tools={"credit": credit(score)}, replies=lambda _: "Well?")
    found = []
    for message in messages:
        here.say(message)
        found.append((here.session.journeys.get("loan"), here.voice.requests[-1].instructions))
    return found


def test_a_journey_begins_waits_runs_its_tool_passes_forks_and_ends(world) -> None:  # type: ignore[no-untyped-def]
    assert walk(world, 720, "hello", "I want a loan", "why?", "I earn enough", "great", "hello") == [
        (None, ()),
        ("income", ("Explain why", "Ask for the income", "Be polite")),
        ("income", ("Explain why", "Ask for the income", "Be polite")),
        ("offer", ("Offer the loan", "Be polite")),
        (None, ("Be polite",)),  # the end state is left when the turn has ended
        (None, ()),
    ]


def test_a_fork_takes_otherwise(world) -> None:  # type: ignore[no-untyped-def]
    assert walk(world, 600, "a loan", "I earn little")[-1] == ("sorry", ("Say that it cannot be", "Be polite"))


def test_a_failed_tool_takes_its_own_way(world) -> None:  # type: ignore[no-untyped-def]
    state, said = walk(world, None, "a loan", "I earn enough")[-1]
    assert (state, said[0]) == ("sorry", "Say that it cannot be")


def test_the_first_true_transition_wins(world) -> None:  # type: ignore[no-untyped-def]
    assert walk(world, 720, "a loan", "no thanks, though I earn enough")[-1][0] is None


def test_a_tool_state_is_not_left_before_its_tool_has_run(world) -> None:  # type: ignore[no-untyped-def]
    policy = LOAN.replace('tools:credit", ', 'tools:credit", guard: "has(score)", ')
    here = world(policy, judge=JUDGE, tools={"credit": credit(720)}, replies=lambda _: "Well?")
    for message in ("a loan", "I earn enough", "and now?"):
        turn = here.say(message)
    assert here.session.journeys == {"loan": "check"}
    assert here.statuses(turn) == [("credit", "refused")]


def test_otherwise_is_not_taken_while_another_way_is_unknown(world) -> None:  # type: ignore[no-untyped-def]
    policy = LOAN.replace("score >= 700", "changed_mind")
    judge = {
        **JUDGE,
        "changed_mind": lambda talk: None if talk[-1].role == "tool" or "earn" in talk[-1].text else False,
    }
    policy = policy.replace("{when: changed_mind, state: bye}, ", "")
    here = world(policy, judge=judge, tools={"credit": credit(720)}, replies=lambda _: "Well?")
    here.say("a loan")
    here.say("I earn enough")
    assert here.session.journeys == {"loan": "sort"}
    here.say("no")
    assert here.session.journeys == {"loan": "sorry"}


def test_several_journeys_at_once_and_forks_in_a_circle(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    observations: {go: The customer goes}
    journeys:
      one: {triggers: [go], initial: a, states: {a: {say: Do a}}}
      two:
        triggers: [go]
        initial: x
        states:
          x: {fork: true, to: [{state: y}]}
          y: {fork: true, to: [{state: x}]}
    """
    here = world(policy, judge={"go": True}, replies=lambda _: "Well?")
    here.say("go")
    assert set(here.session.journeys) == {"one", "two"}


def test_an_event_moves_a_journey_only_where_it_is_named(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    events: {paid: The customer has paid}
    observations: {go: The customer goes}
    journeys:
      one:
        triggers: [go]
        initial: a
        states:
          a: {say: Do a, to: [{when: paid, state: b}, {state: c}]}
          b: {say: Do b}
          c: {say: Do c}
    """
    for event, state in (("paid", "b"), ("session.ended", "a")):
        here = world(policy, judge={"go": True}, replies=lambda _: "Well?")
        here.say("go")
        turn = here.say(None, event=event)
        assert here.session.journeys == {"one": state}
        assert turn.response is None


def test_the_trace_says_of_each_move_why_it_was_made_or_not(world) -> None:  # type: ignore[no-untyped-def]
    judge = {**JUDGE, "gave_income": lambda talk: None if "perhaps" in talk[-1].text else "earn" in talk[-1].text}
    here = world(LOAN, judge=judge, tools={"credit": credit(600)}, replies=lambda _: "Well?")
    told = [
        [move for each in here.say(message).trace.rounds for move in each.moves]
        for message in ("a loan", "why?", "perhaps", "I earn little", "I see", "thanks")
    ]
    assert told == [
        ["`loan` begins in `income`, because `wants_loan` is true"],
        ["`loan` remains in `income`, for no way on holds"],
        ["`loan` remains in `income`, for `gave_income` is unknown"],
        [
            "`loan` goes from `income` to `check`, because `gave_income` is true",
            "`loan` goes from `check` to `sort`",
            "`loan` goes from `sort` to `sorry`, for no other way holds",
        ],
        ["`loan` goes from `sorry` to `bye`"],
        [],
    ]
    turn = here.say("another loan")
    assert "journey `loan` begins in `income`, because `wants_loan` is true" in turn.trace.explain()
