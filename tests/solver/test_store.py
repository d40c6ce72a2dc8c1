"""Proofs that are kept say what proving again says, and only as long as nothing that they depend on has changed."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from tests.solver.small_policies import small_policy

from jurat.policies import PolicyGraph, load
from jurat.policies.findings import Finding, Proof, Report
from jurat.policies.graph import build_graph
from jurat.solver import Limits, check
from jurat.solver.outcome import Outcome
from jurat.solver.prover import Prover
from jurat.solver.store import Store, carriers, key_of_part

solver_check = import_module("jurat.solver.check")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "proofs.db"


def kept(graph: PolicyGraph, path: Path) -> Report:
    store = Store(path)
    report = check(graph, store=store)
    store.close()
    return report


def said(what: Finding | Proof) -> str:
    """Without the witness and the core, of which Z3 may find others."""
    if isinstance(what, Finding):
        return repr(replace(what, proof=None))
    return repr((what.check, what.question, what.verdict, what.kind))


def policies() -> Iterator[PolicyGraph]:
    yield load(ROOT / "examples" / "support")
    yield load(ROOT / "examples" / "support-broken")
    yield from (build_graph(small_policy(random.Random(seed))) for seed in range(25))


def test_a_report_is_the_same_with_a_store_and_from_it(path: Path) -> None:
    for graph in policies():
        fresh = check(graph)
        for report in (kept(graph, path), kept(graph, path)):
            assert list(map(said, report.findings)) == list(map(said, fresh.findings))
            assert sorted(map(said, report.proofs)) == sorted(map(said, fresh.proofs))


POLICY = """jurat: 1
facts:
  a.tier: {{enum: [low, high], ordered: true}}
  b.age: {{int: {{min: 0, max: 9}}}}
decisions: {{a_offer: {{enum: [x, y]}}, b_offer: {{enum: [x, y]}}}}
axioms: ["{axiom}"]
guidelines:
  a1: {{when: 'a.tier >= "high"', decide: {{a_offer: x}}}}
  a2: {{when: 'a.tier < "high"', decide: {{a_offer: y}}}}
  b1: {{when: b.age > {bound}, decide: {{b_offer: x}}}}
  b2: {{when: b.age <= 4, decide: {{b_offer: y}}}}
"""


def test_only_what_changed_is_proved_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    prove = solver_check.of_part

    def counted(part: PolicyGraph, whole: Prover) -> Iterator[Outcome]:
        asked.append(tuple(part.entities))
        return prove(part, whole)

    monkeypatch.setattr(solver_check, "of_part", counted)
    kept(load(POLICY.format(bound=4, axiom="true")), path)
    assert asked == [("a1", "a2"), ("b1", "b2")]
    kept(load("\n" + POLICY.format(bound=4, axiom="true")), path)
    assert len(asked) == 2, "a line that moved changes no proof"
    assert not kept(load(POLICY.format(bound=3, axiom="true")), path).passed
    assert asked[2:] == [("b1", "b2")]
    kept(load(POLICY.format(bound=4, axiom="b.age > 1")), path)
    assert asked[3:] == [("b1", "b2")], "an axiom belongs to the parts that it can matter to"
    kept(load(POLICY.format(bound=3, axiom="true")), path)
    assert asked[4:] == [("b1", "b2")], "a part with a finding is not kept, since places move"


def test_the_key_covers_limits_and_tags() -> None:
    graph = load(POLICY.format(bound=4, axiom="true"))
    keys = {
        key_of_part(graph, carriers(graph), Limits()),
        key_of_part(graph, carriers(graph), Limits(seed=1)),
        key_of_part(replace(graph, exclusive=(("a1", "b1"),)), carriers(graph), Limits()),
    }
    assert len(keys) == 3


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + b"\xff" * 200])
def test_a_file_that_is_no_store_is_an_empty_one(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert kept(load(POLICY.format(bound=4, axiom="true")), path).passed


def test_entries_that_somebody_spoilt_are_proved_again(path: Path) -> None:
    graph = load(POLICY.format(bound=4, axiom="true"))
    fresh = kept(graph, path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE parts SET proofs = x'0011'")
    connection.close()
    assert kept(graph, path) == fresh


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert kept(load(POLICY.format(bound=4, axiom="true")), tmp_path / "file" / "proofs.db").passed
