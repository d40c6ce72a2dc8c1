"""Small records by kind and id: what is told of something that neither a policy nor a conversation has room for.

A display name, a title, a word of the trade and what it means: a mapping of plain JSON each.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jurat.engine.store.codec import stored


@dataclass(frozen=True, slots=True)
class Record:
    """One, and when it was first kept, in seconds since 1970."""

    id: str
    body: Mapping[str, Any]
    at: float


Change = Callable[[dict[str, Any]], Mapping[str, Any]]
"""What a record's body becomes."""


class MemoryRecords:
    """Keeps records as long as the process runs."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Record]] = {}

    async def records(self, kind: str, ids: Collection[str] | None = None) -> dict[str, Record]:
        found = self._records.get(kind, {})
        return {id_: each for id_, each in found.items() if ids is None or id_ in ids}

    async def record(self, kind: str, id_: str) -> Record | None:
        return self._records.get(kind, {}).get(id_)

    async def keep_record(self, kind: str, id_: str, body: Mapping[str, Any]) -> Record:
        return await self.change_record(kind, id_, lambda _: body)

    async def change_record(self, kind: str, id_: str, change: Change) -> Record:
        known = self._records.get(kind, {}).get(id_)
        body = change(dict(known.body) if known else {})
        kept = json.loads(stored(dict(body)))  # nobody changes it from outside, and it is JSON as in a database
        record = Record(id_, kept, known.at if known else time.time())
        self._records.setdefault(kind, {})[id_] = record
        return record

    async def drop_record(self, kind: str, id_: str) -> bool:
        return self._records.get(kind, {}).pop(id_, None) is not None
