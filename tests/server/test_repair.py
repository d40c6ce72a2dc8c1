"""`jurat repair`: what it shows, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.server.conftest import Jurat

POLICY = """# Kept comment.
jurat: 1
observations: {refund: The customer wants a refund, exchange: The customer wants an exchange}
decisions: {answer: {enum: [a, b]}}
guidelines:
  r:
    when: refund   # Kept, too.
    decide: {answer: a}
  e:
    when: exchange
    decide: {answer: b}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def test_it_shows_ways_and_a_patch_and_writes_nothing(jurat: Jurat, policy: Path) -> None:
    done = jurat("repair", str(policy))
    assert done.returncode == 1
    assert "let `e` override `r`" in done.stdout
    assert "of the situations" in done.stdout
    assert "+    overrides: [" in done.stdout
    assert "1 findings become 0" in done.stderr or "--apply" in done.stderr
    assert policy.read_text() == POLICY


def test_apply_writes_it_and_the_policy_passes(jurat: Jurat, policy: Path) -> None:
    assert jurat("repair", str(policy), "--apply").returncode == 0
    text = policy.read_text()
    assert "# Kept comment." in text
    assert "# Kept, too." in text
    assert jurat("check", str(policy)).returncode == 0
    again = jurat("repair", str(policy))
    assert again.returncode == 0
    assert "nothing to repair" in again.stderr


def test_another_way_can_be_picked(jurat: Jurat, policy: Path) -> None:
    shown = json.loads(jurat("repair", str(policy), "--format", "json", "--most", "6").stdout)
    ways = shown["problems"][0]["alternatives"]
    assumption = next(number for number, way in enumerate(ways, 1) if way["assumes"])
    done = jurat("repair", str(policy), "--most", "6", "--pick", f"1.{assumption}", "--apply")
    assert done.returncode == 0
    assert "exclusive: [exchange, refund]" in policy.read_text()


@pytest.mark.parametrize("pick", ["1.9", "2.1", "x", "1", "0.1"])
def test_a_way_that_was_not_found_cannot_be_picked(jurat: Jurat, policy: Path, pick: str) -> None:
    done = jurat("repair", str(policy), "--pick", pick, "--apply")
    assert done.returncode == 2
    assert "is no way that was found" in done.stderr
    assert policy.read_text() == POLICY
