"""Respond: phrase the reply under what is in force, check it, try again, and else say something safe."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from jurat.engine.act import Hands
from jurat.engine.briefing import briefing
from jurat.engine.canned import demanded, fitting, given_by_tools, given_replies, no_match, safe_reply, unfilled
from jurat.engine.fields import generative, text_of
from jurat.engine.match import Decision
from jurat.engine.phrasing import candidates, composition_of
from jurat.engine.task import Task
from jurat.engine.turn import ReplySource, Response, Working
from jurat.engine.writing import written
from jurat.llm import Message
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Agent, Composition, ReplyDeclaration
from jurat.policies.templates import TemplateFault


async def respond(hands: Hands, graph: PolicyGraph, agent: Agent, working: Working, decision: Decision) -> Response:
    """The reply of the turn, what has left of it included; only what passed the check, or is safe by itself, comes out."""
    brief, before = briefing(graph, agent, working, decision, hands.limits), working.sent
    if before:
        said = (*brief.request.conversation, Message("agent", before.strip()))
        brief = replace(brief, request=replace(brief.request, conversation=said))
    reply = await _reply(Task(hands, graph, agent, working, decision, brief))
    return replace(reply, text=before + reply.text)


async def _reply(task: Task) -> Response:
    if task.decision.reply is not None:
        return await _demanded(task, task.graph.vocabulary.replies[task.decision.reply])
    if not task.working.model_failed and (given := await given_by_tools(task)) is not None:
        return Response(given[1], _source(given[0]), len(task.working.trace.drafts))
    if (safe := unfilled(task)) is not None:
        return Response(safe, "safe", 1)
    composition = composition_of(task.graph, task.agent, task.decision)
    at_hand = _at_hand(task, composition)
    if composition != "composited" and at_hand and (chosen := await _chosen(task, at_hand)) is not None:
        return chosen
    if composition == "strict":
        return Response(no_match(task), "no-match", 0)
    if composition == "composited":
        task = _composited(task, at_hand)
        if not task.brief.standards.within:
            return Response(no_match(task), "no-match", 0)
    if task.working.model_failed:  # a voice would answer without what the policy demands of what nobody could judge
        return Response(safe_reply(task, model_failed=True), "safe", 0)
    return await _voiced(task)


async def _demanded(task: Task, reply: ReplyDeclaration) -> Response:
    text = await demanded(task, reply)
    return Response(safe_reply(task), "safe", 1) if text is None else Response(text, _source(reply), 1)


def _at_hand(task: Task, composition: Composition) -> tuple[ReplyDeclaration, ...]:
    """The canned replies that may be said: the policy's, unless the agent is free, and what retrievers found for this reply."""
    ids = () if composition == "fluid" else candidates(task.graph, task.agent, task.decision)
    return (*(task.graph.vocabulary.replies[each] for each in ids), *_found(task))


def _found(task: Task) -> Iterator[ReplyDeclaration]:
    for each in task.working.trace.retrieved:
        for number, reply in enumerate(given_replies(task, f"that {each.name} found", each.replies), 1):
            yield replace(reply, id=f"{number} {reply.id}")


async def _chosen(task: Task, at_hand: Iterable[ReplyDeclaration]) -> Response | None:
    found = await fitting(task, at_hand)
    return Response(found[1], _source(found[0]), 1) if found else None


def _source(reply: ReplyDeclaration) -> ReplySource:
    return "template" if reply.template else "canned"


def _composited(task: Task, at_hand: Iterable[ReplyDeclaration]) -> Task:
    """The same, where only that may be said which canned replies say, and what the policy has the agent ask."""
    brief = task.brief
    texts = tuple(_texts(task, at_hand))
    only = ("Say only what is said here, in your own words: " + " | ".join(texts),) if texts else ()
    request = replace(brief.request, instructions=(*brief.request.instructions, *only))
    standards = replace(brief.standards, within=(*texts, *brief.induced), sources=(*brief.standards.sources, *texts))
    return replace(task, brief=replace(brief, request=request, standards=standards))


def _texts(task: Task, replies: Iterable[ReplyDeclaration]) -> Iterator[str]:
    for reply in replies:
        if not generative(reply):
            with contextlib.suppress(TemplateFault):
                yield text_of(reply, task.fields)


async def _voiced(task: Task) -> Response:
    """Drafts until one may leave. Once a part of one has left, no other is begun: a safe sentence ends it."""
    complaint, before = None, task.working.sent
    for attempt in range(1, task.hands.limits.reply_attempts + 1):
        draft = await written(task, attempt, complaint)
        if not draft.faults:
            return Response(draft.text, "voice", attempt)
        if left := task.working.sent.removeprefix(before):
            return Response(left + (" " if not left[-1].isspace() else "") + _safe(task), "safe", attempt)
        complaint = "; ".join(draft.faults)
    return Response(_safe(task), "safe", task.hands.limits.reply_attempts)


def _safe(task: Task) -> str:
    """What replaces a draft: of a composited reply what stands for no match, unless something is to be asked."""
    if task.brief.standards.within is not None and not task.brief.asks and not task.working.model_failed:
        return no_match(task)
    return safe_reply(task, model_failed=task.working.model_failed)
