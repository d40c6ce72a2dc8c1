"""How much a proof may take, and the report of one that took more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from jurat.policies import Finding, PolicyGraph, Proof, Report, Verdict
from jurat.policies.findings import in_order

Tell = Callable[[str, int], None]
"""Called with the name of the running check and how many of its questions are answered."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """``rlimit`` and ``seed`` are the solver's, None for its own defaults.

    ``seconds``: wall-clock time for all of it. ``megabytes``: memory beyond what Jurat takes before it starts.
    """

    rlimit: int | None = None
    seed: int | None = None
    seconds: float | None = None
    megabytes: int | None = None
    store: Path | None = None
    """Where proofs are kept from one run to the next."""

    @property
    def limits(self) -> dict[str, Any]:
        """Arguments for the solver's limits."""
        given = {"rlimit": self.rlimit, "seed": self.seed}
        return {name: value for name, value in given.items() if value is not None}


class Proving(Protocol):
    """A proof that was started; leaving it ends it."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def report(self, tell: Tell) -> Report:
        """Wait for it, with progress."""


Answered = tuple[Proof, Finding | None]


def partial(graph: PolicyGraph, found: Iterable[Answered], check: str, reason: str, seconds: float) -> Report:
    """The report of a proof that was stopped while it worked on ``check``: what is left is one open obligation."""
    answered = list(found)
    question = f"the rest of the policy: stopped after {len(answered):,} answer{'' if len(answered) == 1 else 's'}"
    rest = Proof(question, check or "check", Verdict.UNKNOWN, reason=reason, kind="obligation")
    findings = in_order(each for _, each in answered if each)
    proofs = (*(proof for proof, _ in answered), rest)
    return Report(graph.digest, findings, proofs, seconds, guidelines=len(graph.guidelines))


def late(bounds: Bounds) -> str:
    """That the time is up."""
    return f"the time limit of {bounds.seconds:g} s was reached; `--timeout` sets it"


def full(bounds: Bounds) -> str:
    """That the memory is used up."""
    if bounds.megabytes is None:
        return "the solver ran out of memory"
    return f"the solver ran out of the memory it was given, {bounds.megabytes} MB; `--memory` sets it"


_MEMORY = re.compile(r"\bmem(?:out|ory)\b", re.IGNORECASE)
_WORDS = (
    (re.compile(r"resource|cancel"), "the resource limit of a question was reached; `--rlimit` sets it"),
    (re.compile(r"timeout"), "the solver ran out of time"),
    (
        re.compile(r"incomplete|unsupported|not supported|unknown"),
        "the solver has no complete method for the arithmetic or the texts of this question",
    ),
)
"""What Z3 says of why it does not know."""


def is_memory(reason: str) -> bool:
    """Whether a solver's reason is that memory ran out; what it says afterwards is not to be relied on."""
    return _MEMORY.search(reason) is not None


def in_words(proof: Proof) -> Proof:
    """An open question with its reason in words that need no manual of the solver; its own follow."""
    if proof.verdict is not Verdict.UNKNOWN:
        return proof
    words = next((words for pattern, words in _WORDS if pattern.search(proof.reason)), "")
    if not words:
        return proof if proof.reason else replace(proof, reason="the solver gave no reason")
    return replace(proof, reason=f"{words}; in its own words: {proof.reason}")
