"""What `jurat suggest` asks with the real default model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from jurat.llm.backends.embedded import EmbeddedBackend
from jurat.llm.models import DEFAULT_MODEL, pull
from jurat.llm.suggest import Suggester

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def suggester() -> Iterator[Suggester]:
    model = EmbeddedBackend(pull(DEFAULT_MODEL), context_tokens=2048)
    yield Suggester(model)
    asyncio.run(model.close())


def test_plain_contradictions_are_told_from_what_goes_together(suggester: Suggester) -> None:
    refused, listed, compatible = asyncio.run(
        suggester.contradictions(
            [
                ("Offer the guest a free drink", "Never offer free drinks"),
                ("Charge 5 euros for delivery", "Charge 9 euros for delivery"),
                ("Thank the guest", "Ask for the table number"),
            ]
        )
    )
    assert min(refused, listed) >= 0.5 > compatible


def test_plain_exclusions_and_implications_are_told_apart(suggester: Suggester) -> None:
    excluded, implied = asyncio.run(
        suggester.observations(
            [
                ("The shop is open", "The shop is closed"),
                ("The customer owns a red sports car", "The customer owns a car"),
            ]
        )
    )
    assert excluded.likeliest[0] == "exclusive"
    assert implied.likeliest[0] == "forward"
