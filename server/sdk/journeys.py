"""Journeys: state machines that a conversation goes through, declared state by state."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

from jurat.server.sdk import given
from jurat.server.sdk.actions import CannedResponse, phrasing_body
from jurat.server.sdk.calls import explained
from jurat.server.sdk.document import Document, checked_around
from jurat.server.sdk.errors import Instead, NotSupported, SDKError, unknown
from jurat.server.sdk.ids import id_from
from jurat.server.sdk.places import call_place
from jurat.server.sdk.relations import Entity, PreambleTag, Related, declare_tool
from jurat.server.sdk.responses import declare_response
from jurat.server.sdk.rules import Formula, Guideline, Hook, Rules, condition_body
from jurat.server.sdk.starting import refuse_related
from jurat.server.sdk.states import Trigger
from jurat.server.sdk.tool import ToolEntry, check_tool

START, END = "start", "end"
_SPOKEN = {"chat_state": "say", "question": "ask"}


class _EndJourney:
    """Where a journey ends."""

    async def transition_to(self, **_: Any) -> JourneyTransition:
        """Refused: nothing leads on."""
        raise SDKError("`END_JOURNEY.transition_to`: the journey has ended there, so nothing leads on")

    async def fork(self) -> JourneyTransition:
        """Refused: nothing leads on."""
        raise SDKError("`END_JOURNEY.fork`: the journey has ended there, so nothing leads on")

    def __repr__(self) -> str:
        return "END_JOURNEY"


END_JOURNEY = _EndJourney()


@dataclass(frozen=True, slots=True)
class JourneyTransition(Instead):
    """One way from a state; ``target`` is where it leads, from which the next one starts."""

    instead: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("transition_to", "fork", "create_guideline", "create_observation", "attach_retriever"),
        "a transition is a way; call it on where it leads, its `target`",
    )
    source: JourneyState
    target: JourneyState
    condition: str | None = None
    when: str | None = None


@explained
class JourneyState(Entity, Rules):
    """A state of a journey; ``kind`` is ``say``, ``ask``, ``tool``, ``fork``, ``end`` or, of the first one, ``start``."""

    def __init__(self, journey: Journey, id_: str, kind: str) -> None:
        self.document = journey.document
        self.journey = journey
        self.id = id_
        self.kind = kind
        self.scope = self.ref = f"{journey.id}/{id_}"

    def __repr__(self) -> str:
        return f"JourneyState({self.ref!r})"

    @property
    def owners(self) -> list[str]:
        """Those of its journey."""
        return self.journey.owners

    async def attach_retriever(self, retriever: Callable[..., Any], id: str | None = None) -> None:  # noqa: ARG002
        """Have a function look up what the reply may rest on, while the journey is in this state."""
        self.document.retrieve(self.ref, retriever)

    async def transition_to(
        self,
        *,
        chat_state: str | None = None,
        question: str | None = None,
        tool_state: ToolEntry | Sequence[ToolEntry] | None = None,
        state: JourneyState | _EndJourney | None = None,
        journey: Journey | None = None,
        condition: str | Formula | None = None,
        when: str | Formula | None = None,
        tool_instruction: str | None = None,
        description: str | None = None,
        canned_responses: Sequence[Any] = (),
        composition_mode: Any = None,
        metadata: Mapping[str, Any] | None = None,  # noqa: ARG002 - accepted, and nothing reads it
        on_selected: Hook | None = None,
        on_message: Hook | None = None,
        canned_response_field_provider: Hook | None = None,
        id: str | None = None,
        labels: Sequence[str] = (),
    ) -> JourneyTransition:
        """Declare a way on, to one of a new chat state, a new question, a new tool state, a state that there is, or
        another journey. A question is passed at once where the condition of one of the ways that lead from it certainly
        holds already.

        Of several ways the first whose condition holds is taken; one without a condition comes last, and is taken when no
        other one is.

        Raises:
            SDKError: what is wrong, before anything is stored.
        """
        around = checked_around(
            on_selected=on_selected, on_message=on_message, fields=canned_response_field_provider, labels=labels
        )
        targets = {
            "chat_state": chat_state, "question": question, "tool_state": tool_state, "state": state, "journey": journey,
        }  # fmt: skip
        chosen = [name for name, value in targets.items() if value is not None]
        if len(chosen) != 1:
            named = " and ".join(f"`{name}`" for name in chosen) or "none"
            raise SDKError(f"`transition_to` leads to one of {', '.join(f'`{each}`' for each in targets)}, not {named}")
        if tool_instruction is not None and tool_state is None:
            raise SDKError("`tool_instruction` is about a `tool_state`, and there is none")
        if self.kind == "end":
            raise SDKError("the journey has ended there, so nothing leads on")
        self._refuse_copy()
        said = condition_body(self.document, condition, when, "a transition")
        self._refuse_late(said)
        phrasing = phrasing_body(self.document, composition_mode, canned_responses)
        target = self._target(chosen[0], targets[chosen[0]], given.optional_text(id, "`id`"), phrasing, description)
        self.lead(target, said)
        if tool_instruction is not None:
            self.journey.instruct(target, given.text(tool_instruction, "`tool_instruction`"))
        self.document.around(target.ref, **around)
        return JourneyTransition(self, self.journey.last_of(target), said.get("condition"), said.get("when"))

    async def fork(self) -> JourneyTransition:
        """A place from which several ways lead, each with a condition."""
        self._refuse_copy()
        self._refuse_late({})
        target = self.journey.add_state(None, "fork", {"fork": True})
        self.lead(target, {})
        return JourneyTransition(self, target)

    def _target(
        self, kind: str, value: Any, id_: str | None, phrasing: dict[str, Any], description: object
    ) -> JourneyState:
        if kind in ("chat_state", "question"):
            more = given.optional_text(description, "`description`")
            said = given.text(value, f"`{kind}`")
            body = {_SPOKEN[kind]: f"{said} ({more})" if more else said, **phrasing}
            return self.journey.add_state(id_, id_from(said, "chat"), body)
        if kind == "tool_state":
            tools = (
                [value] if isinstance(value, ToolEntry) or callable(value) else given.sequence(value, "`tool_state`")
            )
            return self.journey.add_tools(id_, [check_tool(each, "`tool_state`") for each in tools], phrasing)
        if kind == "journey":
            return self.journey.add_journey(value, id_)
        if isinstance(value, _EndJourney):
            return self.journey.end()
        if not isinstance(value, JourneyState):
            raise SDKError(f"`state`: `{given.shown(value)}` is no state of a journey")
        if value.journey is not self.journey:
            raise SDKError(f"`state`: `{value.id}` is a state of `{value.journey.id}`, not of `{self.journey.id}`")
        return value

    def _refuse_copy(self) -> None:
        if self.kind == "copy":
            raise SDKError(f"`{self.id}` comes of another state, whose ways lead on from it")

    def _refuse_late(self, said: Mapping[str, str]) -> None:
        """Nothing leads on after a way that is always open."""
        ways = self._ways()
        if any("condition" not in way and "when" not in way for way in ways):
            again = "" if said else "; give each a condition"
            raise SDKError(f"`{self.id}` has a way without a condition already, after which no other is taken{again}")

    def lead(self, target: JourneyState, said: Mapping[str, str]) -> None:
        """Add a way on, the last one."""
        ways = self._ways()
        ways.append({**said, "state": target.id})
        path = ("journeys", self.journey.id, "states", self.id, "to", len(ways) - 1)
        self.document.said(*path, place=call_place())

    def _ways(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.journey.body["states"][self.id].setdefault("to", [])
        return found


@explained
@dataclass(eq=False)
class Journey(Related, Rules, Instead):
    """A journey as declared. ``triggers`` are as they were given."""

    instead: ClassVar[Mapping[str, str]] = {
        "create_transition": "lead on from a state: `state.transition_to(…)`, from the first one `journey.initial_state`",
        "reevaluate_after": "a guideline is judged again, so name the tools on it, or on the tag that guidelines carry",
        "composition_mode": "what a journey was declared with is in `server.as_yaml()`",
    }

    document: Document = field(repr=False)
    id: str = ""
    title: str = ""
    description: str | None = None
    tags: tuple[str, ...] = ()
    priority: int | None = None
    exact: bool = False
    triggers: tuple[Any, ...] = ()

    section = "journeys"

    def __post_init__(self) -> None:
        self.ref = self.scope = self.id
        self._last: dict[str, JourneyState] = {}
        self.parts: dict[str, tuple[Journey, str]] = {}

    @property
    def body(self) -> dict[str, Any]:
        """What a policy file says of it."""
        found: dict[str, Any] = self.document.sections["journeys"][self.id]
        return found

    @property
    def initial_state(self) -> JourneyState:
        """Where it starts, which itself says nothing unless the journey was given its ``states``."""
        return self.state(self.body["initial"]) if self.exact else JourneyState(self, START, "start")

    def state(self, id_: str) -> JourneyState:
        """A state that was declared.

        Raises:
            SDKError: there is none of that name.
        """
        states, known = self.body["states"], self.document.states_of(self.id)
        if id_ not in known:
            raise unknown(f"state of `{self.id}`", id_, known)
        return JourneyState(self, id_, next(iter(states[id_])) if id_ in states else "copy")

    @property
    def labels(self) -> frozenset[str]:
        """What the conversation is called once it was active."""
        return frozenset(self.document.labels.get(self.id, ()))

    @property
    def conditions(self) -> tuple[Any, ...]:
        """An older name of ``triggers``."""
        return self.triggers

    @property
    def states(self) -> list[JourneyState]:
        """The states that were declared so far."""
        return [self.state(name) for name in self.body["states"]]

    @property
    def transitions(self) -> list[JourneyTransition]:
        """The ways between them."""
        return [
            JourneyTransition(source, self.state(way["state"]), way.get("condition"), way.get("when"))
            for source in self.states
            for way in self.body["states"][source.id].get("to", ())
        ]

    @property
    def owners(self) -> list[str]:
        """The agents whose journey it is."""
        return self.document.owners.setdefault(self.id, [])

    async def create_canned_response(self, template: str, tags: Sequence[Any] = (), **options: Any) -> CannedResponse:
        """As :meth:`Server.create_canned_response`; it is said while the journey is active and, where nothing else names it,
        only then.
        """
        if any(isinstance(each, PreambleTag) for each in given.sequence(tags, "`tags`")):
            raise NotSupported("what is said while tools run is an agent's; declare it on the agent")
        found = declare_response(self.document, template, tags, **options)
        self.body.setdefault("replies", []).append(found.id)
        self.document.said("journeys", self.id, "replies", place=call_place())
        return found

    async def attach_retriever(self, retriever: Callable[..., Any], id: str | None = None) -> None:  # noqa: ARG002
        """Have a function look up what the reply may rest on, while the journey is active."""
        self.document.retrieve(self.ref, retriever)

    def add_state(self, id_: str | None, wanted: str, body: dict[str, Any]) -> JourneyState:
        """A new state, under the id given or one that is free."""
        states = self.body["states"]
        if id_ is not None and id_ in states:
            raise SDKError(f"`{self.id}` has a state `{id_}` already")
        found, number = id_ or wanted, 1
        while found in states or (id_ is None and found in (START, END) and "end" not in body):
            number += 1
            found = f"{wanted}-{number}"
        states[found] = body
        self.document.said("journeys", self.id, "states", found, place=call_place())
        return JourneyState(self, found, next(iter(body)))

    def add_tools(self, id_: str | None, tools: list[ToolEntry], phrasing: dict[str, Any]) -> JourneyState:
        """A state for each tool, one after the other; the first of them."""
        if not tools:
            raise SDKError("`tool_state` names at least one tool")
        names = [declare_tool(self.document, each) for each in tools]
        states = [
            self.add_state(id_ if number == 0 else None, id_from(name, "tool"), {"tool": name, **phrasing})
            for number, name in enumerate(names)
        ]
        for source, target in pairwise(states):
            source.lead(target, {})
        self._last[states[0].id] = states[-1]
        return states[0]

    def add_journey(self, other: object, id_: str | None) -> JourneyState:
        """Another journey inside of this one: a place to enter it, and one to go on from when it has ended."""
        if not isinstance(other, Journey) or other.document is not self.document:
            raise SDKError(f"`journey`: `{given.shown(other)}` is no journey of this server")
        if other is self or other.contains(self):
            raise SDKError(f"`{self.id}` would be a part of itself")
        entry = self.add_state(id_, other.id, {"fork": True})
        after = self.add_state(None, f"after-{entry.id}", {"fork": True})
        self.parts[entry.id] = (other, after.id)
        self._last[entry.id] = after
        return entry

    def contains(self, other: Journey) -> bool:
        """Whether a journey is a part of this one, at any depth."""
        return any(part is other or part.contains(other) for part, _ in self.parts.values())

    def last_of(self, state: JourneyState) -> JourneyState:
        """The state from which the way goes on after this one."""
        return self._last.get(state.id, state)

    def end(self) -> JourneyState:
        """The end of the journey."""
        if END not in self.body["states"]:
            self.body["states"][END] = {"end": True}
            self.document.said("journeys", self.id, "states", END, place=call_place())
        return JourneyState(self, END, "end")

    def instruct(self, state: JourneyState, text: str) -> None:
        """An instruction for as long as the journey is in a state."""
        id_ = self.document.free_id("guidelines", f"{self.id}-{state.id}-how")
        self.document.add("guidelines", id_, {"action": text, "scope": state.ref})
        self.document.owners[id_] = self.owners


def create_journey(
    document: Document,
    title: str,
    description: str | None,
    triggers: Sequence[Any],
    *,
    id_: str | None,
    body: dict[str, Any],
    around: Mapping[str, Any],
    dependencies: Sequence[Any] = (),
    whole: Mapping[str, Any] | None = None,
) -> Journey:
    """Store a journey without states yet, or with all of them: ``whole`` has ``initial``, ``states`` and ``on_end``.

    Raises:
        SDKError: what is wrong, before anything is stored.
    """
    name = given.text(title, "`title`")
    about = given.optional_text(description, "`description`")
    listed = given.sequence(triggers, "`triggers`")
    starts = [_trigger(document, each, name, check=whole is None) for each in listed]
    if not starts and whole is None:
        raise SDKError("a journey starts with one of its `triggers`, and there are none")
    journey = Journey(
        document,
        given.text(id_, "`id`") if id_ else document.free_id("journeys", id_from(name, "journey")),
        name,
        about,
        tuple(body.get("tags", ())),
        body.get("rank"),
        whole is not None,
        tuple(listed),
    )
    states = whole or {"initial": START, "on_end": "deactivate", "states": {START: {"fork": True}}}
    begin = {"triggers": starts} if starts else {}
    needs = given.sequence(dependencies, "`dependencies`")
    requires = {"requires": journey.refs("dependencies", tuple(needs), any_tag=True)} if needs else {}
    document.add("journeys", journey.id, {**begin, **states, **body, **requires})
    if whole is not None:
        _check(document, journey)
    document.triggers |= {each.id: journey.id for each in listed if isinstance(each, Guideline)}
    document.around(journey.id, **around)
    return journey


def _check(document: Document, journey: Journey) -> None:
    """Take back a journey with a formula that cannot be read; its formulas may speak of itself.

    One that speaks of a journey that comes later is read with the whole policy, as are all.
    """
    body = journey.body
    ways = [*(way for state in body["states"].values() for way in state.get("to", ())), *body.get("back", ())]
    try:
        for each in (*body.get("triggers", ()), *ways):
            if "when" in each and _journeys_in(each["when"]) <= set(document.sections["journeys"]):
                document.check_formula(each["when"], f"a formula of the journey `{journey.id}`")
    except SDKError:
        del document.sections["journeys"][journey.id]
        raise


_NAMED = re.compile(r"""journey(?:\.([A-Za-z_]\w*)|\[\s*["']([^"']+)["']\s*\])""")


def _journeys_in(formula: str) -> set[str]:
    return {one or other for one, other in _NAMED.findall(formula)}


def _trigger(document: Document, trigger: Any, journey: str, *, check: bool = True) -> dict[str, str]:
    if isinstance(trigger, Guideline) and trigger.document is document:
        body = document.sections["guidelines"][trigger.id]
        refuse_related(document, trigger.id, journey)
        found = {name: body[name] for name in ("condition", "when") if name in body}
        if not found:
            raise SDKError(f"`{trigger.id}` always applies, so no journey can start with it")
        return found
    if isinstance(trigger, Trigger):
        if trigger.condition is None and trigger.when is None:
            raise SDKError("a trigger says when the journey starts: `p.Trigger(condition, when)`")
        return condition_body(document, trigger.condition, trigger.when, "a trigger", check=check)
    return condition_body(document, trigger, None, "a trigger", check=check)
