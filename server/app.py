"""The agent over HTTP: conversations, why they went as they did, and a page to have them on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from jurat import __version__
from jurat.server.api import ROUTERS, versions
from jurat.server.api.errors import ALWAYS, install
from jurat.server.api.pages import STATIC
from jurat.server.bodies import Bodies
from jurat.server.gatekeeper import Gatekeeper
from jurat.server.headers import HeadAsGet, SecurityHeaders, with_cors
from jurat.server.opening import Agent
from jurat.server.quick import Quick
from jurat.server.service import Service
from jurat.server.settings import Settings
from jurat.server.versions import Versions

DEFAULT = Settings()
ABOUT = "Conversational agents whose policies are proved free of conflict before they are served."


def create_app(
    agent: Agent, hosts: Sequence[str] | None = None, home: Path | None = None, settings: Settings = DEFAULT
) -> FastAPI:
    """The application that serves a policy's agents; ``hosts`` are the names it answers to, all if None.

    ``home`` is the folder that the tools of new versions of the policy are loaded from; without it there are none.
    ``state.service`` of what is returned is the :class:`~jurat.server.service.Service`.
    """
    app = FastAPI(
        title="Jurat", version=__version__, description=ABOUT, responses=ALWAYS, middleware=_middleware(hosts, settings),
        docs_url=None, redoc_url=None,  # both load scripts from elsewhere
        lifespan=_lifespan,
    )  # fmt: skip
    app.state.service = Service(agent)
    app.state.gatekeeper = Gatekeeper(agent.engine.store, settings)
    install(app)
    for router in ROUTERS:
        app.include_router(router)
    if home is not None:
        app.state.versions = Versions(agent, app.state.service.change, home)
        app.include_router(versions.ROUTER)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.service.settle()


def _middleware(hosts: Sequence[str] | None, settings: Settings) -> list[Middleware]:
    """What every request passes, in this order."""
    guards = [Middleware(with_cors, origins=settings.origins), Middleware(HeadAsGet), Middleware(SecurityHeaders)]
    if hosts is not None:
        guards.append(Middleware(TrustedHostMiddleware, allowed_hosts=list(dict.fromkeys(hosts)), www_redirect=False))
    return [*guards, Middleware(Bodies), Middleware(Quick)]
