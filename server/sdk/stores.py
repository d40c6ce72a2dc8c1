"""Where a server keeps what survives it: conversations, customers, values of variables; in one store or in several."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from jurat.engine.errors import StoreError
from jurat.engine.store import Store
from jurat.engine.store.opening import MEMORY, POSTGRESQL, open_store
from jurat.server.data import store_of
from jurat.server.sdk import given
from jurat.server.sdk.capture import capturing
from jurat.server.sdk.errors import NotStarted, SDKError
from jurat.server.sdk.opening import program_name

TRANSIENT, LOCAL = "transient", "local"
_WORDS = (TRANSIENT, LOCAL, MEMORY)
_SCHEMES = ("sqlite", *POSTGRESQL)
_ENDINGS = (".db", ".sqlite", ".sqlite3")


class Stores:
    """Opens each store when it is first asked for, once, by whatever names it goes.

    Each of the three is ``transient``, ``local`` (a file of this program in the user's data folder), or a store's address;
    what is left out is where conversations are.

    Raises:
        SDKError: one that is none of these.
    """

    def __init__(self, sessions: str | Path, customers: str | Path | None, variables: str | Path | None) -> None:
        self._sessions = _place(sessions, "`session_store`")
        self._customers = self._sessions if customers is None else _place(customers, "`customer_store`")
        self._variables = self._sessions if variables is None else _place(variables, "`variable_store`")
        self._open: dict[str, Store] = {}
        self._opening = asyncio.Lock()

    async def sessions(self) -> Store:
        """Where conversations are kept."""
        return await self._at(self._sessions)

    async def customers(self) -> Store:
        """Where customers are kept."""
        return await self._at(self._customers)

    async def variables(self) -> Store:
        """Where values of variables are kept."""
        return await self._at(self._variables)

    async def close(self) -> None:
        """Let go of all of them."""
        open_, self._open = list(self._open.values()), {}
        for each in open_:
            await each.close()

    async def _at(self, place: str) -> Store:
        place = TRANSIENT if capturing() is not None else place  # what is only looked at leaves nothing behind
        async with self._opening:
            if place not in self._open:
                self._open[place] = await _opened(place)
            return self._open[place]


def _place(given_: object, what: str) -> str:
    """A store as it is opened. A text that is neither a word, an address nor like a path is a mistake, not a file's name."""
    if isinstance(given_, os.PathLike):
        return str(os.fspath(given_))
    said = given.text(given_, what)
    if said.lower() in _WORDS:
        return said.lower()
    scheme, address, _ = said.partition("://")
    is_path = "/" in said or os.sep in said or said.lower().endswith(_ENDINGS)
    if scheme in _SCHEMES if address else is_path:
        return said
    raise SDKError(
        f"{what} is `transient`, `local`, a file such as `kept.db`, `sqlite:///file` or `postgresql://user:password@host/database`, "
        f"not `{scheme + '://…' if address else given.shown(said)}`"
    )


async def _opened(place: str) -> Store:
    try:
        if place == LOCAL:
            return await open_store(store_of(program_name()))
        return await open_store(MEMORY if place == TRANSIENT else place)
    except StoreError as error:
        raise NotStarted(str(error)) from error
