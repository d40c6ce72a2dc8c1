"""Parlant's own relational-resolution scenarios as policies of ours.

``data/resolver_scenarios.jsonl`` was recorded from the tests of emcie-co/parlant at commit ea737442b, under the Apache
License 2.0. A journey node becomes a state of its journey; a node's tags go to the journey, since states carry none. A guideline that
merely carries a journey's tag there is tagged here as well; where the SDK makes it depend on the journey, the scenario
says so itself. ``journeys`` lists the active ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jurat.policies.expr import Observation
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Guideline, Journey, ObservationDeclaration, Policy, Ref, Relation, State, Vocabulary
from jurat.policies.semantics import resolve

DATA = Path(__file__).parent / "data" / "resolver_scenarios.jsonl"
KINDS: dict[str, Any] = {
    "priority": "overrides", "dependency": "requires", "dependency_any": "requires_any", "entailment": "entails",
}  # fmt: skip
REFS: dict[str, Any] = {"guideline": "guideline", "journey": "journey", "tag_all": "tag", "tag_any": "any_tag"}
ELSEWHERE = "elsewhere"
"""A state without a node, for journeys none of whose nodes matched."""


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    raw: dict[str, Any]

    @property
    def expected(self) -> list[str]:
        """The surviving guidelines and nodes."""
        return sorted(self.raw["inforce"])

    @property
    def nodes(self) -> dict[str, str]:
        """The nodes, each with its journey."""
        return {each["id"]: each["journey"] for each in self.raw["guidelines"] if each["node"]}

    def graph(self) -> PolicyGraph:
        plain = [each for each in self.raw["guidelines"] if not each["node"]]
        return build_graph(
            Policy(
                vocabulary=Vocabulary(observations={g["id"]: ObservationDeclaration(g["id"], g["id"]) for g in plain}),
                guidelines={g["id"]: _guideline(g) for g in plain},
                journeys={id_: self._journey(id_) for id_ in sorted(self._journeys())},
                relations=tuple(self._relation(each) for each in self.raw["relations"]),
            )
        )

    def survivors(self) -> list[str]:
        """What resolution leaves in force of what the scenario calls guidelines."""
        in_force = set(resolve(self.graph(), self._values()).in_force)
        plain = [g["id"] for g in self.raw["guidelines"] if not g["node"] and g["id"] in in_force]
        return sorted([*plain, *(node for node, home in self.nodes.items() if f"{home}/{node}" in in_force)])

    def _values(self) -> dict[str, object]:
        matched = set(self.raw["matched"])
        values: dict[str, object] = {g["id"]: g["id"] in matched for g in self.raw["guidelines"] if not g["node"]}
        active = {journey["id"] for journey in self.raw["journeys"]}
        for journey in self._journeys():
            values[f"journey.{journey}.active"] = journey in active
            if journey in active:
                here = [node for node, home in self.nodes.items() if home == journey and node in matched]
                values[f"journey.{journey}.state"] = here[0] if here else ELSEWHERE
        return values

    def _journeys(self) -> set[str]:
        mentioned = {end["id"] for each in self.raw["relations"] for end in (each["source"], each["target"])
                     if end["kind"] == "journey"}  # fmt: skip
        return mentioned | {journey["id"] for journey in self.raw["journeys"]} | set(self.nodes.values())

    def _journey(self, id_: str) -> Journey:
        declared = next((each for each in self.raw["journeys"] if each["id"] == id_), {"rank": 0, "tags": []})
        nodes = [each for each in self.raw["guidelines"] if each["node"] and each["journey"] == id_]
        tags = frozenset([*declared["tags"], *(tag for node in nodes for tag in node["tags"])])
        states = {name: State(name, "chat") for name in (*(node["id"] for node in nodes), ELSEWHERE)}
        return Journey(id_, (), next(iter(states)), states, rank=declared["rank"], tags=tags)

    def _relation(self, raw: dict[str, Any]) -> Relation:
        groups = sorted({each["group"] for each in self.raw["relations"] if each["group"]})
        group = groups.index(raw["group"]) if raw["group"] else 0
        return Relation(KINDS[raw["kind"]], self._ref(raw["source"]), self._ref(raw["target"]), group)

    def _ref(self, end: dict[str, str]) -> Ref:
        if end["id"] in self.nodes:
            return Ref("state", f"{self.nodes[end['id']]}/{end['id']}")
        return Ref(REFS[end["kind"]], end["id"])


def _guideline(raw: dict[str, Any]) -> Guideline:
    return Guideline(raw["id"], Observation(raw["id"]), tags=frozenset(raw["tags"]), rank=raw["rank"])


def scenarios() -> list[Scenario]:
    lines = DATA.read_text(encoding="utf-8").splitlines()
    return [Scenario(raw["test"].removeprefix("test_that_relational_resolver_"), raw) for raw in map(json.loads, lines)]
