"""Boxes in their author's words: each condition as a formula, or as a remark where no formula says it."""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.expr import Compare, Expr, Fact, Not, Observation
from jurat.policies.model import Vocabulary
from jurat.policies.printing import NAME, show
from jurat.policies.types import BoolType, EnumType
from jurat.policies.values import show_value
from jurat.solver.boxes import Box
from jurat.solver.claims import All, Claim, Holds
from jurat.solver.dimensions import Dimension

_TRUTHS = {
    frozenset((0,)): "{}",
    frozenset((1,)): "!{}",
    frozenset((2,)): "{} is unknown",
    frozenset((0, 1)): "{} is known",
    frozenset((0, 2)): "{} is not known to be false",
    frozenset((1, 2)): "{} is not known to be true",
}
"""What is said of a truth value by its cells: true, false, unknown."""

_TOGETHER = {frozenset((1,)): "none of {} is true", frozenset((1, 2)): "none of {} is known to be true"}
"""What is said of many observations at once."""


NAMED = 4
"""Observations of which the same is said that are named before the rest is counted."""

SAID = 12
"""Conditions of a box that are said before the rest is counted."""


def phrase(box: Box, vocabulary: Vocabulary) -> str:
    """A box on one line; `always` if it leaves nothing out."""
    said = list(_conditions(box, vocabulary))
    more = [f"{len(said) - SAID} more conditions"] if len(said) > SAID + 1 else []
    return " && ".join([*(said[:SAID] if more else said), *more]) or "always"


def _conditions(box: Box, vocabulary: Vocabulary) -> Iterator[str]:
    """What is said of many observations alike is said of all of them at once, last."""
    alike: dict[frozenset[int], list[str]] = {side: [] for side in _TOGETHER}
    for dimension, side in box.conditions:
        if isinstance(dimension.subject, Observation) and side in alike:
            alike[side].append(_name(dimension.subject, vocabulary))
    many = {side for side, names in alike.items() if len(names) > NAMED}
    for dimension, side in reversed(box.conditions):
        if not (isinstance(dimension.subject, Observation) and side in many):
            yield _condition(dimension, side, vocabulary)
    for side in sorted(many, key=sorted):
        names = alike[side]
        yield _TOGETHER[side].format(f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more")


def _condition(dimension: Dimension, side: frozenset[int], vocabulary: Vocabulary) -> str:
    name = _name(dimension.subject, vocabulary)
    if dimension.absent is None:
        return _present(dimension, side, name)
    present = side - {dimension.absent}
    if len(present) == len(dimension.cells) - 1:
        return f"has({name})"
    if not present:
        return f"!has({name})"
    text = _present(dimension, present, name)
    return text if dimension.absent not in side else f"({text}, or {name} is absent)"


def _name(subject: Expr, vocabulary: Vocabulary) -> str:
    """A name of the vocabulary; of a condition written in words its text, in quotes."""
    if isinstance(subject, Observation) and not NAME.fullmatch(subject.key):
        return f'"{vocabulary.observations[subject.key].text}"'
    text = show(subject)
    return text if NAME.fullmatch(text) or text.endswith(")") else f"({text})"


def _present(dimension: Dimension, side: frozenset[int], name: str) -> str:
    if dimension.points is not None:
        return _interval(dimension, sorted(side), name)
    subject = dimension.subject
    if isinstance(subject.type, BoolType):
        unknown = "absent" if isinstance(subject, Fact) else "unknown"
        return _TRUTHS[side].format(name).replace("unknown", unknown)
    if isinstance(subject.type, EnumType):
        values = [show_value(subject.type.values[place]) for place in sorted(side)]
        return f"{name} == {values[0]}" if len(values) == 1 else f"{name} in [{', '.join(values)}]"
    texts = [_said(dimension.cells[place]) for place in sorted(side)]
    return texts[0] if len(texts) == 1 else f"({' || '.join(texts)})"


def _said(claim: Claim) -> str:
    """A cell of a text: that it is one of those compared with, or none of them."""
    match claim:
        case Holds(expr, truth):
            return show(expr if truth else _opposite(expr))
        case All(claims):
            return " && ".join(map(_said, claims))
        case _:
            raise TypeError("no cell of a text")


def _opposite(expr: Expr) -> Expr:
    return Compare("!=", expr.left, expr.right) if isinstance(expr, Compare) else Not(expr)


def _interval(dimension: Dimension, side: list[int], name: str) -> str:
    """Neighbouring cells of a number: even places are open intervals, odd ones the points between them."""
    assert dimension.points is not None
    points = [show_value(point) for point in dimension.points]
    low, high = side[0], side[-1]
    if low == high and low % 2:
        return f"{name} == {points[low // 2]}"
    bounds = []
    if low > 0:
        bounds.append(f"{name} {'>=' if low % 2 else '>'} {points[(low - 1) // 2]}")
    if high < 2 * len(points):
        bounds.append(f"{name} {'<=' if high % 2 else '<'} {points[high // 2]}")
    return " && ".join(bounds)
