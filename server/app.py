"""The agent over HTTP: conversations, why they went as they did, and a page to have them on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from jurat import __version__
from jurat.server.api import ROUTERS, versions
from jurat.server.api.errors import ALWAYS, install
from jurat.server.api.pages import STATIC
from jurat.server.bodies import Bodies
from jurat.server.gatekeeper import Gatekeeper
from jurat.server.headers import HeadAsGet, SecurityHeaders, with_cors
from jurat.server.mcp_route import Tools
from jurat.server.opening import Agent
from jurat.server.parlant import routers
from jurat.server.quick import Application
from jurat.server.service import Service
from jurat.server.settings import Settings
from jurat.server.versions import Folder, Versions, Workshop

DEFAULT = Settings()
ABOUT = "Conversational agents whose policies are proved free of conflict before they are served."


def create_app(
    agent: Agent,
    hosts: Sequence[str] | None = None,
    home: Path | None = None,
    settings: Settings = DEFAULT,
    *,
    workshop: Workshop | None = None,
) -> FastAPI:
    """The application that serves a policy's agents; ``hosts`` are the names it answers to, all if None.

    ``home`` is the folder that the tools of new versions of the policy are loaded from, ``workshop`` what says where
    they come from otherwise; without either there are no new versions.
    ``state.service`` of what is returned is the :class:`~jurat.server.service.Service`.
    """
    app = Application(
        title="Jurat", version=__version__, description=ABOUT, responses=ALWAYS, middleware=_middleware(hosts, settings),
        docs_url=None, redoc_url=None,  # both load scripts from elsewhere
        lifespan=_lifespan,
    )  # fmt: skip
    app.hosts = hosts
    app.state.service = Service(agent, settings.turns_at_once)
    app.state.gatekeeper = Gatekeeper(agent.engine.store, settings)
    install(app)
    for router in (*ROUTERS, *routers.CONVERSATIONS):
        app.include_router(router)
    if home is not None:
        workshop = Folder(agent.graph, home)
    if workshop is not None:
        app.state.versions = Versions(agent, app.state.service.change, workshop)
        for router in (versions.ROUTER, *routers.POLICY):
            app.include_router(router)
    app.state.tools = _tools(app)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


def _tools(app: FastAPI) -> Tools | None:
    """The policy's tools over MCP, where its package is installed."""
    if find_spec("mcp") is None:
        return None
    tools = Tools(app.state.service, app.state.gatekeeper)
    app.router.routes.append(Route("/mcp", tools, methods=["GET", "POST", "DELETE"], include_in_schema=False))
    return tools


async def settle(app: FastAPI) -> None:
    """End: turns that run come to their end if they do so soon."""
    if app.state.tools is not None:
        await app.state.tools.close()
    await app.state.service.settle()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.service.feeds.begin()
    yield
    await settle(app)


def _middleware(hosts: Sequence[str] | None, settings: Settings) -> list[Middleware]:
    """What every request passes, in this order."""
    guards = [Middleware(with_cors, origins=settings.origins), Middleware(HeadAsGet), Middleware(SecurityHeaders)]
    if hosts is not None:
        guards.append(Middleware(TrustedHostMiddleware, allowed_hosts=list(dict.fromkeys(hosts)), www_redirect=False))
    return [*guards, Middleware(Bodies)]
