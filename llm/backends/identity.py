"""Which model a server serves, and whether it still does: calibration and remembered answers are of one model."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from jurat.llm.backends.wire import Wire
from jurat.llm.errors import BackendError, one_line
from jurat.llm.models.adapters import SERVED_NAME

CHECKED_SECONDS = 10.0
"""How long a server is believed to serve the model that it listed; loading another one takes longer."""
_NAMES = 5


class _Card(BaseModel):
    """What a server says of a model; its weights are not ours to read."""

    model_config = ConfigDict(extra="ignore")

    id: str
    root: Any = None
    parent: Any = None
    max_model_len: Any = None
    owned_by: Any = None


class _Listed(BaseModel):
    data: list[_Card]


class Served:
    """The model that a backend was connected to."""

    def __init__(self, wire: Wire, model: str, digest: str) -> None:
        self._wire, self._model, self._digest = wire, model, digest
        self._checked = time.monotonic()

    async def require_same(self) -> None:
        """Raises `BackendError` where the server was started anew with another model, under whatever name."""
        if time.monotonic() - self._checked < CHECKED_SECONDS:
            return
        _, digest, _ = await found(
            self._wire, self._model
        )  # by several at once, so that none waits for another's failure
        if digest != self._digest:
            raise BackendError(
                f"{self._wire.at} serves another `{self._model}` than when it was connected to; start anew"
            )
        self._checked = time.monotonic()


async def found(wire: Wire, wanted: str | None) -> tuple[str, str, str]:
    """The model to ask, a digest of what the server says of it, and what to ask for scores. Raises `BackendError`."""
    served = await listed(wire)
    judges = [each for each in served if each.startswith(SERVED_NAME)]
    wanted = chosen(wire, served, judges, wanted, "--model")
    told = json.dumps([wire.root, served[wanted].model_dump()], sort_keys=True)
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    if not judges:
        return wanted, digest, wanted
    return wanted, f"{digest}+{judges[0].removeprefix(SERVED_NAME)}", judges[0]


def chosen(wire: Wire, served: Collection[str], besides: Collection[str], wanted: str | None, option: str) -> str:
    """The model that was asked for, or the only one there is beside some. Raises `BackendError`, which names the option."""
    others = [each for each in served if each not in besides]
    if wanted is None and len(others) == 1:
        return others[0]
    if wanted is not None and wanted in served:
        return wanted
    names = ", ".join(f"`{one_line(name)[:80]}`" for name in list(served)[:_NAMES]) or "nothing that it lists"
    asked = f"does not serve `{wanted}`" if wanted else f"serves several models or none; name one with {option}"
    raise BackendError(f"{wire.at} {asked}; it serves {names}")


async def listed(wire: Wire) -> dict[str, _Card]:
    """What the server says of each model that it serves. Raises `BackendError`."""
    try:
        return {each.id: each for each in _Listed.model_validate(await wire.get("/v1/models")).data}
    except ValidationError:
        raise wire.unreadable() from None
