"""Which journeys a turn holds back: the twin of :func:`jurat.engine.journeys.hold_back`.

What the last round of a turn makes of a journey that is then not in force is taken back when the next turn begins, unless
a tool of the journey ran in the turn. Where nothing is resolved, any journey that could be held back may be.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3

from jurat.policies.holding import inner_overriders
from jurat.policies.model import Journey
from jurat.solver.build import NO, all_of, any_of, implication, negation, same
from jurat.solver.encoding import Encoding
from jurat.solver.sessions.moving import Journeys, Occasion
from jurat.solver.sessions.slice import Slice
from jurat.solver.sessions.steps import Part, before, part


class Holding:
    """The journeys of a slice that may be held back, as variables."""

    def __init__(self, encoding: Encoding, about: Slice, journeys: Journeys, occasion: Occasion) -> None:
        self.encoding = encoding
        self.about = about
        self.every = journeys
        self.occasion = occasion
        self.journeys = [each for each in journeys.journeys if each.id in journeys.held]

    # -- variables -----------------------------------------------------------------------------------------------

    def held(self, journey: Journey) -> z3.BoolRef:
        """It was not in force when the turn was resolved last."""
        return z3.Bool(f"journey {journey.id} is held back")

    def acted(self, journey: Journey) -> z3.BoolRef:
        """A tool of one of its states ran in this turn."""
        return z3.Bool(f"journey {journey.id} has acted")

    def goes_back(self, journey: Journey) -> z3.BoolRef:
        """If the turn ends here, it is where the turn found it."""
        if journey not in self.journeys:
            return NO
        return all_of((self.occasion.message, self.held(journey), negation(self.acted(journey))))

    # -- what a round and a call say -----------------------------------------------------------------------------

    def laws(self) -> Iterator[Part]:
        """Whether a round leaves a journey in force; of one that is where nobody looks, either."""
        for journey in self.journeys if self.about.resolved else ():
            active, held = self.every.active(journey), self.held(journey)
            down = any_of((negation(self.encoding.certain[journey.id]), *self._within(journey)))
            elsewhere = negation(self.every.known(journey))
            rules = [
                implication(all_of((active, down)), held),
                implication(held, all_of((active, any_of((down, elsewhere))))),
            ]
            yield part(f"held:{journey.id}", [implication(self.occasion.round, each) for each in rules])

    def _within(self, journey: Journey) -> Iterator[z3.BoolRef]:
        """It is in a state of a journey within it, which something overrides."""
        for state in self.about.states(journey):
            by = inner_overriders(self.encoding.graph, journey.id, state.id)
            yield all_of((self.every.is_in(journey, state.id), any_of(self.encoding.high.live(h) for h in by)))

    def moves(self, journey: Journey, ran: z3.BoolRef, undone: z3.BoolRef) -> list[z3.BoolRef]:
        """What lasts from round to round and from turn to turn. ``ran``: a call of the journey's state ends here;
        ``undone``: the turn before was cancelled.

        Of calls of states at which nobody looks it is left open.
        """
        if journey not in self.journeys or not self.about.resolved:
            return []
        in_turn, quiet = negation(self.occasion.new_turn), negation(self.occasion.round)
        has = all_of((in_turn, any_of((ran, before(self.acted(journey))))))
        may = all_of((in_turn, negation(before(self.every.known(journey)))))
        return [
            implication(quiet, same(self.held(journey), all_of((in_turn, before(self.held(journey)))))),
            implication(has, self.acted(journey)),
            implication(self.acted(journey), any_of((has, may))),
            *self._saying(journey, undone),
        ]

    def _saying(self, journey: Journey, undone: z3.BoolRef) -> Iterator[z3.BoolRef]:
        """What the turn before left to be said; one without a message may have moved on."""
        every, now = self.every, self.every.unsaid(journey)
        new, was = self.occasion.new_turn, before(now)
        answered = all_of((new, negation(undone), before(self.occasion.message)))
        held, acted = before(self.held(journey)), before(self.acted(journey))
        chat = any_of(every.is_in(journey, each.id) for each in self.about.states(journey) if each.kind == "chat")
        yield implication(any_of((negation(new), undone)), same(now, was))
        yield implication(all_of((now, negation(answered))), was)
        yield implication(all_of((answered, negation(held))), negation(now))
        yield implication(all_of((answered, held, negation(acted))), same(now, was))
        yield implication(all_of((answered, held, acted, before(every.known(journey)))), same(now, before(chat)))
