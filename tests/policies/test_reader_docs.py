"""The examples of the language reference are policies, and it names every field and every code there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jurat.policies.graph import build_graph
from jurat.policies.reader import agents, allowances, documents, guidelines, read_policy, tools

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
CODE = re.compile(r'"(P[13]\d\d)"')


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_is_a_policy(number: int) -> None:
    text = EXAMPLES[number]
    build_graph(read_policy(text if text.startswith("jurat: 1") else f"jurat: 1\n{text}"))


def test_there_is_an_example_for_every_section() -> None:
    assert len(EXAMPLES) >= 13
    written = {key for text in EXAMPLES for key in re.findall(r"^(\w+):", text, re.MULTILINE)}
    assert written >= set(documents.MAPPINGS) | {"axioms", "jurat"}


def test_every_field_is_named() -> None:
    fields = {*documents.KEYS, *guidelines.FIELDS, *allowances.FINDINGS, *tools.FIELDS, *agents.FIELDS}
    assert {name for name in fields if f"`{name}" not in PAGE and f"{name}:" not in PAGE} == set()


def test_every_code_is_explained() -> None:
    room = Path(__file__).parents[2] / "policies"
    used = {code for path in room.rglob("*.py") for code in CODE.findall(path.read_text(encoding="utf-8"))}
    explained = set(re.findall(r"^\| (P[13]\d\d) \|", PAGE, re.MULTILINE))
    assert used == explained
