"""API keys: made once, shown once, kept as a digest; what each may do, and until when.

They are kept among the store's variables. A key is 256 random bits, so that a plain SHA-256 of it is as good as a slow hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from jurat.engine.store import Store
from jurat.policies import JuratError
from jurat.server.scopes import SCOPES

SCOPE = "server:keys"
"""Among the store's variables."""

KEPT_SECONDS = 5.0
"""That a server goes on with what it read of the keys: so long after it is revoked, a key may still be taken."""

NAME_CHARACTERS = 100
_FORM = re.compile(r"jurat_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class KeyRefused(JuratError):
    """A key that cannot be made or found; one sentence."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key. Times are in seconds since 1970.

    ``customer`` is the person on whose behalf its holder acts, None for an application. ``agents`` are the ids of those that
    it is for, None for all. ``rate`` is in requests a second, None for no limit.
    """

    id: str
    name: str
    digest: str
    scopes: tuple[str, ...]
    created: float
    agents: tuple[str, ...] | None = None
    customer: str | None = None
    rate: float | None = None
    expires: float | None = None
    revoked: float | None = None

    def holds(self, now: float) -> bool:
        """Whether it is taken."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class Keys:
    """The keys of a store."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._known: Mapping[str, Key] = {}
        self._read = float("-inf")
        self._reading = asyncio.Lock()

    async def create(
        self,
        name: str,
        scopes: Collection[str],
        *,
        agents: Collection[str] | None = None,
        customer: str | None = None,
        rate: float | None = None,
        seconds: float | None = None,
    ) -> tuple[Key, str]:
        """Make one; with it comes the text that its holder sends, which nobody can find out again.

        Raises:
            KeyRefused: a scope that there is not, or a name that is none.
            StoreError: it cannot be stored.
        """
        _check(name, scopes)
        id_, secret, now = secrets.token_hex(6), secrets.token_urlsafe(32), self._clock()
        limited = None if agents is None else tuple(sorted(agents))
        expires = None if seconds is None else now + seconds
        key = Key(id_, name, _digest(secret), tuple(sorted(scopes)), now, limited, customer, rate, expires)
        await self._keep(key)
        return key, f"jurat_{id_}_{secret}"

    async def all(self) -> list[Key]:
        """All that were ever made, oldest first.

        Raises:
            StoreError: they cannot be read.
        """
        found = await self._store.variables(SCOPE)
        return sorted((_key(each.value) for each in found.values()), key=lambda key: (key.created, key.id))

    async def get(self, id_: str) -> Key:
        """One by its id.

        Raises:
            KeyRefused: there is none.
            StoreError: it cannot be read.
        """
        found = {each.id: each for each in await self.all()}.get(id_)
        if found is None:
            raise KeyRefused(f"there is no key `{id_[:60]}`")
        return found

    async def revoke(self, id_: str) -> Key:
        """Take one back, for good.

        Raises:
            KeyRefused: there is none.
            StoreError: that cannot be stored.
        """
        found = await self.get(id_)
        if found.revoked is None:
            found = replace(found, revoked=self._clock())
            await self._keep(found)
        return found

    async def find(self, text: str) -> Key | None:
        """The key that somebody sent, if it is taken.

        Raises:
            StoreError: keys cannot be read.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            return None
        await self._refresh()
        key = self._known.get(form[1])
        if key is None or not hmac.compare_digest(key.digest, _digest(form[2])):
            return None
        return key if key.holds(self._clock()) else None

    async def _refresh(self) -> None:
        """Read them again when they are old; while one reads, others wait for it."""
        if time.monotonic() - self._read < KEPT_SECONDS:
            return
        async with self._reading:
            if time.monotonic() - self._read >= KEPT_SECONDS:
                self._known = {each.id: each for each in await self.all()}
                self._read = time.monotonic()

    async def _keep(self, key: Key) -> None:
        await self._store.set_variable(SCOPE, key.id, asdict(key))
        self._read = float("-inf")


def _check(name: str, scopes: Collection[str]) -> None:
    if not name.strip() or len(name) > NAME_CHARACTERS:
        raise KeyRefused(f"the name of a key is a text of at most {NAME_CHARACTERS} characters")
    if unknown := sorted(set(scopes) - SCOPES):
        raise KeyRefused(f"there is no scope `{unknown[0][:60]}`; there are {', '.join(sorted(SCOPES))}")
    if not scopes:
        raise KeyRefused("a key without a scope may do nothing")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(value: Any) -> Key:
    lists = {name: None if value[name] is None else tuple(value[name]) for name in ("scopes", "agents")}
    return Key(**{**value, **lists})
