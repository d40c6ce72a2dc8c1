"""One draft of the voice, checked: as a whole, or where somebody listens sentence by sentence as it is written.

A sentence leaves once the reply up to its end has passed the whole check, obligations included; until what the reply owes is
done, its sentences wait. What has left is not taken back: a fault found later ends the reply.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from jurat.engine.check import Verdict, check
from jurat.engine.consequences import release
from jurat.engine.task import Task
from jurat.engine.trace import Draft
from jurat.engine.turn import Working
from jurat.engine.wellformed import whole
from jurat.llm import BackendError, ReplyRequest
from jurat.llm.sentences import last_end


@dataclass(frozen=True, slots=True)
class Written:
    """A draft and what is wrong with it."""

    text: str
    faults: tuple[str, ...] = ()


async def written(task: Task, attempt: int, complaint: str | None) -> Written:
    """One draft, checked; of one that is well the part that has left is in ``working.sent``."""
    request = replace(task.brief.request, attempt=attempt, complaint=complaint)
    try:
        if task.working.on_text is None:
            return await _whole(task, request)
        return await _by_sentences(task, request)
    except BackendError as reason:
        task.working.model_failed = True
        fault = whole(f"the voice failed: {reason}")
        task.working.trace.drafts.append(Draft(attempt, "", (fault,)))
        return Written("", (fault,))


async def _whole(task: Task, request: ReplyRequest) -> Written:
    with task.working.step("respond", f"writing the reply, attempt {request.attempt}"):
        draft = whole(await task.hands.voice.reply(request)).strip()
    verdict = await _judged(task, "", draft)
    return _recorded(task.working, request.attempt, draft, verdict)


async def _by_sentences(task: Task, request: ReplyRequest) -> Written:
    """Check what is written while the rest is being written."""
    pieces: asyncio.Queue[str | None] = asyncio.Queue()
    before, text, checked = task.working.sent, "", 0
    writer = asyncio.create_task(_into(task, request, pieces))
    try:
        while (piece := await pieces.get()) is not None:
            text = (text + piece).lstrip()
            end = last_end(text)
            if end <= checked:
                continue
            checked, so_far = end, text[:end]
            verdict = await _judged(task, before, so_far.rstrip())
            if verdict.broken:
                return _recorded(task.working, request.attempt, so_far.rstrip(), verdict)
            if not verdict.unmet:
                await release(task.hands.store, task.working, (before + so_far)[len(task.working.sent) :])
        draft = (await writer).strip()
    finally:
        writer.cancel()
        await asyncio.wait([writer])
        if not writer.cancelled():
            writer.exception()  # what it raised was raised above, or is of a draft that is not wanted any more
    left = task.working.sent.removeprefix(before)
    if draft != left.rstrip() and not draft.startswith(left):
        return _recorded(task.working, request.attempt, draft, Verdict(("it is not the text that had begun to leave",)))
    if left and draft == left.rstrip():  # all of it was checked, and has left
        return _recorded(task.working, request.attempt, draft, Verdict())
    return _recorded(task.working, request.attempt, draft, await _judged(task, before, draft))


async def _into(task: Task, request: ReplyRequest, pieces: asyncio.Queue[str | None]) -> str:
    try:
        with task.working.step("respond", f"writing the reply, attempt {request.attempt}"):
            return whole(await task.hands.voice.reply(request, lambda piece: pieces.put_nowait(whole(piece))))
    finally:
        pieces.put_nowait(None)


async def _judged(task: Task, before: str, draft: str) -> Verdict:
    with task.working.step("check", "checking the reply"):
        return await check(task.hands.judge, task.working, before + draft if draft else "", task.brief.standards)


def _recorded(working: Working, attempt: int, draft: str, verdict: Verdict) -> Written:
    working.trace.drafts.append(Draft(attempt, draft, verdict.faults, verdict.asked))
    return Written(draft, verdict.faults)
