"""From a decision to what the voice is told and to what its draft is held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jurat.engine.check import Standards, claim_statement, topic_statement
from jurat.engine.describe import meaning_of
from jurat.engine.fields import fields_of, gapped, with_gaps
from jurat.engine.limits import Limits
from jurat.engine.match import Decision
from jurat.engine.obligations import Debt, debts
from jurat.engine.parameters import Ask, spoken
from jurat.engine.turn import Working
from jurat.llm import ReplyRequest
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Agent, Forbid, Instruct, Reply
from jurat.policies.templates import TemplateFault

HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Briefing:
    """Everything a reply rests on: the request for the voice, the standards for the check, and what is still owed.

    ``induced``: what the reply is to say although no author wrote it: questions, and what was not done. ``unfilled``: why
    templates that are to be put into words cannot be filled in.
    """

    request: ReplyRequest
    standards: Standards
    debts: tuple[Debt, ...]
    induced: tuple[str, ...] = ()
    unfilled: tuple[str, ...] = ()

    @property
    def asks(self) -> tuple[str, ...]:
        return self.standards.asks


def briefing(graph: PolicyGraph, agent: Agent, working: Working, decision: Decision, limits: Limits) -> Briefing:
    """What is in force, in words."""
    owed = debts(working, decision)
    induced = tuple(_induced(graph, decision, owed))
    fields = fields_of(working, agent, _asks(owed))
    composited, unfilled = _composited(graph, decision, fields)
    instructions = tuple(dict.fromkeys((*_written(decision), *composited, *_decided(decision), *induced)))
    topics = tuple(dict.fromkeys(_forbidden(decision, "topic")))
    claims = tuple(debt.tool for debt in owed)
    texts = tuple(gapped(graph.vocabulary.replies[each], fields) for each in _forbidden(decision, "reply"))
    results = (
        *working.background,
        *(f"{each.tool}: {each.message}" for each in working.results if each.message),
    )
    request = ReplyRequest(
        agent.name, agent.description, working.state.messages, instructions,
        (*map(topic_statement, topics), *map(claim_statement, claims), *(f"The agent's reply says: {t}" for t in texts)),
        results,
    )  # fmt: skip
    said = (message.text for message in working.state.messages)
    standards = Standards(
        topics, claims, _critical(graph, decision), texts, _asks(owed),
        (*said, *working.background, *instructions, agent.name, agent.description), characters=limits.reply_characters,
    )  # fmt: skip
    return Briefing(request, standards, owed, induced, unfilled)


def _forbidden(decision: Decision, what: str) -> list[str]:
    forbids = (each.action for each in decision.actions if isinstance(each.action, Forbid))
    return [each.target for each in forbids if each.what == what]


def _asks(owed: tuple[Debt, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.name for debt in owed for each in debt.asks))


def _critical(graph: PolicyGraph, decision: Decision) -> tuple[str, ...]:
    """The instructions whose following is checked: those of guidelines of high criticality."""
    return tuple(
        each.action.text
        for each in decision.actions
        if isinstance(each.action, Instruct)
        and each.guideline in graph.guidelines
        and graph.guidelines[each.guideline].criticality == "high"
    )


def _written(decision: Decision) -> Iterator[str]:
    return (each.action.text for each in decision.actions if isinstance(each.action, Instruct))


def _composited(
    graph: PolicyGraph, decision: Decision, fields: Mapping[str, object]
) -> tuple[list[str], tuple[str, ...]]:
    """What canned replies have the voice say, and why some cannot."""
    wanted = [graph.vocabulary.replies[each.action.id] for each in decision.actions if isinstance(each.action, Reply)]
    said, faults = [], []
    for reply in wanted:
        if reply.mode == "composited":
            try:
                said.append(f"Say in your own words: {with_gaps(reply, fields)}")
            except TemplateFault as fault:
                faults.append(str(fault))
    return said, tuple(faults)


def _decided(decision: Decision) -> Iterator[str]:
    return (f"It is decided: {spoken(name)} is {value}" for name, value in decision.decisions.items())


def _induced(graph: PolicyGraph, decision: Decision, owed: tuple[Debt, ...]) -> Iterator[str]:
    yield from _questions(graph, decision)
    yield from (_of_debt(debt) for debt in owed)
    if decision.hand_off == HUMAN:
        yield "Tell the customer that a human colleague takes over now"
    if decision.conflicts:
        yield "Offer the customer to continue with a human colleague"


def _questions(graph: PolicyGraph, decision: Decision) -> Iterator[str]:
    for each in decision.resolution.clarifications:
        meanings = "; or ".join(meaning_of(graph, target) for target in each.targets)
        yield f"Ask the customer which of these is meant: {meanings}"
    for g in decision.resolution.ask:
        yield f"Ask the customer a short question to find out whether this holds: {meaning_of(graph, g)}"


def _of_debt(debt: Debt) -> str:
    if debt.asks:
        names = ", ".join(_with_reason(each) for each in debt.asks)
        return f"Ask the customer for: {names}" + (
            f" (what was given does not fit: {debt.reason})" if debt.again else ""
        )
    reason = "" if debt.secret else f" ({debt.reason})"
    return f"`{debt.tool}` was not done{reason}; say so where it matters, and do not promise it"


def _with_reason(ask: Ask) -> str:
    return f"{ask.name} (needed because: {ask.significance})" if ask.significance else ask.name
