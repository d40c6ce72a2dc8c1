"""Whether a guard can be made true by calls of the same situation: both readings of one rule, beside each other."""

from __future__ import annotations

from itertools import product

import pytest

from jurat.policies import load
from jurat.policies.conflicts import callable_now
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call
from jurat.policies.semantics import resolve
from jurat.policies.types import BoolType
from jurat.solver import check

POLICY = """
jurat: 1
facts:
  ok: {{type: bool, from: tools}}
  level: {{type: {{int: {{min: 0, max: 5}}}}, from: tools}}
  roles: {{type: {{list: string}}, from: tools}}
tools:
  verify: {{python: "m:v", provides: {{ok: true, level: 3, roles: [clerk, buyer]}}}}
  lookup: {{python: "m:l"}}
  pay: {{python: "m:p", guard: '{guard}'}}
guidelines:
  g: {{condition: The customer pays, tools: [verify, pay]}}
  h: {{condition: The customer asks, offer: [lookup]}}
"""

GUARDS = {
    # one outcome of one call, and what it writes
    'called("verify")': True,
    'succeeded("verify") && ok': True,
    'failed("verify") && !succeeded("verify")': False,  # it may have succeeded before
    'succeeded("verify") && failed("verify")': False,
    'once(succeeded("verify")) || ok': True,
    'ok && !called("verify")': False,
    "level == 3": True,
    "level == 4": False,
    "level + 1 == 4": True,
    '"clerk" in roles': True,
    '"clerk" in roles && "buyer" in roles': True,
    '"cook" in roles': False,
    "size(roles) == 2": True,
    # another one, which not every situation offers
    'succeeded("lookup")': False,
    'called("lookup") || once(called("verify"))': True,
    # how often, and any tool
    'count(called("verify")) >= 1': True,
    'count(called("verify")) >= 2': False,
    'count(failed("*")) >= 1': True,
    'count(failed("*")) >= 2': False,
    'count(succeeded("verify")) + count(failed("verify")) > 0': True,
    'failed("*")': True,
    '!failed("*")': False,
    # what is left open
    'since(ok, succeeded("verify"))': True,
    'previously(called("verify"))': True,
    "once(ok && level > 2)": True,
    'once(ok) && !called("verify")': False,
    '!historically(!failed("verify"))': True,
    'historically(!failed("verify"))': False,
    'count(succeeded("verify") || failed("verify")) >= 3': False,
    'count(succeeded("verify") || failed("verify")) >= 2': True,
    # its own call, and what no call changes
    'once(called("pay"))': False,
    "once(session.ended)": False,
}  # fmt: skip


def policy(guard: str) -> PolicyGraph:
    return load(POLICY.format(guard=guard))


@pytest.mark.parametrize(("guard", "opens"), GUARDS.items())
def test_a_call_is_a_conflict_where_no_call_before_it_opens_its_guard(guard: str, opens: bool) -> None:
    found = [each.message for each in check(policy(guard)).findings if each.name == "conflicting-actions"]
    assert found == [] if opens else len(found) == 1
    assert all("nothing in force can make it true" in each for each in found)


@pytest.mark.parametrize("guard", GUARDS)
def test_the_solver_finds_a_conflict_where_some_situation_is_one(guard: str) -> None:
    graph = policy(guard)
    somewhere = False
    keys = [key for key, atom in graph.atoms.items() if isinstance(atom.type, BoolType)]
    for values in product((True, False), repeat=len(keys)):
        given = dict(zip(keys, values, strict=True)) | {"The customer pays": True}
        if possible(given):
            resolution = resolve(graph, given)
            calls = [each for each in resolution.actions if isinstance(each.action, Call) and each.action.tool == "pay"]
            somewhere |= callable_now(graph, resolution, "pay", calls) is False
    assert somewhere is not GUARDS[guard]


def possible(given: dict[str, bool]) -> bool:
    """Whether a session can be like that, as far as these guards can tell."""
    success, failure = given.get('succeeded("verify")'), given.get('failed("verify")')
    started = given.get('called("verify")', True) and given.get('once(called("verify"))', True)
    return (started or not success) and (not failure or given.get('failed("*")', True))


def test_a_tool_that_opens_a_guard_is_looked_for_across_guidelines() -> None:
    """They are tied by nothing but the event, and proved as one part."""
    graph = load("""
        jurat: 1
        tools: {verify: {python: "m:v"}, pay: {python: "m:p", guard: 'once(succeeded("verify"))'}}
        guidelines:
          a: {condition: The customer pays, tools: [pay]}
          b: {when: "true", tools: [verify]}
    """)
    assert "conflicting-actions" not in {each.name for each in check(graph).findings}
