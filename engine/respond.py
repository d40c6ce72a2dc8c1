"""Respond: phrase the reply under what is in force, check it, try again, and else say something safe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from jurat.engine.act import Hands
from jurat.engine.briefing import HUMAN, Briefing, briefing
from jurat.engine.check import check
from jurat.engine.describe import meaning_of
from jurat.engine.match import Decision
from jurat.engine.results import as_text
from jurat.engine.trace import Draft
from jurat.engine.turn import Response, Working
from jurat.llm import BackendError
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Agent, Forbid, Instruct, ReplyDeclaration
from jurat.policies.values import jsonable

SAFE_REPLY = "safe"
"""The id of the canned reply that a policy may declare for when no draft passes the check."""

SAFE = "I am sorry, I cannot give you a reliable answer to that here."
SAFE_HUMAN = "I am sorry about this. I am handing you over to a human colleague, who will continue from here."
ASK = "Please tell me whether this is so: {}."
OFFER_HUMAN = "A human colleague can help you further if you wish."

_FIELD = re.compile(r"\{\{\s*([A-Za-z_][\w.]*)\s*\}\}")


async def respond(hands: Hands, graph: PolicyGraph, agent: Agent, working: Working, decision: Decision) -> Response:
    """The reply of the turn; only what passed the check, or is safe by itself, comes out."""
    brief = briefing(graph, agent, working, decision, hands.limits)
    if decision.reply is not None:
        return await _canned(hands, graph, working, decision, brief)
    if working.model_failed:  # a voice would answer without what the policy demands of what nobody could judge
        return Response(safe_reply(graph, decision, brief, model_failed=True), "safe", 0)
    if (given := await _from_tools(hands, working, decision, brief)) is not None:
        return given
    complaint: str | None = None
    for attempt in range(1, hands.limits.reply_attempts + 1):
        with working.step("respond", f"writing the reply, attempt {attempt}"):
            draft, faults = await _drafted(hands, working, brief, attempt, complaint)
        if not faults:
            faults = await _checked(hands, working, brief, draft, attempt)
        else:
            working.trace.drafts.append(Draft(attempt, draft, faults))
        if not faults:
            return Response(draft, "voice", attempt)
        complaint = "; ".join(faults)
    text = safe_reply(graph, decision, brief, model_failed=working.model_failed)
    return Response(text, "safe", hands.limits.reply_attempts)


async def _drafted(
    hands: Hands, working: Working, brief: Briefing, attempt: int, complaint: str | None
) -> tuple[str, tuple[str, ...]]:
    try:
        text = await hands.voice.reply(replace(brief.request, attempt=attempt, complaint=complaint))
    except BackendError as reason:
        working.model_failed = True
        return "", (f"the voice failed: {reason}",)
    return text.strip(), ()


async def _checked(hands: Hands, working: Working, brief: Briefing, draft: str, attempt: int) -> tuple[str, ...]:
    with working.step("check", "checking the reply"):
        verdict = await check(hands.judge, working, draft, brief.standards)
    working.trace.drafts.append(Draft(attempt, draft, verdict.faults, verdict.asked))
    return verdict.faults


async def _canned(hands: Hands, graph: PolicyGraph, working: Working, decision: Decision, brief: Briefing) -> Response:
    """The author's own words: held to prohibitions and obligations, not to style, and never rewritten."""
    reply = graph.vocabulary.replies[str(decision.reply)]
    try:
        text = filled(reply, fields_of(working))
    except KeyError as missing:
        working.trace.drafts.append(Draft(1, reply.text, (f"nothing is known of `{missing.args[0]}`",)))
        return Response(safe_reply(graph, decision, brief), "safe", 1)
    standards = replace(brief.standards, instructions=(), asks=(), figures=False)
    with working.step("check", f"checking the canned reply {reply.id}"):
        verdict = await check(hands.judge, working, text, standards)
    working.trace.drafts.append(Draft(1, text, verdict.faults, verdict.asked))
    if verdict.faults:
        return Response(safe_reply(graph, decision, brief), "safe", 1)
    return Response(text, "template" if reply.template else "canned", 1)


async def _from_tools(hands: Hands, working: Working, decision: Decision, brief: Briefing) -> Response | None:
    """The first of the replies that tools gave which says all that is to be said; the voice writes one where none does."""
    offered = [text for call in working.trace.calls for text in call.replies]
    instructions = tuple(each.action.text for each in decision.actions if isinstance(each.action, Instruct))
    standards = replace(brief.standards, instructions=instructions, figures=False)
    for number, template in enumerate(dict.fromkeys(offered), start=1):
        try:
            text = filled(ReplyDeclaration("", template, template=True), fields_of(working))
        except KeyError as missing:
            working.trace.drafts.append(Draft(number, template, (f"nothing is known of `{missing.args[0]}`",)))
            continue
        with working.step("check", "checking a reply that a tool gave"):
            verdict = await check(hands.judge, working, text, standards)
        working.trace.drafts.append(Draft(number, text, verdict.faults, verdict.asked))
        if not verdict.faults:
            return Response(text, "template" if _FIELD.search(template) else "canned", number)
    return None


def filled(reply: ReplyDeclaration, fields: Mapping[str, str]) -> str:
    """A template with its ``{{ fields }}`` replaced, each by plain text; nothing in it is ever run.

    Raises:
        KeyError: a field that nothing is known of.
    """
    return _FIELD.sub(lambda found: fields[found[1]], reply.text) if reply.template else reply.text


def fields_of(working: Working) -> dict[str, str]:
    """What a template may speak of: facts by path, arguments and results of this turn's calls as ``tool.name``, and the
    fields that tools gave for it, this turn's first.
    """
    found = {name: as_text(value) for name, value in working.state.fields.items()}
    for call in working.trace.calls:
        if call.status == "succeeded":
            found[call.tool] = call.message
            for name, value in {**call.arguments, **call.data}.items():
                found[f"{call.tool}.{name}"] = str(value)
            found.update((name, as_text(value)) for name, value in call.fields.items())
    return {**found, **{path: str(jsonable(value)) for path, value in working.state.facts.items()}}


def safe_reply(graph: PolicyGraph, decision: Decision, brief: Briefing, *, model_failed: bool = False) -> str:
    """A text that needs no check: it promises nothing, asks for what is missing, and offers a human where no model answers."""
    if decision.hand_off == HUMAN:
        return SAFE_HUMAN
    parts = [] if brief.asks else [_declared_safe(graph, decision)]
    if brief.asks:
        parts.append(f"To go on I need this from you: {', '.join(brief.asks)}. Could you tell me?")
    if model_failed and decision.resolution.ask:
        parts.append(ASK.format(" / ".join(meaning_of(graph, g) for g in decision.resolution.ask)))
    if decision.conflicts or model_failed:
        parts.append(OFFER_HUMAN)
    return " ".join(parts)


def _declared_safe(graph: PolicyGraph, decision: Decision) -> str:
    reply = graph.vocabulary.replies.get(SAFE_REPLY)
    forbidden = {each.action.target for each in decision.actions if isinstance(each.action, Forbid)}
    return SAFE if reply is None or reply.template or SAFE_REPLY in forbidden else reply.text
