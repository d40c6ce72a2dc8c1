"""The versions of the policy; served where there is a folder for the tools of new ones."""

from __future__ import annotations

import posixpath
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field, StringConstraints

from jurat.engine.errors import ToolLoadError
from jurat.engine.store import Version
from jurat.policies import JuratError, PolicyError
from jurat.policies.diagnostics import near_miss
from jurat.policies.reader.documents import MAPPINGS
from jurat.policies.rendering import as_json as diagnostics_as_json
from jurat.server.api.auth import Caller, requires
from jurat.server.api.dependencies import Body, Served, Shown
from jurat.server.api.errors import errors
from jurat.server.editing import EditRefused
from jurat.server.refusals import Refusal
from jurat.server.service import Service
from jurat.server.version_files import FilesRefused
from jurat.server.versions import NotInEffect, NotThere, Versions

ROUTER = APIRouter(tags=["versions"])
Comment = Annotated[str, StringConstraints(max_length=2_000)]
Number = int


class NewVersion(Body):
    """A new version: one text, texts by the names of their files, or the version in effect with parts of it changed.

    ``change`` has parts by section and id, each as a policy file has it, or null to take it out; ``of`` is the number of the
    version that must be in effect for that.
    """

    policy: str | None = None
    files: dict[str, str] | None = None
    change: dict[str, dict[str, Any]] | None = None
    of: Annotated[int, Field(ge=1)] | None = None
    comment: Comment = ""


class RollBack(Body):
    """Why a version is put in effect again."""

    comment: Comment = ""


class VersionShown(Shown):
    """A version in one line; ``at`` is in seconds since 1970, ``status`` that of its check.

    ``author`` is who sent it: the name of a key, or the subject of a token; null for one that was not sent, or from before that
    was noted.
    """

    number: int
    active: bool
    digest: str
    origin: str
    at: float
    comment: str
    author: str | None
    status: str | None
    guidelines: int | None
    obligations: int | None


class WholeVersion(VersionShown):
    """A version with its files and the report of its check (docs/reports.md)."""

    files: dict[str, str]
    report: dict[str, Any]


class Effect(Shown):
    """That a version took effect; ``author`` is who wanted that."""

    version: int
    at: float
    comment: str
    author: str | None


class VersionsShown(Shown):
    """All versions, newest first, and what took effect when."""

    active: int | None
    versions: list[VersionShown]
    activations: list[Effect]


async def _versions(request: Request) -> Versions:
    versions: Versions = request.app.state.versions
    return versions


Kept = Annotated[Versions, Depends(_versions)]
Reading = Annotated[Caller, requires("policy:read")]
Writing = Annotated[Caller, requires("policy:write")]


@ROUTER.get("/versions", response_model=VersionsShown)
async def list_(service: Served, versions: Kept, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """All versions, newest first, and what took effect when."""
    active = await versions.active()
    effects = [asdict(each) for each in await service.store.activations()]
    shown = [in_line(each, active) for each in await service.store.versions()]
    return {"active": active, "versions": shown, "activations": effects}


@ROUTER.get("/versions/{number}", response_model=WholeVersion, responses=errors(404))
async def show(number: Number, service: Served, versions: Kept, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One, with its files and its report."""
    version = await version_of(service, number)
    shown = in_line(version, await versions.active())
    return {**shown, "files": dict(version.files), "report": dict(version.report)}


@ROUTER.post("/versions", status_code=201, response_model=VersionShown, responses=errors(409))
async def add(given: NewVersion, versions: Kept, caller: Writing) -> dict[str, Any]:
    """A new one, which takes effect once it is proved."""
    try:
        version = await _added(given, versions, caller.known_as)
    except NOT_ADMITTED as error:
        raise why_not(error) from None
    except NotThere as error:
        raise Refusal(409, "other-version", str(error)) from None
    return in_line(version, version.number)


@ROUTER.get("/versions/{number}/diff", responses=errors(404))
async def diff(
    number: Number, service: Served, versions: Kept, caller: Reading, against: int | None = None  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """What it does otherwise than another one, the one before it if left out."""
    after = await version_of(service, number)
    before = await version_of(service, after.number - 1 if against is None else against)
    found = await versions.compared(before, after)
    if found is None:
        raise Refusal(503, "late", "the comparison was not done in time; `jurat diff` has no limit")
    return found


@ROUTER.post("/versions/{number}/rollback", response_model=VersionShown, responses=errors(404))
async def roll_back(
    number: Number, given: RollBack, service: Served, versions: Kept, caller: Writing
) -> dict[str, Any]:  # fmt: skip
    """Put one in effect again."""
    version = await version_of(service, number)
    try:
        await versions.roll_back(version, given.comment, caller.known_as)
    except NOT_ADMITTED as error:
        raise why_not(error) from None
    return in_line(version, version.number)


async def version_of(service: Service, number: int) -> Version:
    """A version by its number.

    Raises:
        Refusal: there is none.
    """
    found = await service.store.version(number)
    if found is None:
        raise Refusal(404, "unknown", f"there is no version {number}")
    return found


def in_line(version: Version, active: int | None) -> dict[str, Any]:
    """A version for :class:`VersionShown`."""
    report = version.report
    return {
        "number": version.number,
        "active": version.number == active,
        "digest": version.digest,
        "origin": version.origin,
        "at": version.at,
        "comment": version.comment,
        "author": version.author,
        "status": report.get("status"),
        "guidelines": report.get("guidelines"),
        "obligations": report.get("obligations"),
    }


def _files(given: NewVersion) -> dict[str, str]:
    if (given.policy is None) is (given.files is None):
        raise Refusal(422, "malformed", "give one of `policy`, a text, and `files`, texts by name")
    if given.files is None:
        return {"policy.yaml": given.policy or ""}
    return {_name(name): text for name, text in given.files.items()}


def _name(name: str) -> str:
    plain = posixpath.normpath(name)
    if not name.endswith((".yaml", ".yml")) or plain != name or name.startswith(("/", "..")) or "\\" in name:
        raise Refusal(422, "malformed", f"`{name[:60]}` is no name of a policy file, such as `refunds.yaml`")
    return name


def _change(given: NewVersion) -> dict[str, dict[str, Any]]:
    for section, parts in (given.change or {}).items():
        if section not in MAPPINGS:
            advice = near_miss(section, MAPPINGS)
            message = f"`{section[:60]}` is no section of parts with ids" + (f"; {advice}" if advice else "")
            raise Refusal(422, "malformed", message)
        if not parts:
            raise Refusal(422, "malformed", f"`{section}` is a mapping of ids to what they are, or to null")
    if not given.change:
        raise Refusal(422, "malformed", "`change` changes nothing")
    return given.change


async def _added(given: NewVersion, versions: Versions, author: str | None) -> Version:
    if given.change is None and given.of is None:
        return await versions.add(_files(given), given.comment, author)
    if given.policy is not None or given.files is not None:
        raise Refusal(422, "malformed", "give one of `policy`, `files` and `change`")
    return await versions.change(_change(given), given.comment, given.of, author)


NOT_ADMITTED = (PolicyError, NotInEffect, ToolLoadError, FilesRefused, EditRefused)
"""Why a version does not take effect."""


def why_not(error: JuratError) -> Refusal:
    """Why a version did not take effect, with all that was found."""
    if isinstance(error, NotInEffect):
        return Refusal(422, "not-proved", str(error), more={"report": dict(error.report)})
    if isinstance(error, PolicyError):
        message = "the policy cannot be read, so the old one stays in effect"
        return Refusal(422, "unreadable", message, more={"errors": diagnostics_as_json(error.diagnostics)})
    if isinstance(error, FilesRefused | EditRefused):
        code = "files" if isinstance(error, FilesRefused) else "change"
        return Refusal(422, code, f"{error}, so the old version stays in effect")
    return Refusal(422, "tools", f"a tool cannot be loaded, so the old version stays in effect: {error}")
