"""What a picture of a policy shows: boxes and arrows, before anybody says where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jurat.policies import Finding, PolicyGraph
from jurat.policies.graph import Entity
from jurat.policies.model import Action, Call, Decide, Forbid, HandOff, Instruct, Offer, Reply
from jurat.policies.printing import show


@dataclass(frozen=True, slots=True)
class Box:
    """A guideline, journey or state; ``faults`` are the codes and messages of findings about it."""

    id: str
    kind: str
    condition: str
    actions: tuple[str, ...]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another; ``kind`` is a relation's name, ``goes to`` or ``starts at``."""

    source: str
    target: str
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes and arrows in a fixed order."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def picture_of(graph: PolicyGraph, findings: tuple[Finding, ...] = (), title: str = "") -> Picture:
    """The picture of a policy; what findings are about is marked."""
    faults: dict[str, list[str]] = {}
    for finding in findings:
        for subject in finding.subjects:
            faults.setdefault(subject, []).append(f"{finding.code} {finding.name}: {finding.message}")
    boxes = (_box(graph, entity, tuple(faults.get(entity.id, ()))) for entity in graph.entities.values())
    arrows = sorted({*_relations(graph), *_moves(graph)}, key=lambda arrow: (arrow.source, arrow.target, arrow.kind))
    return Picture(title or _title(graph), tuple(boxes), tuple(arrows))


def _title(graph: PolicyGraph) -> str:
    names = [agent.name for agent in graph.policy.agents.values()]
    return ", ".join(names) or "policy"


def _box(graph: PolicyGraph, entity: Entity, faults: tuple[str, ...]) -> Box:
    written = graph.guidelines[entity.id].condition_text if entity.kind == "guideline" else ""
    condition = (written or show(entity.condition)) if entity.kind == "guideline" else ""
    return Box(entity.id, entity.kind, "always" if condition == "true" else condition, _actions(entity), faults)


def _actions(entity: Entity) -> tuple[str, ...]:
    return tuple(describe(action) for action in entity.actions)


def describe(action: Action) -> str:
    """An action in a few words."""
    match action:
        case Instruct(text=text):
            return text
        case Call(tool=tool):
            return f"call {tool}"
        case Offer(tool=tool):
            return f"offer {tool}"
        case Forbid(what=what, target=target):
            return f"forbid {target}" if what == "tool" else f"forbid the {what} {target}"
        case Decide(decision=decision, value=value):
            return f"decide {decision} = {value}"
        case Reply(id=id_):
            return f"reply {id_}"
        case HandOff(to=to):
            return f"hand off to {to}"


def _relations(graph: PolicyGraph) -> Iterator[Arrow]:
    """Every expanded relation, save those to a journey's states that only follow from one to the journey."""
    edges = {(source, target, kind) for source, target, kind in graph.network.edges(keys=True)}
    for source, target, kind in edges:
        journey, _, state = target.partition("/")
        if not state or (source, journey, kind) not in edges:
            yield Arrow(source, target, kind)


def _moves(graph: PolicyGraph) -> Iterator[Arrow]:
    for journey in graph.journeys.values():
        yield Arrow(journey.id, f"{journey.id}/{journey.initial}", "starts at")
        for state in journey.states.values():
            for move in state.transitions:
                label = "otherwise" if move.otherwise else move.text
                yield Arrow(f"{journey.id}/{state.id}", f"{journey.id}/{move.target}", "goes to", label)
