"""A round's decision as the trace tells it: what is in force and why, what is not and why not."""

from __future__ import annotations

from collections.abc import Callable

from jurat.engine.match import Decision
from jurat.engine.parameters import spoken
from jurat.engine.trace import Acting, Dropped, Held, Known, Open, Round, Source
from jurat.engine.turn import Working
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import And, Atom, Event, Expr, Fact, History, Implies, Not, Observation, Or, atoms, key_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Action, Call, Decide, Forbid, Instruct, Offer, Reply
from jurat.policies.printing import show
from jurat.policies.types import Value
from jurat.policies.values import jsonable, show_value

Look = Callable[[Atom], Value | None]


def described(graph: PolicyGraph, working: Working, decision: Decision) -> Round:
    """The record of one round."""
    resolution, matched = decision.resolution, decision.matched
    settled = resolution.settled
    observations = graph.vocabulary.observations
    given = {key: value for key, value in matched.given.values.items() if key not in observations}
    unasked = {key for key in observations if key not in working.judged}
    merely = [g for g in resolution.possible if g not in set(resolution.in_force)]
    return Round(
        number=working.round,
        values={key: jsonable(value) for key, value in sorted(given.items())},
        judgements={key: each.truth for key, each in sorted(working.judged.items())},
        asked=matched.asked,
        settled=tuple(sorted(unasked & matched.settled)),
        not_needed=tuple(sorted(unasked - matched.settled)),
        fixed=settled.fixed,
        violated=settled.violated,
        withdrawn=settled.withdrawn,
        in_force=tuple(_held(graph, working, decision, g) for g in resolution.in_force),
        possible=tuple(_open(graph, working, decision, g) for g in merely),
        dropped=tuple(Dropped(g, drop.reason, drop.by) for g, drop in sorted(resolution.dropped.items())),
        actions=tuple(Acting(e.guideline, e.kind, shown(e.action), e.because) for e in decision.actions),
        ask=resolution.ask,
        clarifications=tuple((each.by, *each.targets) for each in resolution.clarifications),
        conflicts=decision.conflicts,
        moves=tuple(working.moves),
    )


def shown(action: Action) -> str:
    """An action in a few words."""
    if isinstance(action, Instruct):
        return action.text
    if isinstance(action, Call | Offer):
        return action.tool
    if isinstance(action, Forbid):
        return f"{action.what} {action.target}"
    if isinstance(action, Decide):
        return f"{action.decision} = {show_value(action.value)}"
    return action.id if isinstance(action, Reply) else action.to


def condition_of(graph: PolicyGraph, g: str) -> str:
    """A guideline's condition as its author wrote it, or as formulas are printed."""
    guideline = graph.guidelines.get(g)
    return guideline.condition_text if guideline and guideline.condition_text else show(graph.entities[g].condition)


def meaning_of(graph: PolicyGraph, g: str) -> str:
    """What an entity is about: in words, or else its condition as formulas are printed."""
    return words_of(graph, g) or condition_of(graph, g)


def words_of(graph: PolicyGraph, g: str) -> str:
    """What an entity is about in words that a customer could be asked about: the texts of the observations that its
    condition rests on, of a journey or a state of it those of the journey's triggers, or else its id. Of a guideline whose
    condition rests on none, nothing.
    """
    if graph.entities[g].kind in ("journey", "state"):
        journey = g.partition("/")[0]
        found = [text for trigger in graph.journeys[journey].triggers for text in _texts(graph, trigger.expr)]
        return " or ".join(dict.fromkeys(found)) or spoken(journey.replace("-", "_"))
    return " and ".join(_texts(graph, graph.entities[g].condition))


def _texts(graph: PolicyGraph, expr: Expr) -> list[str]:
    judged = [atom.key for atom in sorted(atoms(expr), key=key_of) if isinstance(atom, Observation)]
    return [graph.vocabulary.observations[key].text for key in dict.fromkeys(judged)]


def supporting(expr: Expr, look: Look) -> frozenset[Atom]:
    """The atoms that give a formula the truth it has: of a true ``||`` its true parts, of a false ``&&`` its false ones."""
    if isinstance(expr, Not):
        return supporting(expr.operand, look)
    if isinstance(expr, Implies):
        return supporting(Or((Not(expr.left), expr.right)), look)
    if isinstance(expr, And | Or):
        decisive = isinstance(expr, Or)
        whole = evaluate(expr, look)
        parts = [each for each in expr.operands if whole is not decisive or evaluate(each, look) is decisive]
        return frozenset().union(*(supporting(each, look) for each in parts))
    return atoms(expr)


def leaving_open(expr: Expr, look: Look) -> frozenset[Atom]:
    """The atoms without a value that leave a formula open: none from a part that is true or false without them."""
    if evaluate(expr, look) is not None:
        return frozenset()
    if isinstance(expr, Not):
        return leaving_open(expr.operand, look)
    if isinstance(expr, Implies):
        return leaving_open(Or((Not(expr.left), expr.right)), look)
    if isinstance(expr, And | Or):
        return frozenset().union(*(leaving_open(each, look) for each in expr.operands))
    return frozenset(each for each in atoms(expr) if look(each) is None)


def _held(graph: PolicyGraph, working: Working, decision: Decision, g: str) -> Held:
    entity, look = graph.entities[g], decision.valuation.look
    true = evaluate(entity.condition, look) is True
    known = _known(working, decision, supporting(entity.condition, look)) if true else ()
    force = set(decision.resolution.in_force)
    return Held(g, entity.kind, condition_of(graph, g), known, tuple(e for e in graph.entailers[g] if e in force))


def _open(graph: PolicyGraph, working: Working, decision: Decision, g: str) -> Open:
    unknown = leaving_open(graph.entities[g].condition, decision.valuation.look)
    return Open(g, _known(working, decision, unknown))


def _known(working: Working, decision: Decision, found: frozenset[Atom]) -> tuple[Known, ...]:
    return tuple(_one(working, decision, atom) for atom in sorted(found, key=key_of))


def _one(working: Working, decision: Decision, atom: Atom) -> Known:
    key, value = key_of(atom), decision.valuation.look(atom)
    judgement = working.judged.get(key)
    chance = judgement.probability if judgement and isinstance(atom, Observation) else None
    return Known(key, None if value is None else jsonable(value), _source(working, decision, atom), chance)


def _source(working: Working, decision: Decision, atom: Atom) -> Source:
    if isinstance(atom, Observation):
        if atom.key in decision.resolution.settled.fixed:
            return "axiom"
        return "judged" if atom.key in working.judged else "not asked"
    if isinstance(atom, Fact):
        return "fact"
    return "event" if isinstance(atom, Event) else "history" if isinstance(atom, History) else "journey"
