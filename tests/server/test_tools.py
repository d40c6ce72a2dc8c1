"""`jurat tools`: the matrix, the ranges, and how many wrong answers open a tool."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jurat.server.cli.commands import command_line

SHOP = """
jurat: 1
facts:
  actor.role: {type: {enum: [sales, manager]}, from: authentication}
  verified: {type: bool, from: tools}
constants: {most: {sales: 10, manager: 30}}
observations:
  asks: The customer asks for a discount
  leaves: The customer wants to leave
tools:
  discount:
    python: "tools:discount"
    consequential: true
    guard: verified && arguments.percent > 0 && actor.role == "manager"
    limits: arguments.percent <= most[actor.role]
  close: {python: "tools:close", consequential: true}
  spare: {python: "tools:spare"}
guidelines:
  discount: {when: asks, tools: [{discount: {percent: arguments.percent < 5.5}}]}
  close: {when: leaves, offer: [close]}
invariants:
  verified: called("discount") implies verified
  meant: called("discount") implies asks
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP, encoding="utf-8")
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, ["tools", *arguments], standalone_mode=False)


def test_the_matrix_has_a_column_for_every_value_and_for_its_absence(shop: Path) -> None:
    lines = run(str(shop), "--by", "actor.role").output.splitlines()
    assert lines[0].split() == ["actor.role"]
    assert [line.split() for line in lines[1:5]] == [
        ["tool", "sales", "manager", "absent"],
        ["close", "yes", "yes", "yes"],
        ["discount", "never", "guard", "never"],
        ["spare", "never", "never", "never"],
    ]
    assert "  never for sales, absent: whatever the model answers" in lines
    assert "  nothing calls or offers it" in lines


def test_without_a_fact_every_tool_has_its_paths_ranges_and_an_example(shop: Path) -> None:
    output = run(str(shop)).output
    assert "  calls  discount: arguments.percent is more than 0 and less than 5.5\n" in output
    assert "  offers close\n         for example leaves = true\n" in output
    assert "safety distance" not in output


def test_the_distance_names_the_observations_that_must_be_misjudged(shop: Path) -> None:
    output = run(str(shop), "--distance").output
    found = [line.split(maxsplit=2) for line in output.partition("safety distance")[2].splitlines()]
    said = {words[1]: words[2] for words in found if words and words[0] in ("tool", "invariant")}
    assert said == {
        "close": "1: leaves",
        "discount": "1: asks",
        "meant": "1: asks",
        "verified": "holds whatever the model answers",
    }
    assert "whatever the model answers: verified && arguments.percent > 0" in output
    assert "asks judged true, which is wrong" in output


def test_programs_get_the_same(shop: Path) -> None:
    done = run(str(shop), "--by", "actor.role", "--distance", "--format", "json")
    found = json.loads(done.output)
    tools = {each["tool"]: each for each in found["tools"]}
    assert found["by"] == "actor.role"
    reached = {cell["value"]: cell["reach"] for cell in tools["discount"]["cells"]}
    assert reached == {"sales": "never", "manager": "guarded", None: "never"}
    never, guarded, _ = tools["discount"]["cells"]
    assert never["trust_base"]["model_independent"] is True
    [way] = guarded["ways"]
    assert way["situation"]["values"] == {"actor.role": "manager", "asks": True, "verified": True}
    assert 0 < float(way["arguments"]["percent"]) < 5.5
    assured = {each["id"]: each for each in found["assurances"]}
    assert assured["verified"]["distance"] is None
    assert assured["verified"]["model_independent"] is True
    assert assured["close"]["through"] == [["leaves"]]
    assert assured["close"]["example"]["answered"] == {"leaves": True}


def test_a_fact_that_makes_no_columns_is_refused_with_a_reason(shop: Path) -> None:
    for by, reason in (
        ("actor.rol", "no fact is called `actor.rol`; did you mean `actor.role`?"),
        ("order.total", "`order.total` is a fact of type decimal; --by takes an enum, or true or false"),
    ):
        shop.write_text(SHOP.replace("facts:\n", "facts:\n  order.total: decimal\n"), encoding="utf-8")
        done = run(str(shop), "--by", by)
        assert str(done.exception) == reason


def test_nothing_is_proved_from_axioms_that_contradict_each_other(shop: Path) -> None:
    shop.write_text(SHOP + "axioms: [verified, '!verified']\n", encoding="utf-8")
    done = run(str(shop))
    assert done.output == ""
    assert str(done.exception).startswith("the axioms contradict each other")


def test_what_is_not_decided_is_said_and_has_its_own_status(shop: Path) -> None:
    done = run(str(shop), "--rlimit", "1")
    assert "undecided" in done.output
    assert done.return_value == 3
