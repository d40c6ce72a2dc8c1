"""The axioms of a policy by what they hang together through, and what each says of the situations it admits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from jurat.policies.expr import And, Expr, Observation, atoms, key_of, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.solver.sat.clauses import FALSE, TRUE
from jurat.solver.sat.formulas import Formulas


class AxiomGroups:
    """Axioms that share atoms, directly or through others, are one group; ``homes`` numbers the groups by key of atom."""

    def __init__(self, graph: PolicyGraph) -> None:
        mentioned = [sorted({key_of(atom) for atom in mentioned_atoms([axiom.expr])}) for axiom in graph.axioms]
        joined = Joined()
        for keys in mentioned:
            joined.join(keys)
        numbers: dict[str, int] = {}
        members: dict[int, list[Axiom]] = defaultdict(list)
        for axiom, keys in zip(graph.axioms, mentioned, strict=True):
            root = joined.root(keys[0]) if keys else ""
            members[numbers.setdefault(root, len(numbers))].append(axiom)
        self.groups: Mapping[int, list[Axiom]] = dict(members)
        self.homes: Mapping[str, int] = {key: numbers[joined.root(key)] for keys in mentioned for key in keys}


class Joined:
    """Disjoint sets of names, with path halving (Tarjan and van Leeuwen, JACM 31, 1984)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The one that stands for its set."""
        above = self._above
        while (parent := above.setdefault(name, name)) != name:
            above[name] = name = above[parent]
        return name

    def join(self, names: Sequence[str]) -> None:
        """Make one set of the sets of these; the first one's stands for it."""
        for name in names:
            self._above[self.root(name)] = self.root(names[0])

    def sizes(self) -> Counter[str]:
        """How many names are in each set."""
        return Counter(self.root(name) for name in list(self._above))


def admitted(axiom: Axiom, formulas: Formulas) -> Iterator[list[int]]:
    """Clauses: the axiom is not false, and nothing unknown is left of which one value would make it false.

    A conjunction is false exactly when one of its parts is, so each part is stated by itself.
    """
    for part in _parts(axiom.expr):
        yield from _avoided([], formulas.when(part, truth=False))
        for atom in sorted((each for each in atoms(part) if isinstance(each, Observation)), key=key_of):
            known = list(formulas.atoms.pair(atom))
            for value in ((TRUE, FALSE), (FALSE, TRUE)):
                formulas.supposed = {atom.key: value}
                yield from _avoided(known, formulas.when(part, truth=False))
                formulas.supposed = {}


def _avoided(unless: list[int], literals: list[int]) -> Iterator[list[int]]:
    """Not all of the literals are true, unless one of these is."""
    if FALSE not in literals:
        yield [*unless, *(-literal for literal in literals)]


def _parts(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, And):
        for each in expr.operands:
            yield from _parts(each)
    else:
        yield expr
