"""Tools whose code stands elsewhere: in a file that is named, on an MCP server, on a service with an OpenAPI document.

They are looked up when the server is about to answer, not when they are declared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jurat.engine.tools import Traits
from jurat.policies.reader.shapes import ID
from jurat.server.sdk import given
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.places import call_place
from jurat.server.sdk.tool import ToolEntry, traits_of
from jurat.server.sdk.types import type_body

NOWHERE = ""
"""The kind of a tool that is only named, because nobody has written it yet."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ToolElsewhere(ToolEntry):
    """A tool by where it is: ``target`` as a policy file writes it, ``folder`` where its files are. One that is only named has no
    ``kind``.
    """

    kind: str
    target: str
    folder: Path
    about: str = ""

    @property
    def function(self) -> Callable[..., Any]:
        """There is none here."""
        where = f"elsewhere (`{self.target}`)" if self.kind else "only named"
        raise SDKError(f"the tool `{self.name}` is {where}, and no function of this program")

    @property
    def description(self) -> str:
        """What the model is told of the tool, where that is said here."""
        return self.about

    def _where(self) -> dict[str, Any]:
        return {self.kind: self.target} if self.kind else {}


def tool_of(
    name: str,
    *,
    python: str | None = None,
    mcp: str | None = None,
    openapi: str | None = None,
    folder: str | Path = ".",
    parameters: Mapping[str, Any] | None = None,
    consequential: bool = False,
    guard: str | None = None,
    limits: str | None = None,
    provides: Mapping[str, Any] | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    idempotent: bool = False,
    retries: int | None = None,
    allow: Mapping[str, str] | None = None,
) -> ToolElsewhere:
    """A tool by where it is: ``python`` is ``module:function`` in a file of ``folder``, ``mcp`` is ``service/tool`` and ``openapi``
    ``service#operation`` of a service that `create_service` declares, or ``document#operation`` of a document in ``folder``.

    ``folder`` is as seen from the folder of the program. ``parameters`` are the types of arguments by name, for formulas that
    speak of them. The rest is as for :func:`tool`. A tool of which only the name is given is one that nobody has written yet: calls
    of it fail, and all tools of the program are of this kind then.

    Raises:
        SDKError: it is several of these, or a parameter is wrong.
    """
    targets = {"python": python, "mcp": mcp, "openapi": openapi}
    said = [kind for kind, target in targets.items() if target is not None]
    if len(said) > 1:
        raise SDKError(f"the tool `{name}` is one of `python`, `mcp` and `openapi`, not {' and '.join(said)}")
    if not ID.fullmatch(given.text(name, "the name of a tool")):
        raise SDKError(f"`{name}` cannot name a tool; such a name has the letters A to Z, digits, `_` and `-`")
    types = given.mapping(parameters or {}, "`parameters`")
    return ToolElsewhere(
        name=name, tool=None, place=call_place(), consequential=given.flag(consequential, "`consequential`"),
        guard=given.optional_text(guard, "`guard`"), limits=given.optional_text(limits, "`limits`"),
        provides=given.mapping(provides or {}, "`provides`"), metadata=given.mapping(metadata or {}, "`metadata`"),
        traits=traits_of(Traits(), timeout, idempotent, retries), allow=given.mapping(allow or {}, "`allow`"),
        types={key: type_body(each, f"the parameter `{key}`") for key, each in types.items()},
        kind=said[0] if said else NOWHERE, target=given.text(targets[said[0]], f"`{said[0]}`") if said else "",
        folder=_folder(folder),
        about=given.optional_text(description, "`description`") or "",
    )  # fmt: skip


def _folder(said: str | Path) -> Path:
    """A folder as seen from the program."""
    frame = sys._getframe(2)  # noqa: SLF001 - who declares it says what it is relative to
    program = frame.f_globals.get("__file__")
    return (Path(program).parent if program else Path()) / said
