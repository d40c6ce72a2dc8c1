"""`jurat suggest`: what is asked, what each answer writes, and that nothing else is ever written."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

import jurat
from jurat.policies.graph import PolicyGraph
from jurat.server.cli import commands
from jurat.server.cli import suggest as command
from jurat.server.editing import PolicyFiles
from jurat.server.suggesting import Proposal, candidates

POLICY = """\
jurat: 1
observations:
  asks: The customer asks for a discount   # said often
  member: The customer is a member
  gold: The customer is a gold member
  new: The customer has never ordered
guidelines:
  # what we give
  generous: {when: asks && member, action: Offer a discount of 15%}
  strict:
    when: asks && new
    action: Never offer a discount
  greet: {when: asks, action: Thank the customer}
  best: {when: gold, action: Offer the gold card}
  inline: {condition: The customer has ordered ten times, action: Thank the customer for ten orders}
"""
YES, NO = 0.97, 0.03


class Scripted:
    """Finds `generous` and `strict` contradictory, `new` and `inline` exclusive, and that gold members are members."""

    name = "scripted"
    digest = "0"

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        asked = [(prefix.rsplit("\n\n", 1)[-1] + suffix) for suffix in suffixes]
        return [self._answer(each) for each in asked]

    def _answer(self, asked: str) -> float:
        if "Both possible" in asked:
            return NO if "15%" in asked and "Never offer" in asked else YES
        if "at the same time" in asked:
            return NO if "never ordered" in asked and "ten times" in asked else YES
        return (
            YES if asked.index("gold") < asked.index("Second") and "is a member" in asked.partition("Second")[2] else NO
        )

    async def generate(self, *_: object, **__: object) -> str:
        raise AssertionError("nothing is generated")

    async def close(self) -> None:
        pass


class Asked(Scripted):
    def _answer(self, asked: str) -> float:
        try:
            return super()._answer(asked)
        except ValueError:  # neither sentence is about gold members
            return NO


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "open_backend", lambda *_: Asked())


def proposals(graph: PolicyGraph) -> list[Proposal]:
    from jurat.llm.suggest import Suggester
    from jurat.server import suggesting

    asked = candidates(graph, 100)
    return asyncio.run(suggesting.proposals(graph, asked, Suggester(Asked()), lambda *_: None))


def talk(policy: Path, answers: str, *, dry_run: bool = False) -> tuple[PolicyFiles, list[str]]:
    """Answer the questions by these lines; and what was asked."""
    graph = jurat.load(policy)
    files, lines, asked = PolicyFiles(str(policy), graph), iter(answers.split()), list[str]()

    def ask(question: str) -> str:
        asked.append(question)
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    command.converse(files, proposals(graph), ask, dry_run=dry_run)
    return files, asked


def test_the_questions_are_about_what_can_come_together(policy: Path) -> None:
    found = proposals(jurat.load(policy))
    assert [(each.kind, each.subjects) for each in found] == [
        ("implication", ("gold", "member")),
        ("exclusive", ("The customer has ordered ten times", "new")),
        ("contradiction", ("generous", "strict")),
    ]


def test_every_yes_is_written_where_it_belongs_and_nothing_else_is_touched(policy: Path) -> None:
    talk(policy, "y y y")
    text = policy.read_text()
    for line in POLICY.splitlines():
        if "generous:" not in line:
            assert line in text
    assert "generous: {when: asks && member, action: Offer a discount of 15%, exclusive_with: [strict]}" in text
    assert "  - gold implies member\n  - {exclusive: [The customer has ordered ten times, new]}\n" in text
    graph = jurat.load(policy)
    assert graph.exclusive == (("generous", "strict"),)
    assert [each.name for each in jurat.check(graph).failures] == ["conflicting-actions"]
    assert proposals(graph) == []


def test_a_decision_is_written_with_both_values(policy: Path) -> None:
    talk(policy, "s s d discount some none")
    graph = jurat.load(policy)
    assert "discount" in graph.vocabulary.decisions
    assert "decide: {discount: some}" in policy.read_text()
    assert "decide: {discount: none}" in policy.read_text()
    assert [each.subjects for each in jurat.check(graph).failures] == [("generous", "strict")]


def test_a_no_is_remembered_and_noted_no_more(policy: Path) -> None:
    talk(policy, "s s n")
    graph = jurat.load(policy)
    assert graph.guidelines["generous"].allow == (("undeclared-overlap", "goes well with `strict`"),)
    assert [each.kind for each in proposals(graph)] == ["implication", "exclusive"]
    notes = [each for each in jurat.check(graph).findings if each.name == "undeclared-overlap"]
    assert any(each.allowed and "`generous`" in each.message for each in notes)
    assert not any("(3 pairs)" in each.message for each in notes)


@pytest.mark.parametrize("answers", ["", "q", "s s s", "maybe yess 1 q", "s s d", "s s d x same same", "n n s"])
def test_only_an_answer_writes(policy: Path, answers: str) -> None:
    talk(policy, answers)
    assert policy.read_text() == POLICY


def test_what_was_answered_before_the_end_stays(policy: Path) -> None:
    talk(policy, "y")
    assert "gold implies member" in policy.read_text()
    assert "exclusive" not in policy.read_text()


def test_a_dry_run_shows_a_patch_that_applies_and_writes_nothing(policy: Path) -> None:
    files, _ = talk(policy, "y y y", dry_run=True)
    patch = files.patch()
    assert policy.read_text() == POLICY
    done = subprocess.run(
        ["patch", "-p1", "-o", "-", str(policy)], input=patch, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    talk(policy, "y y y")
    assert done.stdout == policy.read_text()


def test_an_answer_that_settles_a_later_question_leaves_it_out(policy: Path) -> None:
    policy.write_text(
        POLICY.replace("asks && new", "asks && new && other") + "axioms: [{exclusive: [other, best_mood]}]\n"
    )
    policy.write_text(
        POLICY.replace("observations:", "observations:\n  apart: The customer has ordered ten times").replace(
            "asks && member", "asks && apart"
        )
    )
    text = policy.read_text()
    for answers, questions in (("s s s", 2), ("y y y", 1)):
        policy.write_text(text)
        _, asked = talk(policy, answers)
        assert len(asked) == questions


def test_inline_conditions_get_a_name_where_a_formula_needs_one(policy: Path) -> None:
    policy.write_text(
        POLICY.replace("  gold: The customer is a gold member\n", "").replace(
            "{when: gold,", "{condition: The customer is a gold member,"
        )
    )
    talk(policy, "y q")
    text = policy.read_text()
    assert "  is_gold_member: The customer is a gold member\n" in text
    assert "- is_gold_member implies member" in text
    jurat.load(policy)


def test_json_has_every_question_with_what_each_answer_would_write(policy: Path, scripted: None) -> None:
    done = CliRunner().invoke(commands.command_line, ["suggest", str(policy), "--format", "json"])
    report = json.loads(done.stdout)
    assert report["model"] == "scripted"
    assert report["left_out"] == {"guidelines": 0, "observations": 0}
    kinds = [(each["kind"], sorted(each["patches"])) for each in report["proposals"]]
    assert kinds == [("implication", ["yes"]), ("exclusive", ["yes"]), ("contradiction", ["no", "yes"])]
    assert "+axioms:\n+  - gold implies member\n" in report["proposals"][0]["patches"]["yes"]
    assert all(0.5 <= each["score"] <= 1 for each in report["proposals"])
    assert policy.read_text() == POLICY


def test_without_a_terminal_questions_are_listed_and_no_input_answers_them(policy: Path, scripted: None) -> None:
    done = CliRunner().invoke(commands.command_line, ["suggest", str(policy)], input="y\n" * 10)
    assert done.stdout.count("?\n") == 3
    assert "nothing was written" in done.stderr
    assert policy.read_text() == POLICY


def test_a_limit_is_kept_and_what_is_left_out_is_said(policy: Path, scripted: None) -> None:
    done = CliRunner().invoke(commands.command_line, ["suggest", str(policy), "--limit", "2"])
    assert "looked at 1 pair of guidelines and 1 of observations; " in done.stderr
    assert "were left out" in done.stderr
    asked = candidates(jurat.load(policy), 2)
    assert (len(asked.guidelines.pairs), len(asked.observations.pairs)) == (1, 1)


def test_nothing_to_ask_loads_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.yaml").write_text("jurat: 1\nguidelines: {g: {condition: It rains, action: Stay}}\n")
    monkeypatch.setattr(command, "open_backend", lambda *_: pytest.fail("a model was loaded"))
    done = CliRunner().invoke(commands.command_line, ["suggest", str(tmp_path / "p.yaml")])
    assert done.exit_code == 0
    assert "0 questions" in done.stderr


TERMINAL = """
import sys
from jurat.server.cli import main, suggest
from tests.server.test_suggest import Asked
suggest.open_backend = lambda *_: Asked()
sys.exit(main(["suggest", sys.argv[1]]))
"""


@pytest.fixture
def terminal(repository: Path) -> Iterator[tuple[int, int]]:
    pty = pytest.importorskip("pty", reason="terminals are a matter of Unix")
    leader, follower = pty.openpty()
    yield leader, follower
    os.close(leader)


def test_on_a_terminal_a_person_is_asked(policy: Path, repository: Path, terminal: tuple[int, int]) -> None:
    leader, follower = terminal
    os.write(leader, b"s\ns\ny\n")
    done = subprocess.run(
        [sys.executable, "-c", TERMINAL, str(policy)],
        cwd=repository, stdin=follower, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    os.close(follower)
    assert done.returncode == 0, done.stderr
    assert "3 of 3. Do these contradict each other?" in done.stderr
    assert "exclusive_with: [strict]" in policy.read_text()
    assert done.stderr.splitlines()[-1].endswith("failed: 1 finding")
