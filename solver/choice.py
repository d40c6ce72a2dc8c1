"""The arguments of a call as Z3 constants, to be chosen by the solver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import z3

from jurat.policies.types import ListType, Type
from jurat.solver.terms import ListTerm, Members, Term, list_laws, sort_of, within


class Choice:
    """The arguments of a call, each of which may have any value of its type, or be left out."""

    def __init__(self, types: Mapping[str, Type]) -> None:
        self.types = types
        self.terms = {name: self._term(name, type_) for name, type_ in types.items()}

    def _term(self, name: str, type_: Type) -> Term | ListTerm:
        known = z3.Bool(f"arguments.{name} is given")
        if isinstance(type_, ListType):
            return ListTerm(known, Members(f"arguments.{name}"), z3.Int(f"size(arguments.{name})"))
        return Term(known, z3.Const(f"arguments.{name}", sort_of(type_)))

    def laws(self) -> Iterator[z3.BoolRef]:
        """What the types say; to be asked once every formula over the arguments was encoded."""
        for name, term in self.terms.items():
            yield from list_laws(term) if isinstance(term, ListTerm) else within(term.value, self.types[name])

    def constants(self) -> list[z3.ExprRef]:
        """What is chosen."""
        found: list[z3.ExprRef] = []
        for term in self.terms.values():
            found += [term.known, term.size] if isinstance(term, ListTerm) else [term.known, term.value]
            if isinstance(term, ListTerm) and isinstance(term.contains, Members):
                found += [chosen for _, chosen in term.contains.chosen.values()]
        return found
