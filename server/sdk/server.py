"""The server: what a program declares inside of its block is proved, then served until a signal comes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from jurat.engine import Limits
from jurat.engine.session import DEFAULT_AGENT
from jurat.llm import Judge, Voice
from jurat.policies import PolicyGraph
from jurat.policies.model import Policy
from jurat.server.cli.options import NONE, allowed
from jurat.server.cli.serve import is_local
from jurat.server.cli.shell import complain_mildly
from jurat.server.opening import Agent as Opened
from jurat.server.sdk import given
from jurat.server.sdk.actions import phrasing_body
from jurat.server.sdk.agents import Agent, agent_body
from jurat.server.sdk.background import Background
from jurat.server.sdk.calls import explained
from jurat.server.sdk.capture import Captured, capturing
from jurat.server.sdk.document import Document, checked_around
from jurat.server.sdk.emitters import LOGGER, Logger
from jurat.server.sdk.emitting import emit
from jurat.server.sdk.errors import Instead, SDKError, refuse_unsupported, unknown
from jurat.server.sdk.finishing import finished
from jurat.server.sdk.hooks import EngineHooks, Running
from jurat.server.sdk.ids import id_from
from jurat.server.sdk.journeys import Journey, create_journey
from jurat.server.sdk.logs import set_level
from jurat.server.sdk.matching import Matching, called
from jurat.server.sdk.moments import Current
from jurat.server.sdk.opening import Assembly, Minds, opened, program_name
from jurat.server.sdk.performance import (
    Container,
    NullPlanner,
    OutputMode,
    PerceivedPerformancePolicy,
    policy_of,
    preamble_body,
)
from jurat.server.sdk.publishing import Overlay, overlaid
from jurat.server.sdk.relations import Tag, tag_names
from jurat.server.sdk.rules import Formula, Guideline, Hook, Rules
from jurat.server.sdk.states import State, Trigger, Way, back_body, states_body
from jurat.server.sdk.stores import Stores
from jurat.server.sdk.vocabulary import Vocabulary
from jurat.server.settings import MASTER_VARIABLE, TURNS_AT_ONCE, SettingRefused, Settings, origins_of
from jurat.server.tokens import Tokens

if TYPE_CHECKING:
    from jurat.server.sdk.life import Life

QUIET_SECONDS = 0.2
"""How long no declaration must have come for what was declared to be taken for all of it."""

PORT_VARIABLE = "JURAT_PORT"
DEFAULT_PORT = 8800
_ADVICE = {
    "nlp_service": "say with what to judge and speak by `model`, `backend` and `url`",
    "tool_service_port": "tools run in this process, so they need no port",
    "modules": "declare what a module would declare inside of the block",
    "initialize_container": "give `judge` and `voice`, or `configure_hooks`",
    "configure_api": "serve your own routes from your own application",
}


@explained
class Server(Background, Vocabulary, Rules, Instead):
    """Serves the agents that are declared inside of its block.

    The server listens from entry of the block and answers 503 until what was declared is proved: all of it at the block's
    exit, or what there is when nothing more has come for 200 ms. Exit waits for Ctrl-C or a request to terminate.

    Args:
        host: the address to listen at; only this machine by default.
        port: 0 takes any free one; 8800, or JURAT_PORT, if not given.
        cors_allowed_origins: the origins whose pages may call the server.
        anonymous: the scopes of whoever sends no key or token; `chat` and `facts` where only this machine reaches the
            server, otherwise none. The key in JURAT_API_KEY is for everything.
        tokens: the JSON Web Tokens that are taken, a :class:`Tokens`.
        turns_at_once: how many may ask the model at the same time; others wait.
        log_level: of the logger `jurat`.
        model: a model by name, a file, or what the server at `url` calls it.
        backend: `embedded` (llama.cpp in this process), `vllm`, `server` or `cassette`.
        url: a server that speaks OpenAI's API.
        cassette: a file to record the model's answers to, or to replay.
        script: a file to follow instead of asking a model.
        judge: a judge of one's own, with `voice`.
        voice: a voice of one's own, with `judge`.
        embeddings: the address of an embedding model, for the shortcut of very large policies that `jurat calibrate` fitted.
        embedding_model: what the server there calls it, where it has several.
        unproved: serve a policy that did not pass its check; every trace says so.
        proof_seconds: how long proving may take.
        limits: what a turn may cost.
        session_store: where conversations are kept: `transient`, `local` (a file in the user's data folder), or a store's address.
        customer_store: where customers are kept; with the conversations if not given.
        variable_store: where values of variables are kept; with the conversations if not given.
        configure_hooks: is given the hooks, and returns them with what it added.
        configure_container: is given a :class:`Container` for a performance policy of all agents.

    Raises:
        SDKError: a parameter that is wrong, an address that cannot be listened at.
        NotProved: at exit, or where the program sleeps: the findings were printed.
        NotStarted: as there: the model cannot answer, or the store cannot be opened.
    """

    current: ClassVar[Current[Server]]
    instead: ClassVar[Mapping[str, str]] = {
        "api": "serve your own routes from your own application",
        "tracer": "every turn has a trace: `GET /traces/ID`, and `context.notes` adds to it",
    }

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        cors_allowed_origins: Sequence[str] = (),
        anonymous: Sequence[str] | None = None,
        tokens: Tokens | None = None,
        turns_at_once: int = TURNS_AT_ONCE,
        log_level: str | Any = "WARNING",
        model: str | None = None,
        backend: str | None = None,
        url: str | None = None,
        cassette: str | None = None,
        script: str | None = None,
        judge: Judge | None = None,
        voice: Voice | None = None,
        embeddings: str | None = None,
        embedding_model: str | None = None,
        unproved: bool = False,
        proof_seconds: float | None = None,
        limits: Limits | None = None,
        configure_hooks: Any = None,
        configure_container: Any = None,
        session_store: str | Path = "transient",
        customer_store: str | Path | None = None,
        variable_store: str | Path | None = None,
        **others: Any,
    ) -> None:
        self._refuse(others)
        self.stores = Stores(session_store, customer_store, variable_store)
        self.host = given.text(host, "`host`")
        self.port = _port(port)
        self.cors_allowed_origins = _origins(cors_allowed_origins)
        self.settings = _settings(anonymous, tokens, turns_at_once, is_local(self.host))
        set_level(log_level)
        self.document = Document(self._touched)
        self.hooks = EngineHooks()
        self.container = Container()
        self._configure = {
            name: given.function(function, f"`{name}`", takes=1)
            for name, function in (("configure_hooks", configure_hooks), ("configure_container", configure_container))
            if function is not None
        }
        self._minds = Minds(model, backend, url, cassette, script, judge, voice, embeddings, embedding_model)
        self.limits = limits or Limits()
        self._unproved = given.flag(unproved, "`unproved`")
        self._proof_seconds = proof_seconds
        self._tags: dict[str, Tag] = {}
        self._agents: dict[str, Agent] = {}
        self._agent_ids: list[str] = []
        self._journeys: dict[str, Journey] = {}
        self.quiet_seconds = QUIET_SECONDS
        self.overlay: Overlay = {}
        self._life: Life | None = None
        self._captured: Captured | None = None
        super().__init__()

    @staticmethod
    def _refuse(others: Mapping[str, Any]) -> None:
        for name in others:
            if name not in (*_ADVICE, "migrate"):
                raise unknown("parameter of `Server`", name, _parameters())
        refuse_unsupported("`Server`", _ADVICE, {**others})

    # -- declaring -----------------------------------------------------------------------------------------------

    async def create_agent(  # noqa: PLR0917 - the order is that of programs for Parlant
        self,
        name: str,
        description: str = "",
        composition_mode: Any = None,
        output_mode: OutputMode | str = OutputMode.BLOCK,
        max_engine_iterations: int | None = None,
        tags: Sequence[Tag | str] = (),
        id: str | None = None,
        perceived_performance_policy: Any = None,
        planner: Any = None,
        preamble_config: Any = None,
        *,
        prompt: str = "",
        model: str | None = None,
        canned_responses: Sequence[Any] = (),
        preamble: Sequence[Any] = (),
    ) -> Agent:
        """Declare an agent. A ``model`` that this server has no backend for is replaced by the default, with a warning;
        ``prompt`` is another name of ``description``. ``canned_responses`` may be said in every reply, and one of ``preamble``,
        canned responses too, is said while tools run.

        Raises:
            SDKError: what is wrong, before anything is stored.
        """
        planned = None if isinstance(planner, NullPlanner) else planner
        unsupported = {"max_engine_iterations": max_engine_iterations, "planner": planned}
        given.word(output_mode, OutputMode, "`output_mode`")
        policy = self.container.get(PerceivedPerformancePolicy)
        policy = policy if perceived_performance_policy is None else policy_of(perceived_performance_policy)
        if description and prompt:
            raise SDKError("`prompt` is another name of `description`; give one of them")
        said = phrasing_body(self.document, composition_mode, canned_responses)
        body = agent_body(name, description or prompt, model=model, said=said, unsupported=unsupported)
        id_ = given.text(id, "`id`") if id else self.document.free_id("agents", id_from(name, "agent"))
        names = tag_names(self.document, tags)
        if id_ == "human":
            raise SDKError("`human` stands for a person; give the agent another `id`")
        preamble_ids = preamble_body(self.document, policy, preamble, preamble_config)
        self.document.add("agents", id_, body | preamble_ids)
        if model is not None and model != self._minds.name and capturing() is None:  # an export asks no model
            complain_mildly(
                f"no backend is configured for `{model}`, the model of `{name}`; it uses `{self._minds.name}`"
            )
        about = str(body.get("description", ""))
        agent = Agent(self, id_, name=str(body["name"]), description=about, model=model, tags=tuple(names))
        self._agents[id_] = agent
        self._agent_ids.append(id_)
        return agent

    async def list_agents(self) -> list[Agent]:
        """All agents."""
        return list(self._agents.values())

    async def find_agent(self, *, id: str) -> Agent | None:
        """The agent with an id, if there is one."""
        return self._agents.get(id)

    async def get_agent(self, *, id: str) -> Agent:
        """The agent with an id.

        Raises:
            SDKError: there is none.
        """
        if id not in self._agents:
            raise unknown("agent", id, self._agents)
        return self._agents[id]

    def answering(self, id_: str) -> Agent:
        """The agent with an id, or the one that answers where a program names none."""
        known = self._agents.get(id_)
        return known or Agent(self, id_, name=DEFAULT_AGENT.name, description="", model=None, tags=())

    def guideline(self, id_: str) -> Guideline:
        """A guideline that was declared."""
        found: Guideline = self.document.guidelines[id_]
        return found

    async def create_journey(
        self,
        title: str,
        description: str | None = None,
        triggers: Sequence[str | Formula | Guideline | Trigger] = (),
        *,
        conditions: Sequence[str | Formula | Guideline | Trigger] = (),
        id: str | None = None,
        composition_mode: Any = None,
        canned_responses: Sequence[Any] = (),
        on_selected: Hook | None = None,
        on_message: Hook | None = None,
        tags: Sequence[Tag | str] = (),
        labels: Sequence[str] = (),
        dependencies: Sequence[Any] = (),
        priority: int | None = None,
        allow: Mapping[str, str] | None = None,
        states: Mapping[str, State] | None = None,
        initial: str | None = None,
        on_end: str | None = "deactivate",
        back: Sequence[Way] = (),
    ) -> Journey:
        """Declare a journey, which an agent has once it is attached to it.

        ``states`` are all of them by name, exactly as they are to be, of which ``initial`` is the first one that it is in (the first of
        them if left out); without them the journey grows with `transition_to`. ``on_end=None`` keeps it active where it
        has ended. ``back`` are ways back, each with a condition, from every chat state that comes after. A journey with ``states``
        that runs only within others needs no triggers.

        Raises:
            SDKError: what is wrong, before anything is stored.
        """
        around = checked_around(on_selected=on_selected, on_message=on_message, labels=labels)
        body: dict[str, Any] = {
            "tags": tag_names(self.document, tags),
            "allow": given.mapping(allow or {}, "`allow`"),
            **phrasing_body(self.document, composition_mode, canned_responses),
        }
        body = {name: value for name, value in body.items() if value}
        if priority is not None:
            body["rank"] = given.whole(priority, "`priority`")
        starts = [*given.sequence(triggers, "`triggers`"), *given.sequence(conditions, "`conditions`")]
        journey = create_journey(
            self.document, title, description, starts, id_=id, body=body, around=around,
            dependencies=dependencies, whole=self._whole(states, initial, on_end, back),
        )  # fmt: skip
        self._journeys[journey.id] = journey
        return journey

    def _whole(self, states: Any, initial: Any, on_end: Any, back: Any) -> dict[str, Any] | None:
        """A journey's states, where all of them are given."""
        if states is None:
            if initial is not None or on_end != "deactivate" or back:
                raise SDKError("`initial`, `on_end` and `back` are of a journey that is given its `states`")
            return None
        found = states_body(self.document, states)
        first = next(iter(found)) if initial is None else given.choice(initial, found, "`initial`")
        ends = {} if on_end is None else {"on_end": given.choice(on_end, ("deactivate",), "`on_end`")}
        ways = back_body(back, found)
        return {"initial": first, **ends, "states": found, **({"back": ways} if ways else {})}

    @property
    def owners(self) -> list[str]:
        """Whose the rules are that are declared on the server itself: every agent's."""
        return self._agent_ids

    @property
    def logger(self) -> Logger:
        """The logger `jurat.sdk`."""
        return LOGGER

    @property
    def policy(self) -> Policy:
        """The policy that was declared so far.

        Raises:
            PolicyError: everything that is wrong with it, each at the call that declared it.
        """
        for name in self.document.sections["tags"]:
            self._tags.setdefault(name, Tag(self.document, name))
        return self.document.policy(self._content())

    def _content(self) -> dict[str, Any]:
        declared = finished(self.document, self._journeys.values(), self._tags.values())
        return overlaid(declared, self.overlay) if self.overlay else declared

    def as_yaml(self) -> str:
        """The policy that was declared so far, with what clients have changed since, as a policy file."""
        return emit(self._content()).text

    def as_declared(self) -> str:
        """The policy as the program declares it, whatever clients have changed."""
        return emit(finished(self.document, self._journeys.values(), self._tags.values())).text

    def meet(self, graph: PolicyGraph) -> None:
        """Know the agents of a policy that clients have changed."""
        for id_, each in graph.policy.agents.items():
            known = self._agents.get(id_)
            tags = known.tags if known else ()
            if known is None or (known.name, known.description) != (each.name, each.description):
                self._agents[id_] = Agent(
                    self, id_, name=each.name, description=each.description, model=each.model, tags=tags
                )

    def left_out(self) -> list[str]:
        """What is declared here and is no part of a policy, in sentences."""
        mine = (
            ("matchers", self.document.matchers), ("hooks of guidelines, journeys and states", {**self.document.on_selected, **self.document.on_message}),
            ("labels", self.document.labels), ("providers of fields", self.document.fields),
            ("variables", self.variables), ("terms", self.terms), ("retrievers", [*self.retrievers, *self.document.retrievers]),
        )  # fmt: skip
        return [f"{name} stay in the program; a policy file has none" for name, found in mine if found]

    # -- serving -------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self._configured()
        if (captured := capturing()) is not None:
            self._captured = captured
            captured.begin(self, QUIET_SECONDS)
            return self
        from jurat.server.sdk.life import Life

        self._life = Life.begin(self)
        self.document.ended = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._captured is not None:
            return self._captured.end(self, error)
        assert self._life is not None
        try:
            return await self._life.end(error)
        finally:
            self._life = None
            self.document.ended = True
            await self._minds.close()
            await self.stores.close()

    async def _configured(self) -> None:
        """Have the program's functions add what they add."""
        if (configure := self._configure.get("configure_hooks")) is not None:
            found = await called(configure, self.hooks)
            self.hooks = found if isinstance(found, EngineHooks) else self.hooks
        if (configure := self._configure.get("configure_container")) is not None:
            await called(configure, self.container)

    def _touched(self) -> None:
        if getattr(self, "_captured", None) is not None:
            self._captured.touched()  # type: ignore[union-attr]
        elif getattr(self, "_life", None) is not None:
            self._life.touched()  # type: ignore[union-attr]

    @property
    def serving(self) -> bool:
        """Whether it listens: from entry of its block to the end of its exit."""
        return self._life is not None

    @property
    def ready(self) -> asyncio.Event:
        """Set while conversations are answered."""
        if self._life is None:
            raise SDKError("the server is ready inside of its block")
        return self._life.ready

    def shut_down(self) -> None:
        """End the block's exit as a signal would."""
        if self._life is not None:
            self._life.stop()

    async def build(self) -> Opened:
        """The engine of what was declared so far, its policy proved."""
        sections = self.document.sections
        if not (self._agents or sections["guidelines"] or sections["journeys"]):
            raise SDKError("the server has no agent; declare one with `create_agent`")
        matching = Matching(self)
        parts = Assembly(
            self.document.tools, Running(self), matching.judge, self.limits, self._unproved, self._proof_seconds,
            self.customer_data, await self.stores.sessions(),
        )  # fmt: skip
        return await opened(lambda: self.policy, program_name(), self._minds, parts)


Server.current = Current("server", lambda now: now.server)


def _origins(wanted: Sequence[str]) -> tuple[str, ...]:
    try:
        return origins_of(given.text(each, "an origin") for each in given.sequence(wanted, "`cors_allowed_origins`"))
    except SettingRefused as error:
        raise SDKError(str(error)) from None


def _settings(anonymous: Sequence[str] | None, tokens: Tokens | None, turns: int, local: bool) -> Settings:
    words = () if anonymous is None else tuple(given.sequence(anonymous, "`anonymous`")) or (NONE,)
    try:
        scopes = allowed(tuple(given.text(each, "a scope") for each in words), local)
        master, at_once = os.environ.get(MASTER_VARIABLE) or None, given.whole(turns, "`turns_at_once`")
        return Settings(anonymous=scopes, tokens=tokens, master=master, turns_at_once=at_once)
    except SettingRefused as error:
        raise SDKError(str(error)) from None


def _port(port: int | None) -> int:
    if port is None:
        said = os.environ.get(PORT_VARIABLE, "")
        port = int(said) if said.isdecimal() else DEFAULT_PORT
    if not 0 <= given.whole(port, "`port`") <= 65535:
        raise SDKError(f"`port` is from 0 to 65535, not `{port}`")
    return port


def _parameters() -> list[str]:
    import inspect

    return [each for each in inspect.signature(Server.__init__).parameters if each not in ("self", "others")]
