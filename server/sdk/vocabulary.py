"""What a policy can talk about, and what must hold of all of it: facts, decisions, axioms, invariants, goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jurat.server.sdk import given
from jurat.server.sdk.actions import AgentEntity, CannedResponse, reply_id
from jurat.server.sdk.calls import explained
from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import SDKError, unknown
from jurat.server.sdk.ids import id_from
from jurat.server.sdk.journeys import Journey
from jurat.server.sdk.places import call_place
from jurat.server.sdk.relations import Entity, PreambleTag, Tag, declare_tool
from jurat.server.sdk.responses import declare_response
from jurat.server.sdk.rules import Formula, condition_body
from jurat.server.sdk.tool import ToolEntry, check_tool
from jurat.server.sdk.types import literal, type_body

SOURCES = ("application", "authentication", "tools")


@dataclass(frozen=True, slots=True)
class Fact:
    """A typed value that the application, the log-in or a tool supplies; formulas speak of it by its path."""

    path: str
    source: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Decision:
    """A value that guidelines decide, at most one at a time."""

    id: str

    def __str__(self) -> str:
        return self.id


@explained
class Vocabulary:
    """The declarations of a server that no agent owns."""

    document: Document
    _tags: dict[str, Tag]

    async def create_fact(self, path: str, type: Any, *, source: str = "application", default: Any = None) -> Fact:
        """Declare a typed fact, such as ``customer.tier``; ``source="tools"`` is one that only tools write.

        Raises:
            SDKError: what is wrong with it.
        """
        name = given.text(path, "the path of a fact")
        body: dict[str, Any] = {"type": type_body(type, f"the fact `{name}`")}
        if given.choice(source, SOURCES, "`source`") != "application":
            body["from"] = source
        if default is not None:
            body["default"] = literal(default)
        self._add("facts", name, body)
        return Fact(name, source)

    async def create_condition(self, id: str, text: str, *, critical: bool = False) -> Formula:
        """Name a condition that is judged, so that formulas can speak of it."""
        said = given.text(text, "the text of a condition")
        self._add("observations", given.text(id, "`id`"), {"text": said, "critical": True} if critical else said)
        return Formula(id)

    async def create_event(self, name: str, text: str) -> Formula:
        """Declare something that the application reports to a session."""
        self._add("events", given.text(name, "the name of an event"), given.text(text, "the text of an event"))
        return Formula(name)

    async def create_constant(self, name: str, value: Any) -> None:
        """Declare a constant, or a mapping that formulas read at a key: ``limit[actor.role]``."""
        plain = (
            {literal(key): literal(each) for key, each in value.items()}
            if isinstance(value, Mapping)
            else literal(value)
        )
        self._add("constants", given.text(name, "the name of a constant"), plain)

    async def create_decision(self, id: str, type: Any) -> Decision:
        """Declare a value for guidelines to decide; that no two in force decide differently is proved."""
        self._add("decisions", given.text(id, "`id`"), type_body(type, f"the decision `{id}`"))
        return Decision(id)

    async def create_axiom(self, formula: str | Formula) -> None:
        """State what is known of the vocabulary; proofs rely on it, and say so."""
        text = _formula(self.document, formula, "an axiom")
        self._axiom(text)

    async def exclusive(self, *conditions: str | Formula) -> None:
        """State that no two of these conditions hold; each is a formula, or a text that is some guideline's condition."""
        self._axiom({"exclusive": self._conditions("exclusive", conditions)})

    async def one_of(self, *conditions: str | Formula) -> None:
        """State that exactly one of these conditions holds."""
        self._axiom({"one_of": self._conditions("one_of", conditions)})

    async def create_invariant(
        self,
        formula: str | Formula,
        *,
        id: str | None = None,
        allow: Mapping[str, str] | None = None,
    ) -> None:
        """Declare what must hold in every session, which is proved."""
        text = _formula(self.document, formula, "an invariant")
        name = id or self.document.free_id("invariants", id_from(text, "invariant"))
        self._add("invariants", name, {"holds": text, "allow": dict(allow)} if allow else text)

    async def create_goal(
        self, when: str | Formula, *, expect: Sequence[Any] = (), id: str | None = None,
        allow: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Declare what must not be left unanswered: wherever ``when`` certainly holds, one of ``expect`` is to be done.

        ``expect`` has guidelines, journeys, states, tags, tools, decisions, canned responses, ``"hand_off"`` and ``"answer"``.
        """
        text = _formula(self.document, when, "a goal")
        body: dict[str, Any] = {"when": text}
        if listed := given.sequence(expect, "`expect`"):
            body["expect"] = [self._expected(each) for each in listed]
        if allow:
            body["allow"] = given.mapping(allow, "`allow`")
        self._add("goals", id or self.document.free_id("goals", id_from(text, "goal")), body)

    async def create_tag(self, name: str) -> Tag:
        """A tag; one that exists already is returned."""
        return self._tag(given.text(name, "the name of a tag"))

    async def get_tag(self, name: str | None = None, *, id: str | None = None) -> Tag:
        """A tag that exists, by its name, which is its id too.

        Raises:
            SDKError: there is none of that name.
        """
        name = given.text(name if id is None else id, "the name of a tag")
        if name not in self.document.sections["tags"]:
            raise unknown("tag", name, self.document.sections["tags"])
        return self._tag(name)

    async def create_tool(self, tool: ToolEntry) -> ToolEntry:
        """Declare a tool before any guideline names it, so that formulas can speak of its calls."""
        declare_tool(self.document, check_tool(tool, "`create_tool`"))
        return tool

    async def create_service(
        self,
        id: str,
        *,
        mcp: str | Sequence[str] | None = None,
        openapi: str | None = None,
        url: str | None = None,
        schema: str | None = None,
        headers: Mapping[str, str] | None = None,
        authentication: Mapping[str, str] | None = None,
        environment: Sequence[str] = (),
    ) -> None:
        """Declare where tools run that are no functions of the program, for `p.tool_of`: an MCP server, by its address or the
        command that starts it, or a service with an OpenAPI document. Files are looked for beside the program.

        Raises:
            SDKError: it is neither, or both.
        """
        if (mcp is None) is (openapi is None):
            raise SDKError(f"the service `{id}` is one of `mcp` and `openapi`")
        where = mcp if mcp is None or isinstance(mcp, str) else given.sequence(mcp, "`mcp`")
        body = {
            "mcp": where, "openapi": openapi, "url": url, "schema": schema,
            "headers": given.mapping(headers or {}, "`headers`"),
            "authentication": given.mapping(authentication or {}, "`authentication`"),
            "environment": given.sequence(environment, "`environment`"),
        }  # fmt: skip
        self._add("services", given.text(id, "`id`"), {name: value for name, value in body.items() if value})

    async def create_canned_response(
        self,
        template: str,
        tags: Sequence[Tag | PreambleTag] = (),
        signals: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        field_dependencies: Sequence[str] = (),
        *,
        id: str | None = None,
        agent: AgentEntity | str | None = None,
        composited: bool = False,
        fields: bool | None = None,
    ) -> CannedResponse:
        """Declare an answer written beforehand; ``{{ fields }}`` in it are filled in, where ``fields`` does not say otherwise.

        It is every agent's, or that ``agent``'s (or what has its id, declared before or after) and said by others only where a
        guideline, journey or state names it. Those with the tag ``Tag.preamble()`` are said, by every agent in turn, while tools run.
        """
        return declare_response(
            self.document, template, tags, signals=signals, metadata=metadata, field_dependencies=field_dependencies, id=id,
            agent=agent, composited=composited, fields=fields,
        )  # fmt: skip

    def _tag(self, name: str) -> Tag:
        if name not in self.document.sections["tags"]:
            self.document.add("tags", name, {})
        return self._tags.setdefault(name, Tag(self.document, name))

    def _add(self, section: str, id_: str, body: Any) -> None:
        self.document.add(section, id_, body)
        if section in ("facts", "constants", "observations", "events", "decisions"):
            self._check(section, id_)

    def _check(self, section: str, id_: str) -> None:
        """Take back a declaration that cannot be read."""
        from jurat.policies import PolicyError

        try:
            self.document.scope()
        except PolicyError as error:
            del self.document.sections[section][id_]
            self.document.said(section, id_)
            first = error.diagnostics[0]
            raise SDKError(first.message + (f"; {first.help}" if first.help else "")) from None

    def _axiom(self, body: Any) -> None:
        self.document.axioms.append(body)
        self.document.said("axioms", len(self.document.axioms) - 1, place=call_place())

    def _conditions(self, what: str, conditions: tuple[Any, ...]) -> list[str]:
        if len(conditions) < 2:
            raise SDKError(f"`{what}` takes at least two conditions")
        found = []
        for each in conditions:
            if isinstance(each, Formula):
                found.append(_formula(self.document, each, f"`{what}`"))
            else:
                found.append(next(iter(condition_body(self.document, each, None, f"`{what}`").values())))
        return found

    def _expected(self, item: Any) -> Any:
        if item in ("answer", "hand_off"):
            return item
        if isinstance(item, ToolEntry):
            return {"call": declare_tool(self.document, item)}
        if isinstance(item, Decision):
            return {"decide": item.id}
        if isinstance(item, CannedResponse):
            return {"reply": reply_id(self.document, item, "`expect`")}
        if isinstance(item, Entity | Journey):
            return item.ref
        raise SDKError(f"`expect`: `{given.shown(item)}` is nothing that a guideline could do")


def _formula(document: Document, value: Any, what: str) -> str:
    text = value.text if isinstance(value, Formula) else given.text(value, what)
    document.check_formula(text, what)
    return text
