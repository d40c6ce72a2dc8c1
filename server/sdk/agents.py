"""Agents: who talks, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from jurat.server.sdk import given
from jurat.server.sdk.actions import AgentEntity, CannedResponse
from jurat.server.sdk.calls import explained
from jurat.server.sdk.errors import Instead, NotSupported, SDKError, refuse_unsupported, unknown
from jurat.server.sdk.journeys import Journey
from jurat.server.sdk.moments import Current
from jurat.server.sdk.places import call_place
from jurat.server.sdk.relations import PreambleTag, Related, Tag, Target
from jurat.server.sdk.retrieving import Retriever
from jurat.server.sdk.rules import Formula, Guideline, Hook, Rules
from jurat.server.sdk.states import State, Trigger, Way
from jurat.server.sdk.tool import ToolEntry

if TYPE_CHECKING:
    from jurat.server.sdk.customers import Term
    from jurat.server.sdk.server import Server
    from jurat.server.sdk.variables import Variable


@explained
class Agent(Rules, AgentEntity, Instead):
    """An agent as declared; ``Agent.current`` is the one that answers in the turn that runs."""

    current: ClassVar[Current[Agent]]
    instead: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("composition_mode", "output_mode", "max_engine_iterations", "retrievers", "planner"),
        "what an agent was declared with is in `server.as_yaml()`, and retrievers stay with the program",
    )

    def __init__(
        self, server: Server, id_: str, *, name: str, description: str, model: str | None, tags: tuple[str, ...]
    ) -> None:
        self.server = server
        self.document = server.document
        self.id = id_
        self.name = name
        self.description = description
        self.model = model
        self.tags = tags

    def __repr__(self) -> str:
        return f"Agent({self.name!r})"

    @property
    def owners(self) -> list[str]:
        """Itself."""
        return [self.id]

    async def create_journey(
        self,
        title: str,
        description: str | None = None,
        triggers: Sequence[str | Formula | Guideline | Trigger] = (),
        *,
        conditions: Sequence[str | Formula | Guideline | Trigger] = (),
        id: str | None = None,
        composition_mode: Any = None,
        canned_responses: Sequence[CannedResponse | str] = (),
        on_selected: Hook | None = None,
        on_message: Hook | None = None,
        tags: Sequence[Tag | str] = (),
        labels: Sequence[str] = (),
        dependencies: Sequence[Target] = (),
        priority: int | None = None,
        allow: Mapping[str, str] | None = None,
        states: Mapping[str, State] | None = None,
        initial: str | None = None,
        on_end: str | None = "deactivate",
        back: Sequence[Way] = (),
    ) -> Journey:
        """Declare a journey of this agent; it starts when one of its triggers holds. ``conditions`` is an older name of these.

        ``states``, ``initial``, ``on_end`` and ``back`` are as in :meth:`Server.create_journey`. ``description`` is an instruction for as long as the journey is active.

        Raises:
            SDKError: what is wrong, before anything is stored.
        """
        journey = await self.server.create_journey(
            title, description, triggers, conditions=conditions, id=id, composition_mode=composition_mode,
            canned_responses=canned_responses, on_selected=on_selected, on_message=on_message, tags=tags, labels=labels,
            dependencies=dependencies, priority=priority, allow=allow, states=states, initial=initial, on_end=on_end,
            back=back,
        )  # fmt: skip
        await self.attach_journey(journey)
        return journey

    async def attach_journey(self, journey: Journey) -> None:
        """Make a journey one of this agent's."""
        if getattr(journey, "document", None) is not self.document:
            raise SDKError(f"`{given.shown(journey)}` is no journey of this server")
        if self.id not in journey.owners:
            journey.owners.append(self.id)

    async def utter(self, *_: Any, **__: Any) -> None:
        """Refused: what an agent says of its own accord follows from its policy."""
        raise NotSupported(
            "`Agent.utter` is not supported; report an event, and declare a guideline whose condition it is"
        )

    @property
    def experimental_features(self) -> Any:
        """Refused: there are none."""
        raise NotSupported("`Agent.experimental_features` is not supported; all that there is is in `jurat.sdk`")

    async def include(self, *targets: Guideline | Journey | Tag) -> None:
        """Limit the agent to these, and to what carries these tags; what is called later adds to it.

        Raises:
            SDKError: what is none, and nothing is stored.
        """
        refs = [self._included(each) for each in targets]
        if not refs:
            raise SDKError("`include` names at least one guideline, journey or tag")
        listed = self.document.sections["agents"][self.id].setdefault("include", [])
        listed += [ref for ref in dict.fromkeys(refs) if ref not in listed]
        self.document.said("agents", self.id, "include", place=call_place())

    def _included(self, target: object) -> str:
        if not isinstance(target, Related) or target.document is not self.document:
            raise SDKError(f"`include`: `{given.shown(target)}` is no guideline, journey or tag of this server")
        return target.ref

    async def create_canned_response(
        self, template: str, tags: Sequence[Tag | PreambleTag] = (), **options: Any
    ) -> CannedResponse:
        """As :meth:`Server.create_canned_response`, of this agent; with the tag ``Tag.preamble()`` this agent says it while tools run."""
        listed = given.sequence(tags, "`tags`")
        others = [each for each in listed if not isinstance(each, PreambleTag)]
        found = await self.server.create_canned_response(template, others, **{"agent": self, **options})
        if len(others) < len(listed):
            self.document.sections["agents"][self.id].setdefault("preamble", []).append(found.id)
            self.document.said("agents", self.id, "preamble", place=call_place())
        return found

    async def create_variable(
        self,
        name: str,
        description: str = "",
        tool: ToolEntry | None = None,
        freshness_rules: str | None = None,
        *,
        freshness_seconds: float | None = None,
    ) -> Variable:
        """As :meth:`Server.create_variable`, of this agent."""
        return await self.server.create_variable(
            name, description, tool, freshness_rules, freshness_seconds=freshness_seconds, agent=self
        )

    async def list_variables(self) -> list[Variable]:
        """Its variables, with those that every agent has."""
        return list(self.server.variables_of(self.id).values())

    async def find_variable(self, *, name: str | None = None, id: str | None = None) -> Variable | None:
        """Its variable of a name or an id, if there is one."""
        mine = await self.list_variables()
        return next((each for each in mine if (each.id if id is not None else each.name) == (id or name)), None)

    async def get_variable(self, *, name: str | None = None, id: str | None = None) -> Variable:
        """Its variable of a name or an id.

        Raises:
            SDKError: there is none.
        """
        found = await self.find_variable(name=name, id=id)
        if found is None:
            raise unknown(f"variable of `{self.id}`", id or name or "", self.server.variables_of(self.id))
        return found

    async def create_term(
        self, name: str, description: str, id: str | None = None, synonyms: Sequence[str] = ()
    ) -> Term:
        """As :meth:`Server.create_term`, of this agent."""
        return await self.server.create_term(name, description, id, synonyms, agent=self)

    async def attach_retriever(self, retriever: Callable[..., Any], id: str | None = None) -> None:
        """Have a function look up, before each reply, what the reply may rest on: a :class:`RetrieverResult`, a text, anything
        that JSON can say, or None. It is called when the turn begins; a function that it gives, with one argument as itself, is
        called once it is known what is in force. ``id`` is what trace and log call it.
        """
        self.server.retrievers.append(Retriever.of(retriever, self.id, id))


Agent.current = Current("agent", lambda now: now.agent)


_ADVICE = {
    "planner": "which tools run follows from the policy, and is proved; `p.Server(limits=…)` bounds the rounds, and a tool's "
    "`guard` says when it may run",
    "max_engine_iterations": "say `p.Server(limits=Limits(rounds=…))`, which is for all agents",
}


def agent_body(
    name: str, description: str, *, model: str | None, said: Mapping[str, Any], unsupported: Mapping[str, Any]
) -> dict[str, Any]:
    """What a policy file says of an agent."""
    refuse_unsupported("`create_agent`", _ADVICE, dict(unsupported))
    body: dict[str, Any] = {"name": given.text(name, "`name`")}
    if description:
        body["description"] = given.text(description, "`description`")
    if model is not None:
        body["model"] = given.text(model, "`model`")
    return {**body, **said}
