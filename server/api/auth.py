"""Who asks, and whether they may: one place for all routes.

A route says what it needs by ``requires("chat")``; what it gets is the :class:`~jurat.server.gatekeeper.Caller`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPBearer, SecurityScopes

from jurat.server.api.parameters import check_parameters
from jurat.server.gatekeeper import Caller, Gatekeeper, owner_of
from jurat.server.refusals import Refusal
from jurat.server.scopes import SCOPES, WHOLE, Scope

__all__ = ["SCOPES", "Caller", "Chatting", "Scope", "caller_of", "owner_of", "requires"]

_BEARER = HTTPBearer(auto_error=False, description="An API key (`jurat keys create`) or a JSON Web Token.")


async def caller_of(
    security: SecurityScopes, request: HTTPConnection, _: Annotated[object, Depends(_BEARER)]
) -> Caller:
    """Who asks; a route that needs scopes refuses those without.

    Raises:
        Refusal: 401, 403 or 429; 422 for a query that the document does not describe.
    """
    gatekeeper: Gatekeeper = request.app.state.gatekeeper
    place = request.client.host if request.client else ""
    caller = await gatekeeper.caller(request.headers.get("authorization"), place)
    for scope in security.scopes:
        if scope not in caller.scopes:
            raise gatekeeper.refused(caller, scope)
        if scope in WHOLE and not all(map(caller.deals_with, request.app.state.service.agent.engine.agents)):
            raise Refusal(
                403, "forbidden", "this is of the whole policy, and this key or token is for some agents only"
            )
    await check_parameters(request)
    request.state.caller = caller
    return caller


def requires(*scopes: Scope) -> Any:
    """What a route depends on that needs these scopes, as in ``caller: Annotated[Caller, requires("chat")]``."""  # noqa: D402
    return Security(caller_of, scopes=list(scopes))


Chatting = Annotated[Caller, requires("chat")]
