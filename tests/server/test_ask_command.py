"""`jurat ask`: what it prints, and its exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Jurat

POLICY = """\
jurat: 1
facts: {customer.verified: bool}
observations: {asks_refund: The customer asks for a refund, angry: The customer is angry}
tools: {issue_refund: {python: "tools:refund", guard: customer.verified}}
guidelines:
  refund: {when: asks_refund, tools: [issue_refund], action: Pay it back}
  calm: {when: angry, action: Calm down, overrides: [refund]}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, "utf-8")
    return str(path)


def test_both_questions_are_answered(jurat: Jurat, policy: str) -> None:
    done = jurat("ask", policy, 'allows("issue_refund") implies customer.verified')
    assert done.returncode == 0
    assert "can it happen? yes\n" in done.stdout
    assert "does it always hold? yes, proved\n" in done.stdout
    assert done.stdout.endswith("   = trust: relies on no judgement of the language model\n")


def test_a_situation_reads_like_a_conversation(jurat: Jurat, policy: str) -> None:
    done = jurat("ask", policy, 'calls("issue_refund")', "--ever")
    assert done.stdout.splitlines() == [
        'calls("issue_refund")',
        "",
        "can it happen? yes",
        "   = situation: angry = false, asks_refund = true",
        "   = in force: refund",
        "       customer: I would like a refund.",
        "       agent: (pay it back)",
    ]


@pytest.mark.parametrize(
    ("formula", "question", "status"),
    [
        ('calls("issue_refund")', "--ever", 0),
        ('calls("issue_refund") && angry', "--ever", 1),
        ('calls("issue_refund") && angry', "--never", 0),
        ('calls("issue_refund")', "--never", 1),
        ('allows("issue_refund") implies customer.verified', "--always", 0),
        ('calls("issue_refund") implies customer.verified', "--always", 1),
        ('in_force("refnd")', "--ever", 2),
    ],
)
def test_the_status_is_the_answer(jurat: Jurat, policy: str, formula: str, question: str, status: int) -> None:
    assert jurat("ask", policy, formula, question).returncode == status


def test_a_faulty_formula_is_shown_with_its_place(jurat: Jurat, policy: str) -> None:
    done = jurat("ask", policy, 'angry && in_force("refnd")')
    assert (done.returncode, done.stdout) == (2, "")
    assert "  |                   ^^^^^^^\n  = help: did you mean `refund`?" in done.stderr


def test_json_has_both_answers(jurat: Jurat, policy: str) -> None:
    found = json.loads(jurat("ask", policy, 'calls("issue_refund") && angry', "--format", "json").stdout)
    assert found["ever"]["answer"] == "no"
    assert found["ever"]["trust_base"] == {"axioms": [], "observations": ["angry"], "model_independent": False}
    assert found["always"]["answer"] == "no"
    assert found["always"]["witness"]["in_force"] == []


def test_the_past_is_asked_of_sessions(jurat: Jurat, policy: str) -> None:
    done = jurat("ask", policy, 'succeeded("issue_refund") implies once(called("issue_refund"))', "--always")
    assert done.returncode == 0
    assert "does it hold throughout every session? yes, by induction" in done.stdout


def test_undecided_has_its_own_status(jurat: Jurat, tmp_path: Path) -> None:
    path = tmp_path / "cubes.yaml"
    path.write_text("jurat: 1\nfacts: {x: int, y: int, z: int}\n", "utf-8")
    done = jurat("ask", str(path), "x * x * x + y * y * y + z * z * z == 390", "--ever", "--rlimit", "1000")
    assert done.returncode == 3
    assert "undecided" in done.stdout


def test_only_one_question_can_have_the_status(jurat: Jurat, policy: str) -> None:
    done = jurat("ask", policy, "true", "--always", "--never")
    assert (done.returncode, done.stdout) == (2, "")
    assert "give one of them, or none" in done.stderr
