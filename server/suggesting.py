"""What `jurat suggest` asks: pairs that the solver says can come together, and the model says do not go together.

A proposal is a question. Its answers are changes to the policy's files; none is made before a person chose it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from jurat import __version__
from jurat.llm.suggest import CONTRADICTION_PASSES, OBSERVATION_PASSES, Suggester
from jurat.policies import PolicyGraph
from jurat.policies.printing import NAME
from jurat.server.editing import Append, Edit, EditRefused, PolicyFiles, Put
from jurat.solver.overlaps import (
    Found,
    instruction,
    overlapping_guidelines,
    overlapping_observations,
    still_open,
    still_overlap,
)

Kind = Literal["contradiction", "exclusive", "implication"]
WORTH_ASKING = 0.5
ALLOWED = "undeclared-overlap"
Tell = Callable[[int, int], None]
"""Told how many answers of the model there are, and how many there will be."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The pairs that the model is asked about."""

    guidelines: Found
    observations: Found

    @property
    def answers(self) -> int:
        """How many answers of the model they take."""
        return CONTRADICTION_PASSES * len(self.guidelines.pairs) + OBSERVATION_PASSES * len(self.observations.pairs)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question about two guidelines or two observations; of an implication the first is the one that implies.

    ``score`` is the model's, from 0 to 1: an order, not a probability.
    """

    kind: Kind
    subjects: tuple[str, str]
    texts: tuple[str, str]
    score: float

    @property
    def question(self) -> str:
        """What a person is asked."""
        left, right = self.texts
        if self.kind == "contradiction":
            return f"Do these contradict each other?\n  {self.subjects[0]}: {left}\n  {self.subjects[1]}: {right}"
        if self.kind == "exclusive":
            return f"Can these never both be true?\n  {left}\n  {right}"
        return f"Does the second always follow from the first?\n  {left}\n  {right}"


def candidates(graph: PolicyGraph, limit: int) -> Candidates:
    """At most ``limit`` pairs; where there are enough of both kinds, half of each."""
    guidelines = overlapping_guidelines(graph, limit)
    observations = overlapping_observations(graph, limit)
    room = max(limit // 2, limit - len(guidelines.pairs))
    observations = _cut(observations, room)
    return Candidates(_cut(guidelines, limit - len(observations.pairs)), observations)


def _cut(found: Found, most: int) -> Found:
    return Found(found.pairs[:most], found.left_out + max(0, len(found.pairs) - most))


async def proposals(graph: PolicyGraph, asked: Candidates, suggester: Suggester, tell: Tell) -> list[Proposal]:
    """What the model takes for worth a question, observations first, the likeliest first."""
    done = 0

    def progress(more: int) -> None:
        nonlocal done
        done += more
        tell(done, asked.answers)

    observed = [_texts(pair, lambda key: graph.vocabulary.observations[key].text) for pair in asked.observations.pairs]
    told = [_texts(pair, lambda g: instruction(graph, g)) for pair in asked.guidelines.pairs]
    found: list[Proposal] = []
    for pair, texts, kin in zip(
        asked.observations.pairs, observed, await suggester.observations(observed, progress), strict=True
    ):
        name, score = kin.likeliest
        turned = name == "backward"
        kind: Kind = "exclusive" if name == "exclusive" else "implication"
        found.append(Proposal(kind, pair[::-1] if turned else pair, texts[::-1] if turned else texts, score))
    scores = await suggester.contradictions(told, progress)
    found += [
        Proposal("contradiction", pair, texts, score)
        for pair, texts, score in zip(asked.guidelines.pairs, told, scores, strict=True)
    ]
    worth = [each for each in found if each.score >= WORTH_ASKING]
    return sorted(worth, key=lambda each: (each.kind == "contradiction", -each.score, each.subjects))


def _texts(pair: tuple[str, str], text: Callable[[str], str]) -> tuple[str, str]:
    return text(pair[0]), text(pair[1])


def still_asked(graph: PolicyGraph, proposal: Proposal) -> Proposal | None:
    """The question as it is to be put now; None where what was answered since has decided it."""
    if proposal.kind == "contradiction":
        return proposal if still_overlap(graph, *proposal.subjects) else None
    keys = {each.text: key for key, each in graph.vocabulary.observations.items()}  # an answer may have named one
    left, right = (keys[text] for text in proposal.texts)
    return replace(proposal, subjects=(left, right)) if still_open(graph, left, right) else None


Place = tuple[str, Edit]


def confirmed(files: PolicyFiles, proposal: Proposal) -> list[Place]:
    """What a yes writes: `exclusive_with`, or an axiom."""
    left, right = proposal.subjects
    if proposal.kind == "contradiction":
        return [_at_guideline(files, left, lambda path: Append((*path, "exclusive_with"), right))]
    declared = files.graph.vocabulary.observations
    observations = files.home(("observations",))
    axioms = files.home(("axioms",), observations)
    if proposal.kind == "exclusive":
        return [(axioms, Append(("axioms",), {"exclusive": [left, right]}))]
    named = {key: _name(files.graph, key) for key in proposal.subjects}
    new = [(key, name) for key, name in named.items() if name != key]
    puts: list[Place] = [(observations, Put(("observations",), name, declared[key].text)) for key, name in new]
    return [*puts, (axioms, Append(("axioms",), f"{named[left]} implies {named[right]}"))]


def _at_guideline(files: PolicyFiles, guideline: str, edit: Callable[[tuple[str, str]], Edit]) -> Place:
    path = ("guidelines", guideline)
    return files.home(path), edit(path)


def _name(graph: PolicyGraph, key: str) -> str:
    """A name by which a formula can speak of an observation; of one given inline, a new one made of its words."""
    if not graph.vocabulary.observations[key].inline:
        return key
    words = [word for word in re.findall(r"[a-z0-9]+", key.casefold()) if word not in ("the", "a", "an", "customer")]
    stem = "_".join(words)[:40].strip("_") or "observation"
    stem = stem if NAME.fullmatch(stem) else f"o_{stem}"
    taken = {
        *graph.vocabulary.observations,
        *graph.vocabulary.events,
        *graph.vocabulary.facts,
        *graph.vocabulary.constants,
    }
    names = (stem if number == 1 else f"{stem}_{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def decided(files: PolicyFiles, proposal: Proposal, decision: str, values: tuple[str, str]) -> list[Place]:
    """What turns a contradiction into a decision with two values.

    Raises:
        EditRefused: the name is taken, or the values are the same.
    """
    if decision in files.graph.vocabulary.decisions:
        raise EditRefused(f"there is a decision `{decision}` already; give another name")
    if values[0] == values[1]:
        raise EditRefused("the two values are the same")
    home = files.home(("decisions",), files.home(("guidelines", proposal.subjects[0])))
    chosen = zip(proposal.subjects, values, strict=True)
    puts = [_at_guideline(files, g, lambda path, v=v: Put((*path, "decide"), decision, v)) for g, v in chosen]  # type: ignore[misc]  # bound now
    return [(home, Put(("decisions",), decision, {"enum": list(values)})), *puts]


def declined(files: PolicyFiles, proposal: Proposal) -> list[Place]:
    """What a no writes: for two guidelines, that they go together; for observations there is no place in a policy."""
    if proposal.kind != "contradiction":
        return []
    left, right = proposal.subjects
    before = next((reason for name, reason in files.graph.guidelines[left].allow if name == ALLOWED), "")
    reason = f"{before}, `{right}`" if before else f"goes well with `{right}`"
    return [_at_guideline(files, left, lambda path: Put((*path, "allow"), ALLOWED, reason, over=True))]


def patches(files: PolicyFiles, proposal: Proposal) -> dict[str, str]:
    """What a yes and a no would write, as diffs; an answer that writes nothing, or cannot be written, is left out."""
    found: dict[str, str] = {}
    for answer, edits in (("yes", confirmed(files, proposal)), ("no", declined(files, proposal))):
        with suppress(EditRefused):
            found[answer] = files.preview(edits)
    return {answer: patch for answer, patch in found.items() if patch}


def as_json(files: PolicyFiles, model: str, asked: Candidates, found: Sequence[Proposal]) -> dict[str, Any]:
    """Everything for :mod:`json`."""
    return {
        "jurat": __version__,
        "digest": files.graph.digest,
        "model": model,
        "looked_at": {"guidelines": len(asked.guidelines.pairs), "observations": len(asked.observations.pairs)},
        "left_out": {"guidelines": asked.guidelines.left_out, "observations": asked.observations.left_out},
        "proposals": [
            {
                "kind": each.kind,
                "subjects": list(each.subjects),
                "texts": list(each.texts),
                "score": round(each.score, 3),
                "question": each.question,
                "patches": patches(files, each),
            }
            for each in found
        ],
    }
