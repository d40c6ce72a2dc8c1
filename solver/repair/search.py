"""Finding repairs: a weighted hitting set of the findings' candidates, verified, refined by what verification finds.

The hitting sets come cheapest first from RC2 (Morgado, Dodaro, Marques-Silva, 2014, in PySAT). A set that does not repair, or
does harm, adds a clause that says so, and the next one is tried: counterexample-guided, so that every repair that is
shown was proved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice

from networkx.utils import UnionFind
from pysat.examples.rc2 import RC2
from pysat.formula import WCNF

from jurat.policies.errors import PolicyError
from jurat.policies.findings import Finding, Report
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.solver.check import check
from jurat.solver.diff import Comparison, diff
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.repair.candidates import candidates
from jurat.solver.repair.edits import COSTS, AddAxiom, Edit, Override, Release, applied
from jurat.solver.verifier import Verifier

TRIED = 200
"""Sets of edits that are tried for one problem at most."""

Progress = Callable[[str, int], None]
"""Called with what is being done and how often it was."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A verified set of edits. ``change`` is what it changes, compared with the policy as it is."""

    edits: tuple[Edit, ...]
    change: Comparison

    @property
    def footprint(self) -> Fraction | None:
        """The share of situations in which something else is done; None where they cannot be counted."""
        return self.change.share.fraction if self.change.share else None

    @property
    def assumes(self) -> bool:
        """Whether it rests on an axiom that only a person can say is true."""
        return any(isinstance(edit, AddAxiom) for edit in self.edits)


@dataclass(frozen=True, slots=True)
class Problem:
    """Findings that have to be repaired together, and verified ways to do it, the least change first."""

    findings: tuple[Finding, ...]
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Repairs:
    """What can be repaired; ``unrepaired``: findings for which there is no edit of these kinds.

    ``verified``: the report of the policy with the first alternative of every problem.
    """

    problems: tuple[Problem, ...]
    unrepaired: tuple[Finding, ...]
    verified: Report | None = field(default=None, repr=False)

    @property
    def best(self) -> tuple[Edit, ...]:
        """The first alternative of every problem."""
        return tuple(edit for each in self.problems if each.alternatives for edit in each.alternatives[0].edits)


def repairs(
    graph: PolicyGraph, report: Report, limits: Limits = DEFAULT, progress: Progress | None = None, most: int = 3
) -> Repairs:
    """Repairs of a policy's failures, each problem by itself; ``most`` alternatives of each."""
    proposals = [(finding, candidates(graph, finding)) for finding in report.failures]
    search = _Search(graph, limits, progress or (lambda _text, _count: None))
    every = {_name(finding) for finding, _ in proposals}
    problems = [search.problem(found, every, most) for found in _together(proposals)]
    solved = tuple(each for each in problems if each.alternatives)
    left = [finding for each in problems if not each.alternatives for finding in each.findings]
    left += [finding for finding, edits in proposals if not edits]
    done = Repairs(solved, tuple(left))
    verified = check(build_graph(applied(graph.policy, done.best)), limits) if solved else None
    return Repairs(done.problems, done.unrepaired, verified)


Proposal = tuple[Finding, tuple[Edit, ...]]


def _together(proposals: Iterable[Proposal]) -> Iterator[list[Proposal]]:
    """Repairable findings that concern the same guidelines, directly or through others."""
    repairable = [(finding, edits) for finding, edits in proposals if edits]
    shared: UnionFind[str] = UnionFind()
    for finding, _ in repairable:
        shared.union(*finding.subjects)
    groups: dict[str, list[Proposal]] = {}
    for finding, edits in repairable:
        groups.setdefault(shared[finding.subjects[0]], []).append((finding, edits))
    yield from groups.values()


class _Search:
    def __init__(self, graph: PolicyGraph, limits: Limits, progress: Progress) -> None:
        self.graph = graph
        self.limits = limits
        self.progress = progress
        self.tried = 0
        self._verifier: Verifier | None = None

    def problem(self, proposals: Sequence[Proposal], every: Collection[tuple[str, ...]], most: int) -> Problem:
        """Ways to repair some findings; the others of ``every`` finding may stay, for they are other problems."""
        known = set(every) - {_name(finding) for finding, _ in proposals}
        sets = _HittingSets(edits for _, edits in proposals)
        found: list[tuple[Edit, ...]] = []
        for edits in islice(sets, TRIED):
            self.tried += 1
            self.progress("edits tried", self.tried)
            left = self._left(edits, known)
            if left is None:
                sets.refuse(edits)
            elif left:
                sets.refuse(edits, (edit for each in left for edit in candidates(self.graph, each)))
            else:
                found.append(least := self._least(edits, known))
                sets.refuse(least)
                if len(found) == most:
                    break
        return Problem(tuple(finding for finding, _ in proposals), tuple(sorted(map(self._compared, found), key=_rank)))

    def _least(self, edits: tuple[Edit, ...], known: Collection[tuple[str, ...]]) -> tuple[Edit, ...]:
        """A repair without what it does not need: an edit that was tried for one finding may repair another one too."""
        for edit in edits if len(edits) > 1 else ():
            rest = tuple(each for each in edits if each is not edit)
            if self._left(rest, known) == []:
                return self._least(rest, known)
        return edits

    def _left(self, edits: tuple[Edit, ...], known: Collection[tuple[str, ...]]) -> list[Finding] | None:
        """What fails in the edited parts; None where the policy does not even build."""
        try:
            report = self._report(edits)
        except PolicyError:
            return None
        if any(proof.verdict == "unknown" for proof in report.proofs):
            return None
        return [finding for finding in report.failures if _name(finding) not in known]

    def _report(self, edits: tuple[Edit, ...]) -> Report:
        new = applied(self.graph.policy, edits)
        if any(isinstance(edit, AddAxiom) for edit in edits):
            return check(build_graph(new), self.limits)  # an axiom can matter anywhere
        if self._verifier is None:
            self._verifier = Verifier(self.graph, self.limits)
        old = self.graph.policy
        changed = {g: each for g, each in new.guidelines.items() if each is not old.guidelines[g]}
        self._verifier.change(changed, new.relations if new.relations is not old.relations else None)
        report = self._verifier.parts()
        self._verifier.change({g: old.guidelines[g] for g in changed}, old.relations)
        return report

    def _compared(self, edits: tuple[Edit, ...]) -> Alternative:
        return Alternative(edits, diff(self.graph, build_graph(applied(self.graph.policy, edits)), None, self.limits))


def _rank(alternative: Alternative) -> tuple[object, ...]:
    share = alternative.footprint
    cost = sum(COSTS[type(edit)] for edit in alternative.edits)
    return (
        alternative.assumes,
        len(alternative.edits),
        share is None,
        share or Fraction(0),
        cost,
        str(alternative.edits),
    )


def _name(finding: Finding) -> tuple[str, ...]:
    return (finding.code, *sorted(finding.subjects))


class _HittingSets:
    """Sets with an edit of each group, cheapest first, while refused ones add what they are refused for."""

    def __init__(self, groups: Iterable[tuple[Edit, ...]]) -> None:
        self._numbers: dict[Edit, int] = {}
        self._hard = [[self._number(edit) for edit in group] for group in groups]
        for edit, number in list(self._numbers.items()):
            if isinstance(edit, Release) and (back := self._numbers.get(Override(edit.source, edit.target))):
                self._hard.append([-number, -back])

    def refuse(self, edits: Iterable[Edit], instead: Iterable[Edit] = ()) -> None:
        """Not these, nor more than these, unless with one of those ``instead``."""
        refused = dict.fromkeys(edits)
        others = (self._number(edit) for edit in dict.fromkeys(instead) if edit not in refused)
        self._hard.append([*(-self._number(edit) for edit in refused), *others])

    def __iter__(self) -> Iterator[tuple[Edit, ...]]:
        while True:
            formula = WCNF()
            formula.extend(self._hard)
            for edit, number in self._numbers.items():
                formula.append([-number], weight=COSTS[type(edit)])
            with RC2(formula) as solver:
                model = solver.compute()
            if model is None:
                return
            chosen = set(model)
            yield tuple(edit for edit, number in self._numbers.items() if number in chosen)

    def _number(self, edit: Edit) -> int:
        return self._numbers.setdefault(edit, len(self._numbers) + 1)
