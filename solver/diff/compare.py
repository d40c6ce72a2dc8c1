"""Comparing two policies, topic by topic, on the part of them that an edit can have touched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from jurat.policies.checking import read_formula
from jurat.policies.errors import InternalError, PolicyError
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Expr, mentioned_atoms
from jurat.policies.findings import TrustBase, Verdict, Witness
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import FactDeclaration
from jurat.policies.resolution import Resolution
from jurat.policies.scope import scope_of
from jurat.policies.semantics import resolve
from jurat.policies.slicing import sliced
from jurat.policies.spans import Span
from jurat.solver.answers import Answer
from jurat.solver.checks import inconsistent_axioms
from jurat.solver.claims import Claim, Holds, Not, entities_of
from jurat.solver.diff.arguments import Arguments, arguments_of
from jurat.solver.diff.comparison import Admitted, Change, Comparison, Example, Row
from jurat.solver.diff.declared import declared_changes
from jurat.solver.diff.share import share_of
from jurat.solver.diff.sides import Side, joined, part_of, sides
from jurat.solver.diff.topics import Topic, When, all_topics
from jurat.solver.diff.vocabulary import Merge
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.narration import narrate
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, witness_of

Progress = Callable[[str, int], None]
"""Called with the topic being compared and how many are done."""

REGION = "<only>"
"""The source that spans of the region's formula name."""


def diff(
    before: PolicyGraph,
    after: PolicyGraph,
    only: str | None = None,
    limits: Limits = DEFAULT,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two policies; deterministic for given limits.

    With ``only``, a formula over the vocabulary of both, situations in which it is certainly true are left out: the
    question is then whether anything changes outside of that region.

    Raises:
        PolicyError: ``only`` is no formula; its spans are in the source :data:`REGION`.
        InternalError: the solver and the reference semantics disagree, a bug of Jurat's.
    """
    started = time.perf_counter()
    shared, old, new = sides(before, after)
    region = read_region(only, shared) if only is not None else None
    found = _Comparing(shared, old, new, region, limits).run(progress or (lambda _, __: None))
    return replace(found, region=only or "", seconds=time.perf_counter() - started)


def read_region(text: str, shared: Merge) -> Expr:
    """A formula over the vocabulary of both policies.

    Raises:
        PolicyError: everything that is wrong with it.
    """
    origin = Span(REGION, 1, 1, 1, 1)
    formula, faults = read_formula(text, origin, scope_of(shared.vocabulary, shared.journeys))
    if formula is None:
        raise PolicyError(faults)
    return formula.expr


class _Comparing:
    """One comparison under way."""

    def __init__(self, shared: Merge, old: Side, new: Side, region: Expr | None, limits: Limits) -> None:
        self.shared, self.old, self.new, self.region, self.limits = shared, old, new, region, limits
        arguments = arguments_of(old, new)
        _declare(shared, arguments)
        self.topics, self.untouched = all_topics(old, new, arguments)
        wanted = {g for topic in self.topics for when in (topic.before, topic.after) for g in when.entities}
        formulas = [each for topic in self.topics for when in (topic.before, topic.after) for each in when.formulas]
        self.graph = joined(shared, old, new, wanted, [*formulas, *([region] if region is not None else [])])
        self.prover = Prover(self.graph, limits)
        self.outside: tuple[Claim, ...] = () if region is None else (Not(Holds(region)),)
        self._shown: list[tuple[Example, Resolution, tuple[Resolution, Resolution]]] = []

    def run(self, progress: Progress) -> Comparison:
        digests = self.old.graph.digest, self.new.graph.digest
        if digests[0] == digests[1]:
            return Comparison(digests, (), self.untouched)
        declared = tuple(declared_changes(self.old.graph, self.new.graph))
        if torn := self._inconsistent():
            return Comparison(digests, (), self.untouched, declared, self.shared.notes, inconsistent=torn)
        self.prover.gather(entities_of((topic.before.claim, topic.after.claim)) for topic in self.topics)
        rows: list[Row] = []
        for topic in self.topics:
            progress(topic.key.text, len(rows))
            rows.append(self._row(topic))
        same = {row.key for row in rows if row.change is Change.EQUIVALENT}
        share = share_of(self.prover, [topic for topic in self.topics if topic.key not in same], self.outside)
        admitted = tuple(self._admitted())
        return Comparison(digests, tuple(rows), self.untouched, declared, self.shared.notes, admitted, share)

    def _inconsistent(self) -> str:
        """Axioms of the two that contradict each other; from them everything would follow."""
        for outcome in inconsistent_axioms.run(self.prover):
            if outcome.proof.verdict is not Verdict.PROVED:
                return "; ".join(sorted(name.removeprefix("axiom:") for name in outcome.proof.core))
        return ""

    # -- rows ----------------------------------------------------------------------------------------------------

    def _row(self, topic: Topic) -> Row:
        answers = [self._ask(topic.before, topic.after), self._ask(topic.after, topic.before)]
        if undecided := next((each for each in answers if each.verdict is Verdict.UNKNOWN), None):
            return Row(topic.key, Change.UNDECIDED, reason=undecided.reason)
        lost, gained = answers
        examples = [
            self._example(topic, only_before=place == 0) if answer.possible else None
            for place, answer in enumerate(answers)
        ]
        if any(answer.possible and found is None for answer, found in zip(answers, examples, strict=True)):
            reason = "every situation that the solver finds needs a value that cannot be written down"
            return Row(topic.key, Change.UNDECIDED, reason=reason)
        change = _change(lost.possible, gained.possible, restrictive=topic.key.restrictive)
        return Row(topic.key, change, examples[0], examples[1], self._trust(answers))

    def _ask(self, yes: When, no: When) -> Answer:
        return self.prover.ask(yes.claim, Not(no.claim), *self.outside)

    def _trust(self, answers: list[Answer]) -> TrustBase:
        """On what it rests that there is no situation, in the directions in which there is none."""
        return self.prover.trust_base(name for answer in answers for name in answer.core)

    def _example(self, topic: Topic, *, only_before: bool) -> Example | None:
        yes, no = (topic.before, topic.after) if only_before else (topic.after, topic.before)
        question = Question((yes.claim, Not(no.claim), *self.outside))
        wanted = (only_before, not only_before)
        for example, resolution, found in self._shown:  # one situation often shows several topics
            if _happens(topic, resolution, found) == wanted:
                return example
        parts = tuple(
            part_of(side, when.entities, mentioned_atoms(when.written))
            for side, when in ((self.old, topic.before), (self.new, topic.after))
        )
        clear: list[bool] = []

        def shows(resolution: Resolution) -> bool:
            """That it happens in one only; clearly, not for want of an observation, if it did so at first."""
            found = self._resolved(resolution, parts)
            if found is None or _happens(topic, resolution, found) != wanted:
                return False
            clear.append(_is_clear(topic, found, self.old.apart))
            return clear[-1] >= clear[0]

        witness = witness_of(self.prover, question, shows)
        return None if witness is None else self._replayed(topic, witness, wanted)

    def _resolved(
        self, resolution: Resolution, parts: tuple[PolicyGraph | None, ...]
    ) -> tuple[Resolution, Resolution] | None:
        """A situation that the graph of both has settled, resolved by each policy or a part of it.

        None if it is in the region left out, or if one of the policies does not admit it.
        """
        valuation = resolution.settled.valuation
        if self.region is not None and evaluate(self.region, valuation.look) is True:
            return None
        before, after = self.old.resolve(valuation.values, parts[0]), self.new.resolve(valuation.values, parts[1])
        return None if before is None or after is None else (before, after)

    def _replayed(self, topic: Topic, witness: Witness, wanted: tuple[bool, bool]) -> Example:
        """The situation resolved by both policies as a whole, which has to show the same."""
        resolution = resolve(self.graph, witness.values)
        found = self._resolved(resolution, (None, None))
        if found is None or _happens(topic, resolution, found) != wanted:
            raise InternalError(f"a situation of {topic.key.text} does not replay: {dict(witness.values)}")
        given = topic.before.arguments | topic.after.arguments
        told = narrate(self.graph, {key: each for key, each in witness.values.items() if key not in given}, resolution)
        example = Example(
            {key: each for key, each in witness.values.items() if key not in given},
            {key: each for key, each in witness.values.items() if key in given},
            witness.unknown, tuple(each for each in witness.absent if each not in given), told,
            found[0].in_force, found[1].in_force,
        )  # fmt: skip
        if not example.arguments:
            self._shown.append((example, resolution, found))
        return example

    # -- axioms --------------------------------------------------------------------------------------------------

    def _admitted(self) -> Iterator[Admitted]:
        """For each axiom that only one policy has a situation that the other one admits without it."""
        for side in (self.old, self.new):
            mine = {side.names(axiom.expr) for axiom in side.graph.axioms}
            missing = [
                axiom for axiom in self.graph.axioms if axiom.expr not in mine and axiom not in self.shared.bounds
            ]
            own = [axiom for axiom in self.graph.axioms if axiom.expr in mine or axiom in self.shared.bounds]
            prover = Prover(sliced(self.graph, (), own, self.graph.atoms.values()), self.limits)
            for axiom in missing:
                question = Question((Holds(axiom.expr, truth=False), *self.outside))
                if not question.put(prover).possible:
                    continue

                def shows(resolution: Resolution, expr: Expr = axiom.expr) -> bool:
                    return evaluate(expr, resolution.settled.valuation.look) is False

                if witness := witness_of(prover, question, shows):
                    yield Admitted(side.word, axiom.id, witness.values)


def _happens(topic: Topic, resolution: Resolution, found: tuple[Resolution, Resolution]) -> tuple[bool, bool]:
    """Whether a topic happens in each policy."""
    values = resolution.settled.valuation.values
    return topic.before.happens(found[0], values), topic.after.happens(found[1], values)


def _is_clear(topic: Topic, found: tuple[Resolution, Resolution], apart: frozenset[str]) -> bool:
    """Whether everything that the topic is about, and that the edit can have changed, is in force or cannot be."""
    return not any(
        (when.entities & apart).intersection(each.possible) - {*each.in_force}
        for when, each in zip((topic.before, topic.after), found, strict=True)
    )


def _declare(shared: Merge, arguments: Mapping[tuple[str, str], Arguments]) -> None:
    """Arguments of calls become facts of the shared vocabulary."""
    for each in arguments.values():
        for fact in each.facts.values():
            shared.vocabulary.facts[fact.path] = FactDeclaration(fact.path, fact.type)


def _change(lost: bool, gained: bool, *, restrictive: bool) -> Change:
    """What it is called that something happens in fewer situations, in more, or both."""
    if lost and gained:
        return Change.INCOMPARABLE
    if lost or gained:
        return Change.MORE if gained is not restrictive else Change.LESS
    return Change.EQUIVALENT
