"""Which calls a session can make, and what they do: the twin of :mod:`jurat.engine.act` and of the toolbox's door.

A round decides under one resolution which tools may be called in it, and that stays until the next; the guard and what
callers ask of the arguments are looked at when the call is made. With a slice that is not resolved, any tool may be
called at any time if its guard allows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import z3

from jurat.policies.arguments import argument_types
from jurat.policies.expr import And, Expr, Fact, Implies, Not, Or, arguments
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Journey, Provision
from jurat.policies.types import EnumType, ListType, Type
from jurat.solver.build import NO, YES, all_of, any_of, implication, negation, same
from jurat.solver.encoding import Encoding
from jurat.solver.formulas import truth
from jurat.solver.sessions.happenings import Happenings
from jurat.solver.sessions.moving import Journeys, Occasion
from jurat.solver.sessions.slice import Slice, asked_of, forbidders, offerers
from jurat.solver.sessions.steps import Part, before, constants_of, part
from jurat.solver.terms import Atoms, ListTerm, Members, Term, list_laws, sort_of, within


class Calls:
    """The tools of a slice as variables: who wants them, whether they may be called, whether they are running."""

    def __init__(self, encoding: Encoding, about: Slice, happenings: Happenings, occasion: Occasion) -> None:
        self.encoding = encoding
        self.graph: PolicyGraph = encoding.graph
        self.about = about
        self.happenings = happenings
        self.occasion = occasion
        self.callers = {tool: about.callers(self.graph, tool) for tool in about.tools}
        self.choices: dict[str, Arguments] = {}

    # -- variables -----------------------------------------------------------------------------------------------

    def open(self, tool: str) -> z3.BoolRef:
        """It may still be called in this round, so far as who is in force says."""
        return z3.Bool(f"{tool} may be called")

    def running(self, tool: str) -> z3.BoolRef:
        """A call has started and not ended."""
        return z3.Bool(f"{tool} is running")

    def wants(self, caller: str, tool: str) -> z3.BoolRef:
        """The caller's call was in force when the round was resolved."""
        return z3.Bool(f"{caller} wants {tool}")

    def done(self, caller: str, tool: str) -> z3.BoolRef:
        """The call was made since the caller came into force."""
        return z3.Bool(f"{caller} has had {tool}")

    def elsewhere(self, caller: str, tool: str) -> z3.BoolRef:
        """The tool was called in this turn when this caller did not want it."""
        return z3.Bool(f"others have had {tool} without {caller}")

    def weighed(self, tool: str) -> z3.BoolRef:
        """In this turn the judge was asked whether the offered tool is needed."""
        return z3.Bool(f"{tool} was offered")

    def start(self) -> Iterator[Part]:
        """Before the first position nothing was called."""
        for tool in self.about.tools:
            flags = [self.open(tool), self.running(tool)]
            yield part("engine", [negation(each) for each in flags])

    # -- calls that start and end --------------------------------------------------------------------------------

    def moves(self) -> Iterator[Part]:
        """What a position says of the calls."""
        for tool in self.about.tools:
            yield from self._admitted(tool)
            yield part("engine", self._bookkeeping(tool))
            if self.about.resolved:
                yield from self._resolution(tool)

    def _admitted(self, tool: str) -> Iterator[Part]:
        """A call is made only of a tool that this round may call, with arguments that its guard and callers accept."""
        called = self.happenings.is_("call", tool)
        guard = self.graph.vocabulary.tools[tool].guard
        requests = [(g, expr) for g in self.callers[tool] for expr in asked_of(self.graph, g, tool)]
        requests = requests if self.about.resolved else []
        exprs = [*([guard.expr] if guard else []), *(expr for _, expr in requests)]
        choice = self.choices[tool] = Arguments(tool, argument_types(exprs))
        truths = {expr: truth(expr, self.encoding.atoms, choice.given).true for expr in exprs}
        own = choice.names()
        met = {expr: before(formula, own) for expr, formula in truths.items()}
        if guard:
            yield part(f"guard:{tool}", [implication(called, met[guard.expr])], [guard.expr])
        for g, expr in requests:
            asked = implication(all_of((called, before(self.wants(g, tool)))), met[expr])
            yield part(f"call:{g}:{tool}", [asked], [expr])
        yield part("engine", [before(law, own) for law in choice.laws()])

    def _bookkeeping(self, tool: str) -> list[z3.BoolRef]:
        started, ended = self.happenings.is_("call", tool), self._ends(tool)
        in_turn = negation(self.occasion.new_turn)
        ran = all_of((in_turn, before(self.running(tool)), negation(ended)))
        rules = [
            implication(ended, before(self.running(tool))),
            implication(started, negation(before(self.running(tool)))),
            same(self.running(tool), any_of((started, ran))),
        ]
        if self.about.resolved:
            over = any_of((started, self.occasion.new_turn, self.happenings.is_("reply")))
            kept = all_of((before(self.open(tool)), negation(over)))
            rules.append(implication(started, before(self.open(tool))))
            rules.append(implication(negation(self.occasion.round), same(self.open(tool), kept)))
        return rules

    def _ends(self, tool: str) -> z3.BoolRef:
        return any_of((self.happenings.is_("success", tool), self.happenings.is_("failure", tool)))

    # -- what a round decides ------------------------------------------------------------------------------------

    def _resolution(self, tool: str) -> Iterator[Part]:
        """Who wants the tool from now on, whether they have had it, and whether it may be called."""
        started = self.happenings.is_("call", tool)
        due = []
        for g in self.callers[tool]:
            had = all_of(
                (negation(self.occasion.new_turn), any_of((before(self.done(g, tool)), self._served(g, tool))))
            )
            now = all_of((self.wants(g, tool), had))
            yield part(f"wants:{g}:{tool}", self._wanting(g, tool, started, now))
            due.append(all_of((self.wants(g, tool), negation(self.done(g, tool)))))
        guard = self.graph.vocabulary.tools[tool].guard
        yield part(f"open:{tool}", self._opening(tool, due), [guard.expr] if guard else [])
        if guard:
            shut = all_of((self.occasion.round, negation(self._could(tool))))
            yield part(f"guard:{tool}", [implication(shut, negation(self.open(tool)))], [guard.expr])

    def _wanting(self, g: str, tool: str, started: z3.BoolRef, now: z3.BoolRef) -> list[z3.BoolRef]:
        in_turn, again = negation(self.occasion.new_turn), negation(self.occasion.round)
        wanted, had = before(self.wants(g, tool)), before(self.done(g, tool))
        without = any_of((before(self.elsewhere(g, tool)), all_of((started, negation(wanted)))))
        return [
            implication(self.occasion.round, same(self.wants(g, tool), self._acts(g))),
            implication(again, same(self.wants(g, tool), all_of((in_turn, wanted)))),
            implication(self.occasion.round, same(self.done(g, tool), now)),
            implication(again, same(self.done(g, tool), all_of((in_turn, any_of((had, all_of((started, wanted)))))))),
            same(self.elsewhere(g, tool), all_of((in_turn, without))),
        ]

    def _served(self, g: str, tool: str) -> z3.BoolRef:
        """A guideline that asks nothing of the arguments is content with a call that was made for others."""
        own = asked_of(self.graph, g, tool) or g not in self.graph.guidelines
        return NO if own else before(self.elsewhere(g, tool))

    def _opening(self, tool: str, due: list[z3.BoolRef]) -> list[z3.BoolRef]:
        obliged = any_of(self.wants(g, tool) for g in self.callers[tool])
        offered = any_of(self._acts(g) for g in offerers(self.graph, tool))
        weighed = all_of((negation(self.occasion.new_turn), before(self.weighed(tool))))
        fresh = all_of((self.occasion.message, offered, negation(obliged), negation(weighed)))
        banned = any_of(self._binds(g) for g in forbidders(self.graph, tool))
        may = all_of((any_of((*due, fresh)), negation(banned)))
        asked = all_of((self.occasion.round, fresh))
        return [
            implication(all_of((self.occasion.round, self.open(tool))), may),
            implication(all_of((self.occasion.round, may, self._could(tool))), self.open(tool)),
            same(self.weighed(tool), any_of((weighed, asked))),
        ]

    def _could(self, tool: str) -> z3.BoolRef:
        """Some arguments could open its guard, everything else being as it is; rather yes than no."""
        guard = self.graph.vocabulary.tools[tool].guard
        return YES if guard is None else _could(guard.expr, self.encoding.atoms, wanted=True)

    def insisted(self, tool: str) -> z3.BoolRef:
        """The round calls it for sure: somebody still wants it, and no argument that is to be found holds it back."""
        guard = self.graph.vocabulary.tools[tool].guard
        asked = any(asked_of(self.graph, g, tool) for g in self.callers[tool])
        if asked or (guard and arguments(guard.expr)) or not self.about.resolved:
            return NO
        due = any_of(all_of((self.wants(g, tool), negation(self.done(g, tool)))) for g in self.callers[tool])
        return all_of((self.open(tool), due))

    def _acts(self, g: str) -> z3.BoolRef:
        hasty = self.graph.entities[g].on_unknown == "act"
        return self.encoding.possible[g] if hasty else self.encoding.certain[g]

    def _binds(self, g: str) -> z3.BoolRef:
        return all_of((self.encoding.high.live(g), negation(self.encoding.low.blocked(g))))

    # -- what a call does ----------------------------------------------------------------------------------------

    def providers(self, fact: Fact) -> list[tuple[str, Provision]]:
        """The tools of the slice that provide a fact, and what."""
        tools = self.graph.vocabulary.tools
        return [(tool, each) for tool in self.about.tools for each in tools[tool].provides if each.fact == fact.path]

    def ran(self, journey: Journey, journeys: Journeys) -> z3.BoolRef:
        """The call that ends here was the one of the state that a journey is in."""
        found = []
        for state in self.about.states(journey):
            for tool in (t for t in self.about.tools if f"{journey.id}/{state.id}" in self.callers[t]):
                wanted = before(self.wants(f"{journey.id}/{state.id}", tool)) if self.about.resolved else YES
                found.append(all_of((self._ends(tool), wanted, before(journeys.is_in(journey, state.id)))))
        return any_of(found)


def _could(expr: Expr, atoms: Atoms, *, wanted: bool) -> z3.BoolRef:
    """As the toolbox has it: what speaks of arguments may have either truth."""
    if not arguments(expr):
        value = truth(expr, atoms)
        return value.true if wanted else value.false
    if isinstance(expr, Not):
        return _could(expr.operand, atoms, wanted=not wanted)
    if isinstance(expr, Implies):
        return _could(Or((Not(expr.left), expr.right)), atoms, wanted=wanted)
    if isinstance(expr, And | Or):
        every = all_of if isinstance(expr, And) is wanted else any_of
        return every(_could(each, atoms, wanted=wanted) for each in expr.operands)
    return YES


class Arguments:
    """The arguments of one call: each has any value of its kind, or is left out. Declared ranges are not relied on."""

    def __init__(self, tool: str, types: Mapping[str, Type]) -> None:
        self.tool = tool
        self.types = types
        self.given = {name: self._term(name, type_) for name, type_ in types.items()}

    def _term(self, name: str, type_: Type) -> Term | ListTerm:
        full = f"{self.tool} arguments.{name}"
        known = z3.Bool(f"{full} is given")
        if isinstance(type_, ListType):
            return ListTerm(known, Members(full), z3.Int(f"size({full})"))
        return Term(known, z3.Const(full, sort_of(type_)))

    def laws(self) -> Iterator[z3.BoolRef]:
        """What every value of the kind obeys; to be asked once every formula over the arguments was encoded."""
        for name, term in self.given.items():
            type_ = self.types[name]
            if isinstance(term, ListTerm):
                yield from list_laws(term)
            elif isinstance(type_, EnumType):
                yield from within(term.value, type_)

    def names(self) -> frozenset[str]:
        """The constants that belong to the call and to no step before it."""
        found = [constant for law in self.laws() for constant in constants_of(law)]
        for term in self.given.values():
            found += [term.known, term.size] if isinstance(term, ListTerm) else [term.known, term.value]
            if isinstance(term, ListTerm) and isinstance(term.contains, Members):
                found += [chosen for _, chosen in term.contains.chosen.values()]
        return frozenset(each.decl().name() for each in found)
