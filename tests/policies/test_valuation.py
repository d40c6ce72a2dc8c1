"""Situations given from outside: what does not fit is one clear error, what follows is filled in."""

from __future__ import annotations

import pytest

from jurat.policies import PolicyGraph, ValuationError, load, resolve, valuation_of

POLICY = """jurat: 1
tools: {t: {python: 'm:f'}, u: {python: 'm:f'}}
guidelines:
  sorry: {when: 'failed("*")', action: Say sorry}
"""


@pytest.fixture(scope="module")
def graph() -> PolicyGraph:
    return load(POLICY)


@pytest.mark.parametrize("values", [None, 3, "x", [("a", 1)], {3: 4}, {None: True}, {("a",): 1}])
def test_what_is_no_mapping_of_names_is_refused(graph: PolicyGraph, values: object) -> None:
    with pytest.raises(ValuationError, match=r"mapping|not a name"):
        resolve(graph, values)  # type: ignore[arg-type] # which is what is tested


def test_where_one_tool_failed_some_tool_did(graph: PolicyGraph) -> None:
    assert resolve(graph, {'failed("t")': True}).in_force == ("sorry",)
    assert resolve(graph, {'failed("t")': False}).in_force == ()
    assert valuation_of(graph, {'failed("t")': True}).values['failed("*")'] is True


def test_no_tool_and_one_tool_failed_at_once_is_refused(graph: PolicyGraph) -> None:
    with pytest.raises(ValuationError, match=r'^`failed\("u"\)` is true, but `failed\("\*"\)` is false$'):
        resolve(graph, {'failed("u")': True, 'failed("*")': False})
