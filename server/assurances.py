"""What holds whatever the language model answers, as a table and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from jurat.policies import Verdict
from jurat.policies.values import jsonable, show_value
from jurat.server.reports.words import one_line

if TYPE_CHECKING:
    from jurat.solver.assurance import Assurance
    from jurat.solver.copies import Distance, Misjudged

SURE = "whatever the model answers"


def assurances_text(found: Sequence[Assurance]) -> Text:
    """One line for each protected tool and invariant, with an example where wrong answers matter."""
    text = Text()
    if not found:
        return text
    text.append("safety distance", "bold").append(": wrong answers of the model that it takes\n")
    width = max(len(each.id) for each in found)
    for each in found:
        text.append(f"  {each.kind:<9} {each.id:<{width}}  ").append(_said(each), _style(each)).append("\n")
        for line in _details(each):
            text.append(f"  {'':<9} {'':<{width}}  {one_line(line)}\n", "dim")
    return text


def _style(each: Assurance) -> str:
    if each.model_independent:
        return "green"
    return "red" if each.distance.fewest == 0 and each.distance.verdict is Verdict.PROVED else "yellow"


def _said(each: Assurance) -> str:
    """The distance in words."""
    distance = each.distance
    if distance.verdict is Verdict.UNKNOWN:
        return f"undecided, at least {distance.fewest or 0}: {one_line(distance.reason)}"
    if distance.fewest is None:
        return _no_number(each)
    if distance.fewest == 0:
        return _none_needed(each)
    sets = [" and ".join(members) for members in distance.sets]
    through = "; or ".join([*sets, *(["others"] if distance.more else [])])
    return f"{distance.fewest}: {one_line(through)}"


def _no_number(each: Assurance) -> str:
    return f"holds {SURE}" if each.kind == "invariant" else "no wrong answer opens it"


def _none_needed(each: Assurance) -> str:
    if each.kind == "invariant" and each.holds is Verdict.REFUTED:
        return "0: broken even if every answer is right"
    unknown = " and ".join(each.distance.unknown)
    return f"0: it is enough not to know {unknown}" if unknown else "0: right answers are enough"


def _details(each: Assurance) -> Iterable[str]:
    if each.always and not each.model_independent:
        yield f"{SURE}: {each.always}"
    if each.distance.example is not None:
        yield f"for example {_example(each.distance.example, each.distance)}"


def _example(example: Misjudged, distance: Distance) -> str:
    """The situation, and what the judge makes of it."""
    wrong = {key: answer for key, answer in example.answered.items() if answer is not example.real[key]}
    parts = [f"{name} = {show_value(value)}" for name, value in example.values.items()]
    parts += [f"{key} = {show_value(answer)}" for key, answer in example.answered.items() if key not in wrong]
    parts += [f"{key} judged {show_value(answer)}, which is wrong" for key, answer in wrong.items()]
    parts += [f"{key} not known, really {show_value(example.real[key])}" for key in distance.unknown]
    return ", ".join(parts)


def assurances_json(found: Iterable[Assurance]) -> list[dict[str, Any]]:
    """The same for :mod:`json`; ``distance`` is null where no number of wrong answers is enough."""
    return [
        {
            "kind": each.kind,
            "id": each.id,
            "holds": each.holds.value,
            "model_independent": each.model_independent,
            "decided": each.distance.verdict is not Verdict.UNKNOWN,
            "distance": each.distance.fewest,
            "through": [list(members) for members in each.distance.sets],
            "more": each.distance.more,
            "unknown": list(each.distance.unknown),
            "always": each.always or None,
            "example": _example_json(each.distance.example),
            "reason": each.distance.reason or None,
        }
        for each in found
    ]


def _example_json(example: Misjudged | None) -> dict[str, Any] | None:
    if example is None:
        return None
    values = {name: jsonable(value) for name, value in example.values.items()}
    return {"values": values, "real": dict(example.real), "answered": dict(example.answered)}
