"""The agents that a policy is for."""

from __future__ import annotations

from jurat.policies.model import Agent, Ref
from jurat.policies.reader.context import Reading
from jurat.policies.reader.nodes import Node, Scalar
from jurat.policies.reader.phrasing import FIELDS as PHRASING
from jurat.policies.reader.phrasing import phrasing_of, replies_of
from jurat.policies.reader.refs import refs_of
from jurat.policies.reader.shapes import fields_of, id_of, is_mapping, text_of

ONLY = "agent"
"""The id of an agent given by `agent`, who has none."""

FIELDS = ("name", "description", "model", "include", *PHRASING, "preamble")


def read_agents(reading: Reading) -> dict[str, Agent]:
    """All agents by id; none where the files name none."""
    sections, several = reading.sections, reading.sections["agents"]
    found: list[Agent | None] = []
    if sections.agent is not None and sections.agent_key is not None:
        if several:
            message = "`agent` and `agents` are both given"
            reading.faults.at(sections.agent_key, "P309", message, help="move it under `agents`, with an id")
        found.append(_agent(reading, ONLY, sections.agent_key, sections.agent))
    for key, node in several.values():
        if id_of(reading.faults, key, "an agent") == "human":
            reading.faults.at(key, "P306", "`human` stands for a person; give the agent another name")
        found.append(_agent(reading, key.text, key, node))
    return {agent.id: agent for agent in found if agent}


def _agent(reading: Reading, name: str, key: Scalar, node: Node) -> Agent | None:
    fields = fields_of(reading.faults, node, FIELDS, "an agent")
    if "name" not in fields and is_mapping(node):
        reading.faults.at(key, "P303", "`name` is missing from an agent", help="add `name: …`")
    if "name" not in fields:
        return None
    texts = {each: text_of(reading.faults, fields[each], f"`{each}`") for each in FIELDS[:3] if each in fields}
    include = tuple(_include(reading, fields["include"])) if "include" in fields else ()
    phrasing, preamble = phrasing_of(reading, fields), replies_of(reading, fields, "preamble")
    described = texts["name"] or "", texts.get("description") or "", texts.get("model")
    return Agent(name, *described, include, key.span, phrasing, preamble)


def _include(reading: Reading, node: Node) -> list[Ref]:
    found: list[Ref] = []
    for ref, place in refs_of(reading, node, "`include`"):
        if ref.kind == "state":
            reading.faults.at(place, "P309", "an agent includes guidelines, journeys and tags, not states")
        else:
            found.append(ref)
    return found
