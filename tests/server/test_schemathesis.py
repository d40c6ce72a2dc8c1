"""Requests made up from the OpenAPI document: none fails on the server's side, and every answer is as the document says.

Which facts and names there are is the policy's matter, not the document's, so a request that fits the document may be refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient
from tests.server.served import HELD, KEY, agent

from jurat.server.app import create_app
from jurat.server.settings import Settings

EXAMPLES = int(os.environ.get("JURAT_EXAMPLES", "15"))
"""Of each operation; more look further."""

APP = create_app(agent(), home=Path(), settings=Settings(master=KEY, rate=None, anonymous=frozenset()))
SENT = {"Authorization": HELD["authorization"]}  # it looks for the usual spelling when it leaves the header out
SESSIONS: list[str] = []
schema = schemathesis.openapi.from_asgi("/openapi.json", APP)


@schema.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Half of what is made up is about a conversation that there is."""
    if SESSIONS and path_parameters and len(str(path_parameters.get("id", "x"))) % 2 == 0:
        return {**path_parameters, "id": SESSIONS[0]}
    return path_parameters


@schema.hook
def filter_query(context: Any, query: Any) -> bool:
    """A number where a list of texts is asked for is a text as soon as it stands in an address: one that is right."""
    return not query or isinstance(query.get("labels", []), list | dict)


@pytest.fixture(scope="module", autouse=True)
def session() -> Iterator[None]:
    with TestClient(APP, headers=HELD) as client:
        SESSIONS.append(client.post("/sessions", json={}).json()["id"])
        yield


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False
)
@pytest.mark.timeout(300)
def test_the_server_does_what_its_document_says(case: Any) -> None:
    if case.method == "GET" and case.path.endswith("/events"):
        case.query = {**(case.query or {}), "wait_for_data": "0"}  # nobody waits for what does not come
    headers = case.meta.components.get(ParameterLocation.HEADER)
    spoilt = headers is not None and headers.mode.is_negative  # a key that is none is sent as it was made up
    case.call_and_validate(timeout=100, headers=None if spoilt else SENT, excluded_checks=[positive_data_acceptance])


@schema.parametrize()
@settings(
    max_examples=1,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    phases=[Phase.generate],
)
def test_a_parameter_that_the_document_does_not_have_is_refused(case: Any) -> None:
    case.query = {"no_such_parameter": "1"}
    answer = case.call(headers=SENT, timeout=100)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unknown-parameter")
