"""What the routes share: the policy's files to read and to change, and the shapes that bodies have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, Path
from fastapi.requests import HTTPConnection
from pydantic import Field

from jurat.policies import JuratError, PolicyError
from jurat.policies.diagnostics import near_miss
from jurat.policies.reader.shapes import ID
from jurat.server.api.auth import Caller, requires
from jurat.server.api.dependencies import Body, Text
from jurat.server.api.versions import NOT_ADMITTED, why_not
from jurat.server.policy_text import PolicyText
from jurat.server.refusals import Refusal
from jurat.server.sdk.ids import id_from
from jurat.server.versions import Files, NotInEffect, Versions

Reading = Annotated[Caller, requires("manage:read")]
Writing = Annotated[Caller, requires("manage:write")]
Composition = Literal["fluid", "canned_fluid", "composited_canned", "strict_canned"]
COMPOSITIONS: dict[Composition, str] = {
    "fluid": "fluid", "canned_fluid": "canned_fluid", "composited_canned": "composited", "strict_canned": "strict",
}  # fmt: skip
"""What the policy calls them."""

SessionId = Annotated[str, Path(alias="id")]
Made = TypeVar("Made")


class Names(Body):
    """Names to add to a list, and to take out of it."""

    add: list[Text] | None = None
    remove: list[Text] | None = None

    def applied(self, names: Iterable[str]) -> list[str]:
        """The list after that."""
        gone = set(self.remove or ())
        return list(dict.fromkeys([*(each for each in names if each not in gone), *(self.add or ())]))


class Labels(Body):
    """Labels to add, and to take away."""

    upsert: list[Text] | None = None
    remove: list[Text] | None = None

    def applied(self, labels: Iterable[str]) -> list[str]:
        """The labels after that, sorted."""
        return sorted({*labels, *(self.upsert or ())} - set(self.remove or ()))


class Values(Body):
    """Values to set by key, and keys to take away."""

    set_: dict[str, Any] | None = Field(default=None, alias="set")
    unset: list[str] | None = None

    def applied(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values after that."""
        gone = set(self.unset or ())
        return {key: value for key, value in {**values, **(self.set_ or {})}.items() if key not in gone}


class Workbench:
    """The policy in effect, to read and to change; each change is proved before it takes effect, and is whoever's asks."""

    def __init__(self, request: HTTPConnection) -> None:
        self._request = request
        self._versions: Versions = request.app.state.versions

    async def text(self) -> PolicyText:
        """What the policy in effect says; nobody may change it.

        Raises:
            StoreError: it cannot be read.
        """
        files, state = await self._versions.files(), self._request.app.state
        kept: tuple[Files, PolicyText] | None = getattr(state, "policy_text", None)
        if kept is None or kept[0] is not files:
            kept = state.policy_text = files, PolicyText(files)
        return kept[1]

    async def edit(self, change: Callable[[PolicyText], Made], comment: str) -> Made:
        """Change the policy: a new version, in effect once it is proved. What ``change`` returns.

        Raises:
            Refusal: it cannot be read or was not proved; nothing has changed then.
            StoreError: it cannot be stored.
        """
        try:
            return await self._versions.edit(_on_files(change), comment, self._request.state.caller.known_as)
        except NOT_ADMITTED as error:
            raise _with_details(error) from None

    async def prove(self, change: Callable[[PolicyText], Made]) -> Made:
        """Prove the policy with a change, which does not take effect. What ``change`` returns.

        Raises:
            Refusal: it cannot be read or was not proved.
            StoreError: the policy in effect cannot be read.
        """
        try:
            return await self._versions.prove(_on_files(change))
        except NOT_ADMITTED as error:
            raise _with_details(error) from None


def _on_files(change: Callable[[PolicyText], Made]) -> Callable[[Files], tuple[Files, Made]]:
    def changed(files: Files) -> tuple[Files, Made]:
        text = PolicyText(files)
        made = change(text)
        return text.files, made

    return changed


def _with_details(error: JuratError) -> Refusal:
    """Why not, with each fault in the list that the client looks for."""
    refusal = why_not(error)
    if isinstance(error, NotInEffect):
        faults = [(each["name"], each["message"]) for each in error.report["findings"] if not each.get("allowed")]
    elif isinstance(error, PolicyError):
        faults = [(each.code, str(each.message)) for each in error.diagnostics]
    else:
        faults = [(refusal.code, str(error))]
    details = [{"loc": ["policy"], "msg": message, "type": code} for code, message in faults]
    refusal.more = {**refusal.more, "detail": details}
    return refusal


async def _workbench(request: HTTPConnection) -> Workbench:
    return Workbench(request)


Bench = Annotated[Workbench, Depends(_workbench)]


def new_id(text: PolicyText, section: str, wanted: str | None, words: str, otherwise: str) -> str:
    """An id for something new: the one that is wanted, or one made of words.

    Raises:
        Refusal: it can be none, or is taken.
    """
    taken = set(text.section("guidelines")) | set(text.section("journeys"))
    taken = taken if section in ("guidelines", "journeys") else set(text.section(section))
    if wanted is None:
        return free_id(taken, id_from(words, otherwise))
    if not ID.fullmatch(wanted):
        message = f"`{wanted[:60]}` cannot be an id; ids have the letters A to Z, digits, `_` and `-`"
        raise Refusal(422, "id", message)
    if wanted in taken:
        raise Refusal(422, "taken", f"`{wanted[:60]}` is already the id of one of the {section}")
    return wanted


def free_id(taken: Iterable[str], wanted: str) -> str:
    """An id, or with the first number that makes it free."""
    known, number, found = set(taken), 1, wanted
    while found in known:
        number += 1
        found = f"{wanted}-{number}"
    return found


def missing(what: str, id_: str, known: Iterable[str] = ()) -> Refusal:
    """That there is no such thing."""
    close = near_miss(id_[:60], known)
    return Refusal(404, "unknown", f"there is no {what} `{id_[:60]}`" + (f"; {close}" if close else ""))


def unsupported(what: str, why: str) -> Refusal:
    """That something cannot be honoured, and so is refused rather than ignored."""
    return Refusal(422, "unsupported", f"{what} is not supported: {why}")


def shown_composition(body: Mapping[str, Any]) -> Composition | None:
    """How clients name what a policy says of phrasing; None where it says nothing."""
    return next((mode for mode, said in COMPOSITIONS.items() if said == body.get("composition")), None)


def compose(body: dict[str, Any], mode: Composition | None) -> None:
    """Have the policy say how replies are phrased; None leaves it as it was."""
    if mode is not None:
        body["composition"] = COMPOSITIONS[mode]


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a time."""
    return datetime.fromtimestamp(seconds, UTC)
