"""Formulas remembered between runs mean what they meant; a spoilt memory is no memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from tests.policies.formula_strategies import booleans

from jurat.policies import cel, load
from jurat.policies.cel import Node, parse
from jurat.policies.cel_faults import SyntaxFault
from jurat.policies.expr import Expr
from jurat.policies.printing import show
from jurat.policies.syntax_memory import remembering

ROOT = Path(__file__).parents[2]


def plain(node: Node) -> tuple[object, ...]:
    value = (getattr(node.value, "type", ""), node.value)
    return (node.kind, node.start, node.end, value, *map(plain, node.parts))


@given(booleans())
def test_what_is_remembered_is_what_was_parsed(expr: Expr) -> None:
    text = show(expr)
    with tempfile.TemporaryDirectory() as name:
        with remembering(Path(name)):
            first = plain(parse(text))
        with remembering(Path(name)):
            assert plain(parse(text)) == first


def refuse(text: str) -> Node:
    raise SyntaxFault(0, len(text), "this would have been parsed")


def test_a_policy_is_the_same_read_from_memory_without_parsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with remembering(tmp_path):
        first = load(ROOT / "examples" / "support")
    monkeypatch.setattr(cel, "_parse", refuse)
    with remembering(tmp_path):
        assert load(ROOT / "examples" / "support").digest == first.digest


@pytest.mark.parametrize("spoilt", [b"", b"[]", b"{", b'{"a": 3}', b'{"a": [1]}', b"\xff", b'{"a":' + b"[" * 9999])
def test_a_spoilt_memory_is_ignored(tmp_path: Path, spoilt: bytes) -> None:
    with remembering(tmp_path):
        parse("a")
    (file,) = tmp_path.iterdir()
    file.write_bytes(spoilt)
    with remembering(tmp_path):
        assert parse("a").kind == "name"


def test_faults_are_not_remembered(tmp_path: Path) -> None:
    for _ in range(2):
        with remembering(tmp_path), pytest.raises(SyntaxFault):
            parse("a &&")


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with remembering(tmp_path / "file"):
        assert parse("a").kind == "name"
