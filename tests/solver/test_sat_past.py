"""What the two lanes know of every past is the same, whatever else was spoken of."""

from __future__ import annotations

from itertools import product

import z3

import jurat
from jurat.policies.expr import And, Compare, Const, Event, Expr, Fact, History, Not, mentioned_atoms
from jurat.policies.findings import Verdict
from jurat.policies.types import BOOL, INT
from jurat.solver.claims import Holds
from jurat.solver.encoding import encode
from jurat.solver.formulas import truth
from jurat.solver.sat import SatLane

GRAPH = jurat.load("jurat: 1\nfacts: {vip: bool}\ntools: {pay: {python: m:f}}\nguidelines: {g: {action: Go}}\n")
DONE, CALLED = Event("succeeded", "pay"), Event("called", "pay")
FAILED, ANY_FAILED, VIP = Event("failed", "pay"), Event("failed", "*"), Fact("vip", BOOL)


def count(operand: Expr, within: int | None = None, least: int = 1) -> Expr:
    return Compare(">=", History("count", (operand,), within, type=INT), Const(least, INT))


FORMULAS: list[Expr] = [
    DONE, CALLED, FAILED, ANY_FAILED, VIP, Not(VIP),
    *(History("once", (each,)) for each in (DONE, CALLED, FAILED, ANY_FAILED, VIP, Not(DONE), And((DONE, VIP)))),
    *(History("once", (each,), 3) for each in (DONE, CALLED, FAILED)),
    *(History("once", (each,), 60, "seconds") for each in (DONE, CALLED, ANY_FAILED)),
    History("once", (DONE,), 5), History("previously", (DONE,)), History("previously", (VIP,)),
    *(History("historically", (each,)) for each in (DONE, VIP, Not(FAILED))),
    History("historically", (DONE,), 3), History("historically", (DONE,), 5),
    History("since", (VIP, DONE)), History("since", (VIP, FAILED)), History("previously", (FAILED,)), History("since", (DONE, VIP)), History("since", (CALLED, DONE), 3),
    count(DONE), count(DONE, 3), count(DONE, 5, 2), count(FAILED, None, 2), count(ANY_FAILED, None, 2), count(VIP), count(CALLED), count(CALLED, 3),
]  # fmt: skip


def test_what_follows_from_what_is_the_same() -> None:
    encoding, lane, solver = encode(GRAPH), SatLane(GRAPH), z3.Solver()
    truths = {expr: truth(expr, encoding.atoms) for expr in FORMULAS}
    solver.add(*encoding.laws(mentioned_atoms(FORMULAS)))
    for (left, a), (right, b) in product(product(FORMULAS, (True, False)), repeat=2):
        wanted = [truths[left].true if a else truths[left].false, truths[right].true if b else truths[right].false]
        answer, alone = (each.ask((Holds(left, a), Holds(right, b))) for each in (lane, SatLane(GRAPH)))
        assert answer is not None
        assert alone is not None
        assert (answer.verdict is Verdict.REFUTED) == (solver.check(*wanted) == z3.sat), (left, a, right, b)
        assert alone.verdict is answer.verdict, (left, a, right, b)
