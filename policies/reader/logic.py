"""Axioms and invariants."""

from __future__ import annotations

from itertools import combinations

from jurat.policies.diagnostics import Note
from jurat.policies.expr import And, Expr, Formula, Not, conjunction, disjunction
from jurat.policies.limits import EXCLUSIVE_CONDITIONS
from jurat.policies.model import Axiom, Invariant
from jurat.policies.reader.allowances import allow_of
from jurat.policies.reader.conditions import observed
from jurat.policies.reader.context import Reading
from jurat.policies.reader.nodes import Fields, Items, Node, Scalar
from jurat.policies.reader.shapes import fields_of, id_of, items_of
from jurat.policies.reader.texts import is_formula

_FORMS = ("exclusive", "one_of")
INVARIANT = ("holds", "allow")


def read_axioms(reading: Reading) -> tuple[Axiom, ...]:
    """All axioms, each once."""
    found: dict[str, Axiom] = {}
    for node in reading.sections.axioms:
        axiom = _axiom(reading, node)
        if axiom is None:
            continue
        if first := found.get(axiom.id):
            note = Note(first.span, "first given here")
            reading.faults.at(node, "P304", f"the axiom `{axiom.id}` is given twice", related=[note])
        found.setdefault(axiom.id, axiom)
    return tuple(found.values())


def _axiom(reading: Reading, node: Node) -> Axiom | None:
    if isinstance(node, Fields):
        return _form(reading, node)
    formula = reading.formulas.truth(node, "an axiom")
    return Axiom(" ".join(formula.text.split()), formula.expr, formula.span) if formula else None


def _form(reading: Reading, node: Fields) -> Axiom | None:
    fields = fields_of(reading.faults, node, _FORMS, "an axiom")
    if len(fields) > 1:
        reading.faults.at(node, "P309", "an axiom is `exclusive` or `one_of`, not both", help="write two axioms")
    if len(fields) != 1:
        return None
    ((form, listed),) = fields.items()
    members = _members(reading, listed, form)
    if members is None:
        return None
    pairs = [Not(And(pair)) for pair in combinations([each.expr for each in members], 2)]
    alternatives: list[Expr] = [disjunction(*(each.expr for each in members))] if form == "one_of" else []
    text = f"{form}: [{', '.join(each.text for each in members)}]"
    return Axiom(text, conjunction(*pairs, *alternatives), node.span)


def _members(reading: Reading, node: Node, form: str) -> list[Formula] | None:
    """What excludes each other: formulas, or texts that some guideline has as its condition."""
    if isinstance(node, Items) and len(node.items) > EXCLUSIVE_CONDITIONS:
        reading.faults.at(node, "P302", f"`{form}` lists at most {EXCLUSIVE_CONDITIONS} conditions")
        return None
    found: dict[Expr, Formula] = {}
    for item in items_of(reading.faults, node, f"`{form}`"):
        member = _member(reading, item, form)
        if member is None:
            return None
        if member.expr in found:
            reading.faults.at(item, "P304", f"`{member.text}` is listed twice")
        found.setdefault(member.expr, member)
    if len(found) < 2:
        reading.faults.at(node, "P302", f"`{form}` lists at least two conditions")
        return None
    return list(found.values())


def _member(reading: Reading, node: Node, form: str) -> Formula | None:
    wording = isinstance(node, Scalar) and not is_formula(node.text)
    text = isinstance(node, Scalar) and wording and reading.texts.key(node.text)
    if wording and not text and reading.sections.incomplete:
        return None  # the guideline with this condition may stand in a section that could not be read
    what = f"each item of `{form}`"
    return observed(reading, node, what) if text else reading.formulas.truth(node, what)


def read_invariants(reading: Reading) -> tuple[Invariant, ...]:
    """All invariants."""
    found: list[Invariant] = []
    for key, node in reading.sections["invariants"].values():
        id_of(reading.faults, key, "an invariant")
        fields = fields_of(reading.faults, node, INVARIANT, "an invariant") if isinstance(node, Fields) else {}
        stated = fields.get("holds") if isinstance(node, Fields) else node
        if stated is None:
            reading.faults.at(key, "P303", f"invariant `{key.text}` does not say what holds", help="add `holds: …`")
        elif formula := reading.formulas.truth(stated, f"invariant `{key.text}`"):
            found.append(Invariant(key.text, formula.expr, formula.text, key.span, allow_of(reading, fields)))
    return tuple(found)
