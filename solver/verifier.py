"""A policy kept proved while it is edited: an edit costs what the part costs that it touches.

Which part an entity belongs to is known by its ties (:mod:`jurat.solver.slices`); an edit looks only at the parts that
the edited guidelines were in and those that their new ties reach.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from jurat.policies.canonical import Memo
from jurat.policies.findings import Report
from jurat.policies.graph import PolicyGraph, build_graph, with_guidelines
from jurat.policies.model import Guideline, Relation
from jurat.policies.slicing import sliced
from jurat.solver.check import of_part, of_policy, report_of, told_elsewhere
from jurat.solver.checks import inconsistent_axioms
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.outcome import Outcome
from jurat.solver.prover import Prover
from jurat.solver.slices import Tie, idle_part, idle_tools, ties

Part = frozenset[str]
AXIOMS = inconsistent_axioms.CHECK.name


class Verifier:
    """The proofs of a policy, renewed part by part.

    ``policy`` is the present version. That the axioms are consistent is for :meth:`report` to say, not for an edit.
    """

    def __init__(self, policy: PolicyGraph, limits: Limits = DEFAULT) -> None:
        self.policy = policy
        self.limits = limits
        self._memo: Memo = {}
        self._prover = Prover(policy, limits)
        self._ties: dict[str, set[Tie]] = {}
        self._tied: dict[Tie, set[str]] = defaultdict(set)
        self._parts: dict[str, Part] = {}
        self._outcomes: dict[Part, list[Outcome]] = {}
        self._open: set[Part] = set()
        self._whole: list[Outcome] | None = None
        self._renewed(policy.entities)

    def report(self) -> Report:
        """Everything that ``jurat check`` says of the present version.

        What concerns the policy as a whole (axioms, goals, invariants, overlaps, …) is asked now, if an edit has come
        since it was last asked; the parts are proved already.
        """
        started = time.perf_counter()
        if self._whole is None:
            self._whole = self._of_whole()
        found = [] if any(each.finding for each in self._whole if each.proof.check == AXIOMS) else self._of_parts()
        return report_of(self.policy, [*found, *self._whole], time.perf_counter() - started)

    def parts(self) -> Report:
        """What is known of all parts of the present version, without asking anything."""
        return report_of(self.policy, self._of_parts(), 0.0)

    def change(self, guidelines: Mapping[str, Guideline], relations: Iterable[Relation] | None = None) -> Report:
        """Give guidelines that exist another content, and prove again what that touches.

        ``relations`` are all relations of the policy, where they changed. The report is about the parts that were
        proved again, and nothing else.

        Raises:
            KeyError: there is no such guideline; another set of names is another policy, for a new verifier.
            PolicyError: the relations do not go together.
        """
        started = time.perf_counter()
        if unknown := sorted(guidelines.keys() - self.policy.guidelines.keys()):
            raise KeyError(unknown[0])
        before = self.policy
        self.policy = self._edited(guidelines, relations)
        self._prover = self._prover.renewed(self.policy)
        self._whole = None
        ranks = before.ranked or self.policy.ranked
        touched = before.entities if ranks else {*guidelines, *_moved(before, self.policy), *self._told_elsewhere()}
        return report_of(self.policy, self._renewed(touched), time.perf_counter() - started)

    def _edited(self, guidelines: Mapping[str, Guideline], relations: Iterable[Relation] | None) -> PolicyGraph:
        before = self.policy
        if relations is None and not any(_elsewhere(before.guidelines[g], new) for g, new in guidelines.items()):
            return with_guidelines(before, guidelines, self._memo)
        policy = replace(
            before.policy,
            guidelines={**before.guidelines, **guidelines},
            relations=before.policy.relations if relations is None else tuple(relations),
        )
        return build_graph(policy, self._memo)

    def _told_elsewhere(self) -> set[str]:
        """The entities of parts with a fault that a check of the whole policy tells of, which an edit may end."""
        return {g for part in self._open if part in self._outcomes for g in part}

    # -- parts ---------------------------------------------------------------------------------------------------

    def _renewed(self, touched: Collection[str]) -> list[Outcome]:
        """Prove the parts again that these entities were in, and those that they are in now."""
        old = {self._parts[g] for g in touched if g in self._parts}
        for g in touched:
            self._tie(g)
        for part in old:
            self._outcomes.pop(part, None)
        todo = set(touched).union(*old)
        found: list[Outcome] = []
        while todo:
            part = self._reached(min(todo))
            todo -= part
            found += self._prove(part)
        return found

    def _tie(self, g: str) -> None:
        for tie in self._ties.get(g, ()):
            self._tied[tie].discard(g)
        self._ties[g] = ties(self.policy, g)
        for tie in self._ties[g]:
            self._tied[tie].add(g)

    def _reached(self, g: str) -> Part:
        """Whatever ties lead to."""
        found, todo = {g}, [g]
        while todo:
            new = {h for tie in self._ties[todo.pop()] for h in self._tied[tie]} - found
            found |= new
            todo += new
        return frozenset(found)

    def _prove(self, part: Part) -> list[Outcome]:
        for g in part:
            self._outcomes.pop(self._parts.get(g, part), None)
            self._parts[g] = part
        graph = sliced(self.policy, part, self._prover.cones.axioms_of(part))
        found = self._outcomes[part] = list(of_part(graph, self._prover))
        (self._open.add if any(map(told_elsewhere, found)) else self._open.discard)(part)
        return found

    def _of_parts(self) -> list[Outcome]:
        return [outcome for part in sorted(self._outcomes, key=min) for outcome in self._outcomes[part]]

    def _of_whole(self) -> list[Outcome]:
        axioms = list(inconsistent_axioms.run(self._prover))
        if any(each.finding for each in axioms):
            return axioms
        idle = idle_tools(self.policy)
        unused = of_part(idle_part(self.policy, idle, self._prover.cones), self._prover) if idle else ()
        return [*axioms, *unused, *of_policy(self._prover)]


def _elsewhere(before: Guideline, after: Guideline) -> bool:
    """Whether a guideline's relations to others may have changed by what it says of itself."""
    return (before.tags, before.scope, before.rank) != (after.tags, after.scope, after.rank)


def _moved(before: PolicyGraph, after: PolicyGraph) -> set[str]:
    """The entities of which another one says something else than before."""
    if before.overriders is after.overriders:
        return set()
    tables = ("overriders", "entailers", "requirements", "alternatives", "ambiguities", "kin")
    found = {g for name in tables for g, each in getattr(after, name).items() if each != getattr(before, name)[g]}
    return found | {g for pair in set(before.exclusive) ^ set(after.exclusive) for g in pair}
