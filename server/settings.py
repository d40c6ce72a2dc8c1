"""How a server treats those who ask: which origins, who may do what without a name, how often."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jurat.server.scopes import LOCAL

if TYPE_CHECKING:
    from jurat.server.tokens import Tokens

_ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[^/\s:?#@*\[\]]+)(:\d{1,5})?")


PER_SECOND, BURST = 100.0, 20
"""Requests a second, and how many seconds' worth may come at once: a page asks for the whole of a conversation."""

TURNS_AT_ONCE = 16
"""Turns that may ask the model at the same time; others wait."""

TURNS_MOST = 2_000
"""Turns that run, wait for tools or wait for the model, over all sessions; more are asked to come back."""

MASTER_VARIABLE = "JURAT_API_KEY"
MASTER_CHARACTERS = 32


class SettingRefused(ValueError):
    """A setting that cannot be; one sentence."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second that a caller may make on average, and how many at once after a pause."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Settings:
    """``origins`` are those whose pages may call; ``rate`` is of a customer or somebody without a name, None unbounded.

    ``anonymous`` are the scopes of whoever says no name. ``tokens`` says which tokens are taken, none without. Whoever has the
    ``master`` key may do everything, for as long as the server runs. ``turns_at_once`` may ask the model at the same time.
    """

    origins: tuple[str, ...] = ()
    rate: Rate | None = Rate(PER_SECOND, round(PER_SECOND * BURST))
    anonymous: frozenset[str] = LOCAL
    tokens: Tokens | None = None
    master: str | None = None
    turns_at_once: int = TURNS_AT_ONCE

    def __post_init__(self) -> None:
        if not 1 <= self.turns_at_once <= TURNS_MOST:
            raise SettingRefused(f"from 1 to {TURNS_MOST:,} turns may ask the model at once, not {self.turns_at_once}")
        if self.master is not None and (len(self.master) < MASTER_CHARACTERS or not self.master.isascii()):
            raise SettingRefused(f"{MASTER_VARIABLE} has at least {MASTER_CHARACTERS} characters, all of them ASCII")


def origins_of(given: Iterable[str]) -> tuple[str, ...]:
    """Origins as browsers send them.

    Raises:
        SettingRefused: one is none; there is no word for all of them.
    """
    found = []
    for each in given:
        origin = each.strip().lower()
        if not _ORIGIN.fullmatch(origin):
            raise SettingRefused(
                f"`{each}` is no origin; one is like `https://shop.example` or `http://localhost:3000`"
            )
        found.append(origin)
    return tuple(dict.fromkeys(found))
