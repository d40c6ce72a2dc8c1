"""Formulas that speak of what a policy does: ``in_force("g")``, ``calls("tool")`` and the like beside its vocabulary.

Each such predicate is two-valued: it holds in a situation, or it does not. While a formula is read it stands for itself
as an event; what it means is kept beside, as a claim for the solvers and as a test of a situation that was resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from jurat.policies.cel import Node
from jurat.policies.expr import Const, Event, Expr
from jurat.policies.fault_codes import NOT_HERE, TYPE, UNKNOWN_NAME
from jurat.policies.functions import literal_text
from jurat.policies.graph import PolicyGraph
from jurat.policies.meaning import Checker
from jurat.policies.model import Action, Call, Decide, Forbid, HandOff, Offer, Reply
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import Bound, bounds, matched
from jurat.policies.values import show_value
from jurat.solver.claims import Claim, Predicate, acts, binds, in_force, possible, some
from jurat.solver.known import can_be_called
from jurat.solver.paths import Calling, asked_of
from jurat.solver.prover import Prover

if TYPE_CHECKING:
    from jurat.policies.scope import Function


@dataclass(frozen=True)
class Seen:
    """A situation that a policy has resolved; ``part`` is the part of the policy that was looked at."""

    graph: PolicyGraph
    part: PolicyGraph
    resolution: Resolution

    @cached_property
    def low(self) -> Bound:
        """What is certain."""
        return bounds(self.part, *matched(self.part, self.resolution.settled.valuation))[0]


@dataclass(frozen=True, slots=True)
class Meaning:
    """A predicate, for the solvers and for a situation."""

    claim: Callable[[Prover], Claim]
    holds: Callable[[Seen], bool]
    formulas: tuple[Expr, ...] = ()
    """What it says of a call, on which a proof may lean beside the core that the solver names."""


Given = tuple[str, Const | None]
"""The name that a predicate is given, and the value beside it if there is one."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A predicate: what its first argument names, among which names, and what it means of one."""

    what: str
    known: Iterable[str]
    meaning: Callable[[Given], Meaning]
    counts: tuple[int, ...] = (1,)


class Predicates:
    """The functions that a policy adds to the language of formulas; ``meanings`` fills as formulas are read."""

    def __init__(self, graph: PolicyGraph) -> None:
        self.graph = graph
        self.meanings: dict[Event, Meaning] = {}

    @property
    def functions(self) -> Mapping[str, tuple[tuple[int, ...], Function]]:
        """By name, with how many arguments they take."""
        return {name: (form.counts, self._rule(name, form)) for name, form in self._forms()}

    def _forms(self) -> Iterator[tuple[str, _Form]]:
        graph, words = self.graph, self.graph.vocabulary
        actions = [action for entity in graph.entities.values() for action in entity.actions]
        handed = {"human", *graph.policy.agents, *(each.to for each in actions if isinstance(each, HandOff))}
        banned = {*words.tools, *words.replies, *(each.target for each in actions if isinstance(each, Forbid))}
        for name, meaning in _ENTITY.items():
            yield name, _Form("guideline, journey or state", graph.entities, meaning)
        yield "calls", _Form("tool", words.tools, lambda given: self._does(lambda a: _of(a, Call, "tool", given)))
        yield "offers", _Form("tool", words.tools, lambda given: self._does(lambda a: _of(a, Offer, "tool", given)))
        yield "allows", _Form("tool", words.tools, self._allows)
        yield "forbids", _Form("tool, reply or topic", banned, self._forbids)
        yield "replies", _Form("reply", words.replies, lambda given: self._does(lambda a: _of(a, Reply, "id", given)))
        yield (
            "hands_off",
            _Form("agent", handed, lambda given: self._does(lambda a: _of(a, HandOff, "to", given)), (0, 1)),
        )
        yield (
            "decides",
            _Form("decision", words.decisions, lambda given: self._does(lambda a: _decides(a, given)), (1, 2)),
        )

    def _rule(self, function: str, form: _Form) -> Function:
        def rule(checker: Checker, node: Node) -> Expr | None:
            given = self._given(checker, node, function, form)
            if given is None:
                return None
            shown = given[0] + ("" if given[1] is None else f", {show_value(given[1].value)}")
            event = Event(function, shown)
            self.meanings[event] = form.meaning(given)
            return event

        return rule

    def _given(self, checker: Checker, node: Node, function: str, form: _Form) -> Given | None:
        """The arguments; None after saying what is wrong with them."""
        if checker.in_history:
            help_ = 'write `called("tool")`' if function == "calls" else ""
            message = f"`{function}` is about the present; history looks at events and facts only"
            checker.fault(node, NOT_HERE, message, help_)
            return None
        if not node.parts:
            return "", None
        name = literal_text(checker, node.parts[0], function)
        if name is None:
            return None
        if name not in form.known:
            help_ = checker.scope.suggest(name, sorted(form.known))
            checker.fault(node.parts[0], UNKNOWN_NAME, f"there is no {form.what} `{name}`", help_)
            return None
        return (name, None) if len(node.parts) == 1 else self._valued(checker, node.parts[1], name)

    def _valued(self, checker: Checker, node: Node, decision: str) -> Given | None:
        value = checker.expect(node, self.graph.vocabulary.decisions[decision].type)
        if value is None or isinstance(value, Const):
            return None if value is None else (decision, value)
        checker.fault(node, TYPE, f"{checker.said(node)} is no value written out")
        return None

    # -- meanings ------------------------------------------------------------------------------------------------

    def _does(self, test: Callable[[Action], bool]) -> Meaning:
        """Something that acts does an action like this."""
        doers = self._doers(test)
        claim = some(*(acts(self.graph, g) for g in doers))
        return Meaning(lambda _: claim, lambda seen: any(test(each.action) for each in seen.resolution.actions))

    def _forbids(self, given: Given) -> Meaning:
        def test(action: Action) -> bool:
            return isinstance(action, Forbid) and action.target == given[0]

        claim = some(*(binds(g) for g in self._doers(test)))
        return Meaning(lambda _: claim, lambda seen: any(test(each.action) for each in seen.resolution.actions))

    def _allows(self, given: Given) -> Meaning:
        tool = given[0]
        declaration = self.graph.vocabulary.tools[tool]
        said = (*([declaration.guard.expr] if declaration.guard else []), *asked_of(self.graph, declaration).values())

        def claim(prover: Prover) -> Claim:
            calling = Calling(prover, tool)
            return calling.somehow if calling.paths else some()

        return Meaning(claim, lambda seen: can_be_called(seen.graph, seen.resolution, tool), said)

    def _doers(self, test: Callable[[Action], bool]) -> list[str]:
        return [g for g, entity in self.graph.entities.items() if any(map(test, entity.actions))]


def _of(action: Action, kind: type[Action], part: str, given: Given) -> bool:
    return isinstance(action, kind) and given[0] in ("", getattr(action, part))


def _decides(action: Action, given: Given) -> bool:
    name, value = given
    return isinstance(action, Decide) and action.decision == name and (value is None or action.value == value.value)


_ENTITY: Mapping[str, Callable[[Given], Meaning]] = {
    "in_force": lambda given: Meaning(lambda _: in_force(given[0]), lambda seen: given[0] in seen.resolution.in_force),
    "possible": lambda given: Meaning(lambda _: possible(given[0]), lambda seen: given[0] in seen.resolution.possible),
    "matched": lambda given: Meaning(lambda _: Predicate("matched", given[0]), lambda seen: seen.low.matched(given[0])),
    "live": lambda given: Meaning(lambda _: Predicate("live", given[0]), lambda seen: seen.low.live(given[0])),
    "blocked": lambda given: Meaning(lambda _: Predicate("blocked", given[0]), lambda seen: seen.low.blocked(given[0])),
}
