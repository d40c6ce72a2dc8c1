"""Actions that cannot all be done are in force together.

What it proves
    In no admissible situation is a jointly unsatisfiable set of actions in force: two values for one decision, two
    hand-offs, two strict replies, a call and a prohibition of one tool, `exclusive_with` partners, a call whose guard
    is false and that nothing in force can make true, or constraints on one argument that no value satisfies (of two
    guidelines or of many). Situations in which the judge does not know are included.

Why it matters
    At run time something would have to give: a prohibition wins, competing decisions are dropped, and the customer
    gets a human instead of an answer.

Example
    `vip-upgrade` decides `upgrade_offer: complimentary`, `standard-upgrade` decides `paid`, and a customer who asks
    for an upgrade is both.

Fix
    Make the conditions exclude each other, let one guideline override the other, or declare what you know as an axiom.

Limits
    Two instructions whose words contradict each other are beyond a solver; overlaps of such guidelines are noted as
    `undeclared-overlap`. Calls that are impossible because they wait for each other are an `ordering-conflict`. A guard can
    be made true by other calls in force, one of each tool: by what they provide, and by their having been called,
    succeeded or failed. What such a call makes of `since`, `previously`, `historically`, or of `once` and `count` of more
    than one event, is left open, so that they count as made true. That time passes, a journey moves on or an observation
    is judged again does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal

from jurat.policies.conflicts import conflicts
from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Action, Call, Decide, Forbid, HandOff, Reply
from jurat.policies.resolution import Resolution
from jurat.policies.spans import Span
from jurat.policies.values import show_value
from jurat.solver.calls import blocked_calls, concerned
from jurat.solver.checks import ordering_conflict
from jurat.solver.claims import acts, binds, in_force
from jurat.solver.outcome import Check, Outcome, Report, absent, judged, quoted
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, Shows

When = Literal["acts", "binds", "in force"]
CHECK = Check("J001", "conflicting-actions", Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Clash:
    """Why two guidelines cannot both be followed.

    ``when``: both act; or the first acts while the second one's prohibition binds; or both are certainly in force.
    """

    left: str
    right: str
    why: str
    left_span: Span
    right_span: Span
    when: When = "acts"


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    """Who will be asked about together."""
    yield from ((clash.left, clash.right) for clash in clashes(graph))
    for tool, callers in callers_of(graph).items():
        yield (*callers, *concerned(graph, tool))


def run(prover: Prover) -> Iterator[Outcome]:
    graph = prover.graph
    by_pair: dict[tuple[str, str, When], list[Clash]] = defaultdict(list)
    for clash in clashes(graph):
        by_pair[clash.left, clash.right, clash.when].append(clash)
    for _, found in sorted(by_pair.items()):
        yield _pair(prover, found)
    for tool, callers in sorted(callers_of(graph).items()):
        for outcome in blocked_calls(prover, CHECK, tool, callers):
            waits = outcome.finding is not None and tool in ordering_conflict.stuck(prover)
            yield Outcome(outcome.proof) if waits else outcome


def _pair(prover: Prover, found: list[Clash]) -> Outcome:
    graph, left, right = prover.graph, found[0].left, found[0].right
    text = f"not both: {left} and {right} ({'; '.join(clash.why for clash in found)})"
    if proof := by_precedence(graph, left, right, text):
        return Outcome(proof)
    proof = absent(prover, CHECK, text, _both(prover, found[0]), _shows(prover.graph, {left, right}))
    return judged(graph, CHECK, proof, lambda p: _told(found, p))


def _both(prover: Prover, clash: Clash) -> Question:
    """A situation in which both claims are made."""
    left, right = clash.left, clash.right
    if clash.when == "in force":
        return Question((in_force(left), in_force(right)))
    if clash.when == "binds":
        return Question((acts(prover.graph, left), binds(right)))
    return Question((acts(prover.graph, left), acts(prover.graph, right)))


def by_precedence(graph: PolicyGraph, left: str, right: str, text: str) -> Proof | None:
    """Lemma: of two guidelines one of which overrides the other, never both are in force, nor one forbids the other.

    While the winner is certainly in force it is live, so the other is blocked by either bound; while the other acts,
    the winner is not even possibly live. It does not hold of guidelines that act while merely possible.
    """
    declared = right in graph.overriders[left] or left in graph.overriders[right]
    hasty = any(graph.entities[g].on_unknown == "act" for g in (left, right))
    if not declared or hasty:
        return None
    return Proof(
        text,
        CHECK.name,
        Verdict.PROVED,
        (f"rule:{left}", f"rule:{right}"),
        reason="declared precedence",
        kind="obligation",
    )


def _shows(graph: PolicyGraph, pair: set[str]) -> Shows:
    def shows(resolution: Resolution) -> bool:
        return any(set(each.subjects) == pair for each in conflicts(graph, resolution))

    return shows


# -- what clashes ------------------------------------------------------------------------------------------------


def clashes(graph: PolicyGraph) -> Iterator[Clash]:
    """Every pair of actions that contradict each other, whoever is in force."""
    table = _by_kind(graph)
    for a, b in graph.exclusive:
        span_a, span_b = graph.entities[a].span, graph.entities[b].span
        yield Clash(a, b, "they are declared `exclusive_with`", span_a, span_b, "in force")
    yield from _different(table["decide"])
    yield from _different(table["hand_off"])
    yield from _different(table["reply"])
    yield from _forbidden(table)


@dataclass(frozen=True, slots=True)
class _Claim:
    """An action that claims ``value`` for ``subject``; different values for one subject clash."""

    guideline: str
    subject: str
    value: str
    span: Span
    says: str


def _by_kind(graph: PolicyGraph) -> dict[str, list[_Claim]]:
    found: dict[str, list[_Claim]] = defaultdict(list)
    for g, entity in graph.entities.items():
        for action in entity.actions:
            for kind, claim in _claims(graph, g, action):
                found[kind].append(claim)
    return found


def _claims(graph: PolicyGraph, g: str, action: Action) -> Iterator[tuple[str, _Claim]]:
    if isinstance(action, Decide):
        value = show_value(action.value)
        yield "decide", _Claim(g, action.decision, value, action.span, f"decide `{action.decision}` differently")
    elif isinstance(action, HandOff):
        yield "hand_off", _Claim(g, "", action.to, action.span, "hand off to different places")
    elif isinstance(action, Reply):
        if graph.vocabulary.replies[action.id].mode == "strict":
            yield "reply", _Claim(g, "", action.id, action.span, "demand different replies to the letter")
        yield "replied", _Claim(g, action.id, action.id, action.span, "")
    elif isinstance(action, Call):
        yield "call", _Claim(g, action.tool, action.tool, action.span, "")
    elif isinstance(action, Forbid) and action.what != "topic":
        yield f"forbid {action.what}", _Claim(g, action.target, action.target, action.span, "")


def _different(claims: list[_Claim]) -> Iterator[Clash]:
    subjects: dict[str, dict[str, list[_Claim]]] = defaultdict(lambda: defaultdict(list))
    for claim in claims:
        subjects[claim.subject][claim.value].append(claim)
    for values in subjects.values():
        for one, other in combinations(values.values(), 2):
            for a, b in product(one, other):
                left, right = (a, b) if a.guideline <= b.guideline else (b, a)
                why = f"{left.says}: `{_plain(left.value)}` and `{_plain(right.value)}`"
                yield Clash(left.guideline, right.guideline, why, left.span, right.span)


def _forbidden(table: dict[str, list[_Claim]]) -> Iterator[Clash]:
    for done, banned, verb in (("call", "forbid tool", "calls"), ("replied", "forbid reply", "sends")):
        bans: dict[str, list[_Claim]] = defaultdict(list)
        for claim in table[banned]:
            bans[claim.subject].append(claim)
        for claim in table[done]:
            for ban in bans[claim.subject]:
                why = f"`{claim.guideline}` {verb} `{claim.subject}`, which `{ban.guideline}` forbids"
                yield Clash(claim.guideline, ban.guideline, why, claim.span, ban.span, "binds")


def _plain(value: str) -> str:
    return value.strip('"')


def callers_of(graph: PolicyGraph) -> dict[str, list[str]]:
    """The tools whose calls may be impossible: those with a guard, or with constraints on their arguments."""
    found: dict[str, list[str]] = defaultdict(list)
    for g, entity in graph.entities.items():
        for action in entity.actions:
            if isinstance(action, Call) and (graph.vocabulary.tools[action.tool].guard or action.constraints):
                found[action.tool].append(g)
    return {tool: sorted(set(callers)) for tool, callers in found.items()}


# -- what is said ------------------------------------------------------------------------------------------------


def _told(found: list[Clash], proof: Proof) -> Report:
    first = found[0]
    subjects = tuple(dict.fromkeys((first.left, first.right)))
    whys = tuple(clash.why for clash in found)
    alone = len(subjects) == 1
    message = (
        f"`{first.left}` contradicts itself: {whys[0]}" if alone else f"{_together(first, proof)}, but {_but(whys[0])}"
    )
    related = tuple(Note(clash.right_span, _label(clash)) for clash in found)
    return Report(message, first.left_span, subjects, related, (*whys[1:], *_unknown(proof)), _help(first, alone))


def _together(clash: Clash, proof: Proof) -> str:
    """How far the two are in force at the witness."""
    surely = proof.witness.in_force if proof.witness else ()
    left, right = f"`{clash.left}`", f"`{clash.right}`"
    if clash.left not in surely and clash.right not in surely:
        return f"{left} and {right} can act together while nobody knows whether they apply"
    if clash.left not in surely or clash.right not in surely:
        sure, unsure = (left, right) if clash.left in surely else (right, left)
        return f"{sure} can be in force while it is unknown whether {unsure} is"
    return f"{left} and {right} can be in force together"


def _but(why: str) -> str:
    return why if why.startswith(("`", "they")) else f"they {why}"


def _label(clash: Clash) -> str:
    return "what is forbidden here" if clash.when == "binds" else "the other one"


def _help(clash: Clash, alone: bool) -> str:
    if alone:
        return "take one of the two out"
    return (
        f"make their conditions exclude each other, add `overrides: [{clash.right}]` to `{clash.left}` (or the other "
        "way round), or declare as an axiom why this situation cannot arise"
    )


def _unknown(proof: Proof) -> tuple[str, ...]:
    """Whether the situation needs that the judge does not know something."""
    unknown = proof.witness.unknown if proof.witness else ()
    return (f"this needs the judge not to know {quoted(unknown)}",) if unknown else ()
