"""Whether some arguments of a call satisfy its guard, for each type that an argument can have."""

from __future__ import annotations

import pytest

from jurat.policies import load
from jurat.policies.satisfaction import Free, satisfiable

DAY = 'timestamp("2026-01-01T00:00:00Z")'


@pytest.mark.parametrize(
    ("type_", "guard", "found"),
    [
        ("timestamp", f"arguments.a > {DAY}", True),
        ("timestamp", f"arguments.a > {DAY} && arguments.a < {DAY}", False),
        ("timestamp", f'arguments.a > {DAY} && arguments.a < timestamp("2026-01-01T00:00:01Z")', True),
        ("timestamp", 'arguments.a > timestamp("9999-12-31T23:59:59.999999Z")', False),
        ("timestamp", "has(arguments.a)", True),
        ("duration", 'arguments.a > duration("1h") && arguments.a != duration("2h")', True),
        ("duration", 'arguments.a > duration("1h") && arguments.a < duration("1h")', False),
        ("{set: {enum: [x, y]}}", '"x" in arguments.a && "y" in arguments.a', True),
        ("{set: {enum: [x, y, z]}}", '"x" in arguments.a && !("y" in arguments.a)', True),
        ("{list: int}", "3 in arguments.a && !(3 in arguments.a)", None),
        ("{list: int}", "size(arguments.a) > 500", None),
        ("string", 'arguments.a in ["x", "y"] && !(arguments.a in ["x", "y"])', False),
        ("{list: timestamp}", f"{DAY} in arguments.a", True),
    ],
)
def test_arguments_are_tried_as_their_type_has_them(type_: str, guard: str, found: bool | None) -> None:
    graph = load(
        f"jurat: 1\nobservations: {{p: It is so}}\n"
        f"tools: {{t: {{python: 't:t', parameters: {{a: {type_}}}, guard: '{guard}'}}}}\n"
        "guidelines: {g: {when: p, tools: [t]}}\n"
    )
    tool = graph.vocabulary.tools["t"]
    assert tool.guard is not None
    assert satisfiable([], tool.guard.expr, lambda _: None, Free(dict(tool.parameters))) is found
