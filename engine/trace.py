"""What happened in a turn and why, as data: for people (:meth:`Trace.explain`), for machines and for replay.

Everything in a trace is plain: texts, numbers, booleans, tuples and mappings of those. Values of the vocabulary are
kept as :func:`jurat.policies.values.jsonable` has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Literal

from jurat.engine.context import Emission
from jurat.engine.parameters import Ask

FORMAT = 1
"""Raised when the shape of a trace's JSON changes."""

Source = Literal["fact", "event", "history", "journey", "judged", "axiom", "not asked"]
CallStatus = Literal["succeeded", "failed", "refused", "missing", "invalid", "waiting", "unknown"]


@dataclass(frozen=True, slots=True)
class Step:
    """One verb of the loop; ``seconds`` is None when it begins and its duration when it has ended.

    ``start`` is in seconds since the turn began; None in a trace of before that was noted.
    """

    name: str
    detail: str
    seconds: float | None = None
    round: int = 0
    start: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of one atom and who said so; ``value`` None is unknown or absent."""

    key: str
    value: Any
    source: Source
    probability: float | None = None

    def __str__(self) -> str:
        nothing = "absent" if self.source == "fact" else "unknown"
        shown = nothing if self.value is None else _plain_text(self.value)
        chance = "" if self.probability is None else f", {self.probability:.2f}"
        return f"`{self.key}` is {shown} ({self.source}{chance})"


@dataclass(frozen=True, slots=True)
class Asked:
    """A judgement of this turn, in the round it was asked; ``probability`` is P(true).

    ``recalled``: it was not asked again, for the same had been asked about the same conversation.
    """

    observation: str
    text: str
    truth: bool | None
    probability: float | None
    evidence: str
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A guideline, journey or state in force: its condition, what made it true, and who entailed it."""

    id: str
    kind: str
    condition: str
    known: tuple[Known, ...]
    entailed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was triggered and is not in force: the reason, and what stands in its way."""

    id: str
    reason: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Open:
    """What is merely possible, and the unknowns that leave it open."""

    id: str
    unknown: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Acting:
    """An action in force; ``because`` names the bound under which it acts."""

    guideline: str
    kind: str
    text: str
    because: str


@dataclass(frozen=True, slots=True)
class Round:
    """One pass of match and resolve. ``values`` and ``judgements`` are what :mod:`jurat.engine.replay` needs.

    ``settled``: observations that trusted values alone decide; ``not_needed``: those that could not have changed the
    outcome. Neither was asked.
    """

    number: int
    values: Mapping[str, Any]
    judgements: Mapping[str, bool | None]
    asked: tuple[Asked, ...]
    settled: tuple[str, ...]
    not_needed: tuple[str, ...]
    fixed: tuple[str, ...]
    violated: tuple[str, ...]
    withdrawn: tuple[str, ...]
    in_force: tuple[Held, ...]
    possible: tuple[Open, ...]
    dropped: tuple[Dropped, ...]
    actions: tuple[Acting, ...]
    ask: tuple[str, ...]
    clarifications: tuple[tuple[str, ...], ...]
    conflicts: tuple[str, ...]
    notes: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    """Where journeys went, in this order, and why; and why those that could have gone on did not."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A tool call that was obliged or offered and what became of it; ``guidelines`` wanted it.

    ``key`` is the idempotency key of a consequential one. Of the ``missing`` arguments the customer is asked for ``asks``.
    ``fields`` and ``replies`` are the canned ones that the result gave.
    """

    tool: str
    round: int
    guidelines: tuple[str, ...]
    arguments: Mapping[str, Any]
    status: CallStatus
    reason: str = ""
    message: str = ""
    missing: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    provided: Mapping[str, Any] = field(default_factory=dict)
    refused_facts: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    control: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    replies: tuple[str, ...] = ()
    attempts: int = 1
    seconds: float = 0.0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What the application looked up for this reply: a text for it to rest on, canned replies of which one may be it, and fields
    for templates. ``metadata`` is shown to no model.
    """

    name: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    replies: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply that was proposed, and what was wrong with it; no fault means that it was sent."""

    attempt: int
    text: str
    faults: tuple[str, ...]
    checks: tuple[Asked, ...] = ()


@dataclass(slots=True)
class Trace:
    """The record of one turn; it grows while the turn runs."""

    session: str
    turn: int
    policy: str
    unproved: bool
    agent: str
    judge: str
    voice: str
    message: str | None
    event: str | None
    steps: list[Step] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    calls: list[CallRecord] = field(default_factory=list)
    offers: list[Asked] = field(default_factory=list)
    anew: list[Asked] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    decisions: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    emitted: list[Emission] = field(default_factory=list)
    retrieved: list[Retrieved] = field(default_factory=list)
    handed_to: str | None = None
    reply: str | None = None
    reply_source: str | None = None
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The whole trace as plain dicts and lists, keys in a fixed order, ready for :mod:`json`."""
        return {"format": FORMAT, **_plain(self)}

    def explain(self) -> list[str]:
        """Why the turn went as it did, a line each, for a person."""
        return list(_explain(self))


def _plain(value: Any) -> Any:
    kind: Any = type(value)
    if kind in _AS_THEY_ARE:  # nearly everything; a trace of a hundred guidelines has a thousand values
        return value
    if kind is list or kind is tuple:
        return [each if type(each) in _AS_THEY_ARE else _plain(each) for each in value]
    if (fields_ := _fields(kind)) is not None:
        names, values_of = fields_
        values = values_of(value)
        if _AS_THEY_ARE.issuperset(map(type, values)):
            return dict(zip(names, values, strict=True))
        return {name: _plain(each) for name, each in zip(names, values, strict=True)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, (str, int, float)) else _remarked(value)


def _remarked(value: object) -> str:
    """A remark that is none of JSON's kinds; a function of the application may have noted anything."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - how it words itself is the application's code too
        return type(value).__name__


_AS_THEY_ARE = frozenset((str, bool, int, float, type(None)))


@cache
def _fields(kind: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]] | None:
    """The names of a dataclass's fields, and what takes their values; None of anything else."""
    if not is_dataclass(kind):
        return None
    names = tuple(each.name for each in fields(kind))
    return names, attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)


def _plain_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _explain(trace: Trace) -> Iterator[str]:
    if trace.unproved:
        yield "warning: this policy runs unproved"
    for each in trace.rounds:
        yield from _explain_round(each, several=len(trace.rounds) > 1)
        yield from (_explain_call(call) for call in trace.calls if call.round == each.number)
    yield from (f"decided: {decision} = {_plain_text(value)}" for decision, value in trace.decisions.items())
    for asked in trace.anew:
        if asked.truth is False:
            yield f"already done: {asked.observation.partition(':')[2]}, and not brought up anew"
    yield from (f"retrieved by {each.name}: {each.text or 'no text'}" for each in trace.retrieved)
    yield from (f"note: {note}" for note in trace.notes)
    yield from (f"draft {draft.attempt} rejected: {fault}" for draft in trace.drafts for fault in draft.faults)
    if trace.handed_to is not None:
        yield f"handed off to {trace.handed_to}"
    if trace.reply is not None:
        yield f"replied ({trace.reply_source})"
    yield from (f"took {step.seconds:.2f} s: {step.name}, {step.detail}" for step in trace.steps if step.seconds)


def _explain_round(each: Round, *, several: bool) -> Iterator[str]:
    if several:
        yield f"round {each.number}"
    yield from (f"journey {move}" for move in each.moves)
    yield from (f"in force: {_explain_held(held)}" for held in each.in_force)
    yield from (f"dropped: {drop.id}, {_explain_drop(drop)}" for drop in each.dropped)
    for left in each.possible:
        yield f"open: {left.id}, because " + (" and ".join(map(str, left.unknown)) or "others are open")
    yield from (
        f"forbidden: {act.text} ({act.guideline}, {act.because})" for act in each.actions if act.kind == "forbid"
    )
    yield from (f"axiom violated by what was judged: `{axiom}`" for axiom in each.violated)
    yield from (f"fixed by the axioms: `{key}`" for key in each.fixed)
    yield from (f"conflict: {conflict}" for conflict in each.conflicts)
    yield from (f"note: {note}" for note in each.notes)
    if recalled := sum(asked.recalled for asked in each.asked):
        yield f"remembered: {recalled} of {len(each.asked)} answers"
    if each.settled or each.not_needed:
        yield f"not asked: {len(each.settled) + len(each.not_needed)} of the observations"


def _explain_held(held: Held) -> str:
    reasons = [*map(str, held.known), *(f"`{e}` entails it" for e in held.entailed_by)]
    return f"{held.id}, because " + (" and ".join(reasons) or "it has no condition")


def _explain_drop(drop: Dropped) -> str:
    by = ", ".join(f"`{each}`" for each in drop.by)
    words = {"requirement-not-met": "it requires {}, not in force", "overridden": "overridden by {}"}
    words |= {"ambiguous": "ambiguous with {}", "outranked": "outranked by {}", "undefined": "undefined"}
    return words.get(drop.reason, drop.reason).format(by or "what does not exist")


def _explain_call(call: CallRecord) -> str:
    arguments = ", ".join(f"{name}={_plain_text(value)}" for name, value in call.arguments.items())
    wanted = ", ".join(call.guidelines)
    detail = call.reason or call.message
    detail += f" (after {call.attempts} attempts)" if call.attempts > 1 else ""
    return f"tool {call.tool}({arguments}) {call.status}" + (f": {detail}" if detail else "") + f" (for {wanted})"
