"""A session of a policy as a transition system over its positions.

A step is one position of history (a message or other event, the start or the end of a call, a reply) and, where the engine
begins a *round* after it, what that round decides: how journeys move and which calls may be made. The environment chooses
what takes place, what application and authentication say between turns, what the judge answers, what tools return and
which arguments a call has. Compared with the engine the steps allow more, never less: any number of rounds and calls a
turn, a call that is due but not made, a turn that ends at any time or is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import z3

from jurat.policies.agents import AGENT
from jurat.policies.expr import Event, Expr, Fact, History, JourneyActive, Observation, atoms, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import FactDeclaration, Journey, Provision
from jurat.policies.types import BoolType, ListType
from jurat.solver.build import YES, all_of, any_of, implication, negation, same
from jurat.solver.cones import Cones
from jurat.solver.encoding import Encoding, conjuncts
from jurat.solver.formulas import truth
from jurat.solver.sessions.calling import Calls
from jurat.solver.sessions.happenings import ENDS, OTHER, Happenings
from jurat.solver.sessions.hearing import known_without_message
from jurat.solver.sessions.holding import Holding
from jurat.solver.sessions.monitors import Monitors, largest_count
from jurat.solver.sessions.moving import POSITION, Journeys, Occasion
from jurat.solver.sessions.reading import SessionAtoms, View
from jurat.solver.sessions.slice import Slice
from jurat.solver.sessions.steps import Part, System, before, observed, part
from jurat.solver.terms import Truth, literal, within


class Session:
    """A slice of a policy as a transition system; ``claim`` reads a formula at a position.

    Args:
        graph: the policy.
        cones: its dependencies.
        about: the slice.
        asked: the formulas that will be asked about.
    """

    def __init__(self, graph: PolicyGraph, cones: Cones, about: Slice, asked: Iterable[Expr]) -> None:
        self.graph = graph
        self.cones = cones
        self.about = about
        self.encoding = Encoding(graph, cones)
        self.base = self.encoding.atoms = SessionAtoms(self.encoding.atoms.defaults)
        self.others = set(graph.vocabulary.tools) > set(about.tools)
        self.happenings = Happenings(about.tools, self._events(), others=self.others)
        self.round = z3.Bool("a round begins")
        self.spoken = z3.Bool("the turn has a message")
        self.settled = z3.Bool("nothing new since the round")
        self.ended = z3.Bool("the session was ended")
        self.undone = z3.Bool("the turn before was cancelled")
        self.begun = z3.Bool("a turn was begun")
        self.seconds = z3.Real("seconds since the position before")
        occasion = Occasion(self.round, self.happenings.new_turn, self.spoken)
        self.loose = self._loose()
        self.heard = known_without_message(graph, cones)
        self.journeys = Journeys(graph, about, self.base, occasion, self.loose)
        self.holding = Holding(self.encoding, about, self.journeys, occasion)
        self.calls = Calls(self.encoding, about, self.happenings, occasion)
        self.position = View(self.base, self.happenings.takes_place, POSITION)
        histories = [atom for atom in about.atoms if isinstance(atom, History)]
        exprs = [*asked, *self._written()]
        self.monitors = Monitors(histories, self.position, self.happenings.new_turn, self.seconds, largest_count(exprs))
        self.asked = [self.claim(expr) for expr in asked]
        laws, moves = [*self._laws()], [*self._moves()]
        # What is known of a list hangs on the elements that formulas ask about, so facts come when all were read.
        moves += [self._fact(fact) for fact in about.facts if set(graph.providers.get(fact.path, ())) <= {*about.tools}]
        laws += [part(f"fact:{fact.path}", self._typed(fact)) for fact in about.facts]
        self.system = System([*self._start()], laws, moves)

    def claim(self, expr: Expr) -> Truth:
        """A formula at a position: events are its own, journeys as they were when it took place."""
        return truth(expr, self.position)

    # -- the vocabulary ------------------------------------------------------------------------------------------

    def _events(self) -> list[str]:
        """The events that begin a turn and that something speaks of."""
        spoken = {atom.name for atom in self.about.atoms if isinstance(atom, Event)}
        known = ("session.started", *sorted(self.graph.vocabulary.events))
        other = [name for name in known if name not in spoken][:1]  # one stands for all that nothing speaks of
        return ["session.ended", *(name for name in known if name in spoken), *other]

    def _written(self) -> Iterator[Expr]:
        """Every formula of the slice that may compare a count."""
        graph = self.graph
        yield from (guard.expr for tool in self.about.tools if (guard := graph.vocabulary.tools[tool].guard))
        yield from (graph.entities[g].condition for g in self.about.cone.conditions)
        yield from (axiom.expr for axiom in self.about.axioms)
        for name in self.about.journeys:
            journey = graph.journeys[name]
            yield from (trigger.expr for trigger in journey.triggers)
            yield from (each.condition for state in self.about.states(journey) for each in state.transitions)

    def _loose(self) -> frozenset[str]:
        """Observations whose value may change at any time: axioms bind them to what changes."""
        found: set[str] = set()
        for axiom in self.about.axioms:
            if any(not isinstance(atom, Observation) for atom in atoms(axiom.expr)):
                found |= observed(mentioned_atoms(each.expr for each in self.about.axioms))
        return frozenset(found)

    def judged_again(self, key: str) -> z3.BoolRef:
        """A tool has run after which an observation is forgotten."""
        after = {
            tool
            for guideline in self.graph.guidelines.values()
            if key in observed(atoms(guideline.condition))
            for tool in guideline.reevaluate_after
        }
        names = {tool if tool in self.about.tools else OTHER for tool in after}
        return any_of(self.happenings.is_(kind, name) for name in sorted(names) for kind in ENDS)

    # -- before the first position -------------------------------------------------------------------------------

    def _start(self) -> Iterator[Part]:
        nothing = [self.begun, self.settled, self.spoken, self.ended, self.round]
        yield part("engine", [negation(each) for each in nothing])
        for journey in self.journeys.journeys:
            inactive = [self.journeys.active(journey), self.saved(journey)[0], self.journeys.has_run(journey)]
            inactive += [self.holding.held(journey), self.holding.acted(journey), self.journeys.unsaid(journey)]
            inactive += [self.journeys.stepped(journey)]
            yield part("engine", [negation(each) for each in inactive])
        yield from self.calls.start()
        yield from self.monitors.start()
        for fact in self.about.facts:
            if self._declared(fact).source == "tools":
                yield part(f"fact:{fact.path}", self._absent(fact))

    def _declared(self, fact: Fact) -> FactDeclaration:
        return self.graph.vocabulary.facts[fact.path]

    def _absent(self, fact: Fact) -> list[z3.BoolRef]:
        """A fact has no value, or its default."""
        default = self._declared(fact).default
        if default is not None and isinstance(default, tuple):
            return self._elements(fact, default)
        if default is None:
            return [negation(self.base.present(fact))]
        return [same(self.value(fact), literal(default, fact.type))]

    def _elements(self, fact: Fact, value: tuple[object, ...]) -> list[z3.BoolRef]:
        """A list has exactly these elements, of those asked about, and this size."""
        assert isinstance(fact.type, ListType)
        term, type_ = self.base.list(fact), fact.type.element
        found = [same(term.size, z3.IntVal(len(value)))]
        for asked in term.asked.values():
            among = any_of(same(asked.value, literal(each, type_)) for each in value)  # type: ignore[arg-type]  # scalars
            found.append(same(term.contains(asked.value), among))
        return found

    def value(self, fact: Fact) -> z3.ExprRef:
        """The value of a fact that is no list, where it is present."""
        return z3.Bool(ascii(fact.path)) if isinstance(fact.type, BoolType) else self.base.term(fact).value

    # -- from a position to the next -----------------------------------------------------------------------------

    def _moves(self) -> Iterator[Part]:
        yield part("engine", self._turns())
        yield part("engine", self._rounds())
        for atom in sorted((a for a in self.about.atoms if isinstance(a, Observation)), key=lambda a: a.key):
            if atom.key not in self.loose:
                yield self._observation(atom)
        yield part("engine", [self._event(atom) for atom in self.about.atoms if isinstance(atom, Event)])
        for journey in self.journeys.journeys:
            yield part("engine", self._journey(journey))
        yield from self.calls.moves()
        yield from self.monitors.moves()

    def _turns(self) -> list[z3.BoolRef]:
        """When a turn can begin and a reply be sent, and what is kept of a turn."""
        here, new = self.happenings, self.happenings.new_turn
        in_turn = negation(new)
        over = all_of((before(self.ended), negation(self.undone)))
        return [
            here.law(),
            self.seconds >= 0,
            same(
                here.first, any_of((all_of((new, negation(before(self.begun)))), all_of((in_turn, before(here.first)))))
            ),
            self.begun,
            implication(negation(before(self.begun)), all_of((new, negation(self.undone)))),
            implication(new, negation(over)),
            same(self.ended, any_of((here.is_("event", "session.ended"), all_of((in_turn, before(self.ended)))))),
            same(self.spoken, any_of((here.is_("message"), all_of((in_turn, before(self.spoken)))))),
            implication(here.is_("reply"), all_of((before(self.settled), self.spoken))),
        ]

    def _rounds(self) -> list[z3.BoolRef]:
        """A round begins after what began the turn, and when no call is running any more."""
        here = self.happenings
        idle = negation(any_of(self.calls.running(tool) for tool in self.about.tools))
        return [
            implication(self.round, all_of((any_of((here.new_turn, here.any(*ENDS))), idle))),
            same(self.settled, self.round),
            implication(self._of_others(), before(self._live())),
        ]

    def _of_others(self) -> z3.BoolRef:
        here = self.happenings
        return any_of(here.is_(kind, OTHER) for kind in ("call", *ENDS))

    def _live(self) -> z3.BoolRef:
        return all_of((self.begun, negation(self.happenings.is_("reply"))))

    @property
    def agent(self) -> Fact | None:
        """Who answers, where something hangs on it."""
        return next((fact for fact in self.about.facts if fact.path == AGENT), None)

    @property
    def may_be_handed(self) -> z3.BoolRef:
        """A turn may be that of another agent about the message of the turn before."""
        again = all_of((self.happenings.is_("message"), before(self.spoken)))
        if self.agent is None:
            return again
        now = self.value(self.agent)
        return all_of((again, negation(same(now, before(now)))))

    def _still(self, journey: Journey) -> z3.BoolRef:
        """It has its state to say still; one that can neither rest nor be held back says it with the next reply."""
        had = before(self.journeys.stepped(journey))
        if journey.id in self.journeys.held or self.graph.entities[journey.id].condition != JourneyActive(journey.id):
            return had
        return all_of((had, any_of((self.undone, negation(before(self.happenings.is_("reply")))))))

    def _fact(self, fact: Fact) -> Part:
        """Application and authentication speak between turns; a tool's success writes what it provides."""
        provided = self.calls.providers(fact)
        rules = [
            implication(self.happenings.is_("success", tool), all_of(self._written_by(fact, each)))
            for tool, each in provided
        ]
        untouched = [negation(self.happenings.is_("success", tool)) for tool, _ in provided]
        if self._declared(fact).source != "tools":
            untouched.append(negation(self.happenings.new_turn))
        return part(f"fact:{fact.path}", [*rules, implication(all_of(untouched), all_of(self._unchanged(fact)))])

    def _written_by(self, fact: Fact, provision: Provision) -> Iterator[z3.BoolRef]:
        """A declared value; or any, or none where the result does not say it, which is the default if there is one."""
        if provision.kind != "value" or provision.value is None:
            return
        yield self.base.present(fact)
        if isinstance(provision.value, tuple):
            yield from self._elements(fact, provision.value)
        else:
            yield same(self.value(fact), literal(provision.value, fact.type))

    def _unchanged(self, fact: Fact) -> Iterator[z3.BoolRef]:
        present = self.base.present(fact)
        yield same(present, before(present))
        if not isinstance(fact.type, ListType):
            yield same(self.value(fact), before(self.value(fact)))
            return
        term = self.base.list(fact)
        yield same(term.size, before(term.size))
        for asked in term.asked.values():
            has = term.contains(asked.value)
            yield implication(same(asked.value, before(asked.value)), same(has, before(has)))

    def _observation(self, atom: Observation) -> Part:
        """What was judged stays so for the turn; what was not asked yet may be."""
        now = self.base.truth(atom)
        known = negation(any_of((self.happenings.new_turn, self.judged_again(atom.key))))
        kept = [implication(all_of((known, before(each))), each) for each in (now.true, now.false)]
        return Part(f"observation:{atom.key}", tuple(kept), frozenset((atom.key,)))

    def _event(self, atom: Event) -> z3.BoolRef:
        """Outside of history an event means "in this turn so far"."""
        so_far, in_turn = self.base.truth(atom).true, negation(self.happenings.new_turn)
        now = self.happenings.takes_place(atom)
        return same(so_far, any_of((now, all_of((in_turn, before(so_far))))))

    def saved(self, journey: Journey) -> tuple[z3.BoolRef, z3.ArithRef]:
        """The journey as it was when the turn began."""
        name = f"journey {journey.id} when the turn began"
        return z3.Bool(f"{name} is active"), z3.Int(name)

    def _journey(self, journey: Journey) -> list[z3.BoolRef]:
        """A turn begins with the journeys that the last one left, or with those it found if it was cancelled or held back."""
        every, new = self.journeys, self.happenings.new_turn
        active, place = every.active(journey, POSITION), every.place(journey, POSITION)
        kept_active, kept_place = self.saved(journey)
        ends = [state.id for state in self.about.states(journey) if state.kind == "end"]
        left = any_of(before(every.is_in(journey, name)) for name in ends)
        was, where = before(every.active(journey)), before(every.place(journey))
        back = before(self.holding.goes_back(journey))
        completed = all_of((new, negation(self.undone), negation(back), before(every.known(journey))))
        cancelled = all_of((new, any_of((self.undone, back))))
        run = every.has_run(journey)
        ran = self.calls.ran(journey, every)
        stayed = before(same(every.place(journey), every.place(journey, POSITION)))
        return [
            implication(negation(new), all_of((same(active, was), same(place, where)))),
            implication(completed, all_of((same(active, all_of((was, negation(left)))), same(place, where)))),
            implication(cancelled, all_of((same(active, before(kept_active)), same(place, before(kept_place))))),
            implication(new, all_of((same(kept_active, active), same(kept_place, place)))),
            implication(
                negation(new), all_of((same(kept_active, before(kept_active)), same(kept_place, before(kept_place))))
            ),
            implication(run, all_of((negation(new), any_of((ran, all_of((before(run), stayed))))))),
            implication(all_of((negation(new), ran)), run) if self.about.resolved else YES,
            *self.holding.moves(journey, ran, self.undone),
            implication(every.stepped(journey), all_of((was, any_of((self.may_be_handed, self._still(journey)))))),
        ]

    # -- about every position ------------------------------------------------------------------------------------

    def _laws(self) -> Iterator[Part]:
        yield from self.journeys.laws()
        yield from self.holding.laws()
        for g in sorted(self.about.cone.conditions):
            for place, formulas in enumerate(self.encoding.condition(g)):
                yield part(f"condition:{g}:{place}", formulas, self._conjunct(g, place))
        for g in sorted(self.about.cone.rules):
            yield part(f"rule:{g}", self.encoding.rule(g))
        for axiom in self.about.axioms:
            yield part(f"axiom:{axiom.id}", self.encoding.axiom(axiom), [axiom.expr])
        for atom in self.about.atoms:
            if isinstance(atom, Observation):
                both = self.base.truth(atom)
                every = (both, *self._stages_of(atom))
                yield part("engine", [negation(all_of((each.true, each.false))) for each in every])
                if atom.key not in self.heard:
                    unasked = [implication(negation(self.spoken), negation(any_of((e.true, e.false)))) for e in every]
                    yield Part(f"observation:{atom.key}", tuple(unasked), frozenset((atom.key,)))

    def _stages_of(self, atom: Observation) -> list[Truth]:
        return [self.journeys.view(stage).truth(atom) for stage in self.journeys.stages]

    def _unprovided(self, fact: Fact) -> bool:
        """It starts absent, and nobody may write it."""
        provided = (each.fact for tool in self.graph.vocabulary.tools.values() for each in tool.provides)
        return self._declared(fact).source == "tools" and fact.path not in provided

    def _conjunct(self, g: str, place: int) -> list[Expr]:
        found = conjuncts(self.graph, g)
        return [found[place]] if place < len(found) else list(found)

    def _typed(self, fact: Fact) -> Iterable[z3.BoolRef]:
        if self._unprovided(fact):
            return [negation(self.base.present(fact))]
        if isinstance(fact.type, ListType):
            return list(self.base.constraints(fact))
        return [] if isinstance(fact.type, BoolType) else within(self.value(fact), fact.type)
