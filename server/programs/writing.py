"""A policy as a program that declares it, call by call.

What stands in the files is what is declared: texts, formulas and values as they were written. Only types come from the policy
that was read, for a service's files may say them. Names are declared before formulas speak of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jurat.policies.model import Policy
from jurat.policies.reader.agents import ONLY
from jurat.policies.reader.documents import Sections
from jurat.policies.reader.goals import WORDS
from jurat.policies.reader.nodes import Fields, Items, Node, Scalar
from jurat.policies.reader.refs import RELATION_KINDS
from jurat.policies.reader.texts import is_formula
from jurat.server.programs.nodes import Part, Unsayable, entries_of, items_of, plain, text_of
from jurat.server.programs.pieces import (
    HEAD,
    argument_of,
    conditions_of,
    folder_of,
    given,
    imports_for,
    in_order,
    judged,
    scalars_of,
    tool_options,
)
from jurat.server.programs.source import Call, Name, Names, shown
from jurat.server.programs.types import python_type

METHODS = {
    "overrides": "prioritize_over", "requires": "depend_on", "requires_any": "depend_on_any", "entails": "entail",
    "exclusive_with": "exclusive_with", "disambiguates": "disambiguate",
}  # fmt: skip
GUIDELINE = (
    "condition", "when", "action", "tools", "offer", "forbid", "decide", "reply", "hand_off", "tags", "scope", "rank",
    "criticality", "on_unknown", "reevaluate_after", "track", "allow", *RELATION_KINDS,
)  # fmt: skip
TOOL = (
    "python", "mcp", "openapi", "consequential", "guard", "limits", "provides", "description", "parameters", "timeout",
    "idempotent", "retries", "allow",
)  # fmt: skip
JOURNEY = ("triggers", "rank", "tags", "initial", "on_end", "states", "allow", *RELATION_KINDS)
SERVICE = ("mcp", "openapi", "url", "schema", "headers", "authentication", "environment")
_JOURNEY = re.compile(r"""journey(?:\.([A-Za-z_]\w*)|\[\s*["']([^"']+)["']\s*\])""")
_TAKEN = (
    "p", "server", "asyncio", "main", "declare", "Decimal", "datetime", "timedelta", "bool", "int", "str", "list", "set",
)  # fmt: skip


@dataclass
class Program:
    """The statements of a program, and which of the variables in them are used.

    ``folder`` is where the program is to stand.
    """

    sections: Sections
    policy: Policy
    folder: Path
    names: Names = field(default_factory=lambda: Names(*_TAKEN))
    used: set[str] = field(default_factory=set)

    def text(self, of: str) -> str:
        """The whole program; ``of`` is what the policy is called.

        Raises:
            Unsayable: what no program can declare.
        """
        tools = dict(self._tools())
        last = [*self._relations(), *self._axioms(), *self._invariants(), *self._goals()]
        rules = [*self._guidelines()]
        first = [*self._agent(), *self._vocabulary(), *self._services(), *self._declared(tools), *self._replies()]
        statements = [*first, *self._journeys(), *self._tags(), *rules, *last]
        return HEAD.format(
            of=of.replace("\\", "/").replace('"', "'"),
            imports=imports_for(shown([each for _, each in statements]) + shown(list(tools.values()))),
            tools="".join(f"{self.names.of('tool', name)} = {shown(call)}\n" for name, call in tools.items()),
            body="".join(self._statement(variable, call) for variable, call in statements) or "    pass\n",
        )

    def _statement(self, variable: str, call: Call) -> str:
        start = f"{variable} = await " if variable in self.used else "await "
        return f"    {start}{shown(call, 1, len(start))}\n"

    # -- variables -----------------------------------------------------------------------------------------------

    def _use(self, kind: str, id_: str) -> Name:
        name = self.names.of(kind, id_)
        self.used.add(name)
        return Name(name)

    def _entity(self, ref: str) -> Name:
        """A guideline, journey, state or tag, as a policy file names it."""
        prefix, colon, tag = ref.partition(":")
        if colon:
            tag = self._use("tag", tag.strip()).text
            return Name(f"p.AnyOf({tag})" if prefix == "any" else tag)
        journey, slash, state = ref.partition("/")
        if slash:
            return Name(f"{self._use('journey', journey).text}.state({shown(state)})")
        return self._use("journey" if ref in self.sections["journeys"] else "guideline", ref)

    def _tool(self, id_: str) -> Name:
        return Name(self.names.of("tool", id_))

    @property
    def _home(self) -> str:
        """On what rules are declared that belong to no journey: the one agent, or for all that there are the server."""
        agents = self._agents()
        return self._use("agent", next(iter(agents))).text if len(agents) == 1 else "server"

    def _agents(self) -> dict[str, Node]:
        only = {ONLY: self.sections.agent} if self.sections.agent is not None else {}
        return {**only, **{id_: node for id_, (_, node) in self.sections["agents"].items()}}

    # -- sections ------------------------------------------------------------------------------------------------

    def _agent(self) -> Iterator[tuple[str, Call]]:
        for id_, node in self._agents().items():
            part = Part(f"agents.{id_}", node, ("name", "description", "model"))
            named = {"description": part.text("description"), "model": part.text("model"), "id": id_}
            yield self.names.of("agent", id_), Call("server.create_agent", [part.text("name")], given(named))

    def _vocabulary(self) -> Iterator[tuple[str, Call]]:
        known = self.policy.vocabulary
        for path, (_, node) in self.sections["facts"].items():
            part = Part(
                f"facts.{path}", node, ("type", "enum", "int", "decimal", "list", "set", "ordered", "from", "default")
            )
            named = {"source": part.text("from"), "default": part.value("default")}
            yield "", Call("server.create_fact", [path, python_type(known.facts[path].type)], given(named))
        for name, (_, node) in self.sections["constants"].items():
            yield "", Call("server.create_constant", [name, plain(node)])
        for id_, (_, node) in self.sections["observations"].items():
            part = Part(f"observations.{id_}", node, ("text", "critical"))
            said = part.text("text") if isinstance(node, Fields) else text_of(node)
            yield "", Call("server.create_condition", [id_, said], given({"critical": part.value("critical") or None}))
        for id_, (_, node) in self.sections["events"].items():
            yield "", Call("server.create_event", [id_, text_of(node)])
        for id_ in self.sections["decisions"]:
            call = Call("server.create_decision", [id_, python_type(known.decisions[id_].type)])
            yield self.names.of("decision", id_), call

    def _services(self) -> Iterator[tuple[str, Call]]:
        for id_, (key, node) in self.sections["services"].items():
            self._refuse_elsewhere(f"services.{id_}", key.span.source)
            part = Part(f"services.{id_}", node, SERVICE)
            named = {
                "mcp": part.value("mcp"), "openapi": part.text("openapi"), "url": part.text("url"),
                "schema": part.text("schema"), "headers": part.mapping("headers"),
                "authentication": part.mapping("authentication"), "environment": part.texts("environment"),
            }  # fmt: skip
            yield "", Call("server.create_service", [id_], given(named))

    def _refuse_elsewhere(self, where: str, source: str) -> None:
        folder = folder_of(source)
        if folder is not None and folder.resolve() != self.folder.resolve():
            raise Unsayable(f"`{where}`: its files are looked for beside the program; write it into `{folder}`")

    def _tools(self) -> Iterator[tuple[str, Call]]:
        if not self.sections["tools"]:
            yield from ((id_, Call("p.tool_of", [id_])) for id_ in self.policy.vocabulary.tools)
            return
        python = [each for each in self.policy.vocabulary.tools.values() if each.kind == "python"]
        folders = {folder_of(each.span.source) for each in python}
        shared = folders.pop() if len(folders) == 1 else None
        beside = os.path.relpath((shared or self.folder).resolve(), self.folder.resolve())
        for id_, (_, node) in self.sections["tools"].items():
            declared = self.policy.vocabulary.tools[id_]
            part = Part(f"tools.{id_}", node, TOOL)
            if declared.kind == "openapi" and declared.target.partition("#")[0] not in self.sections["services"]:
                self._refuse_elsewhere(f"tools.{id_}", declared.span.source)
            elsewhere = declared.kind == "python" and beside != "."
            yield (
                id_,
                Call(
                    "p.tool_of",
                    [id_],
                    {
                        declared.kind: declared.target,
                        **({"folder": beside} if elsewhere else {}),
                        **tool_options(part, declared),
                    },
                ),
            )

    def _declared(self, tools: Mapping[str, Call]) -> Iterator[tuple[str, Call]]:
        for id_ in tools:
            yield "", Call("server.create_tool", [self._tool(id_)])

    def _replies(self) -> Iterator[tuple[str, Call]]:
        for id_, (_, node) in self.sections["replies"].items():
            part = Part(f"replies.{id_}", node, ("text", "template", "mode"))
            filled = "template" in part
            text = part.text("template" if filled else "text") or ""
            named = {
                "id": id_,
                "composited": True if part.text("mode") == "composited" else None,
                "fields": filled if filled != ("{{" in text or "{%" in text) else None,
            }
            yield self.names.of("reply", id_), Call("server.create_canned_response", [text], given(named))

    def _journeys(self) -> Iterator[tuple[str, Call]]:
        for id_ in in_order({id_: self._formulas(node) for id_, (_, node) in self.sections["journeys"].items()}):
            _, node = self.sections["journeys"][id_]
            part = Part(f"journeys.{id_}", node, JOURNEY)
            triggers = part.node("triggers")
            named = {
                "triggers": [self._trigger(each) for each in (triggers.items if isinstance(triggers, Items) else [triggers])],
                "id": id_, "tags": part.texts("tags"), "priority": part.value("rank"), "allow": part.mapping("allow"),
                "initial": part.text("initial"),
                "states": {name: self._state(f"journeys.{id_}.states.{name}", each) for name, each in part.entries("states").items()},
            }  # fmt: skip
            ends = {} if "on_end" in part else {"on_end": Name("None")}
            yield self.names.of("journey", id_), Call(f"{self._home}.create_journey", [id_], given(named) | ends)
            for agent in self._agents() if self._home == "server" else ():
                yield "", Call(f"{self._use('agent', agent).text}.attach_journey", [self._use("journey", id_)])

    def _formulas(self, node: Node) -> set[str]:
        """The journeys that a journey's formulas speak of."""
        found = {a or b for text in scalars_of(node) for a, b in _JOURNEY.findall(text)}
        return found & set(self.sections["journeys"])

    def _trigger(self, node: Node) -> Any:
        if isinstance(node, Scalar):
            return Call("p.formula", [node.text]) if is_formula(node.text) else judged(node.text)
        part = Part("triggers", node, ("when", "condition"))
        if "when" in part and "condition" in part:
            raise Unsayable("`triggers`: a trigger with both `condition` and `when` cannot be said yet")
        return judged(part.text("condition") or "") if "condition" in part else Call("p.formula", [part.text("when")])

    def _state(self, where: str, node: Node) -> Call:
        part = Part(where, node, ("say", "tool", "fork", "end", "to"))
        tool = self._tool(part.text("tool") or "") if "tool" in part else None
        flags = {name: True for name in ("fork", "end") if name in part}
        ways = [self._way(where, each) for each in items_of(part.node("to"))] if "to" in part else []
        return Call("p.State", [], given({"say": part.text("say"), "tool": tool, **flags, "to": ways}))

    @staticmethod
    def _way(where: str, node: Node) -> Call:
        part = Part(f"{where}.to", node, ("when", "condition", "state", "otherwise"))
        named = {**conditions_of(part), "otherwise": part.value("otherwise") or None}
        return Call("p.Way", [part.text("state")], given(named))

    def _tags(self) -> Iterator[tuple[str, Call]]:
        carried = {tag for _, each in self._parts("guidelines", GUIDELINE) for tag in each.texts("tags")}
        carried |= {tag for _, each in self._parts("journeys", JOURNEY) for tag in each.texts("tags")}
        for tag in sorted(carried | set(self.sections["tags"])):
            name = self.names.of("tag", tag)
            if name in self.used or tag in self.sections["tags"]:
                yield name, Call("server.create_tag", [tag])

    def _parts(self, section: str, known: tuple[str, ...]) -> Iterator[tuple[str, Part]]:
        for id_, (_, node) in self.sections[section].items():
            yield id_, Part(f"{section}.{id_}", node, known)

    def _guidelines(self) -> Iterator[tuple[str, Call]]:
        for id_, part in self._parts("guidelines", GUIDELINE):
            named = {**conditions_of(part), **self._actions(part), **self._settings(part), "id": id_}
            found = given(named)
            if set(found) <= {"id", "tags", "priority", "criticality", "on_unknown", "track", "allow"}:
                found["when"] = "true"  # it only has relations
            scope = part.text("scope") or "agent"
            home = self._home if scope == "agent" else self._entity(scope).text
            yield self.names.of("guideline", id_), Call(f"{home}.create_guideline", [], found)

    def _actions(self, part: Part) -> dict[str, Any]:
        return {
            "action": part.text("action"),
            "tools": [self._call(each) for each in items_of(part.node("tools"))] if "tools" in part else [],
            "offer": [self._tool(each) for each in part.texts("offer")],
            "forbid": [each for node in items_of(part.node("forbid")) for each in self._forbidden(part.where, node)]
            if "forbid" in part
            else [],
            "decide": part.value("decide"),
            "reply": part.text("reply"),
            "hand_off": part.text("hand_off"),
        }

    def _call(self, node: Node) -> Any:
        if isinstance(node, Scalar):
            return self._tool(node.text)
        [(tool, said)] = entries_of(node).items()
        arguments = {name: argument_of(each) for name, each in entries_of(said).items()}
        return (self._tool(tool), arguments) if arguments else self._tool(tool)

    def _forbidden(self, where: str, node: Node) -> Iterator[Any]:
        if isinstance(node, Scalar):
            yield self._tool(node.text)
            return
        part = Part(f"{where}.forbid", node, ("topic", "reply"))
        if "topic" in part:
            yield Call("p.Topic", [part.text("topic")])
        if "reply" in part:
            yield self._use("reply", part.text("reply") or "")

    def _settings(self, part: Part) -> dict[str, Any]:
        return {
            "tags": part.texts("tags"), "priority": part.value("rank"), "criticality": part.text("criticality"),
            "on_unknown": part.text("on_unknown"), "track": False if part.value("track") is False else None,
            "reevaluate_after": [self._tool(each) for each in part.texts("reevaluate_after")],
            "allow": part.mapping("allow"),
        }  # fmt: skip

    def _relations(self) -> Iterator[tuple[str, Call]]:
        for section, known in (("guidelines", GUIDELINE), ("journeys", JOURNEY), ("tags", RELATION_KINDS)):
            for id_, part in self._parts(section, known):
                for kind in (each for each in RELATION_KINDS if each in part):
                    source = self._use(section.removesuffix("s"), id_).text
                    node = part.node(kind)
                    groups = items_of(node) if kind == "requires_any" else [node]
                    for group in groups:
                        yield from self._relation(source, kind, [self._entity(text_of(e)) for e in items_of(group)])

    @staticmethod
    def _relation(source: str, kind: str, targets: list[Name]) -> Iterator[tuple[str, Call]]:
        if kind == "disambiguates" and targets:
            twice = (
                [*targets, *targets] if len(targets) == 1 else targets
            )  # the call asks for two, said twice is said once
            yield "", Call(f"{source}.disambiguate", [twice])
        elif targets:
            yield "", Call(f"{source}.{METHODS[kind]}", targets)

    def _axioms(self) -> Iterator[tuple[str, Call]]:
        for node in self.sections.axioms:
            if isinstance(node, Scalar):
                yield "", Call("server.create_axiom", [node.text])
                continue
            [(form, listed)] = entries_of(node).items()
            members = [self._trigger(each) for each in items_of(listed)]
            yield "", Call(f"server.{form}", members)

    def _invariants(self) -> Iterator[tuple[str, Call]]:
        for id_, (_, node) in self.sections["invariants"].items():
            part = Part(f"invariants.{id_}", node, ("holds", "allow"))
            text = part.text("holds") if isinstance(node, Fields) else text_of(node)
            yield "", Call("server.create_invariant", [text], given({"id": id_, "allow": part.mapping("allow")}))

    def _goals(self) -> Iterator[tuple[str, Call]]:
        for id_, (_, node) in self.sections["goals"].items():
            part = Part(f"goals.{id_}", node, ("when", "expect", "allow"))
            text = part.text("when") if isinstance(node, Fields) else text_of(node)
            expect = [self._expected(each) for each in items_of(part.node("expect"))] if "expect" in part else []
            named = {"expect": expect, "id": id_, "allow": part.mapping("allow")}
            yield "", Call("server.create_goal", [text], given(named))

    def _expected(self, node: Node) -> Any:
        if isinstance(node, Scalar):
            return node.text if node.text in WORDS else self._entity(node.text)
        [(kind, said)] = entries_of(node).items()
        if kind == "call":
            return self._tool(text_of(said))
        return self._use({"decide": "decision", "reply": "reply"}[kind], text_of(said))
