"""`jurat diff`: what it prints, and its exit statuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .conftest import Jurat

OLD = """\
jurat: 1
facts: {customer.tier: {type: {enum: [standard, silver, gold], ordered: true}}}
observations: {asks_upgrade: The customer asks for an upgrade}
decisions: {upgrade: {enum: [free, paid]}}
guidelines:
  upgrade: {when: 'asks_upgrade && customer.tier >= "silver"', decide: {upgrade: free}}
"""
NEW = OLD.replace('>= "silver"', '>= "gold"')


@pytest.fixture
def policies(tmp_path: Path) -> tuple[str, str]:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(OLD, "utf-8")
    new.write_text(NEW, "utf-8")
    return str(old), str(new)


def test_a_change_is_shown_with_its_situation_and_its_share(jurat: Jurat, policies: tuple[str, str]) -> None:
    done = jurat("diff", *policies)
    assert done.returncode == 1
    assert done.stdout.splitlines()[:6] == [
        'less permissive  `upgrade` is "free"',
        '   = only before: asks_upgrade = true, customer.tier = "silver"',
        '       system: customer.tier is "silver"',
        "       customer: I would like an upgrade.",
        "   = in force before: upgrade",
        "   = in force after: nothing",
    ]
    assert "affected: 1 of 8 situations (12.5 %)\n  counted over asks_upgrade, customer.tier\n" in done.stdout.replace(
        "customer.tier, asks_upgrade", "asks_upgrade, customer.tier"
    )
    assert done.stdout.splitlines()[-1] == "different: 1 topic"


def test_an_edit_that_changes_nothing_exits_with_0(jurat: Jurat, policies: tuple[str, str]) -> None:
    done = jurat("diff", policies[0], policies[0])
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "equivalent: this edit changes nothing (proved)")


def test_only_is_about_the_rest(jurat: Jurat, policies: tuple[str, str]) -> None:
    inside = jurat("diff", *policies, "--only", 'customer.tier == "silver"')
    assert inside.returncode == 0
    assert inside.stdout.endswith('changes nothing outside `customer.tier == "silver"` (proved)\n')
    assert jurat("diff", *policies, "--only", 'customer.tier == "gold"').returncode == 1


def test_a_faulty_formula_is_shown_with_its_place(jurat: Jurat, policies: tuple[str, str]) -> None:
    done = jurat("diff", *policies, "--only", "customer.tear")
    assert (done.returncode, done.stdout) == (2, "")
    assert "1 | customer.tear\n  | ^^^^^^^^^^^^^\n  = help: did you mean `customer.tier`?" in done.stderr


def test_json_has_the_whole_comparison(jurat: Jurat, policies: tuple[str, str]) -> None:
    done = jurat("diff", *policies, "--format", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["status"]) == (1, "different")
    assert found["share"]["fraction"] == "1/8"
    (topic,) = found["topics"]
    assert (topic["kind"], topic["name"], topic["change"]) == ("decision", "upgrade", "less permissive")
    assert topic["only_before"]["values"] == {"asks_upgrade": True, "customer.tier": "silver"}
    assert topic["only_after"] is None


def test_git_compares_with_a_revision(jurat: Jurat, policies: tuple[str, str], tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    git("add", "old.yaml")
    git("commit", "-q", "-m", "first")
    Path(policies[0]).write_text(NEW, "utf-8")
    done = jurat("diff", "--git", "HEAD", policies[0])
    assert done.returncode == 1
    assert f"{policies[0]} at HEAD → {policies[0]}" in done.stdout
    unknown = jurat("diff", "--git", "nowhere", policies[0])
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.startswith("error: git: ")
    (tmp_path / "outside.yaml").symlink_to("/nowhere.yaml")
    git("add", "outside.yaml")
    git("commit", "-q", "-m", "second")
    assert jurat("diff", "--git", "HEAD", policies[0]).returncode == 1, "links out of the folder are left out"
    for path in (policies[1], str(tmp_path / "gone.yaml")):  # new, and not there at all
        missing = jurat("diff", "--git", "HEAD", path)
        assert missing.returncode == 2
        assert missing.stderr.startswith(f"error: `{path}`")
        assert missing.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [("a.yaml",), ("a.yaml", "b.yaml", "--git", "HEAD"), ("a.yaml", "")])
def test_wrong_usage_is_one_sentence(jurat: Jurat, arguments: tuple[str, ...]) -> None:
    done = jurat("diff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_undecided_has_its_own_status(jurat: Jurat, tmp_path: Path) -> None:
    """Products of unbounded numbers, which the solver may give up on, are no proof of anything."""
    text = (
        "jurat: 1\nfacts: {x: int, y: int, z: int}\ndecisions: {d: {enum: [a]}}\nguidelines:\n"
        "  g: {when: 'x * x * x + y * y * y + z * z * z == %d', decide: {d: a}}\n"
    )
    (tmp_path / "a.yaml").write_text(text % 114, "utf-8")
    (tmp_path / "b.yaml").write_text(text % 390, "utf-8")
    done = jurat("diff", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), "--rlimit", "1000")
    assert done.returncode == 3
    assert "undecided" in done.stdout
