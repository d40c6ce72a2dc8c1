"""Guidelines and observations, wherever they are declared: on an agent, in a journey, in one of its states."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from jurat.policies.types import Value
from jurat.server.sdk import given
from jurat.server.sdk.actions import AgentEntity, actions_body, phrasing_body
from jurat.server.sdk.calls import explained
from jurat.server.sdk.document import Document, checked_around
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.events import event_formula
from jurat.server.sdk.ids import id_from
from jurat.server.sdk.places import call_place
from jurat.server.sdk.relations import Related, Tag, Target, reevaluating, tag_names, tool_names
from jurat.server.sdk.tool import ToolEntry

OBSERVATION = {"redundant-guideline": "an observation does nothing itself"}


class Criticality(Enum):
    """How much care a guideline asks for; that a reply follows a ``HIGH`` one is checked before it is sent."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula where a text for the judge could stand."""

    text: str


def formula(text: str) -> Formula:
    """A formula as a condition, trigger or transition."""
    return Formula(given.text(text, "a formula"))


@dataclass(frozen=True, slots=True)
class Judged:
    """A text for the judge even where it is one of the table of events."""

    text: str


def judged(text: str) -> Judged:
    """A condition that is judged, whatever events its words are the name of."""
    return Judged(given.text(text, "a condition"))


@explained
@dataclass(frozen=True, eq=False)
class Guideline(Related):
    """A rule as declared. ``condition`` is the text for the judge, ``when`` the formula; either may be missing."""

    document: Document = field(repr=False)
    id: str = ""
    condition: str | None = None
    when: str | None = None
    action: str | None = None
    tools: tuple[ToolEntry, ...] = ()
    tags: tuple[str, ...] = ()
    criticality: Criticality = Criticality.MEDIUM
    priority: int | None = None
    scope: str | None = None
    title: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    section = "guidelines"

    @property
    def ref(self) -> str:  # type: ignore[override]  # what others store, this one computes
        return self.id

    @property
    def labels(self) -> frozenset[str]:
        """What the conversation is called once this was in force."""
        return frozenset(self.document.labels.get(self.ref, ()))

    async def attach_retriever(self, retriever: Callable[..., Any], id: str | None = None) -> None:  # noqa: ARG002
        """Have a function look up what the reply may rest on, once this is in force."""
        self.document.retrieve(self.ref, retriever)

    async def reevaluate_after(self, *tools: ToolEntry) -> None:
        """Judge the condition again after any of these tools has run."""
        names = reevaluating(self.document, tools)
        written = self._body().setdefault("reevaluate_after", [])
        written += [name for name in names if name not in written]
        self.document.said(self.section, self.id, "reevaluate_after", place=call_place())


def condition_body(
    document: Document, condition: object, when: object, what: str, *, check: bool = True
) -> dict[str, str]:
    """``condition`` and ``when`` for a policy file; what the table of events knows is a formula."""
    texts: list[str] = []
    found: dict[str, str] = {}
    if isinstance(condition, Formula):
        texts.append(condition.text)
    elif isinstance(condition, Judged):
        found["condition"] = condition.text
    elif condition is not None:
        said = given.text(condition, f"the condition of {what}")
        known = event_formula(said)
        texts += [known] if known else []
        found |= {} if known else {"condition": said}
    if when is not None:
        texts.append(when.text if isinstance(when, Formula) else given.text(when, f"`when` of {what}"))
    for text in texts if check else ():
        document.check_formula(text, f"`when` of {what}")
    if texts:
        found["when"] = texts[0] if len(texts) == 1 else " && ".join(f"({text})" for text in texts)
    return found


Hook = Callable[..., Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a rule has besides its condition and its actions."""

    id: str | None = None
    title: str | None = None
    tags: Sequence[Tag | str] = ()
    priority: int | None = None
    criticality: Criticality | str = Criticality.MEDIUM
    on_unknown: str = "skip"
    track: bool = True
    composition_mode: Any = None
    canned_responses: Sequence[Any] = ()
    dependencies: Sequence[Target] = ()
    reevaluate_after: Sequence[ToolEntry] = ()
    allow: Mapping[str, str] | None = None
    matcher: Callable[..., Any] | None = None
    around: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None


@explained
class Rules:
    """What guidelines can be declared on; ``scope`` is empty for an agent."""

    document: Document
    scope: str = ""

    @property
    def owners(self) -> list[str]:
        """The agents whose rules these are."""
        return []

    async def create_guideline(
        self,
        condition: str | Formula | Judged | None = None,
        action: str | None = None,
        *,
        description: str | None = None,
        tools: Sequence[Any] = (),
        when: str | Formula | None = None,
        offer: Sequence[ToolEntry] = (),
        forbid: Sequence[Any] = (),
        decide: Mapping[str, Value] | None = None,
        reply: Any = None,
        hand_off: Any = None,
        metadata: Mapping[str, Any] | None = None,
        canned_responses: Sequence[Any] = (),
        criticality: Criticality | str = Criticality.MEDIUM,
        composition_mode: Any = None,
        matcher: Callable[..., Any] | None = None,
        on_unknown: str = "skip",
        on_selected: Hook | None = None,
        on_message: Hook | None = None,
        canned_response_field_provider: Hook | None = None,
        tags: Sequence[Tag | str] = (),
        id: str | None = None,
        title: str | None = None,
        track: bool = True,
        labels: Sequence[str] = (),
        dependencies: Sequence[Target] = (),
        priority: int | None = None,
        reevaluate_after: Sequence[ToolEntry] = (),
        allow: Mapping[str, str] | None = None,
    ) -> Guideline:
        """Declare a rule: while ``condition`` (a text that is judged) and ``when`` (a formula) hold, it is in force.

        ``tools`` run, once, before the reply; ``(tool, {argument: value})`` says what an argument must be. ``offer`` are
        tools that may run, ``forbid`` tools, topics and canned responses that must not be used, ``decide`` values of
        decisions, ``reply`` the canned response that is given, ``hand_off`` is ``"human"`` or an agent. ``priority``
        silences what has a lower one. ``canned_response_field_provider`` is called with the turn while the rule is in force,
        and gives templates their fields; ``labels`` are what the conversation is called from then on.

        Raises:
            SDKError: what is wrong, before anything is stored.
        """
        around = checked_around(
            on_selected=on_selected, on_message=on_message, fields=canned_response_field_provider, labels=labels
        )
        actions = actions_body(
            self.document, action, description, tools=tools, offer=offer, forbid=forbid, decide=decide, reply=reply,
            hand_off=hand_off,
        )  # fmt: skip
        if isinstance(self, AgentEntity) and actions.get("hand_off") == self.id:
            raise SDKError(f"`hand_off`: `{self.id}` would hand the conversation to itself")
        options = Options(
            id=id, title=title, tags=tags, priority=priority, criticality=criticality, on_unknown=on_unknown,
            track=track, composition_mode=composition_mode, canned_responses=canned_responses,
            dependencies=dependencies, reevaluate_after=reevaluate_after, allow=allow, matcher=matcher,
            around=around, metadata=metadata,
        )  # fmt: skip
        if not actions and condition is None and when is None and matcher is None:
            raise SDKError("`create_guideline`: it says neither when it applies nor what to do")
        return declared(self, condition, when, actions, options, action=action)

    async def create_observation(
        self,
        condition: str | Formula | Judged | None = None,
        description: str | None = None,
        tools: Sequence[Any] = (),
        canned_responses: Sequence[Any] = (),
        *,
        when: str | Formula | None = None,
        composition_mode: Any = None,
        criticality: Criticality | str = Criticality.MEDIUM,
        matcher: Callable[..., Any] | None = None,
        on_selected: Hook | None = None,
        canned_response_field_provider: Hook | None = None,
        tags: Sequence[Tag | str] = (),
        id: str | None = None,
        labels: Sequence[str] = (),
        dependencies: Sequence[Target] = (),
        priority: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Guideline:
        """Declare a guideline that does nothing itself: others depend on it, yield to it or start with it. ``description``
        says more of the condition, to the judge.

        Raises:
            SDKError: what is wrong, before anything is stored.
        """
        if condition is None and when is None and matcher is None:
            raise SDKError("`create_observation`: it says nothing to be observed; give a `condition`")
        options = Options(
            id=id, tags=tags, priority=priority, criticality=criticality, dependencies=dependencies, matcher=matcher,
            composition_mode=composition_mode, canned_responses=canned_responses, metadata=metadata,
            around=checked_around(on_selected=on_selected, fields=canned_response_field_provider, labels=labels),
            allow={} if tools else OBSERVATION,
        )  # fmt: skip
        return declared(
            self, _described(condition, description), when, actions_body(self.document, tools=tools), options
        )

    async def attach_tool(self, tool: ToolEntry, condition: str | Formula) -> Guideline:
        """Run a tool while a condition holds."""
        return await self.create_guideline(condition, tools=[tool])


def _described(condition: Any, description: object) -> Any:
    """A condition with what is said more of it."""
    more = given.optional_text(description, "`description`")
    if more is None:
        return condition
    said = condition.text if isinstance(condition, Judged) else condition
    if not isinstance(said, str) or (said is condition and event_formula(said)):
        raise SDKError("`description` says more of a condition that is judged, and there is none")
    return Judged(f"{said} ({more})")


def declared(
    home: Rules, condition: Any, when: Any, actions: dict[str, Any], options: Options, *, action: str | None = None
) -> Guideline:
    """Store a rule whose actions are known; everything is checked before."""
    document = home.document
    said = condition_body(document, condition, when, "a guideline")
    plain = options.title or action or said.get("condition") or said.get("when") or "guideline"
    id_ = given.text(options.id, "`id`") if options.id else document.free_id("guidelines", id_from(plain, "guideline"))
    body: dict[str, Any] = {**said, **actions, **_settings(home, options)}
    matching = _matching(document, id_, body, options.matcher)
    entity = Guideline(
        document, id_, said.get("condition"), said.get("when"), action, tuple(_entries(document, actions)),
        tuple(body.get("tags", ())), given.word(options.criticality, Criticality, "`criticality`"), options.priority,
        home.scope or None, options.title, given.mapping(options.metadata or {}, "`metadata`"),
    )  # fmt: skip
    if needs := given.sequence(options.dependencies, "`dependencies`"):
        body["requires"] = entity.refs("dependencies", tuple(needs), any_tag=True)
    document.add("guidelines", id_, body)
    document.owners[id_] = home.owners
    document.guidelines[id_] = entity
    matching()
    document.around(id_, **options.around)
    return entity


def _entries(document: Document, actions: Mapping[str, Any]) -> list[ToolEntry]:
    names = [each if isinstance(each, str) else next(iter(each)) for each in actions.get("tools", ())]
    return [document.tools[name] for name in names]


def _settings(home: Rules, options: Options) -> dict[str, Any]:
    document = home.document
    level = given.word(options.criticality, Criticality, "`criticality`")
    unknown = given.choice(options.on_unknown, ("skip", "act", "ask"), "`on_unknown`")
    found: dict[str, Any] = {
        "tags": tag_names(document, options.tags),
        "scope": home.scope,
        "criticality": level.value if level is not Criticality.MEDIUM else "",
        "on_unknown": unknown if unknown != "skip" else "",
        "reevaluate_after": tool_names(document, options.reevaluate_after, "`reevaluate_after`"),
        "allow": given.mapping(options.allow or {}, "`allow`"),
        **phrasing_body(document, options.composition_mode, options.canned_responses),
    }
    found = {name: value for name, value in found.items() if value}
    if options.priority is not None:
        found["rank"] = given.whole(options.priority, "`priority`")
    if not given.flag(options.track, "`track`"):
        found["track"] = False
    return found


def _matching(document: Document, id_: str, body: dict[str, Any], matcher: Any) -> Callable[[], None]:
    """Put a condition that code decides in the place of the text; returns what is left to do once the rule is stored."""
    if matcher is None:
        return lambda: None
    text = body.pop("condition", None) or f"the matcher of {id_} holds"
    if matcher is MATCH_ALWAYS:
        return lambda: None
    given.function(matcher, "`matcher`", takes=2)
    key = "matcher_" + id_.replace("-", "_")
    document.add("observations", key, f"{text} [{id_}]")
    body["when"] = f"{key} && ({body['when']})" if "when" in body else key

    def keep() -> None:
        document.matchers[key] = (matcher, id_)

    return keep


async def MATCH_ALWAYS(context: Any, guideline: Any) -> Any:  # noqa: N802, ARG001 - the name that users know
    """The matcher of a guideline that always applies; the engine need not ask it."""
    return True
