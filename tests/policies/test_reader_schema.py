"""The schema for editors names the same sections and fields as the reader, whose word counts."""

from __future__ import annotations

import json

from jurat.policies.reader import agents, documents, guidelines, journeys, phrasing, tools
from jurat.policies.schema import policy_schema

SCHEMA = policy_schema()
SECTIONS = SCHEMA["properties"]


def fields(section: str) -> set[str]:
    return set(SECTIONS[section]["additionalProperties"]["properties"])


def test_it_has_the_sections_and_fields_of_the_reader() -> None:
    assert set(SECTIONS) == set(documents.KEYS)
    assert fields("agents") == set(SECTIONS["agent"]["properties"]) == set(agents.FIELDS)
    assert fields("tools") == set(tools.FIELDS)
    assert fields("guidelines") == set(guidelines.FIELDS)
    assert fields("journeys") == set(journeys.FIELDS)
    state = SECTIONS["journeys"]["additionalProperties"]["properties"]["states"]["additionalProperties"]
    assert set(state["properties"]) == {*journeys.STATE_KINDS, "to", *phrasing.FIELDS}


def test_it_is_json_and_every_reference_leads_somewhere() -> None:
    text = json.dumps(SCHEMA)
    assert {part.split('"')[0] for part in text.split('"#/definitions/')[1:]} == set(SCHEMA["definitions"])


def test_no_mapping_with_known_fields_accepts_others() -> None:
    def walk(node: object) -> None:
        if isinstance(node, dict):
            if "properties" in node and node.get("type") == "object":
                assert node["additionalProperties"] is False
            for each in node.values():
                walk(each)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(SCHEMA)
