"""A policy that was written as a program is declared by that program: same digest, and so for what it is exported to again."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from tests.properties.strategies import policies
from tests.properties.writing import writable, written

from jurat.policies import load
from jurat.policies.model import Policy
from jurat.server.programs.export import declared_in, program_of
from jurat.server.programs.nodes import Unsayable

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [path for path in sorted((ROOT / "examples").iterdir()) if any(path.glob("*.yaml"))]
NOT_YET = {"include"}
"""The fields of the policy language that no program has words for."""

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


@given(policies())
@settings(max_examples=40)
def test_a_random_policy_is_what_its_program_declares(policy: Policy) -> None:
    policy = replace(policy, relations=tuple(filter(writable, policy.relations)))
    round_trip(written(policy), Path())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_what_its_program_declares(path: Path) -> None:
    round_trip(path, path)


@pytest.mark.parametrize("folder", sorted({path.parent for path in CORPUS}), ids=lambda path: path.name)
def test_every_policy_of_the_corpus_is_what_its_program_declares(folder: Path) -> None:
    for path in sorted(folder.glob("*.yaml")):
        try:
            round_trip(path, path.parent)
        except Unsayable as error:
            named = re.match(r"`[^`]+\.(\w+)`: a program cannot say this yet", str(error))
            assert named, path
            assert named[1] in NOT_YET, path
