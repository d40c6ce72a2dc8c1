"""Calls in a situation that is known: with which arguments a tool could be called there.

The atoms are constants here, so that only the arguments are left to choose; what the solver chooses is evaluated again
by the reference semantics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import z3

from jurat.policies.arguments import argument_types, constraint_of
from jurat.policies.evaluation import Look, evaluate
from jurat.policies.expr import Atom, Expr, Fact, JourneyState
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Forbid, Offer, ToolDeclaration
from jurat.policies.resolution import Resolution
from jurat.policies.types import ListType, Type, Value
from jurat.solver.build import NO, YES, any_of, negation, same
from jurat.solver.choice import Choice
from jurat.solver.formulas import truth
from jurat.solver.limits import DEFAULT
from jurat.solver.terms import Atoms, ListTerm, Members, Term, Truth, literal, scalar, sort_of

Arguments = Mapping[str, Value]


class Known(Atoms):
    """Atoms that have the values of a situation."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look

    def truth(self, atom: Atom) -> Truth:
        value = self._look(atom)
        return Truth(YES if value is True else NO, YES if value is False else NO)

    def term(self, atom: Atom) -> Term:
        value = self._look(atom)
        if value is None:
            return Term(NO, z3.Const("anything", sort_of(atom.type)))
        return Term(YES, literal(value, atom.type))

    def list(self, fact: Fact) -> ListTerm:
        value = self._look(fact)
        assert isinstance(fact.type, ListType)
        items = value if isinstance(value, tuple) else ()
        members = [literal(item, fact.type.element) for item in items]
        known = NO if value is None else YES
        return ListTerm(known, lambda each: any_of(same(each, member) for member in members), z3.IntVal(len(items)))

    def present(self, atom: Fact | JourneyState) -> z3.BoolRef:
        return NO if self._look(atom) is None else YES


def users(resolution: Resolution, tool: str) -> frozenset[str]:
    """Who calls or offers a tool in a situation; nobody where something forbids it."""
    found = set()
    for each in resolution.actions:
        if isinstance(each.action, Forbid) and (each.action.what, each.action.target) == ("tool", tool):
            return frozenset()
        if isinstance(each.action, Call | Offer) and each.action.tool == tool:
            found.add(each.guideline)
    return frozenset(found)


def can_be_called(graph: PolicyGraph, resolution: Resolution, tool: str, beyond: Expr | None = None) -> bool:
    """Whether some arguments let a tool be called in a situation; with ``beyond``, such as are not certainly within it."""
    return _search(graph, resolution, tool, beyond) is not None


def arguments_for(
    graph: PolicyGraph, resolution: Resolution, tool: str, beyond: Expr | None = None
) -> Arguments | None:
    """Such arguments, rather few of them; None if there are none, or none that can be written down and evaluated."""
    search = _search(graph, resolution, tool, beyond)
    found = search.values() if search else None
    if found is None or not admits(graph, resolution, tool, found):
        return None
    look = resolution.settled.valuation.look
    return found if beyond is None or evaluate(beyond, look, found) is not True else None


def admits(graph: PolicyGraph, resolution: Resolution, tool: str, given: Arguments) -> bool:
    """Whether a call with these arguments is admitted in a situation, by the reference evaluation."""
    look = resolution.settled.valuation.look
    wanted = _wanted(graph.vocabulary.tools[tool], resolution)
    return bool(users(resolution, tool)) and all(evaluate(expr, look, given) is True for expr in wanted)


def _wanted(tool: ToolDeclaration, resolution: Resolution) -> list[Expr]:
    """What must hold of a call: the guard, and what the calls in force ask."""
    calls = (each.action for each in resolution.actions if isinstance(each.action, Call))
    asked = [constraint_of(each, tool) for call in calls if call.tool == tool.id for each in call.constraints]
    return [*([tool.guard.expr] if tool.guard else []), *asked]


def _search(graph: PolicyGraph, resolution: Resolution, tool: str, beyond: Expr | None) -> _Search | None:
    if not users(resolution, tool):
        return None
    declaration = graph.vocabulary.tools[tool]
    search = _Search(declaration, resolution, _wanted(declaration, resolution), beyond)
    return search if search.solver.check() == z3.sat else None


class _Search:
    """A solver that looks for the arguments of one call."""

    def __init__(self, tool: ToolDeclaration, resolution: Resolution, wanted: list[Expr], beyond: Expr | None) -> None:
        self.beyond = beyond
        every = [*wanted, *([beyond] if beyond else [])]
        self.choice = Choice({**argument_types(every), **dict(tool.parameters)})
        atoms, terms = Known(resolution.settled.valuation.look), self.choice.terms
        self.solver = z3.Solver()
        self.solver.set("rlimit", DEFAULT.rlimit)
        self.solver.add(*(truth(expr, atoms, terms).true for expr in wanted))
        if beyond:
            self.solver.add(negation(truth(beyond, atoms, terms).true))
        self.solver.add(*self.choice.laws())

    def values(self) -> dict[str, Value] | None:
        """What was chosen; only what has to be given, but everything where the arguments are to go too far."""
        model = self.solver.model()
        for wish in self._wishes():
            if self.solver.check(wish) == z3.sat:
                model = self.solver.model()
                self.solver.add(wish)
        return chosen(self.choice, model)

    def _wishes(self) -> Iterator[z3.BoolRef]:
        for term in self.choice.terms.values():
            yield term.known if self.beyond else negation(term.known)
            if isinstance(term, ListTerm) and isinstance(term.contains, Members):
                yield term.size == z3.Sum([z3.If(has, 1, 0) for _, has in term.contains.chosen.values()] or [0])


def chosen(choice: Choice, model: z3.ModelRef) -> dict[str, Value] | None:
    """The arguments given in a model, as plain values; None if one of them cannot be written down."""
    given = [name for name, term in choice.terms.items() if z3.is_true(model.eval(term.known, model_completion=True))]
    found = {name: _value(choice.terms[name], choice.types[name], model) for name in given}
    return None if None in found.values() else {name: each for name, each in found.items() if each is not None}


def _value(term: Term | ListTerm, type_: Type, model: z3.ModelRef) -> Value | None:
    if isinstance(term, Term):
        return scalar(model.eval(term.value, model_completion=True), type_)
    assert isinstance(type_, ListType)
    assert isinstance(term.contains, Members)
    inside = (element for element, has in term.contains.chosen.values() if z3.is_true(model.eval(has)))
    members = {scalar(model.eval(each, model_completion=True), type_.element) for each in inside}
    size = model.eval(term.size, model_completion=True).as_long()
    return tuple(sorted((each for each in members if each is not None), key=repr)) if size == len(members) else None
