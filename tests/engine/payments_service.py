"""A service with an OpenAPI document, served over HTTP at the port given; what it receives is written to a file."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

SEEN = Path(os.environ.get("PAYMENTS_SEEN", os.devnull))
CALLS: dict[str, int] = {}


def scheme(kind: str, **more: str) -> dict[str, str]:
    return {"type": kind, **more}


def parameter(name: str, place: str, kind: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": kind, **more}


OK = {"200": {"description": "as asked"}}
ORDER = {"type": "integer", "minimum": 1}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Payments", "version": "1"},
    "servers": [{"url": "/v1"}],
    "security": [{"bearer": []}, {"key": []}],
    "paths": {
        "/orders/{order id}": {
            "parameters": [parameter("order id", "path", ORDER, required=True)],
            "get": {
                "operationId": "order",
                "summary": "Look up an order",
                "parameters": [
                    parameter("fields", "query", {"type": "array", "items": {"type": "string"}}, explode=False),
                    parameter("filter", "query", {"type": "object"}, style="deepObject"),
                    parameter("X-Trace", "header", {"type": "string"}),
                    parameter("seen", "cookie", {"type": "boolean"}),
                ],
                "responses": OK,
            },
        },
        "/orders/{order id}/refunds": {
            "post": {
                "operationId": "refund",
                "parameters": [parameter("order id", "path", ORDER, required=True)],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refund"}}},
                },
                "responses": OK,
            }
        },
        "/answers/{status}": {
            "get": {
                "operationId": "answer",
                "security": [],
                "parameters": [parameter("status", "path", {"type": "integer"}, required=True)],
                "responses": OK,
            }
        },
        "/forms": {
            "post": {
                "operationId": "form",
                "security": [{"basic": []}],
                "requestBody": {
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {"type": "object", "properties": {"name": {"type": "string", "nullable": True}}}
                        }
                    }
                },
                "responses": OK,
            }
        },
    },
    "components": {
        "securitySchemes": {
            "bearer": scheme("http", scheme="bearer"),
            "basic": scheme("http", scheme="basic"),
            "key": {"type": "apiKey", "in": "query", "name": "api_key"},
        },
        "schemas": {
            "Money": {"type": "object", "properties": {"amount": {"type": "number", "minimum": 0, "exclusiveMinimum": True}}, "required": ["amount"]},
            "Refund": {
                "allOf": [
                    {"$ref": "#/components/schemas/Money"},
                    {"type": "object", "properties": {"reason": {"type": "string", "enum": ["lost", "late"]}, "id": {"type": "string", "readOnly": True}}},
                ]
            },
        },
    },
}  # fmt: skip


async def seen(request: Request) -> dict[str, Any]:
    said = {
        "method": request.method, "path": request.url.path, "query": request.url.query,
        "headers": {name: request.headers[name] for name in ("authorization", "x-trace", "cookie", "x-shop") if name in request.headers},
        "type": request.headers.get("content-type", ""), "body": (await request.body()).decode(),
    }  # fmt: skip
    written(said)
    return said


def written(said: dict[str, Any]) -> None:
    with SEEN.open("a", encoding="utf-8") as file:
        file.write(json.dumps(said) + "\n")


async def order(request: Request) -> Response:
    await seen(request)
    number = request.path_params["number"]
    return JSONResponse({"order": number, "status": "shipped", "total": 80.5})


async def refund(request: Request) -> Response:
    await seen(request)
    if not request.headers.get("authorization") and "api_key" not in request.query_params:
        return JSONResponse({"detail": "who are you"}, 401)
    return JSONResponse({"refunded": True}, 201)


async def answer(request: Request) -> Response:
    await seen(request)
    status = request.path_params["status"]
    CALLS[status] = CALLS.get(status, 0) + 1
    if status == "503" and CALLS[status] % 3 == 0:
        return PlainTextResponse("at last")
    if status == "204":
        return Response(status_code=204)
    if status == "302":
        return RedirectResponse("/v1/answers/200")
    if status == "408":
        await asyncio.sleep(30)
    if status == "600":
        return Response(b"x" * (5 * 1024 * 1024))
    return JSONResponse({"error": {"code": 1}, "message": f"this is {status}"}, int(status))


async def form(request: Request) -> Response:
    await seen(request)
    return PlainTextResponse("taken")


async def document(_: Request) -> Response:
    return JSONResponse(DOCUMENT)


ROUTES = [
    Route("/openapi.json", document),
    Route("/v1/orders/{number}", order),
    Route("/v1/orders/{number}/refunds", refund, methods=["POST"]),
    Route("/v1/answers/{status}", answer),
    Route("/v1/forms", form, methods=["POST"]),
]

if __name__ == "__main__":
    uvicorn.run(Starlette(routes=ROUTES), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
