"""Instructions in plain words that can apply at once although no relation says how they go together.

No solver can tell whether two sentences contradict each other. It can tell which of them are ever followed together, which
is what a person, or a model that asks a person, has to look at.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice
from math import log

from jurat.policies.expr import Expr, Fact, Observation, atoms, key_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Action, Decide, HandOff, Instruct
from jurat.policies.types import Value
from jurat.solver.claims import Holds, in_force
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.prover import Prover

CANDIDATES = 50_000
"""Pairs that are put in order at most; of a policy with more, the most particular situations come first."""

FEW = 2
"""Texts of which no word says more than another."""

NAME = "undeclared-overlap"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two guidelines that can be in force together; ``about`` is the most particular name that both conditions mention,
    or empty, and ``shared`` how many they have in common.
    """

    left: str
    right: str
    about: str
    shared: int

    @property
    def pair(self) -> tuple[str, str]:
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs that the solver confirmed, in the order in which they are worth asking about, and how many it did not look at,
    at least.
    """

    pairs: tuple[tuple[str, str], ...]
    left_out: int


def candidates(graph: PolicyGraph) -> Iterator[Overlap]:
    """Pairs of instructing guidelines whose conditions share a name, with no relation between them; the most particular
    names first.
    """
    names = {g: situations(graph, g) for g in graph.guidelines if instruction(graph, g)}
    about: dict[str, list[str]] = defaultdict(list)
    for g in sorted(names):
        for key in names[g]:
            about[key].append(g)
    order = sorted(about, key=lambda key: (len(about[key]), key))
    rank = {key: place for place, key in enumerate(order)}
    relations = Relations(graph)
    for key in order:
        for g, h in combinations(about[key], 2):
            shared = names[g] & names[h]
            first = len(shared) == 1 or min(shared, key=rank.__getitem__) == key
            if first and not relations.between(g, h):
                yield Overlap(g, h, key, len(shared))


def instruction(graph: PolicyGraph, g: str) -> str:
    """What a guideline says to do in plain words; empty where it says nothing."""
    return ". ".join(action.text for action in graph.entities[g].actions if isinstance(action, Instruct))


def situations(graph: PolicyGraph, g: str) -> frozenset[str]:
    """What a condition looks at that comes and goes: not the facts, which concern every guideline alike."""
    return frozenset(key_of(atom) for atom in atoms(graph.entities[g].condition) if not isinstance(atom, Fact))


def accepted(graph: PolicyGraph, g: str, h: str) -> bool:
    """Whether the author of one of them allowed the overlap: with ids in backticks in the reason, of those alone."""
    return _allows(graph, g, h) or _allows(graph, h, g)


def _allows(graph: PolicyGraph, g: str, h: str) -> bool:
    reasons = [reason for name, reason in graph.guidelines[g].allow if name == NAME]
    return any(h in named or not named for named in map(named_in, reasons))


def named_in(reason: str) -> list[str]:
    """The ids in backticks in a reason."""
    return re.findall(r"`([^`]+)`", reason)


class Relations:
    """Says of two guidelines whether something was already said of how they go together."""

    def __init__(self, graph: PolicyGraph) -> None:
        self._graph = graph
        self._exclusive = frozenset(graph.exclusive)
        self._settled = {g: _settled(graph.entities[g].actions) for g in graph.guidelines}

    def between(self, g: str, h: str) -> bool:
        """Whether a relation, or a conflict that is proved or shown elsewhere, is between them."""
        graph = self._graph
        direct = h in graph.overriders[g] or g in graph.overriders[h] or h in graph.kin[g]
        exclusive = (min(g, h), max(g, h)) in self._exclusive
        return direct or exclusive or _disambiguated(graph, g, h) or self._clash(g, h)

    def _clash(self, g: str, h: str) -> bool:
        mine, theirs = self._settled[g], self._settled[h]
        return any(
            value != other for what in mine.keys() & theirs.keys() for value in mine[what] for other in theirs[what]
        )


def _settled(actions: Iterable[Action]) -> dict[str, list[Value]]:
    """What may have only one value, and the values that these actions give it."""
    found: dict[str, list[Value]] = defaultdict(list)
    for action in actions:
        if isinstance(action, Decide):
            found[f"decide {action.decision}"].append(action.value)
        elif isinstance(action, HandOff):
            found["hand off"].append(action.to)
    return dict(found)


def _disambiguated(graph: PolicyGraph, g: str, h: str) -> bool:
    return any(g in choice.targets and h in choice.targets for choice in graph.disambiguations)


def overlapping_guidelines(graph: PolicyGraph, limit: int, limits: Limits = DEFAULT) -> Found:
    """At most ``limit`` pairs of guidelines that can certainly be in force together: those that share a situation, the
    most particular first, then those whose texts are most alike.
    """
    prover = Prover(graph, limits)
    found = _ranked(graph)
    confirmed = (pair for pair in found if prover.ask(in_force(pair[0]), in_force(pair[1])).possible)
    kept = tuple(islice(confirmed, limit))
    looked = found.index(kept[-1]) + 1 if len(kept) == limit and kept else len(found)
    return Found(kept, len(found) - looked)


def still_overlap(graph: PolicyGraph, g: str, h: str, limits: Limits = DEFAULT) -> bool:
    """Whether two guidelines can be in force together, with nothing said of how."""
    return not Relations(graph).between(g, h) and Prover(graph, limits).ask(in_force(g), in_force(h)).possible


def still_open(graph: PolicyGraph, a: str, b: str, limits: Limits = DEFAULT) -> bool:
    """Whether the axioms leave it open how two observations go together."""
    return _open(Prover(graph, limits), a, b)


def _ranked(graph: PolicyGraph) -> list[tuple[str, str]]:
    speaking = {g: text for g in graph.guidelines if (text := instruction(graph, g))}
    texts = {g: f"{graph.guidelines[g].condition_text} {text}" for g, text in speaking.items()}
    alike = likeness(texts)
    sharing = [each for each in islice(candidates(graph), CANDIDATES) if not accepted(graph, *each.pair)]
    size = Counter(each.about for each in sharing)
    sharing.sort(key=lambda each: (-each.shared, size[each.about], -alike(*each.pair), each.pair))
    return [each.pair for each in sharing] + _apart(graph, texts, CANDIDATES - len(sharing))


def _apart(graph: PolicyGraph, texts: Mapping[str, str], room: int) -> list[tuple[str, str]]:
    """Pairs that share no situation but words, the most alike first."""
    names = {g: situations(graph, g) for g in texts}
    relations = Relations(graph)
    return [
        (g, h)
        for g, h in most_alike(texts, room)
        if not names[g] & names[h] and not relations.between(g, h) and not accepted(graph, g, h)
    ]


def overlapping_observations(graph: PolicyGraph, limit: int, limits: Limits = DEFAULT) -> Found:
    """At most ``limit`` pairs of observations of which the axioms leave everything open: each can be true with and
    without the other. Those whose texts are most alike come first.
    """
    prover = Prover(graph, limits)
    keys = sorted({key for g in graph.guidelines for key in _observed(graph.entities[g].condition)})
    found = most_alike({key: graph.vocabulary.observations[key].text for key in keys}, CANDIDATES)
    kept = tuple(islice((pair for pair in found if _open(prover, *pair)), limit))
    looked = found.index(kept[-1]) + 1 if len(kept) == limit and kept else len(found)
    return Found(kept, len(found) - looked)


def _observed(condition: Expr) -> list[str]:
    return [atom.key for atom in atoms(condition) if isinstance(atom, Observation)]


def _open(prover: Prover, a: str, b: str) -> bool:
    left, right = Observation(a), Observation(b)
    return all(
        prover.ask(Holds(left, p), Holds(right, q)).possible for p, q in ((True, True), (True, False), (False, True))
    )


def most_alike(texts: Mapping[str, str], room: int) -> list[tuple[str, str]]:
    """Pairs of texts that share words which not all have, the most alike first; of too many, those with the rarest words."""
    having: dict[str, list[str]] = defaultdict(list)
    for key in sorted(texts):
        for word in words_of(texts[key]):
            having[word].append(key)
    rarest = sorted(
        (word for word in having if len(having[word]) < len(texts) or len(texts) <= FEW),
        key=lambda w: (len(having[w]), w),
    )
    pairs = (pair for word in rarest for pair in combinations(having[word], 2))
    alike = likeness(texts)
    return sorted(set(islice(pairs, room)), key=lambda pair: (-alike(*pair), pair))


def likeness(texts: Mapping[str, str]) -> Callable[[str, str], float]:
    """How much two texts have in common: the weight of the words they share, of those that either has, from 0 to 1.

    A word weighs the more the fewer of the texts have it (inverse document frequency).
    """
    words = {key: words_of(text) for key, text in texts.items()}
    counts = Counter(word for each in words.values() for word in each)
    weight = {word: log(len(words) / count) if len(words) > FEW else 1.0 for word, count in counts.items()}

    def alike(a: str, b: str) -> float:
        either = sum(weight[word] for word in words[a] | words[b])
        return sum(weight[word] for word in words[a] & words[b]) / either if either else 0.0

    return alike


def words_of(text: str) -> frozenset[str]:
    """The words of a text, without the plural's s and in small letters."""
    return frozenset(word.rstrip("s") for word in re.findall(r"\w+", text.casefold()))
