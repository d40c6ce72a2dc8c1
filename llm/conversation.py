"""Small facts about conversations and probabilities that judges and voices share."""

from __future__ import annotations

from collections.abc import Sequence

from jurat.llm.protocol import Message


def decided(probability: float, band: tuple[float, float]) -> bool | None:
    """True from the band's upper edge on, false up to its lower edge, unknown between them."""
    low, high = band
    return True if probability >= high else False if probability <= low else None


def latest_customer_text(conversation: Sequence[Message]) -> str:
    """What the customer said last; empty before the first message."""
    return next((m.text for m in reversed(conversation) if m.role == "customer"), "")
