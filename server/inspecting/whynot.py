"""Why a guideline was followed in a turn, and why another was not: in sentences, of what the turn's trace says.

The last round of the trace is resolved again, with the bounds that the semantics speaks of, so that the sentence rests on
the same equations as the decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from jurat.engine.describe import supporting
from jurat.engine.journeys import NOT_BEGUN, STAYS, WAITS
from jurat.engine.relevance import Outlook
from jurat.policies import PolicyGraph, valuation_of
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Atom, Event, Expr, Fact, JourneyActive, JourneyState, Observation, atoms, key_of
from jurat.policies.printing import show
from jurat.policies.resolution import Drop, Resolution
from jurat.policies.values import show_value
from jurat.server.inspecting.details import worded

Standing = Literal["in force", "left open", "dropped", "not triggered", "undecided"]
NAMES = 6
"""Of what stands in the way that are named."""

DEPTH = 2
"""How many steps back reasons go: why it was not, and why what it waited for was not."""

NOTHING = "Nothing was decided in this turn, so no guideline was in force."


def why(graph: PolicyGraph, trace: Mapping[str, Any], g: str) -> dict[str, Any]:
    """Where an entity stood at the end of a turn, and why: ``standing``, and ``sentences`` for a person.

    The trace is one of this policy. Ids stand between backticks.

    Raises:
        ValuationError: it is not.
    """
    if not trace["rounds"]:
        return {"id": g, "standing": "undecided", "sentences": [NOTHING, *map(_sentence, trace["notes"])]}
    reasons = _Reasons(graph, trace)
    sentences = [*reasons.of(g), *_moved(trace, g), *_held_back(trace, g), *_earlier(trace, g)]
    return {"id": g, "standing": reasons.standing(g), "sentences": sentences}


def _moved(trace: Mapping[str, Any], g: str) -> list[str]:
    """How the journey came to be where it was, of a journey and its states, unless that was taken back."""
    journey = g.partition("/")[0]
    begins = f"`{journey}` "
    if _held_back(trace, journey):
        return []
    moves = (move for round_ in trace["rounds"] for move in round_.get("moves", ()))
    return [_sentence(move) for move in moves if move.startswith(begins)]


def _held_back(trace: Mapping[str, Any], g: str) -> list[str]:
    """Where the turn left a journey that it held back."""
    begins = tuple(f"`{g}` {said}" for said in (NOT_BEGUN, STAYS, WAITS))
    return [_sentence(note) for note in trace["notes"] if note.startswith(begins)]


def _earlier(trace: Mapping[str, Any], g: str) -> list[str]:
    """That it was in force before a tool or a journey changed the situation."""
    *before, last = ([each["id"] for each in round_["in_force"]] for round_ in trace["rounds"])
    numbers = [str(number) for number, force in enumerate(before, 1) if g in force]
    if not numbers or g in last:
        return []
    return [f"It was in force in round {_listed(numbers)} of this turn, before the situation changed."]


class _Reasons:
    """The end of one turn, resolved again."""

    def __init__(self, graph: PolicyGraph, trace: Mapping[str, Any]) -> None:
        self._graph, self._trace = graph, trace
        last = trace["rounds"][-1]
        self._asked = {each["observation"]: each for round_ in trace["rounds"] for each in round_["asked"]}
        self._outlook = Outlook.of(graph, valuation_of(graph, {**last["values"], **last["judgements"]}))
        self._resolution: Resolution = self._outlook.resolution()
        self._look = self._outlook.valuation.look

    def standing(self, g: str) -> Standing:
        """In which of the ways in which an entity can stand this one did."""
        if g in self._resolution.in_force:
            return "in force"
        if g in self._resolution.dropped:
            return "dropped"
        return "left open" if g in self._resolution.possible else "not triggered"

    def of(self, g: str, depth: int = DEPTH) -> list[str]:
        """The reasons, the first of them first."""
        say = {"in force": self._held, "dropped": self._dropped, "left open": self._open, "not triggered": self._idle}
        return say[self.standing(g)](g, depth)

    def _held(self, g: str, depth: int) -> list[str]:  # noqa: ARG002 - as the others have it
        condition = self._graph.entities[g].condition
        because = self._supports(condition) if evaluate(condition, self._look) is True else []
        force = set(self._resolution.in_force)
        because += [f"`{e}` was in force, which entails it" for e in self._graph.entailers[g] if e in force]
        said = (
            f"`{g}` was in force, because {_joined(because)}."
            if because
            else f"`{g}` was in force; it has no condition."
        )
        return [said, *self._left_out(g)]

    def _left_out(self, g: str) -> list[str]:
        done = any(
            each["observation"] == f"again:{g}" and each["truth"] is False for each in self._trace.get("anew", ())
        )
        if not done:
            return []
        return [
            "It had been carried out before and was not brought up anew, so its instruction and calls were left out."
        ]

    def _dropped(self, g: str, depth: int) -> list[str]:
        drop = self._resolution.dropped[g]
        named = _listed([f"`{each}`" for each in drop.by])
        said = f"`{g}` was triggered ({_joined(self._triggering(g))}), but {self._stands_in_the_way(drop, named)}."
        return [said, *self._further(drop.by, depth)]

    def _triggering(self, g: str) -> list[str]:
        condition = self._graph.entities[g].condition
        if evaluate(condition, self._look) is True:
            return self._supports(condition) or ["it has no condition"]
        force = set(self._resolution.in_force)
        return [f"`{e}` entails it" for e in self._graph.entailers[g] if e in force]

    def _stands_in_the_way(self, drop: Drop, named: str) -> str:
        many, surely = len(drop.by) > 1, any(self._outlook.low.live(each) for each in drop.by)
        if drop.reason == "requirement-not-met":
            missing = f"{named}, which {'were' if many else 'was'} not in force" if drop.by else "what does not exist"
            return f"it requires {missing}"
        if drop.reason == "overridden":
            return f"{named} {'override' if many else 'overrides'} it" + (
                "" if surely else " if it applies, which was left open"
            )
        if drop.reason == "ambiguous":
            return f"so was more than one of those that {named} tells apart, so the customer is asked which is meant"
        if drop.reason == "outranked":
            return f"{named} {'have' if many else 'has'} a higher rank"
        return f"a paradox left it undecided, together with {named}" if drop.by else "a paradox left it undecided"

    def _open(self, g: str, depth: int) -> list[str]:
        entity = self._graph.entities[g]
        unknown = [self._worded(atom) for atom in _sorted(atoms(entity.condition)) if self._look(atom) is None]
        if evaluate(entity.condition, self._look) is not None:
            said = f"`{g}` was left open, for what it hangs on was left open itself."
            around = (*self._graph.requirements[g], *self._graph.overriders[g], *self._graph.entailers[g])
            return [said, *self._further([h for h in around if self.standing(h) == "left open"], depth)]
        does = {"ask": "so the customer is asked", "act": "and it acts all the same, as its `on_unknown: act` says"}
        return [f"`{g}` was left open, because {_joined(unknown)}; {does.get(entity.on_unknown, _MERELY)}."]

    def _idle(self, g: str, depth: int) -> list[str]:
        condition = self._graph.entities[g].condition
        if evaluate(condition, self._look) is False:
            return [f"`{g}` did not apply, because {_joined(self._supports(condition))}.", *self._triggers(g)]
        unasked = [f"“{self._text(each)}”" for each in _sorted(atoms(condition)) if self._look(each) is None]
        said, others = self._closed(g)
        asked = f"Whether {_listed(unasked)} made no difference" if unasked else "Its condition made no difference"
        return [f"{asked}: {said}.", *self._further(others, depth)]

    def _closed(self, g: str) -> tuple[str, list[str]]:
        """What keeps something out of force whatever its condition says, and who does."""
        graph, low, high = self._graph, self._outlook.low, self._outlook.high
        groups = [{d for one in group for d in one} for group in graph.alternatives[g]]
        missing = [d for d in graph.requirements[g] if d not in high.in_force]
        missing += sorted(d for group in groups if not group & high.in_force for d in group)
        if missing or not high.supported(g):
            return f"`{g}` requires {_names(missing)}, which could not be in force", missing
        if overriders := [h for h in graph.overriders[g] if low.live(h)]:
            return f"{_names(overriders)} {'override' if len(overriders) > 1 else 'overrides'} `{g}`", overriders
        if low.ambiguous(g):
            return f"the customer is asked which of several is meant, `{g}` among them", []
        higher = [h for h in graph.outrankers[g] if low.matched(h) and low.live(h)]
        return (f"{_names(higher)} would outrank `{g}`", higher) if higher else (f"nothing put `{g}` in force", [])

    def _further(self, others: Iterable[str], depth: int) -> list[str]:
        """Why what stands in the way stood so."""
        if depth <= 1:
            return []
        return [sentence for h in list(others)[:2] for sentence in self.of(h, depth - 1)[:1]]

    def _triggers(self, g: str) -> list[str]:
        """A journey did not begin: what would begin it, and what was known of that."""
        journey = self._graph.journeys.get(g)
        if journey is None:
            return []
        known = [
            _joined(self._supports(each.expr)) or worded(self._graph, show(each.expr)) for each in journey.triggers
        ]
        return [f"What begins it: {'; '.join(known)}."] if known else []

    def _supports(self, expr: Expr) -> list[str]:
        return [self._worded(atom) for atom in _sorted(supporting(expr, self._look))]

    def _text(self, atom: Atom) -> str:
        return self._graph.vocabulary.observations[atom.key].text if isinstance(atom, Observation) else key_of(atom)

    def _worded(self, atom: Atom) -> str:
        """What was known of an atom, and how."""
        value = self._look(atom)
        if isinstance(atom, Observation):
            return self._observed(atom, value)
        if isinstance(atom, JourneyActive):
            return f"the journey `{atom.journey}` was {'' if value else 'not '}under way"
        if isinstance(atom, Event):
            return f"`{atom.key}` {'happened' if value else 'had not happened'} in this turn"
        nothing = "absent" if isinstance(atom, Fact) else "in no state" if isinstance(atom, JourneyState) else "unknown"
        return f"`{key_of(atom)}` was {nothing if value is None else _shown(value)}"

    def _observed(self, atom: Observation, value: Any) -> str:
        asked, text = self._asked.get(atom.key), f"“{self._text(atom)}”"
        if atom.key in self._resolution.settled.fixed:
            return f"{text} was {_TRUTH[value]}, as the axioms have it"
        if asked is None:
            return f"{text} was {_TRUTH[value]}" if value is not None else f"nobody asked whether {text}"
        chance = "" if asked["probability"] is None else f" ({asked['probability']:.0%})".replace("%", " %")
        if value is None:
            return f"the judge was not certain whether {text}{chance}"
        return f"the judge found that {text} was {_TRUTH[value]}{chance}"


_MERELY = "what is merely possible does nothing but forbid"
_TRUTH = {True: "true", False: "not true", None: "unknown"}


def _shown(value: Any) -> str:
    return f"`{show_value(value)}`"


def _sorted(found: Iterable[Atom]) -> list[Atom]:
    return sorted(found, key=key_of)


def _names(ids: Iterable[str]) -> str:
    return _listed([f"`{each}`" for each in ids]) or "what does not exist"


def _listed(words: list[str]) -> str:
    """Words in a row; of many the first ones and how many more."""
    if len(words) > NAMES:
        return f"{', '.join(words[:NAMES])} and {len(words) - NAMES} more"
    return _joined(words, ", ")


def _joined(words: list[str], comma: str = " and ") -> str:
    return words[0] if len(words) == 1 else f"{comma.join(words[:-1])} and {words[-1]}" if words else ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
