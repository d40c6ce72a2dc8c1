"""Calling tools: the one door that every call goes through, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jurat.engine.attempts import Outcome, attempted, seconds_of
from jurat.engine.limits import Limits
from jurat.engine.loading import load_tools
from jurat.engine.parameters import Ask, asks_for
from jurat.engine.results import local_time
from jurat.engine.tools import NO_OPTIONS, Rejected, Tool, ToolContext, as_value, tool_of
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import And, Expr, Implies, Not, Or
from jurat.policies.expr import arguments as arguments_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Constraint, Forbid, Offer, ToolDeclaration
from jurat.policies.printing import show
from jurat.policies.resolution import ActionInForce
from jurat.policies.types import Value
from jurat.policies.valuation import Valuation
from jurat.policies.values import jsonable, parse_value

if TYPE_CHECKING:
    from jurat.engine.remote.loading import Services


@dataclass(frozen=True, slots=True)
class Permit:
    """Under what a call is made: the actions in force and what is known at this moment."""

    actions: Sequence[ActionInForce]
    valuation: Valuation


async def _nothing() -> None:
    return None


class Toolbox:
    """The tools of one policy. A tool without an implementation can be called, and fails."""

    def __init__(
        self,
        graph: PolicyGraph,
        tools: Mapping[str, Tool | Callable[..., Any]] | None = None,
        *,
        services: Services | None = None,
    ) -> None:
        self._services = services
        self._declared = graph.vocabulary.tools
        given = {} if tools is None else tools
        self._tools = {name: _as_tool(name, each, self._declared) for name, each in given.items()}

    @classmethod
    def load(cls, graph: PolicyGraph, folder: str | Path) -> Toolbox:
        """The tools that the policy names, from the files of its folder and from its services. Close it at the end.

        It waits for the services to answer: inside of an event loop call it in a thread.

        Raises:
            ToolLoadError: everything that cannot be found, imported, reached or understood.
        """
        tools, services = load_tools(graph, folder)
        return cls(graph, tools, services=services)

    def close(self) -> None:
        """Leave the services. Idempotent."""
        if self._services is not None:
            self._services.close()

    @property
    def unimplemented(self) -> tuple[str, ...]:
        """The declared or named tools that nothing implements."""
        return tuple(sorted(each for each in self._declared if each not in self._tools))

    def schema(self, name: str) -> dict[str, Any]:
        """The tool's arguments as a JSON schema of an object; none for a tool without an implementation."""
        return self._tools[name].schema if name in self._tools else {"type": "object", "properties": {}}

    async def schema_now(self, name: str, context: ToolContext, limits: Limits) -> dict[str, Any]:
        """The schema with the choices that there are at this moment.

        Raises:
            Rejected: a choice provider that fails or does not answer in time.
        """
        tool = self._tools.get(name)
        if tool is None or not tool.options:
            return self.schema(name)
        seconds = seconds_of(tool, self._declared[name], limits)
        try:
            async with asyncio.timeout(seconds):
                return await tool.schema_now(context)
        except TimeoutError:
            raise Rejected({name: f"its choices were not known within {seconds:g} s"}) from None

    def source(self, name: str, argument: str) -> str:
        """Where an argument may be found: ``any``, ``context`` or ``customer``."""
        options = self._tools[name].options if name in self._tools else NO_OPTIONS
        return options[argument].source if argument in options else "any"

    def idempotent(self, name: str) -> bool:
        """Whether the policy or the code says that a second call with the same key does no more."""
        return self._declared[name].idempotent or (name in self._tools and self._tools[name].traits.idempotent)

    def asks(self, name: str, missing: Sequence[str]) -> tuple[Ask, ...]:
        """How the customer is asked for missing arguments of a tool, and for which of them."""
        return asks_for(missing, self._tools[name].options if name in self._tools else NO_OPTIONS)

    def description(self, name: str) -> str:
        """What the tool does, in its author's words."""
        return self._tools[name].description if name in self._tools else self._declared[name].description

    def obstacle(self, name: str, permit: Permit, arguments: Mapping[str, Value] | None = None) -> str:
        """Why a call may not be made now; empty where it may. Without arguments, what no argument could change."""
        return (
            self.barred(name, permit)
            or _unguarded(self._declared[name], permit, arguments)
            or ("" if arguments is None else unmet(name, permit, arguments))
        )

    @staticmethod
    def barred(name: str, permit: Permit) -> str:
        """Why a call may not be made whatever its guard says; empty where nothing of the kind is in force."""
        return _forbidden(name, permit) or _uncalled(name, permit)

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        permit: Permit,
        context: ToolContext,
        *,
        limits: Limits,
        on_start: Callable[[], Awaitable[None]] = _nothing,
    ) -> Outcome:
        """Run a tool, if the policy admits it; whatever goes wrong in the tool is a failed outcome.

        ``on_start`` runs once the call is admitted, before it starts; an error in it is raised, and nothing is called.
        A tool that is not async runs in a thread of its own; one that outlasts its time limit has failed, though its
        thread may still come to an end.
        """
        if name not in self._declared:
            return Outcome("refused", f"the policy has no tool `{name}`")
        tool = self._tools.get(name)
        try:
            valid = await self._prepared(tool, arguments, context, limits) if tool else dict(arguments)
        except Rejected as rejected:
            return Outcome("invalid", str(rejected), problems=rejected.problems)
        values = {key: value for key, each in valid.items() if (value := as_value(each)) is not None}
        typed, problems = _typed(self._declared[name], valid)
        if problems:
            return Outcome("invalid", str(Rejected(problems)), problems=problems)
        values |= typed
        if reason := self.obstacle(name, permit, values):
            return Outcome("refused", reason)
        await on_start()
        if tool is None:
            return Outcome("failed", f"tool `{name}` has no implementation")
        return await attempted(tool, self._declared[name], valid, context, limits)

    async def _prepared(
        self, tool: Tool, arguments: Mapping[str, Any], context: ToolContext, limits: Limits
    ) -> dict[str, Any]:
        if not tool.options:
            return tool.validated(arguments)
        seconds = seconds_of(tool, self._declared[tool.id], limits)
        try:
            async with asyncio.timeout(seconds):
                return await tool.prepared(arguments, context)
        except TimeoutError:
            names = ", ".join(f"`{name}`" for name in tool.options)
            raise Rejected(dict.fromkeys(arguments, f"preparing {names} took longer than {seconds:g} s")) from None


def _as_tool(name: str, given: Tool | Callable[..., Any], declared: Mapping[str, ToolDeclaration]) -> Tool:
    if isinstance(given, Tool):
        return given
    return tool_of(name, given, declared[name].description if name in declared else "")


def _typed(declared: ToolDeclaration, given: Mapping[str, Any]) -> tuple[dict[str, Value], dict[str, str]]:
    """Arguments as values of the types that the policy declares, which its proofs rely on, and those that are none.

    A local time is no instant, so that formulas do not know it; the tool may have it all the same.
    """
    values: dict[str, Value] = {}
    problems: dict[str, str] = {}
    for name, type_ in declared.parameters:
        if given.get(name) is None or local_time(given[name]):
            continue
        try:
            value = as_value(given[name])
            values[name] = parse_value(given[name] if value is None else jsonable(value), type_)
        except ValueError as reason:
            problems[name] = str(reason)
    return values, problems


def _forbidden(name: str, permit: Permit) -> str:
    for each in permit.actions:
        if isinstance(each.action, Forbid) and each.action.what == "tool" and each.action.target == name:
            return f"`{each.guideline}` forbids it" + (" (possibly)" if each.because == "possible" else "")
    return ""


def _uncalled(name: str, permit: Permit) -> str:
    wanted = any(isinstance(each.action, Call | Offer) and each.action.tool == name for each in permit.actions)
    return "" if wanted else "nothing in force calls or offers it"


def _unguarded(tool: ToolDeclaration, permit: Permit, arguments: Mapping[str, Value] | None) -> str:
    if tool.guard is None:
        return ""
    value = evaluate(tool.guard.expr, permit.valuation.look, arguments)
    if value is True or (arguments is None and _could(tool.guard.expr, permit.valuation, wanted=True)):
        return ""
    return f"its guard `{tool.guard.text}` is {'false' if value is False else 'not known to hold'}"


def _could(expr: Expr, now: Valuation, *, wanted: bool) -> bool:
    """Whether some arguments could give a formula that truth, everything else being as it is; rather yes than no."""
    if not arguments_of(expr):
        return evaluate(expr, now.look) is wanted
    if isinstance(expr, Not):
        return _could(expr.operand, now, wanted=not wanted)
    if isinstance(expr, Implies):
        return _could(Or((Not(expr.left), expr.right)), now, wanted=wanted)
    if isinstance(expr, And | Or):
        every = all if isinstance(expr, And) is wanted else any
        return every(_could(each, now, wanted=wanted) for each in expr.operands)
    return True


def unmet(name: str, permit: Permit, arguments: Mapping[str, Value]) -> str:
    """The first thing in force that asks for other arguments; empty where all are content."""
    for guideline, constraint in constraints(name, permit.actions):
        if not _satisfied(constraint, permit, arguments):
            return f"`{guideline}` asks for {_shown(constraint)}"
    return ""


def constraints(name: str, actions: Sequence[ActionInForce]) -> list[tuple[str, Constraint]]:
    """What everything in force says of a tool's arguments, and who says so."""
    calls = [(each.guideline, each.action) for each in actions if isinstance(each.action, Call)]
    return [(guideline, each) for guideline, call in calls if call.tool == name for each in call.constraints]


def _satisfied(constraint: Constraint, permit: Permit, arguments: Mapping[str, Value]) -> bool:
    if constraint.formula is not None:
        return evaluate(constraint.formula, permit.valuation.look, arguments) is True
    if constraint.value is None:
        return True
    wanted = evaluate(constraint.value, permit.valuation.look, arguments)
    return wanted is not None and arguments.get(constraint.argument) == wanted


def _shown(constraint: Constraint) -> str:
    if constraint.formula is not None:
        return f"`{constraint.text or show(constraint.formula)}`"
    value = show(constraint.value) if constraint.value is not None else ""
    return f"`{constraint.argument}` to be `{constraint.text or value}`"
