"""What guidelines do, so that it can be asked who else does it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from jurat.policies.expr import Atom, Fact, atoms
from jurat.policies.graph import Entity, PolicyGraph
from jurat.policies.model import Action, Forbid, Instruct
from jurat.solver.claims import Claim, acts, binds

Effect = str | Action
"""An action, however it is spelled: of an instruction only the words count."""

MANY = 32
"""How many others that do the same are looked at, those about the most similar situations first."""


def effect_of(action: Action) -> Effect:
    """What an action comes to; spans do not count."""
    return " ".join(action.text.casefold().split()) if isinstance(action, Instruct) else action


def effects_of(entity: Entity) -> tuple[Effect, ...]:
    """What an entity does, each once."""
    return tuple(dict.fromkeys(map(effect_of, entity.actions)))


def does(graph: PolicyGraph, entity: str, effect: Effect) -> Claim:
    """The entity's effect takes place: a prohibition where it binds, everything else where the entity acts."""
    return binds(entity) if isinstance(effect, Forbid) else acts(graph, entity)


@dataclass(frozen=True)
class Doers:
    """Who does what in a policy."""

    graph: PolicyGraph

    @cached_property
    def _table(self) -> Mapping[Effect, list[str]]:
        found: dict[Effect, list[str]] = defaultdict(list)
        for g, entity in self.graph.entities.items():
            for effect in effects_of(entity):
                found[effect].append(g)
        return found

    def others(self, g: str, effect: Effect, without: Iterable[str] = ()) -> tuple[str, ...]:
        """Who else does it, sorted; of many those whose conditions share the most with this one's, facts aside."""
        left = {g, *without}
        found = [h for h in self._table.get(effect, ()) if h not in left]
        if len(found) > MANY:
            about = self._about
            found = sorted(found, key=lambda h: (-len(about[g] & about[h]), len(about[h]), h))[:MANY]
        return tuple(sorted(found))

    def shared(self, g: str) -> bool:
        """Whether everything that it does is done by others too."""
        return all(len(self._table[effect]) > 1 for effect in effects_of(self.graph.entities[g]))

    @cached_property
    def _about(self) -> Mapping[str, frozenset[Atom]]:
        """What each condition looks at that comes and goes."""
        conditions = ((g, entity.condition) for g, entity in self.graph.entities.items())
        return {g: frozenset(each for each in atoms(expr) if not isinstance(each, Fact)) for g, expr in conditions}
