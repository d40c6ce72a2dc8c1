"""A policy as its author wrote it: names resolved, formulas typed, relations not yet expanded.

Both doors, the YAML reader and the Python SDK, build these values; :mod:`jurat.policies.graph` makes a
:class:`~jurat.policies.graph.PolicyGraph` of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Literal, get_args

from jurat.policies.expr import TRUE, Expr, Formula
from jurat.policies.spans import NOWHERE, Span
from jurat.policies.types import Type, Value

FactSource = Literal["application", "authentication", "tools"]
Criticality = Literal["low", "medium", "high"]
OnUnknown = Literal["skip", "act", "ask"]
Composition = Literal["fluid", "canned_fluid", "composited", "strict"]
COMPOSITIONS: tuple[Composition, ...] = get_args(Composition)
"""From the freest to the most restrictive."""


Allowances = tuple[tuple[str, str], ...]
"""Names of findings that an author accepts, each with the reason, which every report prints; sorted."""


@dataclass(frozen=True, slots=True)
class Phrasing:
    """How replies are phrased while what it stands on is in force, and the canned replies that may then be said.

    ``fluid``: the model's own words; ``canned_fluid``: so where no canned reply fits; ``composited``: its own words for
    what canned replies say; ``strict``: canned replies only. The most restrictive of all that applies wins; None says nothing.
    """

    composition: Composition | None = None
    replies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FactDeclaration:
    path: str
    type: Type
    source: FactSource = "application"
    default: Value | None = None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class ObservationDeclaration:
    """``inline`` ones were given as a guideline's ``condition``; their key is their normalised text."""

    key: str
    text: str
    critical: bool = False
    inline: bool = False
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class EventDeclaration:
    id: str
    text: str
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class ConstantDeclaration:
    """A constant, or a constant map when ``table`` is given."""

    id: str
    type: Type
    value: Value | None = None
    table: tuple[tuple[Value, Value], ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class DecisionDeclaration:
    id: str
    type: Type
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class ReplyDeclaration:
    """A canned reply; ``strict`` ones are sent to the letter. ``template`` has ``{{ fields }}`` to fill in.

    ``agent`` is the one that has it of its own accord; None is every agent.
    """

    id: str
    text: str
    mode: Literal["strict", "composited"] = "strict"
    template: bool = False
    agent: str | None = None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Provision:
    """What a tool's success writes into a fact: a ``value``, ``any`` value, or a ``field`` of its result."""

    fact: str
    kind: Literal["value", "any", "field"]
    value: Value | None = None
    field: str | None = None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    """A tool; ``implicit`` ones are named by a guideline and declared nowhere.

    ``guard`` is enforced at every call; ``limits`` is not, it is to be proved of every call that can be made.
    ``parameters`` are the types of ``arguments.<name>`` where known; an argument that only a formula mentions has
    the type the formula needs. ``idempotent``: called again with the same idempotency key it does nothing twice, so that
    a failed call is tried again, ``retries`` times. ``timeout`` is of one attempt. None leaves it to the code, and then
    to the engine.
    """

    id: str
    kind: Literal["python", "mcp", "openapi", "implicit"] = "implicit"
    target: str = ""
    consequential: bool = False
    guard: Formula | None = None
    limits: Formula | None = None
    provides: tuple[Provision, ...] = ()
    parameters: tuple[tuple[str, Type], ...] = ()
    description: str = ""
    timeout: timedelta | None = None
    idempotent: bool = False
    retries: int | None = None
    span: Span = NOWHERE
    allow: Allowances = ()


@dataclass(frozen=True, slots=True)
class ServiceDeclaration:
    """Where tools of kind ``mcp`` or ``openapi`` run.

    An MCP server is started by a ``command``, or reached at a ``url``. An OpenAPI service has a ``document``, and the
    ``url`` of its operations where the document's own is another. ``schema`` is a file that says what there is when the
    service cannot be asked. ``headers``, ``url`` and ``command`` may name variables of the environment as ``${NAME}``;
    ``environment`` are the variables that a command gets; ``authentication`` names one for each security scheme.
    """

    id: str
    kind: Literal["mcp", "openapi"]
    command: tuple[str, ...] = ()
    url: str = ""
    document: str = ""
    schema: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    authentication: tuple[tuple[str, str], ...] = ()
    environment: tuple[str, ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Axiom:
    """Something the author knows of the vocabulary; ``id`` is its text, unique within the policy."""

    id: str
    expr: Expr
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Invariant:
    id: str
    expr: Expr
    text: str
    span: Span = NOWHERE
    allow: Allowances = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that would meet a goal.

    ``target`` is the id of what it names: a guideline or journey, a state as ``<journey>/<state>``, a tag, a tool, a
    decision, a reply; nothing for a hand-off and for an answer, which is any instruction, reply, hand-off or question
    to the customer.
    """

    kind: Literal["guideline", "journey", "state", "tag", "call", "decide", "reply", "hand_off", "answer"]
    target: str = ""
    span: Span = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        prefix = {"tag": "tag:", "call": "call ", "decide": "decide ", "reply": "reply "}.get(self.kind, "")
        return prefix + self.target if self.target else self.kind


@dataclass(frozen=True, slots=True)
class Goal:
    """Wherever ``condition`` certainly holds, at least one of ``expect`` is to be in force or done."""

    id: str
    condition: Expr
    text: str
    expect: tuple[Expectation, ...] = (Expectation("answer"),)
    span: Span = NOWHERE
    allow: Allowances = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything a policy can talk about, by name."""

    facts: dict[str, FactDeclaration] = field(default_factory=dict)
    observations: dict[str, ObservationDeclaration] = field(default_factory=dict)
    events: dict[str, EventDeclaration] = field(default_factory=dict)
    constants: dict[str, ConstantDeclaration] = field(default_factory=dict)
    decisions: dict[str, DecisionDeclaration] = field(default_factory=dict)
    tools: dict[str, ToolDeclaration] = field(default_factory=dict)
    replies: dict[str, ReplyDeclaration] = field(default_factory=dict)
    services: dict[str, ServiceDeclaration] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instruct:
    kind: ClassVar[str] = "instruct"
    text: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a call says of one argument: it equals ``value`` or it satisfies ``formula`` (over ``arguments.*``)."""

    argument: str
    value: Expr | None = None
    formula: Expr | None = None
    text: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    kind: ClassVar[str] = "call"
    tool: str
    constraints: tuple[Constraint, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Offer:
    kind: ClassVar[str] = "offer"
    tool: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Forbid:
    """``target`` is a tool's id, a topic's text or a reply's id, as ``what`` says."""

    kind: ClassVar[str] = "forbid"
    what: Literal["tool", "topic", "reply"]
    target: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Decide:
    kind: ClassVar[str] = "decide"
    decision: str
    value: Value
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Reply:
    kind: ClassVar[str] = "reply"
    id: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class HandOff:
    """``human`` or an agent's id."""

    kind: ClassVar[str] = "hand_off"
    to: str
    span: Span = field(default=NOWHERE, compare=False)


Action = Instruct | Call | Offer | Forbid | Decide | Reply | HandOff


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """What a relation points at. ``any_tag`` is ``any:<tag>``; a state's id is ``<journey>/<state>``."""

    kind: Literal["guideline", "journey", "state", "tag", "any_tag"]
    id: str

    def __str__(self) -> str:
        prefix = {"tag": "tag:", "any_tag": "any:"}.get(self.kind, "")
        return prefix + self.id


RelationKind = Literal["overrides", "requires", "requires_any", "entails", "exclusive_with", "disambiguates"]


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation as written. The targets of one ``requires_any`` group share a ``group`` number."""

    kind: RelationKind
    source: Ref
    target: Ref
    group: int = 0
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Guideline:
    """One rule: while ``condition`` holds, its actions are in force (save for what relations say).

    ``scope`` is ``""`` for the whole agent, a journey's id, or ``<journey>/<state>``. ``rank`` is None where the
    author gave none. A guideline with ``track`` that was carried out is not carried out again while it goes on holding.
    """

    id: str
    condition: Expr = TRUE
    actions: tuple[Action, ...] = ()
    tags: frozenset[str] = frozenset()
    scope: str = ""
    rank: int | None = None
    criticality: Criticality = "medium"
    on_unknown: OnUnknown = "skip"
    reevaluate_after: tuple[str, ...] = ()
    track: bool = True
    allow: Allowances = ()
    condition_text: str = ""
    span: Span = NOWHERE
    condition_span: Span = NOWHERE
    phrasing: Phrasing = Phrasing()


@dataclass(frozen=True, slots=True)
class Transition:
    """To ``target`` when ``condition`` holds; if ``otherwise``, only when no other transition's does."""

    target: str
    condition: Expr = TRUE
    otherwise: bool = False
    text: str = ""
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class State:
    """``origins``: the states of other journeys that it is a copy of, as ``<journey>/<state>``."""

    id: str
    kind: Literal["chat", "tool", "fork", "end"]
    actions: tuple[Action, ...] = ()
    transitions: tuple[Transition, ...] = ()
    span: Span = NOWHERE
    phrasing: Phrasing = Phrasing()
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Journey:
    """A state machine. While ``condition`` does not hold it rests: neither it nor a state of it is in force.

    One without triggers runs only within others, which have copies of its states.
    """

    id: str
    triggers: tuple[Formula, ...]
    initial: str
    states: dict[str, State]
    rank: int | None = None
    tags: frozenset[str] = frozenset()
    on_end: str | None = None
    span: Span = NOWHERE
    allow: Allowances = ()
    phrasing: Phrasing = Phrasing()
    condition: Expr = TRUE


@dataclass(frozen=True, slots=True)
class Agent:
    """``include`` limits an agent to the guidelines and journeys it names (or whose tags it names); empty is all.

    ``preamble``: canned replies of which one is said while tools run.
    """

    id: str
    name: str
    description: str = ""
    model: str | None = None
    include: tuple[Ref, ...] = ()
    span: Span = NOWHERE
    phrasing: Phrasing = Phrasing()
    preamble: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. Mappings are in the order of the files, which means nothing (the digest ignores it)."""

    vocabulary: Vocabulary
    guidelines: dict[str, Guideline]
    journeys: dict[str, Journey]
    relations: tuple[Relation, ...]
    axioms: tuple[Axiom, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    goals: tuple[Goal, ...] = ()
    agents: dict[str, Agent] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict, compare=False)
    """The text of every file read, by the ``source`` that spans name; findings quote from it."""
