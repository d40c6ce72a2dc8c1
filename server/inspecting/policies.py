"""The policy that a turn ran under: the one in effect, or an earlier version of it that the store has kept."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

from jurat.engine.store import Store
from jurat.policies import PolicyGraph, load
from jurat.server.drawing import picture_of, placed
from jurat.server.refusals import Refusal

KEPT = 4
"""Policies that are kept read, and drawn."""


async def policy_of(store: Store, current: PolicyGraph, digest: str | None) -> PolicyGraph | None:
    """The policy with this digest, the one in effect if it is None; None where there is none.

    Raises:
        StoreError: versions cannot be read.
    """
    if digest in (None, current.digest):
        return current
    found = next((each for each in await store.versions() if each.digest == digest), None)
    version = await store.version(found.number) if found else None
    if version is None:
        return None
    return await asyncio.to_thread(_read, tuple(sorted(version.files.items())))


def check_entity(graph: PolicyGraph, id_: str) -> None:
    """Refuse an id that the policy does not know.

    Raises:
        Refusal: it does not.
    """
    if id_ not in graph.entities:
        raise Refusal(404, "unknown", f"the policy has no guideline, journey or state `{id_[:60]}`")


async def number_of(store: Store, current: PolicyGraph, digest: str) -> int | None:
    """The newest version with this digest; None where none is kept."""
    if digest == current.digest:  # nearly always, and without reading every report
        active = await store.activations(1)
        version = await store.version(active[0].version) if active else None
        if version is not None and version.digest == digest:
            return version.number
    return next((each.number for each in await store.versions() if each.digest == digest), None)


async def drawing_of(graph: PolicyGraph) -> dict[str, Any]:
    """The policy drawn, in a thread of its own, for a large one takes seconds."""
    return await asyncio.to_thread(_drawn, graph)


@lru_cache(maxsize=KEPT)
def _read(files: tuple[tuple[str, str], ...]) -> PolicyGraph:
    return load(dict(files))


@lru_cache(maxsize=KEPT)
def _drawn(graph: PolicyGraph) -> dict[str, Any]:
    return placed(picture_of(graph))
