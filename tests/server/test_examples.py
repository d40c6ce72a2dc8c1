"""The example policies: what the check says of them, and what they do in conversation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import jurat as package
from jurat.server.opening import toolbox_of

from .conftest import Jurat


def test_the_example_is_proved_and_something_was_to_prove(repository: Path) -> None:
    report = package.check(package.load(repository / "examples/support"))
    assert report.status == "passed"
    assert report.obligations > 0


def test_each_planted_fault_is_named_once_and_nothing_else(repository: Path) -> None:
    report = package.check(package.load(repository / "examples/support-broken"))
    found = sorted((each.name, each.subjects) for each in report.failures)
    assert [name for name, _ in found] == [
        "conflicting-actions",
        "dead-guideline",
        "override-cycle",
        "vacuous-condition",
    ]
    subjects = {name: set(each) for name, each in found}
    assert {"vip-upgrade", "standard-upgrade"} <= subjects["conflicting-actions"]
    assert "refund-granted" in subjects["dead-guideline"]
    assert {"escalate", "refund-check"} <= subjects["override-cycle"]
    assert "priority-line" in subjects["vacuous-condition"]


def test_a_finding_shows_its_place_and_says_what_to_do(repository: Path) -> None:
    for finding in package.check(package.load(repository / "examples/support-broken")).failures:
        assert finding.span.source.endswith("support-broken/policy.yaml")
        assert finding.span.line > 5
        assert finding.help


def test_the_shortest_policy_has_nothing_to_prove(repository: Path) -> None:
    report = package.check(package.load(repository / "examples/three-lines"))
    assert report.status == "nothing-to-prove"


@pytest.mark.parametrize(
    "line", ["  - order.returnable implies order.age_days <= 30\n", "    overrides: [refund-granted]\n"]
)
def test_the_proof_needs_the_axiom_and_the_precedence(repository: Path, tmp_path: Path, line: str) -> None:
    for name in ("policy.yaml", "vocabulary.yaml"):
        text = (repository / "examples/support" / name).read_text()
        (tmp_path / name).write_text(text.replace(line, "  - order.total >= 0\n" if line.startswith("  -") else ""))
    report = package.check(package.load(tmp_path))
    assert {each.name for each in report.failures} == {"conflicting-actions"}


@pytest.mark.parametrize("name", ["support", "support-broken"])
def test_every_tool_of_the_examples_can_be_loaded(repository: Path, name: str) -> None:
    path = repository / "examples" / name
    assert toolbox_of(package.load(path), str(path)).unimplemented == ()


def turns(jurat: Jurat, script: Path, *messages: str, facts: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """The traces of one conversation."""
    given = [part for fact in facts for part in ("--fact", fact)]
    done = jurat(
        "chat", "examples/support", "--script", str(script), "--json", *given, text="".join(f"{m}\n" for m in messages)
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def calls(trace: dict[str, object]) -> dict[str, str]:
    found = trace["calls"]
    assert isinstance(found, list)
    return {each["tool"]: each["status"] for each in found}


def in_force(trace: dict[str, object]) -> set[str]:
    rounds = trace["rounds"]
    assert isinstance(rounds, list)
    return {each["id"] for each in rounds[-1]["in_force"]}


def test_a_refund_is_answered_from_the_order_database(jurat: Jurat, script: Path) -> None:
    (trace,) = turns(jurat, script, "I want a refund for order 1042")
    assert calls(trace) == {"check_order_status": "succeeded", "verify_return_policy": "succeeded"}
    assert {"refund-check", "refund-granted"} <= in_force(trace)
    assert trace["decisions"] == {"refund": "granted"}
    assert "158.90" in str(trace["reply"])


def test_an_old_order_is_declined(jurat: Jurat, script: Path) -> None:
    (trace,) = turns(jurat, script, "I want a refund for order 1010")
    assert trace["decisions"] == {"refund": "declined"}


def test_a_dear_order_goes_to_review_and_is_not_granted(jurat: Jurat, script: Path) -> None:
    (trace,) = turns(jurat, script, "I want a refund for order 1008")
    assert trace["decisions"] == {"refund": "review"}
    assert "refund-granted" not in in_force(trace)


def test_an_order_that_is_not_there_is_said(jurat: Jurat, script: Path) -> None:
    (trace,) = turns(jurat, script, "I want a refund for order 9999")
    assert calls(trace)["check_order_status"] == "failed"
    assert "order-lookup-failed" in in_force(trace)


def test_money_is_paid_only_after_consent_and_identification(jurat: Jurat, script: Path) -> None:
    first, second, third = turns(
        jurat, script, "I want a refund for order 1042", "pay it out", "pay it out, order 1042, postcode 10115"
    )
    assert "issue_refund" not in calls(first)
    assert "issue_refund" not in calls(second)
    assert calls(third)["verify_identity"] == "succeeded"
    assert calls(third)["issue_refund"] == "succeeded"
    assert "refund-paid" in in_force(third)


def test_a_wrong_answer_to_a_security_question_pays_nothing(jurat: Jurat, script: Path) -> None:
    trace = turns(jurat, script, "refund for 1042", "pay it out, order 1042, postcode 99999")[-1]
    assert calls(trace) == {"verify_identity": "failed"}


def test_frustration_hands_off_and_overrides_everything_else(jurat: Jurat, script: Path) -> None:
    (trace,) = turns(jurat, script, "this is ridiculous, I want a refund for 1042, get me a manager")
    assert trace["handed_to"] == "human"
    assert calls(trace) == {"transfer_to_human": "succeeded"}
    assert "refund-check" not in in_force(trace)


@pytest.mark.parametrize(("tier", "guideline"), [("gold", "vip-upgrade"), ("silver", "standard-upgrade")])
def test_the_tier_decides_which_upgrade_is_offered(jurat: Jurat, script: Path, tier: str, guideline: str) -> None:
    (trace,) = turns(jurat, script, "Can I have an upgrade?", facts=(f"customer.tier={tier}",))
    assert in_force(trace) & {"vip-upgrade", "standard-upgrade"} == {guideline}


def test_a_card_number_is_answered_to_the_letter_and_cleared(jurat: Jurat, script: Path) -> None:
    (trace,) = turns(jurat, script, "my card is 4111 1111 1111 1111")
    assert calls(trace) == {"clear_sensitive_data": "succeeded"}
    assert str(trace["reply"]).startswith("Please do not send card numbers")
    assert trace["reply_source"] == "canned"


def test_a_problem_with_the_account_starts_with_identification(jurat: Jurat, script: Path) -> None:
    first, second = turns(jurat, script, "There is a problem with my account", "order 1042, postcode 10115")
    assert calls(first) == {"verify_identity": "missing"}
    assert "account-help/identify" in in_force(first)
    assert calls(second) == {"verify_identity": "succeeded"}
    assert "account-help/assist" in in_force(second)
