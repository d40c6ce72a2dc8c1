"""Where other agents find the policy's tools over MCP: the route, which imports MCP's library when somebody comes."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from jurat.server.gatekeeper import Gatekeeper
from jurat.server.service import Service

if TYPE_CHECKING:
    from jurat.server.guarded import Guarded


class Tools:
    """The application behind ``/mcp``. Its library takes a second to import, which no start of a server should wait for."""

    def __init__(self, service: Service, gatekeeper: Gatekeeper) -> None:
        self._service, self._gatekeeper = service, gatekeeper
        self._guarded: Guarded | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        guarded = self._guarded or await self._begun()
        await guarded(scope, receive, send)

    async def _begun(self) -> Guarded:
        module = await asyncio.to_thread(import_module, "jurat.server.guarded")
        found: Guarded = module.Guarded(self._service, self._gatekeeper)
        self._guarded = self._guarded or found  # two may have come at once
        return self._guarded

    async def close(self) -> None:
        """End what clients have open."""
        if self._guarded is not None:
            await self._guarded.close()
