"""What two policies are compared on: tools, decisions, hand-offs, replies, instructions, questions and journeys.

A topic says when it happens in either policy, as a claim about the graph of both, and how to see in a situation that
one policy has resolved that it does. Topics are told apart by what happens, not by which guideline makes it happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from jurat.policies.arguments import constraint_of
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import FALSE, And, Compare, Const, Expr, JourneyActive, JourneyState, conjunction
from jurat.policies.model import Action, Call, Decide, Forbid, HandOff, Instruct, Journey, Offer, Reply, Transition
from jurat.policies.printing import show
from jurat.policies.resolution import Resolution
from jurat.policies.types import Value
from jurat.policies.values import show_value
from jurat.solver.claims import Claim, Holds, Not, Predicate, binds, every, in_force, possible, some
from jurat.solver.diff.arguments import Arguments
from jurat.solver.diff.sides import Side
from jurat.solver.diff.vocabulary import states_of
from jurat.solver.known import admits

Happens = Callable[[Resolution, Mapping[str, Value]], bool]
"""Whether a topic happens in a resolved situation, with these arguments of a call (by the names of their facts)."""

KINDS = (
    "tool", "call", "offer", "forbidden tool", "guard", "decision", "hand-off", "reply", "forbidden reply",
    "instruction", "forbidden topic", "question", "journey",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """What a topic is about, and the sentence that is true where it happens.

    ``restrictive``: a policy in which it happens more is the less permissive one.
    """

    kind: str
    name: str
    text: str
    restrictive: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """When a topic happens in one policy; equal ``content`` is equal meaning."""

    claim: Claim
    happens: Happens
    entities: frozenset[str]
    """By their own ids."""
    content: object
    formulas: tuple[Expr, ...] = ()
    """The formulas that it is about, in shared names; ``written``: as this policy has them."""
    written: tuple[Expr, ...] = ()
    arguments: frozenset[str] = frozenset()
    """The facts that stand for arguments of a call."""


NEVER = When(Holds(FALSE), lambda _, __: False, frozenset(), None)


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of a comparison."""

    key: Key
    before: When
    after: When


def all_topics(old: Side, new: Side, arguments: Mapping[tuple[str, str], Arguments]) -> tuple[list[Topic], int]:
    """The topics on which the two could differ, and how many more an edit cannot have touched."""
    before, after = (dict(_whens(side, arguments)) for side in (old, new))
    found = [Topic(key, before.get(key, NEVER), after.get(key, NEVER)) for key in before.keys() | after.keys()]
    touched = [each for each in found if each.before.content != each.after.content]
    touched.sort(key=lambda each: (KINDS.index(each.key.kind), each.key.name, each.key.text))
    return touched, len(found) - len(touched)


def _whens(side: Side, arguments: Mapping[tuple[str, str], Arguments]) -> Iterator[tuple[Key, When]]:
    users = _by_action(side)
    for key, group in users.items():
        yield key, _done(side, key, group)
    for tool in side.graph.vocabulary.tools:
        if (side.word, tool) in arguments:
            yield from _tool(side, tool, arguments[side.word, tool])
    yield from _questions(side)
    for journey in side.graph.journeys.values():
        yield from _moves(side, journey)


# -- actions -----------------------------------------------------------------------------------------------------


def _by_action(side: Side) -> dict[Key, frozenset[str]]:
    """Who does what."""
    found: dict[Key, set[str]] = {}
    for g, entity in side.graph.entities.items():
        for action in entity.actions:
            for key in keys_of(side, action):
                found.setdefault(key, set()).add(g)
    return {key: frozenset(group) for key, group in found.items()}


def keys_of(side: Side, action: Action) -> tuple[Key, ...]:
    """The topics that an action belongs to."""
    match action:
        case Instruct(text):
            return (Key("instruction", text, f"the agent is told: {text}"),)
        case Call(tool):
            called = Key("call", tool, f"`{tool}` is called")
            with_ = f"`{tool}` is called with {_asked(side, action)}"
            return (called, Key("call", tool, with_)) if action.constraints else (called,)
        case Offer(tool):
            return (Key("offer", tool, f"`{tool}` is offered"),)
        case Forbid(what, target):
            return (Key(f"forbidden {what}", target, f"the {what} `{target}` is forbidden", restrictive=True),)
        case Decide(decision, value):
            return (Key("decision", decision, f"`{decision}` is {show_value(value)}"),)
        case Reply(id_):
            return (Key("reply", id_, f"the reply is `{id_}`"),)
        case HandOff(to):
            return (Key("hand-off", to, f"the conversation is handed to `{to}`"),)


def _asked(side: Side, call: Call) -> str:
    return f"`{show(conjunction(*map(side.names, constraints(side, call))))}`"


def _done(side: Side, key: Key, group: frozenset[str]) -> When:
    claim = some(*(binds(side.id(g)) if key.restrictive else _acts(side, g) for g in sorted(group)))

    def happens(resolution: Resolution, _: Mapping[str, Value]) -> bool:
        return any(key in keys_of(side, each.action) for each in resolution.actions if each.guideline in group)

    return When(claim, happens, group, frozenset(_content(side, g) for g in group))


def _acts(side: Side, g: str) -> Claim:
    """Its own actions are to be done."""
    hasty = side.graph.entities[g].on_unknown == "act"
    return possible(side.id(g)) if hasty else in_force(side.id(g))


def _content(side: Side, g: str) -> tuple[str, str]:
    return side.id(g), side.graph.entities[g].on_unknown


# -- tools -------------------------------------------------------------------------------------------------------


def _tool(side: Side, tool: str, arguments: Arguments) -> Iterator[tuple[Key, When]]:
    """When a call with some arguments is admitted, and what its guard says by itself."""
    declaration = side.graph.vocabulary.tools[tool]
    guard = arguments(side.names(declaration.guard.expr)) if declaration.guard else None
    if declaration.guard is not None and guard is not None:
        expr = declaration.guard.expr

        def open_(resolution: Resolution, given: Mapping[str, Value]) -> bool:
            return evaluate(expr, resolution.settled.valuation.look, arguments.given(given)) is True

        yield (
            Key("guard", tool, f"the guard of `{tool}` holds"),
            When(Holds(guard), open_, frozenset(), guard, (guard,), (expr,), arguments.paths),
        )
    if admitted := _admitted(side, tool, arguments, guard):
        yield Key("tool", tool, f"a call of `{tool}` is admitted"), admitted


def _admitted(side: Side, tool: str, arguments: Arguments, guard: Expr | None) -> When | None:
    """Something in force calls or offers it, nothing forbids it, what calls ask of the arguments holds, and the guard."""
    users: list[str] = []
    forbidders: list[str] = []
    asked: list[tuple[str, Expr]] = []
    declared = side.graph.vocabulary.tools[tool].guard
    written = [declared.expr] if declared else []
    for g, entity in side.graph.entities.items():
        for action in entity.actions:
            if isinstance(action, Call | Offer) and action.tool == tool:
                users.append(g)
            if isinstance(action, Forbid) and (action.what, action.target) == ("tool", tool):
                forbidders.append(g)
            if isinstance(action, Call) and action.tool == tool:
                found = constraints(side, action)
                written += found
                asked += [(g, arguments(side.names(each))) for each in found]
    if not users:
        return None
    parts: list[Claim] = [some(*(_acts(side, g) for g in users)), *(Not(binds(side.id(g))) for g in forbidders)]
    parts += [some(Not(_acts(side, g)), Holds(formula)) for g, formula in asked]
    parts += [Holds(guard)] if guard is not None else []
    groups = (users, forbidders)
    content = (
        *(frozenset(_content(side, g) for g in group) for group in groups),
        frozenset((side.id(g), f) for g, f in asked),
        guard,
    )
    formulas = (*(formula for _, formula in asked), *([guard] if guard is not None else []))

    def happens(resolution: Resolution, given: Mapping[str, Value]) -> bool:
        return admits(side.graph, resolution, tool, arguments.given(given))

    entities = frozenset((*users, *forbidders))
    return When(every(*parts), happens, entities, content, formulas, tuple(written), arguments.paths)


def constraints(side: Side, call: Call) -> list[Expr]:
    """What a call asks of the tool's arguments."""
    tool = side.graph.vocabulary.tools[call.tool]
    return [constraint_of(each, tool) for each in call.constraints]


# -- questions ---------------------------------------------------------------------------------------------------


def _questions(side: Side) -> Iterator[tuple[Key, When]]:
    """The guidelines that are asked about where unclear, and the targets between which the customer is to choose."""
    asked: dict[str, set[str]] = {}
    meant: dict[str, set[str]] = {}
    for g, entity in side.graph.entities.items():
        if entity.on_unknown == "ask":
            asked.setdefault(show(side.names(entity.condition)), set()).add(g)
    for g in {target for each in side.graph.disambiguations for target in each.targets}:
        meant.setdefault(show(side.names(side.graph.entities[g].condition)), set()).add(g)
    yield from (
        (Key("question", text, f"the customer is asked whether `{text}`"), _ask(side, group))
        for text, group in asked.items()
    )
    for text, group in meant.items():
        yield Key("question", text, f"the customer is asked whether `{text}` is meant"), _choose(side, group)


def _ask(side: Side, group: set[str]) -> When:
    claim = some(*(every(possible(side.id(g)), Not(in_force(side.id(g)))) for g in sorted(group)))
    return When(
        claim, lambda resolution, _: not group.isdisjoint(resolution.ask), frozenset(group),
        frozenset(side.id(g) for g in group),
    )  # fmt: skip


def _choose(side: Side, group: set[str]) -> When:
    claim = some(*(Predicate("ambiguous", side.id(g)) for g in sorted(group)))

    def happens(resolution: Resolution, _: Mapping[str, Value]) -> bool:
        return any(not group.isdisjoint(each.targets) for each in resolution.clarifications)

    choices = frozenset(
        (side.id(each.by), frozenset(side.id(target) for target in each.targets))
        for each in side.graph.disambiguations
        if not group.isdisjoint(each.targets)
    )
    return When(claim, happens, frozenset(group), (frozenset(side.id(g) for g in group), choices))


# -- journeys ----------------------------------------------------------------------------------------------------


def _moves(side: Side, journey: Journey) -> Iterator[tuple[Key, When]]:
    """When a journey begins, and where it goes from each state."""
    triggers = tuple(trigger.expr for trigger in journey.triggers)
    yield Key("journey", journey.id, f"the journey `{journey.id}` begins"), _begins(side, triggers)
    for state in journey.states.values():
        for target in {each.target for each in state.transitions}:
            text = f"the journey `{journey.id}` goes from `{state.id}` to `{target}`"
            yield Key("journey", journey.id, text), _goes(side, journey, state.id, target)


def _begins(side: Side, triggers: tuple[Expr, ...]) -> When:
    formulas = tuple(side.names(each) for each in triggers)

    def happens(resolution: Resolution, _: Mapping[str, Value]) -> bool:
        return any(evaluate(each, resolution.settled.valuation.look) is True for each in triggers)

    claim = some(*(Holds(each) for each in formulas)) if formulas else Holds(FALSE)
    return When(claim, happens, frozenset(), frozenset(formulas), formulas, triggers)


def _goes(side: Side, journey: Journey, state: str, target: str) -> When:
    type_ = states_of(side.graph)[journey.id]
    here = And((JourneyActive(journey.id), Compare("==", JourneyState(journey.id, type_), Const(state, type_))))
    transitions = journey.states[state].transitions
    ways = [_way(side, transitions, each) for each in transitions if each.target == target]
    claim = every(Holds(side.names(here)), some(*ways))

    def happens(resolution: Resolution, _: Mapping[str, Value]) -> bool:
        look = resolution.settled.valuation.look
        return evaluate(here, look) is True and _taken(transitions, look) == target

    formulas = (side.names(here), *(side.names(each.condition) for each in transitions))
    content = tuple((side.names(each.condition), each.target, each.otherwise) for each in transitions)
    written = (here, *(each.condition for each in transitions))
    return When(claim, happens, frozenset(), content, formulas, written)


def _way(side: Side, transitions: tuple[Transition, ...], taken: Transition) -> Claim:
    """The first transition whose condition is true wins; `otherwise` where all others are false."""
    others = [each for each in transitions if not each.otherwise]
    if taken.otherwise:
        falses = (Holds(side.names(each.condition), truth=False) for each in others)
        return every(*falses, Holds(side.names(taken.condition)))
    earlier = others[: others.index(taken)]
    return every(*(Not(Holds(side.names(each.condition))) for each in earlier), Holds(side.names(taken.condition)))


def _taken(transitions: tuple[Transition, ...], look: Callable[..., Value | None]) -> str | None:
    truth = [(each, evaluate(each.condition, look)) for each in transitions if not each.otherwise]
    if taken := next((each for each, value in truth if value is True), None):
        return taken.target
    otherwise = next((each for each in transitions if each.otherwise), None)
    if otherwise is None or evaluate(otherwise.condition, look) is not True:
        return None
    return otherwise.target if all(value is False for _, value in truth) else None
