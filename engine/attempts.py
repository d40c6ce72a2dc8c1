"""One call of a tool: its time limit, and further attempts where a tool is declared idempotent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jurat.engine.containing import contained, said_by
from jurat.engine.errors import OutcomeUnknown
from jurat.engine.limits import Limits
from jurat.engine.results import ToolResult, storable
from jurat.engine.tools import Tool, ToolContext
from jurat.policies.model import ToolDeclaration

Status = Literal["succeeded", "failed", "refused", "invalid"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. ``refused`` and ``invalid`` calls did not happen; ``problems`` is by argument.

    A call that is not ``certain`` did not succeed as far as is known, and may still have done what it was to do.
    ``replaced``: the result had something in it that no store keeps, in whose place something else stands.
    """

    status: Status
    reason: str = ""
    result: ToolResult | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 1
    certain: bool = True
    replaced: bool = False


class _Failed(Exception):
    """An attempt that failed; its text is why. One that is not ``certain`` may have been carried out all the same."""

    def __init__(self, reason: str, *, certain: bool = True) -> None:
        super().__init__(reason)
        self.certain = certain


async def attempted(
    tool: Tool, declared: ToolDeclaration, arguments: Mapping[str, Any], context: ToolContext, limits: Limits
) -> Outcome:
    """Run a tool, once; again after a failure where it is declared idempotent. A result, error or not, is an answer."""
    seconds = seconds_of(tool, declared, limits)
    number, certain = 0, True
    try:
        async for attempt in _attempts(attempts_of(tool, declared, limits), limits):
            number += 1
            with attempt:
                try:
                    result, replaced = _kept(await _once(tool, arguments, context, seconds))
                except _Failed as failure:
                    certain &= failure.certain  # what an earlier attempt may have done, a later one does not undo
                    raise
    except _Failed as failure:
        return Outcome("failed", str(failure), attempts=number, certain=certain)
    return Outcome(
        "failed" if result.error else "succeeded", result.message if result.error else "", result, attempts=number,
        replaced=replaced,
    )  # fmt: skip


def seconds_of(tool: Tool, declared: ToolDeclaration, limits: Limits) -> float:
    """What one attempt may take: as the policy says, else the code, else the engine."""
    if declared.timeout is not None:
        return declared.timeout.total_seconds()
    return limits.tool_timeout_seconds if tool.traits.timeout is None else tool.traits.timeout


def attempts_of(tool: Tool, declared: ToolDeclaration, limits: Limits) -> int:
    """How often a call may be tried; once where nobody declared that twice does no more than once."""
    if not (declared.idempotent or tool.traits.idempotent):
        return 1
    for said in (declared.retries, tool.traits.retries):
        if said is not None:
            return 1 + said
    return 1 + limits.tool_retries


def _attempts(most: int, limits: Limits) -> Any:
    """Stamina's, with waits that double and have some chance in them."""
    from stamina import retry_context

    first = limits.tool_retry_seconds
    return retry_context(on=_Failed, attempts=most, timeout=None, wait_initial=first, wait_jitter=first)


async def _once(tool: Tool, arguments: Mapping[str, Any], context: ToolContext, seconds: float) -> ToolResult:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            with contained():
                return await tool.run(arguments, context)
    except Exception as reason:  # the author's code may raise anything; the turn goes on without it
        if limit.expired():
            raise _Failed(f"it did not answer within {seconds:g} s", certain=False) from None
        why = said_by(reason) or "it raised an error without a text"
        raise _Failed(why, certain=not isinstance(reason, OutcomeUnknown)) from reason


def _kept(result: ToolResult) -> tuple[ToolResult, bool]:
    """The one place where results enter, whatever the tool is: as they can be stored. The call was made all the same."""
    try:
        return storable(result)
    except OutcomeUnknown as reason:
        raise _Failed(str(reason), certain=False) from None
