"""The certificates of versions, written when they are first asked for, in a process of their own."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from jurat.engine.store import Version
from jurat.policies import InternalError, JuratError
from jurat.server.proving.elsewhere import certificate_of
from jurat.server.refusals import Refusal

SECONDS = 120.0
KEPT = 8


class Certificates:
    """Those asked for last, by the policy's digest. One is written at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._writing = asyncio.Lock()

    async def of(self, version: Version) -> str:
        """The certificate of a version.

        Raises:
            Refusal: it could not be written, or not in time.
        """
        async with self._writing:
            found = self._kept.get(version.digest)
            if found is None:
                found = await self._written(version)
            self._kept[version.digest] = found
            self._kept.move_to_end(version.digest)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found

    async def _written(self, version: Version) -> str:
        try:
            found = await certificate_of(dict(version.files), SECONDS)
        except InternalError:
            raise
        except JuratError as reason:
            raise Refusal(409, "refused", str(reason)) from None
        if found is None:
            message = "the certificate was not done in time; `jurat check --certificate` has no limit"
            raise Refusal(503, "late", message)
        return found
