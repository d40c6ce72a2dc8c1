"""The public interface of the package, and what importing it costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

import jurat
from jurat.llm import Condition

PUBLIC = {
    "Drop",
    "Finding",
    "PolicyError",
    "PolicyGraph",
    "Report",
    "Resolution",
    "__version__",
    "check",
    "load",
    "resolve",
}


def imported_after(statement: str, *modules: str) -> set[str]:
    """Which of `modules` a fresh interpreter has imported after running `statement`."""
    code = f"import sys; {statement}; print(*[m for m in {modules!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_public_names_are_these() -> None:
    assert set(jurat.__all__) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(jurat, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'solve'"):
        _ = jurat.solve  # type: ignore[attr-defined]


def test_importing_the_package_brings_nothing_heavy() -> None:
    heavy = ("z3", "torch", "celpy", "networkx", "pydantic", "yaml", "fastapi", "xllamacpp", "jurat.policies")
    assert imported_after("import jurat", *heavy) == set()


def test_the_turn_path_brings_no_solver() -> None:
    assert imported_after("import jurat.engine", "z3", "jurat.solver") == set()


def test_the_doubles_for_users_own_tests_need_no_extra() -> None:
    from jurat import testing

    assert testing.__all__ == ["ScriptedJudge", "ScriptedVoice"]
    judge = testing.ScriptedJudge({"asks_refund": True})
    [judgement] = asyncio.run(judge.judge([], [Condition("asks_refund", "The customer asks for a refund")]))
    assert judgement.truth is True
