"""Obligations as files for other solvers, and `jurat verify`."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from tests.solver.small_policies import small_policy

from jurat.policies import load
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.obligations import claims
from jurat.server.cli.commands import main
from jurat.solver import check, smtlib
from jurat.solver.certificates import write
from jurat.solver.certificates.second import answer_of

SUPPORT = Path(__file__).parents[2] / "examples/support"
ARITHMETIC = """
jurat: 1
facts:
  total: {decimal: {min: 0}}
  fee: {decimal: {min: 0}}
observations: {x: The customer says x}
decisions: {offer: {enum: [free, paid]}}
guidelines:
  free: {when: x && 2 * fee <= total, decide: {offer: free}}
  paid: {when: x && 2 * fee > total, decide: {offer: paid}}
"""
ODD = r"""
jurat: 1
decisions: {offer: {enum: [free, paid]}}
guidelines:
  one: {condition: 'The customer says a|b or \ or "c" or ü', decide: {offer: free}}
  two: {condition: 'The customer says c', decide: {offer: paid}}
"""
CORPUS = Path(__file__).parents[1] / "corpus"
FURTHER = {
    "broken-invariant": "always",
    "coverage-gap": "covered",
    "argument-bound": "within limits",
    "ordering-conflict": "not all called",
}
CONFLICT = """
jurat: 1
guidelines:
  one: {condition: The customer says x, hand_off: human}
  two: {condition: The customer says y, hand_off: billing}
agents: {main: {name: Main}, billing: {name: Billing}}
"""


def graphs() -> list[PolicyGraph]:
    small = [build_graph(small_policy(Random(seed))) for seed in range(40)]
    return [load(SUPPORT), load(ARITHMETIC), load(CONFLICT), load(ODD), *small]


def test_a_second_solver_gives_every_expected_answer() -> None:
    answers: Counter[tuple[str, str]] = Counter()
    for graph in graphs():
        for each in smtlib.obligations(graph, check(graph)):
            assert each.text.isascii()
            assert f"(set-info :status {each.expected})" in each.text
            answers[each.expected, answer_of(each.text)] += 1
    unknown = {pair for pair in answers if pair[0] == "unknown"}
    assert answers.keys() - unknown == {("sat", "sat"), ("unsat", "unsat")}
    assert sum(answers[pair] for pair in unknown) < 5, "only where the axioms contradict each other"


@pytest.mark.parametrize("folder", ["broken-invariant", "coverage-gap", "argument-bound", "ordering-conflict"])
def test_what_no_certificate_speaks_of_is_written_too(folder: str) -> None:
    kinds = set()
    for path in sorted((CORPUS / folder).glob("*.yaml"))[:5]:
        graph = load(path)
        report = check(graph)
        found = list(smtlib.obligations(graph, report))
        asked = [proof for proof in report.proofs if proof.check == folder and proof.kind == "obligation"]
        assert len({each.claim[1:2] for each in found if each.claim[0] == FURTHER[folder]}) >= bool(asked)
        for each in found:
            assert answer_of(each.text) == each.expected, each.claim
            kinds.add(each.claim[0])
    assert FURTHER[folder] in kinds


def test_both_parts_of_an_induction_are_written() -> None:
    graph = load(SUPPORT)
    found = [each for each in smtlib.obligations(graph, check(graph)) if each.claim[0] == "always"]
    parts = {id_: [each.claim[2] for each in found if each.claim[1] == id_] for _, id_, _ in (f.claim for f in found)}
    assert parts == {invariant.id: ["base", "step"] for invariant in graph.policy.invariants}
    assert [answer_of(each.text) for each in found] == ["unsat"] * len(found)


def test_an_answer_that_is_none_is_unknown() -> None:
    assert answer_of("(check-sat") == "unknown"
    assert answer_of("(set-logic ALL)") == "unknown"
    assert answer_of("(set-logic ALL)(check-sat)(check-sat)") == "unknown"


def test_every_obligation_is_a_file_of_its_own_with_named_asserts(tmp_path: Path) -> None:
    graph = load(SUPPORT)
    further = 2 * len(graph.policy.invariants)
    assert smtlib.write(graph, check(graph), tmp_path) == len(claims(graph)) - 1 + further
    index = json.loads((tmp_path / "index.json").read_text())
    assert index["policy"] == graph.digest
    assert {each["file"] for each in index["obligations"]} == {path.name for path in tmp_path.glob("*.smt2")}
    for each in index["obligations"]:
        text = (tmp_path / each["file"]).read_text()
        names = re.findall(r":named (\|[^|]*\|)", text)
        assert len(names) == len(set(names)) == text.count("(assert ")
        assert answer_of(text) == each["expected"]


# -- the command line --------------------------------------------------------------------------------------------


def files(folder: Path, text: str) -> tuple[str, str]:
    policy, certificate = folder / "policy.yaml", folder / "out.jurat"
    policy.write_text(text)
    graph = load(policy)
    write(graph, check(graph), certificate)
    return str(certificate), str(policy)


def test_check_writes_what_verify_accepts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = str(tmp_path / "out.jurat"), tmp_path / "smt"
    assert main(["check", str(SUPPORT), "--certificate", file, "--smtlib", str(folder)]) == 0
    assert (folder / "index.json").exists()
    capsys.readouterr()
    assert main(["verify", file, str(SUPPORT)]) == 0
    said = capsys.readouterr().out
    assert "verified, all 9 claims" in said
    assert "whether a model judges an observation rightly" in said
    assert "order.returnable implies order.age_days <= 30" in said


def test_verify_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, policy = files(tmp_path, ARITHMETIC)
    cut = tmp_path / "cut.jurat"
    cut.write_bytes(Path(file).read_bytes()[:-20])
    for certificate, path, reason in ((str(cut), policy, "cut off"), (file, str(SUPPORT), "another policy")):
        assert main(["verify", certificate, path]) == 1
        said = capsys.readouterr().err.strip()
        assert reason in said
        assert "\n" not in said
    assert main(["verify", str(tmp_path / "none"), policy]) == 2
    assert main(["verify", file, str(tmp_path / "none")]) == 2
    assert main(["verify", str(tmp_path), policy]) == 2


def test_verify_says_that_a_policy_has_conflicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", *files(tmp_path, CONFLICT)]) == 1
    assert "`one` and `two` never act together" in capsys.readouterr().out
    allowed = CONFLICT.replace(
        "hand_off: human}", "hand_off: human, allow: {conflicting-actions: a colleague decides}}"
    )
    assert main(["verify", *files(tmp_path, allowed)]) == 0


def test_arithmetic_is_put_to_the_second_solver(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, policy = files(tmp_path, ARITHMETIC)
    assert b'"two-solver"' in Path(file).read_bytes()
    assert main(["verify", file, policy]) == 0
    assert "which is no certificate" in capsys.readouterr().out
    monkeypatch.setattr("jurat.solver.certificates.second.available", lambda: False)
    assert main(["verify", file, policy]) == 3
    assert main(["verify", file, policy, "--allow-unchecked"]) == 0


def test_what_two_solvers_do_not_agree_on_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A claim that is false, forged as proved by arithmetic."""
    wrong = ARITHMETIC.replace("2 * fee > total", "2 * fee >= total")
    file, policy = files(tmp_path, wrong)
    lines = Path(file).read_bytes().splitlines()
    from jurat.policies.certificate import line_of, sealed

    entries = [json.loads(line) for line in lines[:-1]]
    entries[-1] = {"acts": ["free", "paid"], "two-solver": []}
    Path(file).write_bytes(sealed(map(line_of, entries)))
    assert main(["verify", file, policy]) == 1
    assert "cvc5 contradicts" in capsys.readouterr().err
