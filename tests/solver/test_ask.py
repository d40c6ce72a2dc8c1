"""``jurat ask`` against trying every situation of small policies with the reference semantics."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from tests.solver.editing import situations
from tests.solver.small_policies import small_policy
from tests.solver.test_diff import AMOUNTS, admitted

from jurat.policies import PolicyError, load
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Event, atoms
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Action, Call, Decide, Forbid, HandOff, Offer, Reply
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import bounds, matched, resolve
from jurat.policies.types import Value
from jurat.solver.ask import Asked, Contradiction, ask, read

FORMULAS = 160

ACTIONS: dict[str, Callable[[Action, str], bool]] = {
    "calls": lambda action, name: isinstance(action, Call) and action.tool == name,
    "offers": lambda action, name: isinstance(action, Offer) and action.tool == name,
    "forbids": lambda action, name: isinstance(action, Forbid) and action.target == name,
    "replies": lambda action, name: isinstance(action, Reply) and action.id == name,
    "hands_off": lambda action, name: isinstance(action, HandOff) and name in ("", action.to),
    "decides": lambda action, name: isinstance(action, Decide) and name in (f'upgrade, "{action.value}"', "upgrade"),
}


def formula(random: Random, graph: PolicyGraph, depth: int = 2) -> str:
    """A formula over what a small policy speaks of and does."""
    if depth == 0 or random.random() < 0.2:
        return random.choice(leaves(graph))
    one, other, third = (formula(random, graph, depth - 1) for _ in range(3))
    forms = [
        f"({one} && {other})",
        f"({one} || {other})",
        f"({one} implies {other})",
        f"!({one})",
        f"({one}) == ({other})",
    ]
    return random.choice([*forms, f"(({one}) != ({other}))", f"({one} ? {other} : {third})"])


def leaves(graph: PolicyGraph) -> list[str]:
    entities = sorted(graph.entities)
    found = [f'{name}("{g}")' for g in entities for name in ("in_force", "possible", "matched", "live", "blocked")]
    found += [
        f'{name}("{tool}")' for tool in graph.vocabulary.tools for name in ("calls", "offers", "allows", "forbids") * 3
    ]
    found += [
        'decides("upgrade", "free")',
        'decides("upgrade")',
        'replies("hello")',
        'hands_off("human")',
        "hands_off()",
    ]
    return [*found, 'forbids("bye")', *sorted(graph.vocabulary.observations) * 4, "vip", "level <= 1", "has(level)"]


def value(graph: PolicyGraph, asked: Asked, resolution: Resolution) -> Value | None:
    """What a formula says in a situation, found without the code under test."""
    look = resolution.settled.valuation.look
    return evaluate(
        asked.expr,
        lambda atom: (
            said(graph, resolution, atom) if isinstance(atom, Event) and atom in asked.meanings else look(atom)
        ),
    )


def said(graph: PolicyGraph, resolution: Resolution, event: Event) -> bool:
    name, about = event.name, event.argument or ""
    if name in ACTIONS:
        return any(ACTIONS[name](each.action, about) for each in resolution.actions)
    if name == "allows":
        return any(admitted(graph, about, resolution, given) for given in AMOUNTS)
    if name in ("in_force", "possible"):
        return about in getattr(resolution, name)
    low, _ = bounds(graph, *matched(graph, resolution.settled.valuation))
    return bool(getattr(low, name)(about))


def expected(graph: PolicyGraph, asked: Asked) -> tuple[bool, bool]:
    """Whether it is true somewhere, and whether it is nowhere false, nor unknown with its own observations known."""
    ever, always = False, True
    for _, (resolution,) in situations(graph, further=atoms(asked.expr) - asked.meanings.keys()):
        found = value(graph, asked, resolution)
        look = resolution.settled.valuation.look
        known = all(look(each) is not None for each in asked.observations)
        ever = ever or found is True
        always = always and found is not False and not (found is None and known)
    return ever, always


@pytest.mark.parametrize("seed", range(FORMULAS))
def test_answers_are_what_trying_everything_says(seed: int) -> None:
    random = Random(seed)
    graph = build_graph(small_policy(random))
    asked = read(graph, formula(random, graph))
    try:
        found = ask(graph, asked.text, sessions=False)
    except Contradiction:
        return
    assert found.ever is not None
    assert found.always is not None
    assert (found.ever.yes, found.always.yes) == expected(graph, asked), asked.text
    if found.ever.yes:
        assert found.ever.witness is not None
        assert value(graph, asked, resolve(graph, found.ever.witness.values)) is True
    if not found.always.yes:
        assert found.always.witness is not None
        shown = value(graph, asked, resolve(graph, found.always.witness.values))
        assert shown is (None if found.always.unclear else False)


def test_the_formulas_tried_have_every_answer() -> None:
    """Else the comparison above would say little."""
    answers = set()
    for seed in range(60):
        random = Random(seed)
        graph = build_graph(small_policy(random))
        answers.add(expected(graph, read(graph, formula(random, graph))))
    assert answers >= {(True, True), (True, False), (False, False)}


SHOP = """
jurat: 1
facts:
  customer.verified: bool
  order.total: {decimal: {min: 0}}
observations: {asks_refund: The customer asks for a refund, angry: The customer is angry}
decisions: {refund: {enum: [granted, declined]}}
tools: {issue_refund: {python: "tools:refund", guard: customer.verified && arguments.amount <= 500}}
guidelines:
  pay: {when: asks_refund, tools: [{issue_refund: {amount: order.total}}], decide: {refund: granted}}
  calm: {when: angry, action: Calm down, overrides: [pay]}
invariants: {verified: 'called("issue_refund") implies customer.verified'}
"""


@pytest.fixture(scope="module")
def shop() -> PolicyGraph:
    return load(SHOP)


def test_a_call_is_allowed_only_with_arguments_that_the_guard_admits(shop: PolicyGraph) -> None:
    ever = ask(shop, 'allows("issue_refund") && order.total > 500', ("ever",)).ever
    assert ever is not None
    assert ever.yes is False
    found = ask(shop, 'allows("issue_refund")', ("ever",)).ever
    assert found is not None
    assert found.yes is True
    assert found.arguments == {"issue_refund": {"amount": found.witness.values["order.total"]}}  # type: ignore[union-attr]


def test_a_proof_names_the_observations_that_it_leans_on(shop: PolicyGraph) -> None:
    found = ask(shop, 'calls("issue_refund") && angry', ("ever",)).ever
    assert found is not None
    assert found.yes is False
    assert found.trust.observations == ("angry",)
    free = ask(shop, 'allows("issue_refund") implies customer.verified', ("always",)).always
    assert free is not None
    assert free.yes is True
    assert free.trust.model_independent


def test_a_fact_that_may_be_absent_is_reckoned_with(shop: PolicyGraph) -> None:
    """The tool is called though nobody knows whether the customer is verified."""
    found = ask(shop, 'calls("issue_refund") implies customer.verified', ("always",)).always
    assert found is not None
    assert found.yes is False
    missing = ask(shop, 'calls("issue_refund") implies order.total >= 0', ("always",)).always
    assert missing is not None
    assert missing.yes is False
    assert missing.unclear


def test_what_is_only_about_the_past_is_asked_of_whole_sessions(shop: PolicyGraph) -> None:
    found = ask(shop, 'succeeded("issue_refund") implies once(called("issue_refund"))')
    assert found.sessions
    assert found.always is not None
    assert found.always.yes is True
    assert found.always.method
    assert ask(shop, 'called("issue_refund") && calls("issue_refund")').sessions is False


@pytest.mark.parametrize(
    ("text", "message", "help_"),
    [
        ('in_force("pya")', "there is no guideline, journey or state `pya`", "did you mean `pay`?"),
        ('calls("issue_refnd")', "there is no tool `issue_refnd`", "did you mean `issue_refund`?"),
        ("calls(issue_refund)", "`calls` needs a text in quotes, `issue_refund` is not one", 'write `calls("issue_refund")`'),
        ('decides("refund", "grantd")', "`grantd` is not one of `granted`, `declined`", "did you mean `granted`?"),
        ('decides("refund", customer.verified ? "granted" : "declined")', '`customer.verified ? "granted" : "declined"` is no value written out', ""),
        ('once(calls("issue_refund"))', "`calls` is about the present; history looks at events and facts only", 'write `called("tool")`'),
        ('hands_of("human")', "there is no function `hands_of`", "did you mean `hands_off`?"),
        ('in_force("pay", "calm")', "`in_force` takes 1 argument, not 2", ""),
        ("order.totl > 3", "`order.totl` is not declared", "did you mean `order.total`?"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_formula_is_said_where_it_is(
    shop: PolicyGraph, text: str, message: str, help_: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        ask(shop, text)
    (fault,) = refused.value.diagnostics
    assert (fault.message, fault.help) == (message, help_)


def test_sessions_know_nothing_of_what_is_in_force(shop: PolicyGraph) -> None:
    with pytest.raises(PolicyError, match="single situations only"):
        ask(shop, 'in_force("pay")', sessions=True)


def test_from_axioms_that_contradict_each_other_nothing_is_proved() -> None:
    graph = load("""
        jurat: 1
        observations: {a: The customer says a}
        axioms: ["a", "!a"]
        guidelines: {g: {when: a, action: Say a}}
    """)
    with pytest.raises(Contradiction, match="contradict each other"):
        ask(graph, 'in_force("g")')
