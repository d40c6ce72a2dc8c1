"""The checker refuses every certificate that does not show what its policy needs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jurat.policies.checker
from jurat.policies import load
from jurat.policies.certificate import CertificateRefused, fixed, line_of, opened, sealed
from jurat.policies.checker import Encoder, Propagation, verify
from jurat.policies.obligations import claims

POLICY = """
jurat: 1
facts: {level: {int: {min: 0, max: 9}}}
observations: {x: The customer says x, y: The customer says y}
axioms: [level >= 1]
decisions: {offer: {enum: [free, paid, none]}}
guidelines:
  left: {when: (x || y) && (x || !y), decide: {offer: free}}
  right: {when: (!x || y) && (!x || !y), decide: {offer: paid}}
  low: {when: level < 1, decide: {offer: none}}
"""
CONFLICT = """
jurat: 1
observations: {x: The customer says x, y: The customer says y}
guidelines:
  one: {when: x, hand_off: human}
  two: {when: y, reply: bye}
  three: {when: y, hand_off: billing}
agents: {main: {name: Main}, billing: {name: Billing}}
replies: {bye: {text: Bye}}
"""
GRAPH = load(POLICY)
Lines = list[dict[str, Any]]


def lemma() -> list[int]:
    """That ``x`` is certainly true follows from what `left` needs, one case after the other."""
    encoder = Encoder(GRAPH)
    return [encoder.truth(GRAPH.atoms["x"])[0]]


def genuine() -> Lines:
    entries: Lines = [{**fixed(GRAPH), "jurat": "test"}]
    for kind, *who in claims(GRAPH):
        entry: dict[str, Any] = {kind: who}
        if kind == "consistent":
            entry["model"] = {"level": 3}
        elif kind == "no circle":
            entry["order"] = []
        else:
            entry["drup"] = [[lemma()]] if who == ["left", "right"] else []
        entries.append(entry)
    return entries


def written(entries: Lines) -> bytes:
    return sealed(map(line_of, entries))


def refusal(data: bytes) -> str:
    with pytest.raises(CertificateRefused) as caught:
        verify(data, GRAPH)
    text = str(caught.value)
    assert text
    assert "\n" not in text
    return text


def test_a_genuine_certificate_is_confirmed() -> None:
    _, found = verify(written(genuine()), GRAPH)
    assert {kind: len(each) for kind, each in found.items()} == {"model": 1, "order": 1, "drup": 3}


# -- damaged -----------------------------------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_changed_byte_is_refused(data: st.DataObject) -> None:
    whole = written(genuine())
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    refusal(whole[:place] + bytes([other]) + whole[place + 1 :])


def test_any_cut_is_refused() -> None:
    whole = written(genuine())
    for end in range(len(whole)):
        refusal(whole[:end])


@pytest.mark.parametrize("extra", [b"\n", b" ", b"{}\n", b"\0", b"\xef\xbb\xbf"])
def test_anything_added_is_refused(extra: bytes) -> None:
    refusal(written(genuine()) + extra)
    refusal(extra + written(genuine()))


RESEALED: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "empty": lambda _: [],
    "header only": lambda lines: lines[:1],
    "no header": lambda lines: lines[1:],
    "a line left out": lambda lines: lines[:-1],
    "a line twice": lambda lines: [*lines, lines[-1]],
    "another order": lambda lines: [lines[0], *reversed(lines[1:])],
    "a key twice": lambda lines: [lines[0][:-2] + b',"policy":"0"}\n', *lines[1:]],
    "white space": lambda lines: [lines[0].replace(b":", b": ", 1), *lines[1:]],
    "not UTF-8": lambda lines: [lines[0].replace(b"test", b"\xff\xfe"), *lines[1:]],
    "not a number": lambda lines: [lines[0].replace(b'"test"', b"NaN"), *lines[1:]],
    "a huge number": lambda lines: [lines[0].replace(b'"test"', b"9" * 5000), *lines[1:]],
    "an endless number": lambda lines: [lines[0].replace(b'"test"', b"1e999"), *lines[1:]],
    "deep nesting": lambda lines: [lines[0].replace(b'"test"', b"[" * 100_000 + b"]" * 100_000), *lines[1:]],
    "a list": lambda lines: [b"[]\n", *lines[1:]],
    "a blank line": lambda lines: [lines[0], b"\n", *lines[1:]],
}


@pytest.mark.parametrize("name", RESEALED)
def test_what_is_damaged_and_sealed_again_is_refused(name: str) -> None:
    lines = [line_of(entry) for entry in genuine()]
    refusal(sealed(RESEALED[name](lines)))


# -- foreign -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("policy", "0" * 64, "another policy"),
        ("jurat-certificate", 2, "version of Jurat"),
        ("jurat-certificate", True, "version of Jurat"),
        ("jurat-certificate", 1.0, "version of Jurat"),
        ("semantics", 0, "what policies mean"),
        ("axioms", [], "other axioms"),
        ("axioms", ["level >= 1", "false"], "other axioms"),
    ],
)
def test_a_header_of_something_else_is_refused(name: str, value: object, reason: str) -> None:
    header, *entries = genuine()
    assert reason in refusal(written([{**header, name: value}, *entries]))
    assert refusal(written([{key: each for key, each in header.items() if key != name}, *entries]))


# -- wrong -------------------------------------------------------------------------------------------------------


def forged(claim: tuple[str, ...], **evidence: object) -> bytes:
    header, *entries = genuine()
    kind, *who = claim
    return written([header, *({kind: who, **evidence} if {kind: who}.items() <= e.items() else e for e in entries)])


PAIR = ("acts", "left", "right")


@pytest.mark.parametrize(
    "steps",
    [
        [], [[]], [[[]]], [[[0]]], [[[10**9]]], [[[True]]], [[[1.0]]], [[["1"]]], [[5]], [5], {}, "x", None, 1,
        [[[1]], [[1]]], [[[-1]]], [[[1]] * 50], [[None]], [None],
    ],
)  # fmt: skip
def test_steps_that_show_nothing_are_refused(steps: object) -> None:
    """Also none at all: this claim takes a case distinction."""
    refusal(forged(PAIR, drup=steps))


@given(st.lists(st.lists(st.integers(-40, 40), max_size=3), max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_steps_show_what_is_false(steps: list[list[int]]) -> None:
    """Whatever is given as the derivation, two hand-offs that can come together are not proved apart."""
    graph = load(CONFLICT)
    entries: Lines = [{kind: who, "drup": [steps]} for kind, *who in claims(graph)]
    entries[0] = {"consistent": [], "model": {}}
    entries[1] = {"no circle": [], "order": []}
    with pytest.raises(CertificateRefused):
        verify(written([fixed(graph), *entries]), graph)


@pytest.mark.parametrize("kind", ["order", "enumeration", "model", "witness", "circle", "lemma", "proved", "acts", ""])
@pytest.mark.parametrize(
    "evidence", [[], {}, {"x": True}, {"level": "many"}, {"nobody": 1}, ["left", "right"], None, [[]]]
)
def test_evidence_that_does_not_fit_is_refused(kind: str, evidence: object) -> None:
    if (kind, evidence) != ("enumeration", []):
        refusal(forged(PAIR, **{kind: evidence}))
    refusal(forged(("no circle",), **{kind: evidence})) if (kind, evidence) != ("order", []) else None


def test_trying_everything_confirms_what_is_true_only() -> None:
    _, found = verify(forged(PAIR, enumeration=[]), GRAPH)
    assert found["enumeration"] == [PAIR]
    graph = load(CONFLICT)
    entries: Lines = [{kind: who, "enumeration": []} for kind, *who in claims(graph)]
    entries[:2] = [{"consistent": [], "model": {}}, {"no circle": [], "order": []}]
    with pytest.raises(CertificateRefused, match="acts: one: three"):
        verify(written([fixed(graph), *entries]), graph)


UNTRIED = """
jurat: 1
facts: {paid: bool}
tools:
  ship: {guard: paid, python: "tools:ship"}
  other: {guard: once(succeeded("ship")), python: "tools:other"}
guidelines:
  sends: {condition: The customer says x, tools: [ship]}
"""


def test_situations_that_cannot_be_written_are_not_tried_and_passed_over() -> None:
    """The guard of a tool that nobody calls speaks of a past that the part of the policy in question does not know."""
    graph = load(UNTRIED)
    assert ("callable", "ship") in claims(graph)
    entries: Lines = [{"consistent": [], "model": {}}, {"no circle": [], "order": []}]
    entries += [{kind: who, "enumeration": []} for kind, *who in claims(graph)[2:]]
    with pytest.raises(CertificateRefused, match="callable: ship"):
        verify(written([fixed(graph), *entries]), graph)


def test_a_model_must_make_every_axiom_true() -> None:
    for model in ({"level": 0}, {}, {"level": 99}, {"level": None}):
        refusal(forged(("consistent",), model=model))


def test_a_circle_is_not_called_an_order() -> None:
    graph = load("""
        jurat: 1
        guidelines:
          a: {condition: The customer says a, overrides: [b]}
          b: {condition: The customer says b, overrides: [a]}
    """)
    entries: Lines = [{"consistent": [], "model": {}}, {"no circle": [], "order": []}]
    entries += [{kind: who, "drup": []} for kind, *who in claims(graph)[2:]]
    with pytest.raises(CertificateRefused, match="no circle"):
        verify(written([fixed(graph), *entries]), graph)
    entries[1] = {"no circle": [], "circle": ["a", "b"]}
    assert verify(written([fixed(graph), *entries]), graph)[1]["circle"] == [("no circle",)]


# -- the checker itself ------------------------------------------------------------------------------------------

SOURCE = Path(jurat.policies.checker.__file__)
ALLOWED = {"__future__", "bisect", "collections", "collections.abc", "itertools", "math", "typing"}


def test_the_checker_is_short_and_knows_no_solver() -> None:
    text = SOURCE.read_text()
    assert len(text.splitlines()) < 300
    imported = {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    imported |= {
        alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names
    }
    assert {name for name in imported if name not in ALLOWED and not str(name).startswith("jurat.policies")} == set()


def test_importing_the_checker_imports_no_solver() -> None:
    program = "import sys, jurat.policies.checker; print([m for m in sys.modules if m.split('.')[0] in ('z3', 'pysat', 'cvc5') or m.startswith('jurat.solver')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@given(st.lists(st.lists(st.integers(-5, 5).filter(bool), min_size=1, max_size=3), max_size=12), st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_propagation_refutes_is_unsatisfiable(clauses: list[list[int]], data: st.DataObject) -> None:
    """Against all 32 assignments, also after lemmas came and went."""
    propagation = Propagation.__new__(Propagation)
    propagation.trail, propagation.values, propagation.watched = [], [0] * 11, [[] for _ in range(11)]
    models = [
        m for m in product((True, False), repeat=5) if all(any(m[abs(x) - 1] == (x > 0) for x in c) for c in clauses)
    ]
    if not all(propagation.holds([*clause]) for clause in clauses):
        assert models == []
        return
    literals, settled = st.lists(st.integers(-5, 5).filter(bool), max_size=3), [*propagation.trail]
    for _ in range(3):
        goal, lemmas = data.draw(literals), data.draw(st.lists(literals, max_size=3))
        if propagation.refutes(goal, lemmas):
            assert not any(all(m[abs(x) - 1] == (x > 0) for x in goal) for m in models)
        assert propagation.trail == settled


def test_reading_a_certificate_says_nothing_more_than_its_lines() -> None:
    header, entries = opened(written(genuine()), GRAPH)
    assert [header, *entries] == json.loads(json.dumps(genuine()))
