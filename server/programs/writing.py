"""A policy as a program that declares it, call by call.

What stands in the files is what is declared: texts, formulas and values as they were written. Only types come from the policy
that was read, for a service's files may say them. Names are declared before formulas speak of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jurat.policies.model import Policy
from jurat.policies.reader.agents import FIELDS as AGENT
from jurat.policies.reader.agents import ONLY
from jurat.policies.reader.documents import Sections
from jurat.policies.reader.goals import WORDS
from jurat.policies.reader.nodes import Fields, Node, Scalar
from jurat.policies.reader.phrasing import FIELDS as PHRASING
from jurat.policies.reader.refs import RELATION_KINDS
from jurat.server.programs.journeys import JOURNEY, inner_first, journey_call, trigger
from jurat.server.programs.nodes import Part, Unsayable, entries_of, items_of, plain, text_of
from jurat.server.programs.pieces import (
    HEAD,
    argument_of,
    conditions_of,
    folder_of,
    given,
    imports_for,
    tool_options,
)
from jurat.server.programs.source import Call, Name, shown
from jurat.server.programs.types import python_type
from jurat.server.programs.variables import Variables

METHODS = {
    "overrides": "prioritize_over", "requires": "depend_on", "requires_any": "depend_on_any", "entails": "entail",
    "exclusive_with": "exclusive_with", "disambiguates": "disambiguate",
}  # fmt: skip
GUIDELINE = (
    "condition", "when", "action", "tools", "offer", "forbid", "decide", "reply", "hand_off", "tags", "scope", "rank",
    "criticality", "on_unknown", "reevaluate_after", "track", "allow", *PHRASING, *RELATION_KINDS,
)  # fmt: skip
TOOL = (
    "python", "mcp", "openapi", "consequential", "guard", "limits", "provides", "description", "parameters", "timeout",
    "idempotent", "retries", "allow",
)  # fmt: skip
SAID = ("condition", "when", "action", "tools", "offer", "forbid", "decide", "reply", "hand_off")
"""What a call that declares a guideline must have one of."""
SERVICE = ("mcp", "openapi", "url", "schema", "headers", "authentication", "environment")


@dataclass
class Program:
    """The statements of a program, and which of the variables in them are used.

    ``folder`` is where the program is to stand.
    """

    sections: Sections
    policy: Policy
    folder: Path
    variables: Variables = field(init=False)

    def __post_init__(self) -> None:
        self.variables = Variables(self.sections["journeys"])

    def text(self, of: str) -> str:
        """The whole program; ``of`` is what the policy is called.

        Raises:
            Unsayable: what no program can declare.
        """
        tools = dict(self._tools())
        last = [*self._included(), *self._relations(), *self._axioms(), *self._invariants(), *self._goals()]
        rules = [*self._guidelines()]
        first = [*self._agent(), *self._vocabulary(), *self._services(), *self._declared(tools)]
        middle = [*self._journeys(), *self._tags(), *rules, *last]
        statements = [*self._replies(), *first, *middle]
        return HEAD.format(
            of=of.replace("\\", "/").replace('"', "'"),
            imports=imports_for(shown([each for _, each in statements]) + shown(list(tools.values()))),
            tools="".join(f"{self.variables.of('tool', name)} = {shown(call)}\n" for name, call in tools.items()),
            body="".join(self._statement(variable, call) for variable, call in statements) or "    pass\n",
        )

    def _statement(self, variable: str, call: Call) -> str:
        start = f"{variable} = await " if variable in self.variables.used else "await "
        return f"    {start}{shown(call, 1, len(start))}\n"

    @property
    def _home(self) -> str:
        """On what rules are declared that belong to no journey: the one agent, or for all that there are the server."""
        agents = self._agents()
        return self.variables.use("agent", next(iter(agents))).text if len(agents) == 1 else "server"

    def _agents(self) -> dict[str, Node]:
        only = {ONLY: self.sections.agent} if self.sections.agent is not None else {}
        return {**only, **{id_: node for id_, (_, node) in self.sections["agents"].items()}}

    # -- sections ------------------------------------------------------------------------------------------------

    def _agent(self) -> Iterator[tuple[str, Call]]:
        for id_, node in self._agents().items():
            part = Part(f"agents.{id_}", node, AGENT)
            named = {
                "description": part.text("description"), "model": part.text("model"), "id": id_,
                **self.variables.phrasing(part), "preamble": self.variables.replies(part.texts("preamble")),
            }  # fmt: skip
            yield self.variables.of("agent", id_), Call("server.create_agent", [part.text("name")], given(named))

    def _included(self) -> Iterator[tuple[str, Call]]:
        for id_, node in self._agents().items():
            if refs := Part(f"agents.{id_}", node, AGENT).texts("include"):
                call = f"{self.variables.use('agent', id_).text}.include"
                yield "", Call(call, [self.variables.entity(ref) for ref in refs])

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
            yield self.variables.of("decision", id_), call

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
            yield "", Call("server.create_tool", [self.variables.tool(id_)])

    def _replies(self) -> Iterator[tuple[str, Call]]:
        for id_, (_, node) in self.sections["replies"].items():
            part = Part(f"replies.{id_}", node, ("text", "template", "mode", "agent"))
            filled = "template" in part
            text = part.text("template" if filled else "text") or ""
            named = {
                "id": id_,
                "agent": part.text("agent"),
                "composited": True if part.text("mode") == "composited" else None,
                "fields": filled if filled != ("{{" in text or "{%" in text) else None,
            }
            yield self.variables.of("reply", id_), Call("server.create_canned_response", [text], given(named))

    def _journeys(self) -> Iterator[tuple[str, Call]]:
        nodes = {id_: node for id_, (_, node) in self.sections["journeys"].items()}
        for id_ in inner_first(nodes):
            call = journey_call(self.variables, self._home, id_, nodes[id_])
            yield self.variables.of("journey", id_), call
            for agent in self._agents() if self._home == "server" else ():
                attach = f"{self.variables.use('agent', agent).text}.attach_journey"
                yield "", Call(attach, [self.variables.use("journey", id_)])

    def _tags(self) -> Iterator[tuple[str, Call]]:
        carried = {tag for _, each in self._parts("guidelines", GUIDELINE) for tag in each.texts("tags")}
        carried |= {tag for _, each in self._parts("journeys", JOURNEY) for tag in each.texts("tags")}
        for tag in sorted(carried | set(self.sections["tags"])):
            name = self.variables.of("tag", tag)
            if name in self.variables.used or tag in self.sections["tags"]:
                yield name, Call("server.create_tag", [tag])

    def _parts(self, section: str, known: tuple[str, ...]) -> Iterator[tuple[str, Part]]:
        for id_, (_, node) in self.sections[section].items():
            yield id_, Part(f"{section}.{id_}", node, known)

    def _guidelines(self) -> Iterator[tuple[str, Call]]:
        for id_, part in self._parts("guidelines", GUIDELINE):
            named = {**conditions_of(part), **self._actions(part), **self._settings(part), "id": id_}
            found = given(named)
            if not any(name in found for name in SAID):
                found["when"] = "true"  # it only has relations
            scope = part.text("scope") or "agent"
            home = self._home if scope == "agent" else self.variables.entity(scope).text
            yield self.variables.of("guideline", id_), Call(f"{home}.create_guideline", [], found)

    def _actions(self, part: Part) -> dict[str, Any]:
        return {
            "action": part.text("action"),
            "tools": [self._call(each) for each in items_of(part.node("tools"))] if "tools" in part else [],
            "offer": [self.variables.tool(each) for each in part.texts("offer")],
            "forbid": [each for node in items_of(part.node("forbid")) for each in self._forbidden(part.where, node)]
            if "forbid" in part
            else [],
            "decide": part.value("decide"),
            "reply": part.text("reply"),
            "hand_off": part.text("hand_off"),
        }

    def _call(self, node: Node) -> Any:
        if isinstance(node, Scalar):
            return self.variables.tool(node.text)
        [(tool, said)] = entries_of(node).items()
        arguments = {name: argument_of(each) for name, each in entries_of(said).items()}
        return (self.variables.tool(tool), arguments) if arguments else self.variables.tool(tool)

    def _forbidden(self, where: str, node: Node) -> Iterator[Any]:
        if isinstance(node, Scalar):
            yield self.variables.tool(node.text)
            return
        part = Part(f"{where}.forbid", node, ("topic", "reply"))
        if "topic" in part:
            yield Call("p.Topic", [part.text("topic")])
        if "reply" in part:
            yield self.variables.use("reply", part.text("reply") or "")

    def _settings(self, part: Part) -> dict[str, Any]:
        return {
            "tags": part.texts("tags"), "priority": part.value("rank"), "criticality": part.text("criticality"),
            "on_unknown": part.text("on_unknown"), "track": False if part.value("track") is False else None,
            "reevaluate_after": [self.variables.tool(each) for each in part.texts("reevaluate_after")],
            "allow": part.mapping("allow"), **self.variables.phrasing(part),
        }  # fmt: skip

    def _relations(self) -> Iterator[tuple[str, Call]]:
        for section, known in (("guidelines", GUIDELINE), ("journeys", JOURNEY), ("tags", RELATION_KINDS)):
            for id_, part in self._parts(section, known):
                for kind in (each for each in RELATION_KINDS if each in part):
                    source = self.variables.use(section.removesuffix("s"), id_).text
                    node = part.node(kind)
                    groups = items_of(node) if kind == "requires_any" else [node]
                    for group in groups:
                        yield from self._relation(
                            source, kind, [self.variables.entity(text_of(e)) for e in items_of(group)]
                        )

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
            members = [trigger(each) for each in items_of(listed)]
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
            return node.text if node.text in WORDS else self.variables.entity(node.text)
        [(kind, said)] = entries_of(node).items()
        if kind == "call":
            return self.variables.tool(text_of(said))
        return self.variables.use({"decide": "decision", "reply": "reply"}[kind], text_of(said))
