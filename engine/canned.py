"""The author's own words: the reply that is demanded, the one that fits best, and those that need no check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from jurat.engine.briefing import HUMAN
from jurat.engine.check import Standards, check
from jurat.engine.describe import words_of
from jurat.engine.fields import TEMPLATE_MARK, generated, generative, text_of, with_gaps
from jurat.engine.match import asked_of, judged
from jurat.engine.parameters import spoken
from jurat.engine.phrasing import NO_MATCH_REPLY, SAFE_REPLY
from jurat.engine.task import Task
from jurat.engine.trace import Draft
from jurat.llm import BackendError, Condition, Message
from jurat.policies.model import Forbid, Instruct, ReplyDeclaration
from jurat.policies.templates import TemplateFault

SAFE = "I am sorry, I cannot give you a reliable answer to that here."
SAFE_HUMAN = "I am sorry about this. I am handing you over to a human colleague, who will continue from here."
NO_MATCH = "I am sorry, I have no answer to that. Could you put it another way?"
ASK = "Please tell me whether this is so: {}."
OFFER_HUMAN = "A human colleague can help you further if you wish."


def fits_statement(text: str) -> str:
    """What the judge is asked about a canned reply, of those of which one is to be sent."""
    return f"The right reply of the agent to the customer's latest message is: {text}"


async def demanded(task: Task, reply: ReplyDeclaration) -> str | None:
    """The text of a canned reply that something in force demands; None, and why in the trace, where it may not leave.

    It is held to prohibitions and obligations, not to style; what the voice filled in is held to what a draft is.
    """
    return await _sendable(task, reply, replace(task.brief.standards, instructions=(), asks=(), figures=False))


async def fitting(task: Task, replies: Iterable[ReplyDeclaration]) -> tuple[ReplyDeclaration, str] | None:
    """The canned reply that fits best, of those that certainly fit and may leave; None where there is none."""
    known = {reply.id: reply for reply in replies}
    texts = {reply.id: text for reply in known.values() if (text := _preview(task, reply)) is not None}
    sure = await _fits(task, texts) if texts else {}
    for id_ in sorted(sure, key=lambda each: -sure[each]):
        reply = known[id_]
        text = await _sendable(task, reply, replace(task.brief.standards, figures=False))
        if text is not None:
            return reply, text
    return None


async def given_by_tools(task: Task) -> tuple[ReplyDeclaration, str] | None:
    """The first of the replies that tools gave which says all that is to be said; None where none does."""
    instructions = tuple(each.action.text for each in task.decision.actions if isinstance(each.action, Instruct))
    standards = replace(task.brief.standards, instructions=instructions, figures=False)
    texts = (text for call in task.working.results for text in call.replies)
    for reply in given_replies(task, "that a tool gave", texts):
        text = await _sendable(task, reply, standards)
        if text is not None:
            return reply, text
    return None


def given_replies(task: Task, who: str, texts: Iterable[str]) -> Iterator[ReplyDeclaration]:
    """Replies that tools and retrievers gave. No template among them while the customer writes as templates are written:
    it may have been made of what the customer said, who would be told any field.
    """
    said = any(TEMPLATE_MARK.search(each.text) for each in task.working.state.messages if each.role == "customer")
    for text in dict.fromkeys(texts):
        template = TEMPLATE_MARK.search(text) is not None
        if template and said:
            note = f"a reply {who} is a template, and is not used, for the customer writes marks of templates"
            task.working.trace.notes.append(note)
        else:
            yield ReplyDeclaration(who, text, template=template)


def _preview(task: Task, reply: ReplyDeclaration) -> str | None:
    """A reply as the judge sees it, what the voice is to fill in left open; None where a field is not known."""
    try:
        return with_gaps(reply, task.fields)
    except TemplateFault:
        return None


async def _fits(task: Task, texts: Mapping[str, str]) -> dict[str, float]:
    """Of these replies those that certainly fit, each with how probable that is."""
    said = task.working.state.messages
    if task.brief.request.instructions:
        said = (*said, Message("system", "The agent must: " + "; ".join(task.brief.request.instructions)))
    conditions = [Condition(fits_statement(text), fits_statement(text)) for text in texts.values()]
    with task.working.step("respond", f"choosing from {len(texts)} canned replies"):
        found = await judged(task.hands.judge, task.working, said, conditions)
    task.working.trace.offers += [asked_of(each, condition) for each, condition in zip(found, conditions, strict=True)]
    return {id_: each.probability or 0.0 for id_, each in zip(texts, found, strict=True) if each.truth is True}


async def _sendable(task: Task, reply: ReplyDeclaration, standards: Standards) -> str | None:
    """The text of a reply, filled in and checked; None, and why in the trace, where it may not leave."""
    working, attempt = task.working, len(task.working.trace.drafts) + 1
    try:
        own = await generated(task.hands.voice, task.brief.request, reply)
        fields = {**task.fields, **own}
        text = text_of(reply, fields)
        if own:  # the model's words, so that its figures need a source, which the author's do not
            author = text_of(reply, {**fields, **dict.fromkeys(own, "")})
            standards = replace(standards, figures=True, sources=(author, *standards.sources))
    except (TemplateFault, BackendError) as fault:
        working.model_failed |= isinstance(fault, BackendError)
        working.trace.drafts.append(Draft(attempt, reply.text, (str(fault),)))
        return None
    with working.step("check", f"checking the canned reply {reply.id}"):
        verdict = await check(task.hands.judge, working, working.sent + text, standards)
    working.trace.drafts.append(Draft(attempt, text, verdict.faults, verdict.asked))
    return None if verdict.faults else text


def unfilled(task: Task) -> str | None:
    """The reply for when what is to be put into words cannot be filled in, which the trace says; else None."""
    if not task.brief.unfilled:
        return None
    working = task.working
    working.trace.drafts.append(Draft(len(working.trace.drafts) + 1, "", task.brief.unfilled))
    return safe_reply(task)


def no_match(task: Task) -> str:
    """The reply for when only what canned ones say may be said, and none fits."""
    return _declared(task, NO_MATCH_REPLY) or NO_MATCH


def safe_reply(task: Task, *, model_failed: bool = False) -> str:
    """A text that needs no check: it promises nothing, asks for what is missing, and offers a human where no model answers."""
    decision, asks = task.decision, task.brief.asks
    if decision.hand_off == HUMAN:
        return SAFE_HUMAN
    parts = [] if asks else [_declared(task, SAFE_REPLY) or SAFE]
    if asks:
        parts.append(f"To go on I need this from you: {', '.join(map(spoken, asks))}. Could you tell me?")
    unsure = list(filter(None, (words_of(task.graph, g) for g in decision.resolution.ask)))
    if model_failed and unsure:
        parts.append(ASK.format(" / ".join(unsure)))
    if decision.conflicts or model_failed:
        parts.append(OFFER_HUMAN)
    return " ".join(parts)


def _declared(task: Task, id_: str) -> str | None:
    """The policy's own reply of this name, unless it is forbidden now or cannot be filled in."""
    reply = task.declared(id_)
    forbidden = {each.action.target for each in task.decision.actions if isinstance(each.action, Forbid)}
    if reply is None or reply.agent not in (None, task.agent.id) or id_ in forbidden or generative(reply):
        return None
    try:
        return text_of(reply, task.fields)
    except TemplateFault:
        return None
