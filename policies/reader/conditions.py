"""When something applies: a formula, a text, or both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jurat.policies.expr import TRUE, Expr, Formula, Observation, conjunction
from jurat.policies.model import ObservationDeclaration, Vocabulary
from jurat.policies.reader.context import Reading
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.nodes import Fields, Node, Scalar
from jurat.policies.reader.shapes import fields_of, text_of, wrong
from jurat.policies.reader.texts import Texts, calls_a_function, identity, is_formula, spelled
from jurat.policies.scope import BUILT_IN_EVENTS
from jurat.policies.spans import Span


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition with the author's words for it."""

    expr: Expr
    text: str
    span: Span


def condition_of(reading: Reading, fields: dict[str, Node], otherwise: Span) -> Condition:
    """What ``condition`` and ``when`` say together; always true where neither is given."""
    parts = [observed(reading, fields["condition"], "`condition`")] if "condition" in fields else []
    if "when" in fields:
        parts.append(reading.formulas.truth(fields["when"], "`when`"))
    given = [part for part in parts if part]
    if not given:
        return Condition(TRUE, "", otherwise)
    text = " && ".join(part.text for part in given)
    return Condition(conjunction(*(part.expr for part in given)), text, given[0].span)


def observed(reading: Reading, node: Node, what: str) -> Formula | None:
    """A text in natural language as the observation it is."""
    text = text_of(reading.faults, node, what)
    key = reading.texts.key(text) if text else None
    if text and key is None:
        wrong(reading.faults, node, f"{what} is a text")
    return Formula(Observation(key), node.span, " ".join(text.split())) if text and key else None


def trigger_of(reading: Reading, node: Node) -> Formula | None:
    """What starts a journey: ``{when: …}``, ``{condition: …}``, or a plain one, a formula if it reads as one."""
    if isinstance(node, Fields):
        fields = fields_of(reading.faults, node, ("when", "condition"), "a trigger")
        if not fields:
            reading.faults.at(node, "P303", "a trigger has `when` or `condition`")
            return None
        found = condition_of(reading, fields, node.span)
        return Formula(found.expr, found.span, found.text) if found.text else None
    if isinstance(node, Scalar) and not node.empty and is_formula(node.text):
        advice = "if it is a text for the judge, write `{condition: …}`"
        return reading.formulas.truth(node, "a trigger", advice)
    return observed(reading, node, "a trigger")


def inline_observations(faults: Faults, texts: Iterable[Scalar], known: Texts, vocabulary: Vocabulary) -> None:
    """Add to the vocabulary what texts declare, each under its key."""
    places: dict[str, Span] = {}
    for node in texts:
        key = known.inline.get(identity(node.text))
        if key is None:
            continue
        _refuse_name(faults, node, key, vocabulary)
        if spelled(node.text) == key:
            span = node.span
            places[key] = min(span, places.get(key, span))
    for key in sorted(places):
        vocabulary.observations[key] = ObservationDeclaration(key, key, inline=True, span=places[key])


def _refuse_name(faults: Faults, node: Scalar, key: str, vocabulary: Vocabulary) -> None:
    """A text that is another thing's name would stand for two things in a situation."""
    declared = key in vocabulary.facts or key in vocabulary.events or key in vocabulary.constants
    if declared or key in BUILT_IN_EVENTS or key.startswith(("journey.", "journey[")) or calls_a_function(key):
        advice = f"write `when: {key}`"
        faults.at(node, "P306", f"`{key}` is a name of the vocabulary, not a text for the judge", help=advice)
