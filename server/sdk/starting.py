"""Guidelines that start journeys: a journey takes over their condition, and what would be lost of them is refused."""

from __future__ import annotations

from collections.abc import Iterator

from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import SDKError

_NEEDS = ("requires", "requires_any")
_TARGETED = ("overrides", "entails", "disambiguates")
_CALLS_OF_NEEDS = ("depend_on", "depend_on_any")
_CALLS_OF_TARGETS = ("prioritize_over", "exclude", "entail", "disambiguate")


def refuse_related(document: Document, id_: str, journey: str) -> None:
    """Refuse a guideline as a trigger of which more than its condition says when it is in force.

    Raises:
        SDKError: the first relation that the journey would not have.
    """
    lost = next(_lost(document, id_), None)
    if lost is not None:
        raise SDKError(
            f"`triggers`: `{id_}` would start the journey `{journey}` by its condition alone, but {lost}; start the journey with "
            "the condition itself, and declare the relation on the journey"
        )


def refuse_later(document: Document, called: str, source: str, targets: list[str]) -> None:
    """Refuse a relation that a journey would not have which was started by one of its ends before.

    Raises:
        SDKError: there is such a journey.
    """
    for id_, journey in document.triggers.items():
        names = _names(document, id_)
        needs = called in _CALLS_OF_NEEDS and source in names
        targeted = called in _CALLS_OF_TARGETS and source != id_ and not names.isdisjoint(targets)
        if needs or targeted:
            raise SDKError(
                f"`{called}`: `{id_}` starts the journey `{journey}` by its condition alone, which would not heed this; declare "
                "it on the journey, and start that with the condition itself"
            )


def _names(document: Document, id_: str) -> set[str]:
    """What relations call a guideline: its id, and its tags."""
    return {id_, *(f"tag:{each}" for each in document.sections["guidelines"][id_].get("tags", ()))}


def _lost(document: Document, id_: str) -> Iterator[str]:
    names, sections = _names(document, id_), document.sections
    if scope := sections["guidelines"][id_].get("scope"):
        yield f"it belongs to `{scope}`"
    for name in sorted(names):
        kind, _, tag = name.rpartition(":")
        body = sections["tags" if kind else "guidelines"][tag]
        if any(body.get(each) for each in _NEEDS):
            yield f"`{name}` depends on others"
    for section in ("guidelines", "journeys", "tags"):
        for other, body in sections[section].items():
            for kind in _TARGETED:
                if other != id_ and not names.isdisjoint(body.get(kind, ())):
                    yield f"`{other}` {kind} it"
