"""What calls made before another one can change of what its guard looks at, symbolically.

The twin of :mod:`jurat.policies.beforehand`, rule for rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import z3

from jurat.policies.beforehand import ENDINGS, POSITIONS, event_of, makers, occurs, provisions
from jurat.policies.expr import Atom, Expr, Fact, History, JourneyState, atoms, key_of, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Provision
from jurat.policies.types import BoolType, ListType
from jurat.solver.build import YES, all_of, any_of, implication, negation, same
from jurat.solver.terms import Atoms, ListTerm, Members, Term, Truth, list_laws, literal, sort_of, within


class Later(Atoms):
    """Atoms as they may be once some tools were called first: those that can be, each under its condition.

    ``laws`` and ``constants`` say what is chosen, once every formula was encoded.
    """

    def __init__(self, graph: PolicyGraph, now: Atoms, first: Mapping[str, z3.BoolRef]) -> None:
        super().__init__(now.defaults)
        self.graph = graph
        self.now = now
        self.first = first
        self.presence: dict[str, z3.BoolRef] = {}
        self._places = {tool: z3.Int(f"{tool} comes first at") for tool in first}
        self._endings = {tool: {each: z3.Bool(f"{tool} {each} first") for each in ENDINGS} for tool in first}
        self._constants: list[z3.ExprRef] = [each for both in self._endings.values() for each in both.values()]
        self._laws = [each for tool in first for each in self._called(tool)]
        self._written: list[_Written] = []

    def _called(self, tool: str) -> Iterator[z3.BoolRef]:
        """A call is one that can be made, and it ends in one way."""
        succeeded, failed = self._endings[tool].values()
        yield implication(any_of((succeeded, failed)), self.first[tool])
        yield negation(all_of((succeeded, failed)))

    def of(self, guard: Expr) -> Later:
        """Itself, ready for a guard."""
        for atom in sorted(atoms(guard), key=key_of) if self.first else ():
            self._change(atom)
        return self

    def laws(self) -> Iterator[z3.BoolRef]:
        """What holds of the choice."""
        yield from self._laws
        for each in self._written:
            yield from each.laws(self.lists[each.fact.path])

    def constants(self) -> list[z3.ExprRef]:
        """What is chosen."""
        chosen = [has for each in self._written for _, has in each.members.chosen.values()]
        return [*self._constants, *self._places.values(), *chosen]

    # -- what a call makes of an atom ----------------------------------------------------------------------------

    def _change(self, atom: Atom) -> None:
        if isinstance(atom, Fact):
            offers = self._offers(atom)
            if offers and isinstance(atom.type, ListType):
                self._list(atom, offers)
            elif offers:
                self._fact(atom, offers)
        elif event := event_of(atom):
            self._follow(atom, [self._endings[t][e] for t in self.first for e in ENDINGS if occurs(event, t, e)])
        elif isinstance(atom, History) and (
            touching := makers(self.graph, mentioned_atoms([atom])) & self.first.keys()
        ):
            self._open(atom, [any_of(self._endings[tool].values()) for tool in sorted(touching)])

    def _offers(self, fact: Fact) -> list[_Offer]:
        """The successes that write a fact, and when each of them is the last that does."""
        found = provisions(self.graph, fact, self.first)
        done = {tool: self._endings[tool]["succeeded"] for tool, _ in found}
        return [
            _Offer(
                done[tool],
                all_of(implication(done[t], self._places[t] < self._places[tool]) for t in done if t != tool),
                each,
            )
            for tool, each in found
        ]

    def _follow(self, atom: Atom, occurred: list[z3.BoolRef]) -> None:
        """An atom that the events of a tool alone decide about."""
        if isinstance(atom.type, BoolType):
            self._is(atom, any_of((self.now.truth(atom).true, *occurred)))
        else:
            self.terms[atom] = Term(YES, self.now.term(atom).value + _number(occurred))

    def _open(self, history: History, called: list[z3.BoolRef]) -> None:
        """An operator of which it is open what calls make of it."""
        later = self._new(history, f"operator {len(self._constants)} later")
        touched = any_of(called)
        if history.operator == "count":
            now = self.now.term(history).value
            self._laws += [now <= later, later <= now + POSITIONS * _number(called)]
            self.terms[history] = Term(YES, later)
            return
        now = self.now.truth(history).true
        self._laws.append(any_of((touched, same(later, now))))
        if history.operator == "once":
            self._laws.append(implication(now, later))
        elif history.operator == "historically":
            self._laws.append(implication(later, now))
        self._is(history, later)

    def _is(self, atom: Atom, value: z3.BoolRef) -> None:
        self.truths[atom] = Truth(value, negation(value))

    def _new(self, atom: Atom, name: str) -> z3.ExprRef:
        found = z3.Const(name, sort_of(atom.type))
        self._constants.append(found)
        return found

    def _fact(self, fact: Fact, offers: list[_Offer]) -> None:
        later = Term(self._present_later(fact), self._new(fact, f"{fact.path} later"))
        now = _now(self.now, fact)
        nothing = negation(any_of(each.succeeded for each in offers))
        unchanged = all_of((nothing, same(later.known, now.known), same(later.value, now.value)))
        ways = [all_of((each.succeeded, each.is_last, *_provided(later, fact, each.provision))) for each in offers]
        self._laws.append(any_of((unchanged, *ways)))
        if isinstance(fact.type, BoolType):
            self.truths[fact] = Truth(all_of((later.known, later.value)), all_of((later.known, negation(later.value))))
        self.terms[fact] = later
        self.presence[fact.path] = later.known

    def _present_later(self, fact: Fact) -> z3.BoolRef:
        found = z3.Bool(f"{fact.path} is present later")
        self._constants.append(found)
        return found

    def _list(self, fact: Fact, offers: list[_Offer]) -> None:
        """A list as it is now, or what a tool wrote; its laws wait until it is known what is asked of it."""
        now, members, size = self.now.list(fact), Members(f"{fact.path} later"), z3.Int(f"size({fact.path}) later")
        written = z3.Bool(f"{fact.path} is written first")
        self._constants += [written, size]
        later = ListTerm(
            any_of((written, now.known)),
            lambda element: z3.If(written, members(element), now.contains(element)),
            z3.If(written, size, now.size),
            now.asked,
        )
        self.lists[fact.path] = later
        self.presence[fact.path] = later.known
        self._written.append(_Written(fact, written, members, size, offers))

    # -- what of it did not change -------------------------------------------------------------------------------

    def truth(self, atom: Atom) -> Truth:
        return self.truths.get(atom) or self.now.truth(atom)

    def term(self, atom: Atom) -> Term:
        return self.terms.get(atom) or self.now.term(atom)

    def list(self, fact: Fact) -> ListTerm:
        return self.lists.get(fact.path) or self.now.list(fact)

    def present(self, atom: Fact | JourneyState) -> z3.BoolRef:
        return self.presence[key_of(atom)] if key_of(atom) in self.presence else self.now.present(atom)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A success that writes a fact, and that those that write it too come before."""

    succeeded: z3.BoolRef
    is_last: z3.BoolRef
    provision: Provision


@dataclass(frozen=True, slots=True)
class _Written:
    """A list that tools may write first."""

    fact: Fact
    written: z3.BoolRef
    members: Members
    size: z3.ArithRef
    offers: list[_Offer]

    def laws(self, later: ListTerm) -> Iterator[z3.BoolRef]:
        yield from list_laws(later)
        yield from self.members.laws()
        ways = (all_of((each.succeeded, each.is_last, *self._is(each.provision))) for each in self.offers)
        yield same(self.written, any_of(each.succeeded for each in self.offers))
        yield implication(self.written, any_of(ways))

    def _is(self, provision: Provision) -> Iterator[z3.BoolRef]:
        """The list is the one that a tool provides, if it says which."""
        if isinstance(provision.value, tuple) and isinstance(self.fact.type, ListType):
            items = [literal(item, self.fact.type.element) for item in provision.value]
            yield self.size == len(items)
            for element, has in self.members.chosen.values():
                yield same(has, any_of(same(element, item) for item in items))


def _number(truths: list[z3.BoolRef]) -> z3.ArithRef:
    return z3.Sum([z3.If(each, 1, 0) for each in truths]) if truths else z3.IntVal(0)


def _now(atoms_: Atoms, fact: Fact) -> Term:
    if isinstance(fact.type, BoolType):
        both = atoms_.truth(fact)
        return Term(any_of((both.true, both.false)), both.true)
    return atoms_.term(fact)


def _provided(later: Term, fact: Fact, provision: Provision) -> list[z3.BoolRef]:
    """The value that a success writes; a result that does not say it leaves the fact without one."""
    if provision.kind == "value" and provision.value is not None:
        return [later.known, later.value == literal(provision.value, fact.type)]
    return list(within(later.value, fact.type))
