"""`jurat repair`: what it shows, and what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
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
    assert "with this patch: 1 finding becomes 0; --apply writes it" in done.stderr
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


ANCHORS = """jurat: 1
observations: {asks: The customer asks, tells: The customer tells, other: Something else}
decisions: {d: {enum: [x, y]}, e: {enum: [x]}}
guidelines:
  a: {when: asks, decide: {d: x}, overrides: &shared [c]}
  b: {when: tells, decide: {d: y}, overrides: *shared}
  c: {when: other, decide: {e: x}}
"""


def test_a_way_without_a_place_in_the_file_makes_room_for_the_next_one(jurat: Jurat, tmp_path: Path) -> None:
    policy = tmp_path / "anchors.yaml"
    policy.write_text(ANCHORS)
    ways = json.loads(jurat("repair", str(policy), "--format", "json").stdout)["problems"][0]
    assert ways["picked"] == 3
    assert ways["alternatives"][2]["assumes"]
    refused = jurat("repair", str(policy), "--pick", "1.1", "--apply")
    assert (refused.returncode, policy.read_text()) == (2, ANCHORS)
    assert f"error: `{policy}`: no place for `guidelines.a.overrides`" in refused.stderr
    nothing = jurat("repair", str(policy), "--most", "2", "--apply")
    assert (nothing.returncode, policy.read_text()) == (1, ANCHORS)
    assert "warning: problem 1 is not in the patch" in nothing.stderr
    assert "let `a` override `b`" in nothing.stdout


@pytest.mark.parametrize("folder", ["/", ""])
def test_patch_finds_the_file_that_the_patch_is_for(environment: dict[str, str], policy: Path, folder: str) -> None:
    """From the folder of the policy, and from the root where the policy is given from elsewhere."""
    command = [sys.executable, "-m", "jurat", "repair", str(policy), "--format", "json"]
    told = subprocess.run(command, cwd=folder or policy.parent, env=environment, capture_output=True, check=False)
    patch = json.loads(told.stdout)["patch"].splitlines()
    assert patch[:2] == [f"{side}/{policy.relative_to(folder or policy.parent)}" for side in ("--- a", "+++ b")]
