"""The pages themselves, and the routes that they read and nobody else; nothing here changes anything."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from jurat.server.api import page_policy, page_turns

STATIC = Path(__file__).parent.parent / "static"
ROUTER = APIRouter()
ROUTER.include_router(page_turns.ROUTER)
ROUTER.include_router(page_policy.ROUTER)


@ROUTER.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The pages; which of them is shown stands behind the `#` of the address."""
    return FileResponse(STATIC / "index.html")
