"""Everything that a program has declared, as the sections of a policy file, and the policy that they make.

There is one reader of policies. What is declared in Python is written down in the policy language, each part with the
call that declared it, and read like any other policy; then every place in the text becomes that call's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

from jurat.policies import PolicyError, read_policy
from jurat.policies.checking import read_formula
from jurat.policies.diagnostics import Diagnostic, near_miss
from jurat.policies.expr import Expr
from jurat.policies.journeys import Outline, states_of
from jurat.policies.model import Policy, Vocabulary
from jurat.policies.reader.documents import TEXT
from jurat.policies.reader.shapes import ID
from jurat.policies.scope import Scope, scope_of
from jurat.policies.spans import NOWHERE, Span
from jurat.policies.types import EnumType
from jurat.server.sdk import given
from jurat.server.sdk.emitting import Emitted, Path, emit
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.places import call_place, source_text
from jurat.server.sdk.tool import ToolEntry

SECTIONS = (
    "agents", "facts", "constants", "observations", "events", "axioms", "decisions", "services", "tools", "guidelines", "tags",
    "journeys", "replies", "invariants", "goals",
)  # fmt: skip
_VOCABULARY = ("facts", "constants", "observations", "events", "decisions")
_SHARED = (("guidelines", "journeys"), ("facts", "constants", "observations", "events"))
"""Sections that share one set of names."""


class Document:
    """Declarations in the order in which they came. ``touched`` is called after each.

    ``owners`` are the agents that have a guideline or journey, by its id; ``triggers`` the guidelines that start a journey, each with it. ``matchers`` are the functions that decide observations, by key, with the guideline each is of; ``on_selected`` and
    ``on_message`` what is called for a guideline, journey or state in force, by id; ``fields`` give templates their fields
    then, and ``labels`` are what the conversation is called from then on; ``retrievers`` look up what the reply may rest on then. ``preambles`` are the canned responses that every agent
    says while tools run. ``ended`` is whether the block in which declarations are made has been left.
    """

    def __init__(self, touched: Callable[[], None] = lambda: None) -> None:
        self.sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS if name != "axioms"}
        self.axioms: list[Any] = []
        self.places: dict[Path, Span] = {}
        self.tools: dict[str, ToolEntry] = {}
        self.guidelines: dict[str, Any] = {}
        self.owners: dict[str, list[str]] = {}
        self.triggers: dict[str, str] = {}
        self.matchers: dict[str, tuple[Callable[..., Any], str]] = {}
        self.on_selected: dict[str, Callable[..., Any]] = {}
        self.on_message: dict[str, Callable[..., Any]] = {}
        self.fields: dict[str, Callable[..., Any]] = {}
        self.labels: dict[str, tuple[str, ...]] = {}
        self.retrievers: dict[str, list[Callable[..., Any]]] = {}
        self.preambles: list[str] = []
        self.ended = False
        self._touched = touched
        self._scope: Scope | None = None

    def around(
        self, id_: str, *, on_selected: Any = None, on_message: Any = None, fields: Any = None, labels: Any = ()
    ) -> None:
        """Note what the program does while something is in force. Everything was checked by :func:`checked_around`."""
        found = ((self.on_selected, on_selected), (self.on_message, on_message), (self.fields, fields))
        for kept, function in found:
            if function is not None:
                kept[id_] = function
        if labels:
            self.labels[id_] = tuple(labels)

    def retrieve(self, ref: str, retriever: object) -> None:
        """Note a function that looks something up while a guideline, journey or state is in force.

        Raises:
            SDKError: it is none, or takes other arguments.
        """
        self.retrievers.setdefault(ref, []).append(given.function(retriever, "a retriever", takes=1))

    def add(self, section: str, id_: str, body: dict[str, Any] | str, place: Span | None = None) -> None:
        """Store a declaration under an id of its own.

        Raises:
            SDKError: the id is none, or is taken.
        """
        self._refuse_taken(section, id_)
        self.sections[section][id_] = body
        self.said(section, id_, place=place)

    def said(self, *path: str | int, place: Span | None = None) -> None:
        """Note that the call under way declared a part, and that something has changed."""
        self.places[path] = place or call_place()
        if path[0] in (*_VOCABULARY, "agents"):
            self._scope = None
        self._touched()

    def _refuse_taken(self, section: str, id_: str) -> None:
        if section not in ("facts", "events") and not ID.fullmatch(id_):
            raise SDKError(f"`{id_}` cannot be an id; ids have the letters A to Z, digits, `_` and `-`")
        for each in next((group for group in _SHARED if section in group), (section,)):
            if id_ in self.sections[each]:
                raise SDKError(f"`{id_}` is already the id of one of the {each}; give another `id`")

    def free_id(self, section: str, wanted: str) -> str:
        """The id wanted, or with the first number that makes it free."""
        group = next((group for group in _SHARED if section in group), (section,))
        taken = {name for each in group for name in self.sections[each]}
        number, found = 1, wanted
        while found in taken:
            number += 1
            found = f"{wanted}-{number}"
        return found

    def check_formula(self, text: str, what: str) -> None:
        """Refuse a formula that cannot be read, or names what was not declared before it.

        Raises:
            SDKError: the first fault.
        """
        _, faults = read_formula(text, NOWHERE, self.scope())
        if faults:
            first = faults[0]
            raise SDKError(f"{what}: {first.message}" + (f"; {first.help}" if first.help else ""))

    def scope(self) -> Scope:
        """What formulas can name by now."""
        if self._scope is None:
            words = {name: self.sections[name] for name in _VOCABULARY if self.sections[name]}
            if agents := self.sections["agents"]:  # which of them answers is a fact
                words["agents"] = {id_: {"name": body["name"]} for id_, body in agents.items()}
            self._scope = scope_of(self._read({"jurat": 1, **words}, axioms=False).vocabulary)
        outlines = self._outlines()
        journeys = {name: EnumType(states_of(outlines, name)) for name in outlines}
        names = scope_of(Vocabulary(), journeys).names if journeys else {}
        return replace(self._scope, names={**self._scope.names, **names}, tools=frozenset(self.sections["tools"]))

    def states_of(self, journey: str) -> tuple[str, ...]:
        """The states of a journey, with those that come of its questions and of the journeys in it."""
        return states_of(self._outlines(), journey)

    def _outlines(self) -> dict[str, Outline]:
        return {
            name: Outline(
                tuple(body["states"]),
                frozenset(state for state, each in body["states"].items() if "ask" in each),
                {state: each["journey"] for state, each in body["states"].items() if "journey" in each},
            )
            for name, body in self.sections["journeys"].items()
        }

    def content(self) -> dict[str, Any]:
        """The sections that are not empty, as a policy file has them."""
        found: dict[str, Any] = {"jurat": 1}
        named_only = not any(self.sections["tools"].values())  # such tools are declared nowhere
        for name in SECTIONS:
            section = self.axioms if name == "axioms" else self.sections[name]
            if section and not (name == "tools" and named_only):
                found[name] = section
        return found

    def policy(self, content: Mapping[str, Any] | None = None) -> Policy:
        """The policy that was declared; ``content`` is it with what only becomes known at the end.

        Raises:
            PolicyError: everything that is wrong with it, each at the call that declared it.
        """
        return self._read(self.content() if content is None else content)

    def _read(self, content: Mapping[str, Any], *, axioms: bool = True) -> Policy:
        emitted = emit(content)
        at = _Relocation(emitted, self.places)
        try:
            policy = read_policy(emitted.text)
        except PolicyError as error:
            raise PolicyError([at.diagnostic(each) for each in error.diagnostics]) from None
        policy = at.moved(policy) if axioms else policy
        names = {place.source for place in self.places.values()}
        texts = {name: text for name in sorted(names) if (text := source_text(name)) is not None}
        return replace(policy, sources=texts)


def checked_around(
    *, on_selected: Any = None, on_message: Any = None, fields: Any = None, labels: Any = ()
) -> dict[str, Any]:
    """The functions and labels that a declaration was given.

    Raises:
        SDKError: what is none.
    """
    functions = {"on_selected": (on_selected, 2), "on_message": (on_message, 2), "fields": (fields, 1)}
    called = {"fields": "canned_response_field_provider"}
    found: dict[str, Any] = {
        name: given.function(function, f"`{called.get(name, name)}`", takes=takes)
        for name, (function, takes) in functions.items()
        if function is not None
    }
    names = [given.text(each, "a label") for each in given.sequence(labels, "`labels`")]
    return found | ({"labels": list(dict.fromkeys(names))} if names else {})


class _Relocation:
    """Moves places of the emitted text to the calls that declared what stands there."""

    def __init__(self, emitted: Emitted, places: Mapping[Path, Span]) -> None:
        self._emitted = emitted
        self._places = places

    def span(self, span: Span) -> Span:
        if span.source != TEXT:
            return span
        path = self._emitted.paths[min(span.line, len(self._emitted.paths)) - 1]
        return next((self._places[each] for each in _prefixes(path) if each in self._places), NOWHERE)

    def diagnostic(self, fault: Diagnostic) -> Diagnostic:
        related = tuple(replace(note, span=self.span(note.span)) for note in fault.related)
        return replace(fault, span=self.span(fault.span), related=related)

    def moved(self, value: Any) -> Any:
        """The value with every place in it moved; formulas hold none."""
        if isinstance(value, Span):
            return self.span(value)
        if isinstance(value, Expr) or value is None or isinstance(value, str | int):
            return value
        if isinstance(value, dict):
            return {key: self.moved(each) for key, each in value.items()}
        if isinstance(value, tuple):
            return tuple(self.moved(each) for each in value)
        kind: Any = type(value)
        names = _movable(kind)
        return replace(value, **{name: self.moved(getattr(value, name)) for name in names}) if names else value


@cache
def _movable(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind)) if is_dataclass(kind) else ()


def _prefixes(path: Path) -> Iterator[Path]:
    for length in range(len(path), 0, -1):
        yield path[:length]


def hint(name: str, known: Mapping[str, object]) -> str:
    """``; did you mean `x`?``, or nothing."""
    close = near_miss(name, known)
    return f"; {close}" if close else ""
