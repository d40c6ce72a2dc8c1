"""A policy that was written as a program is declared by that program: same digest, and so for what it is exported to again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.declaring import declarable, declare
from tests.properties.strategies import policies
from tests.properties.whole_policies import whole_policy

from jurat.policies import load
from jurat.policies.model import Policy
from jurat.server.programs.export import declared_in, program_of
from jurat.server.sdk.running import declared_by

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [path for path in sorted((ROOT / "examples").iterdir()) if any(path.glob("*.yaml"))]
PROGRAMS = [path for path in sorted((ROOT / "examples").glob("*/*.py")) if "p.Server" in path.read_text()]
CORPUS = sorted((ROOT / "tests/corpus").glob("*/*.yaml"))


def round_trip(source: str | Path, folder: Path) -> None:
    """From YAML to a program, to YAML, to a program."""
    program = program_of(source, folder)
    compile(program, "agent.py", "exec")
    text = declared_in(program).as_yaml()
    assert load(text).digest == load(source).digest
    if "\nservices:" not in text:  # the files of services stand beside the policy, and a text has no place
        again = declared_in(program_of(text, folder))
        assert load(again.as_yaml()).digest == load(source).digest


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_a_random_policy_is_what_its_program_declares(seed: int) -> None:
    round_trip(whole_policy(Random(seed)), Path())


@given(policies())
@settings(max_examples=20)
def test_what_a_program_declares_is_what_its_policy_declares_as_a_program(policy: Policy) -> None:
    server = asyncio.run(declare(replace(policy, relations=tuple(filter(declarable, policy.relations)))))
    round_trip(server.as_yaml(), Path())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_what_its_program_declares(path: Path) -> None:
    round_trip(path, path)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_program_of_the_examples_is_what_its_policy_declares(path: Path) -> None:
    server = declared_by(str(path))
    assert server is not None
    round_trip(server.as_yaml(), path.parent)


@pytest.mark.parametrize("folder", sorted({path.parent for path in CORPUS}), ids=lambda path: path.name)
def test_every_policy_of_the_corpus_is_what_its_program_declares(folder: Path) -> None:
    for path in sorted(folder.glob("*.yaml")):
        round_trip(path, path.parent)
