"""Two instructions that can apply at once, with nothing said of how they go together.

What it proves
    Nothing: it notes pairs of guidelines with instructions in plain words, about related situations, that can be in
    force together although no relation says how. There is a note for each situation, and at most ten.

Why it matters
    A solver cannot tell whether "offer a discount" and "quote the full price" contradict each other. Their author can.

Example
    `frequent-flyer: asks_upgrade && member` and `sold-out: asks_upgrade && sold_out`.

Fix
    `jurat suggest` has the local model look for the pairs that contradict each other, and asks about them. If two
    instructions go well together, leave it, or allow it: a reason with ids in backticks, "goes well with `sold-out`",
    is about those guidelines only, any other about all. If not, declare `overrides` or `exclusive_with`.

Limits
    Related means that their conditions share an observation, event or journey; two guidelines with the same words are not
    a pair. Pairs are looked for up to a limit, and the note says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.claims import in_force
from jurat.solver.effects import effects_of
from jurat.solver.outcome import Check, Outcome, Report, finding_of, quoted
from jurat.solver.overlaps import NAME, Overlap, accepted, candidates, instruction, likeness
from jurat.solver.prover import Prover

CHECK = Check("J008", NAME, Severity.NOTE)
MOST = 10
"""How many notes there are at most."""
NAMED = 5
"""How many guidelines a note names before it only counts them."""
TELLING = 3
"""How many pairs of a larger group a note shows."""
HELP = (
    "if their instructions go well together, nothing is to be done; else add `overrides` or `exclusive_with`; "
    "`jurat suggest` looks for those that contradict each other"
)


def entities(_: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from ()  # the pairs share their clusters with other checks or are asked one by one


def run(prover: Prover) -> Iterator[Outcome]:
    graph, limit = prover.graph, prover.limits.overlap_pairs
    looked = list(islice((each for each in candidates(graph) if not _same(graph, each)), limit + 1))
    found = [each for each in looked[:limit] if prover.ask(in_force(each.left), in_force(each.right)).possible]
    open_ = [each for each in found if not accepted(graph, *each.pair)]
    notes = [_noted(graph, group, partial=len(looked) > limit) for group in _groups(open_)]
    yield from (*notes, *_allowed(graph, [each for each in found if accepted(graph, *each.pair)]))


def _same(graph: PolicyGraph, pair: Overlap) -> bool:
    """Whether they give the same instructions, which go well together."""
    left, right = ([e for e in effects_of(graph.entities[g]) if isinstance(e, str)] for g in pair.pair)
    return set(left) == set(right)


def _groups(found: list[Overlap]) -> list[list[Overlap]]:
    """Pairs by the situation that they share; where those are many, the smallest are one group."""
    about: dict[str, list[Overlap]] = defaultdict(list)
    for each in found:
        about[each.about].append(each)
    groups = sorted(about.values(), key=lambda group: (-len(group), group[0].about))
    if len(groups) <= MOST:
        return groups
    return [*groups[: MOST - 1], [each for group in groups[MOST - 1 :] for each in group]]


def _noted(graph: PolicyGraph, group: list[Overlap], *, partial: bool) -> Outcome:
    members = sorted({g for each in group for g in each.pair})
    first = min(members, key=lambda g: graph.entities[g].span)
    telling = _telling(graph, group)
    count = f"{len(group)} pair{'' if len(group) == 1 else 's'}"
    message = f"{_who(members, group)} can be in force together ({count}), and nothing says how they combine"
    if len(members) > NAMED:
        message += f"; most alike are {quoted(list(telling[0].pair))}"
    notes = [_about(graph, group)]
    notes += [f"most alike: {'; '.join(quoted(list(each.pair)) for each in telling)}"] if len(group) > 1 else []
    notes += ["only part of the pairs was looked at"] if partial else []
    related = tuple(Note(graph.entities[g].span, f"`{g}`") for g in members[:NAMED] if g != first)
    proof = Proof(f"overlap: {_who(members, group)}", CHECK.name, Verdict.PROVED)
    said = Report(message, graph.entities[first].span, tuple(members), related, tuple(notes), HELP)
    return Outcome(proof, replace(finding_of(graph, CHECK, said, proof), allowed=""))


def _who(members: list[str], group: list[Overlap]) -> str:
    if len(members) <= NAMED:
        return quoted(members)
    situations = {each.about for each in group}
    about = f"`{group[0].about}`" if len(situations) == 1 else f"{len(situations)} situations"
    return f"{len(members)} guidelines about {about}"


def _about(graph: PolicyGraph, group: list[Overlap]) -> str:
    """The situations that the pairs share, in the author's words."""
    keys = list(dict.fromkeys(each.about for each in group))
    declared = graph.vocabulary.observations
    said = [f"{declared[key].text} (`{key}`)" if key in declared else f"`{key}`" for key in keys[:NAMED]]
    rest = len(keys) - NAMED
    return "they share: " + "; ".join(said) + (f"; and {rest} more situations" if rest > 0 else "")


def _telling(graph: PolicyGraph, group: list[Overlap]) -> list[Overlap]:
    """The pairs whose conditions share the most, and of those the ones whose instructions are most alike."""
    alike = likeness({g: instruction(graph, g) for each in group for g in each.pair})
    return sorted(group, key=lambda each: (-each.shared, -alike(*each.pair), each.pair))[:TELLING]


def _allowed(graph: PolicyGraph, found: list[Overlap]) -> Iterator[Outcome]:
    """What authors allowed, by the guideline that says so."""
    by: dict[str, set[str]] = defaultdict(set)
    for each in found:
        for g, h in (each.pair, each.pair[::-1]):
            if any(name == NAME for name, _ in graph.guidelines[g].allow):
                by[g].add(h)
    for g, others in sorted(by.items()):
        names = sorted(others)
        said = quoted(names) if len(names) <= NAMED else f"{len(names)} others"
        message = f"`{g}` can be in force together with {said}, and nothing says how they combine"
        proof = Proof(f"overlap: {g}", CHECK.name, Verdict.PROVED)
        told = Report(message, graph.entities[g].span, (g, *names), help=HELP)
        yield Outcome(proof, finding_of(graph, CHECK, told, proof))
