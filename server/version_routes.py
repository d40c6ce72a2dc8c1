"""The versions of the policy over HTTP."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from jurat.engine.errors import ToolLoadError
from jurat.engine.store import Store, Version
from jurat.policies import PolicyError
from jurat.policies.diagnostics import near_miss
from jurat.policies.reader.documents import MAPPINGS
from jurat.policies.rendering import as_json as diagnostics_as_json
from jurat.server.editing import EditRefused
from jurat.server.requests import Refusal, mapping_of, read_object
from jurat.server.version_files import FilesRefused
from jurat.server.versions import NotInEffect, NotThere, Versions

POLICY_BYTES = 8 * 1024 * 1024
COMMENT_CHARACTERS = 2_000


class VersionRoutes:
    """The handlers."""

    def __init__(self, versions: Versions, store: Store) -> None:
        self._versions = versions
        self._store = store

    def routes(self) -> list[Route]:
        """What is answered."""
        return [
            Route("/versions", self.list),
            Route("/versions", self.add, methods=["POST"]),
            Route("/versions/{number:int}", self.show),
            Route("/versions/{number:int}/diff", self.diff),
            Route("/versions/{number:int}/rollback", self.roll_back, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """All versions, newest first, and what took effect when."""
        active = await self._versions.active()
        shown = [_shown(each, active) for each in await self._store.versions()]
        effects = [
            {"version": each.version, "at": each.at, "comment": each.comment}
            for each in await self._store.activations()
        ]
        return JSONResponse({"active": active, "versions": shown, "activations": effects})

    async def show(self, request: Request) -> Response:
        """One, with its files and its report."""
        version = await self._version(request.path_params["number"])
        shown = _shown(version, await self._versions.active())
        return JSONResponse({**shown, "files": dict(version.files), "report": dict(version.report)})

    async def add(self, request: Request) -> Response:
        """A new one: ``{"policy": text}``, ``{"files": {name: text}}``, or ``{"change": {section: {id: body}}}`` of the one in effect;
        and a ``comment``.
        """
        content = await read_object(request, ("policy", "files", "change", "of", "comment"), POLICY_BYTES)
        try:
            version = await self._added(content)
        except (PolicyError, NotInEffect, ToolLoadError, FilesRefused, EditRefused) as error:
            return _refused(error)
        except NotThere as error:
            raise Refusal(409, "other-version", str(error)) from None
        return JSONResponse(_shown(version, version.number), 201)

    async def _added(self, content: Mapping[str, Any]) -> Version:
        comment = _comment(content)
        if "change" not in content and "of" not in content:
            return await self._versions.add(_files(content), comment)
        if {"policy", "files"} & content.keys():
            raise Refusal(422, "malformed", "give one of `policy`, `files` and `change`")
        return await self._versions.change(_change(content), comment, _of(content))

    async def diff(self, request: Request) -> Response:
        """What it does otherwise than another one, ``?against=``, the one before it if left out."""
        after = await self._version(request.path_params["number"])
        against = request.query_params.get("against", str(after.number - 1))
        if not against.isdecimal():
            raise Refusal(422, "malformed", "`against` is the number of a version")
        found = await self._versions.compared(await self._version(int(against)), after)
        if found is None:
            raise Refusal(503, "late", "the comparison was not done in time; `jurat diff` has no limit")
        return JSONResponse(found)

    async def roll_back(self, request: Request) -> Response:
        """Put one in effect again."""
        content = await read_object(request, ("comment",))
        version = await self._version(request.path_params["number"])
        try:
            await self._versions.roll_back(version, _comment(content))
        except (PolicyError, NotInEffect, ToolLoadError) as error:
            return _refused(error)
        return JSONResponse(_shown(version, version.number))

    async def _version(self, number: int) -> Version:
        found = await self._store.version(number)
        if found is None:
            raise Refusal(404, "unknown", f"there is no version {number}")
        return found


def _shown(version: Version, active: int | None) -> dict[str, Any]:
    report = version.report
    return {
        "number": version.number,
        "active": version.number == active,
        "digest": version.digest,
        "origin": version.origin,
        "at": version.at,
        "comment": version.comment,
        "status": report.get("status"),
        "guidelines": report.get("guidelines"),
        "obligations": report.get("obligations"),
    }


def _files(content: Mapping[str, Any]) -> dict[str, str]:
    if ("policy" in content) is ("files" in content):
        raise Refusal(422, "malformed", "give one of `policy`, a text, and `files`, texts by name")
    if "policy" in content:
        return {"policy.yaml": _text(content["policy"], "policy")}
    return {_name(name): _text(text, "files") for name, text in mapping_of(dict(content), "files").items()}


def _change(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The parts that are to be otherwise, by section and id."""
    found = mapping_of(dict(content), "change")
    for section, parts in found.items():
        if section not in MAPPINGS:
            advice = near_miss(section, MAPPINGS)
            raise Refusal(
                422,
                "malformed",
                f"`{section[:60]}` is no section of parts with ids" + (f"; {advice}" if advice else ""),
            )
        if not isinstance(parts, dict) or not parts:
            raise Refusal(422, "malformed", f"`{section}` is a mapping of ids to what they are, or to null")
    if not found:
        raise Refusal(422, "malformed", "`change` changes nothing")
    return dict(found)


def _of(content: Mapping[str, Any]) -> int | None:
    of = content.get("of")
    if of is not None and (not isinstance(of, int) or isinstance(of, bool) or of < 1):
        raise Refusal(422, "malformed", "`of` is the number of a version")
    return of


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise Refusal(422, "malformed", f"`{field}` has something in it that is no text")
    return value


def _name(name: str) -> str:
    plain = posixpath.normpath(name)
    if not name.endswith((".yaml", ".yml")) or plain != name or name.startswith(("/", "..")) or "\\" in name:
        raise Refusal(422, "malformed", f"`{name[:60]}` is no name of a policy file, such as `refunds.yaml`")
    return name


def _comment(content: Mapping[str, Any]) -> str:
    comment = content.get("comment", "")
    if not isinstance(comment, str) or len(comment) > COMMENT_CHARACTERS:
        raise Refusal(422, "malformed", f"`comment` is a text of at most {COMMENT_CHARACTERS} characters")
    return comment


def _refused(error: PolicyError | NotInEffect | ToolLoadError | FilesRefused | EditRefused) -> Response:
    """Why a version did not take effect, with all that was found."""
    if isinstance(error, NotInEffect):
        body = {**Refusal(422, "not-proved", str(error)).as_json(), "report": dict(error.report)}
    elif isinstance(error, PolicyError):
        message = "the policy cannot be read, so the old one stays in effect"
        body = {**Refusal(422, "unreadable", message).as_json(), "errors": diagnostics_as_json(error.diagnostics)}
    elif isinstance(error, EditRefused):
        body = Refusal(422, "change", f"{error}, so the old version stays in effect").as_json()
    elif isinstance(error, FilesRefused):
        body = Refusal(422, "files", f"{error}, so the old version stays in effect").as_json()
    else:
        body = Refusal(422, "tools", f"a tool cannot be loaded, so the old version stays in effect: {error}").as_json()
    return JSONResponse(body, 422)
