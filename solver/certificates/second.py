"""A second solver's answer to what no derivation shows: cvc5, asked in SMT-LIB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec

from jurat.policies.graph import PolicyGraph
from jurat.policies.obligations import Claim
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover
from jurat.solver.smtlib import text_of

SECONDS = 10
"""How long cvc5 may take for one question."""


def available() -> bool:
    """Whether cvc5 is installed."""
    return find_spec("cvc5") is not None


def second_opinions(graph: PolicyGraph, claims: Iterable[Claim]) -> Iterator[tuple[Claim, str]]:
    """For each claim what cvc5 says of a situation that breaks it: ``sat``, ``unsat`` or ``unknown``.

    The question is written by Jurat's Z3 encoder, so that only the solver is another one.
    """
    prover = Prover(graph, DEFAULT)
    for claim in claims:
        yield claim, answer_of(text_of(prover, claim, "unknown"))


def answer_of(text: str, seconds: float = SECONDS) -> str:
    """What cvc5 answers to one SMT-LIB file; ``unknown`` where it fails, whatever the reason."""
    import cvc5  # type: ignore[import-untyped]  # it ships no types

    terms = cvc5.TermManager()
    solver = cvc5.Solver(terms)
    solver.setOption("tlimit-per", str(int(seconds * 1000)))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "obligation")
    said: list[str] = []
    try:
        while not (command := parser.nextCommand()).isNull():
            said += command.invoke(solver, parser.getSymbolManager()).split()
    except RuntimeError:
        return "unknown"
    answers = [word for word in said if word in ("sat", "unsat")]
    return answers[0] if len(answers) == 1 else "unknown"
