"""Policies in as few words as a test of meaning needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from jurat.policies import PolicyGraph, Resolution, load, resolve

Situate = Callable[..., Resolution]


@pytest.fixture
def policy() -> Callable[[str], PolicyGraph]:
    """Guidelines and what else is given as YAML; the observations a to f are declared."""

    def build(text: str) -> PolicyGraph:
        words = "".join(f"\n  {key}: The customer says {key}" for key in "abcdef")
        return load(f"jurat: 1\nobservations:{words}\n{inspect.cleandoc(text)}\n")

    return build


@pytest.fixture
def in_force(policy: Callable[[str], PolicyGraph]) -> Callable[..., str]:
    """What is certainly in force, as one text; the observations named in ``true`` are, the others are false."""

    def ask(text: str, true: str, **more: object) -> str:
        truth = {key: key in true for key in "abcdef"}
        return " ".join(resolve(policy(text), {**truth, **more}).in_force)

    return ask
