"""Relations between guidelines, journeys, their states and tags: who wins, who needs whom, who brings whom along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jurat.server.sdk import given
from jurat.server.sdk.calls import explained
from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.places import call_place
from jurat.server.sdk.starting import refuse_later
from jurat.server.sdk.tool import ToolEntry, check_tool


class Entity:
    """Whatever a relation can point at; ``ref`` is how a policy file names it."""

    document: Document
    ref: str


class _OfTag:
    """Those that carry a tag."""

    __slots__ = ("tag",)

    def __init__(self, *tags: Tag, tag: Tag | None = None) -> None:
        listed = [*tags, *([] if tag is None else [tag])]
        if len(listed) != 1 or not isinstance(listed[0], Tag):
            found = f"`{given.shown(listed[0])}`" if len(listed) == 1 else str(len(listed))
            raise SDKError(
                f"`{type(self).__name__}` is of one tag, not {found}; `depend_on` needs all that it names, `depend_on_any` one of them"
            )
        self.tag: Tag = listed[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.tag!r})"


class AllOf(_OfTag):
    """Every guideline and journey that carries the tag."""


class AnyOf(_OfTag):
    """At least one of those that carry the tag."""


Target = Entity | AllOf | AnyOf


@explained
class Related(Entity):
    """What relations can start from: ``section`` and ``id`` say where they are written down."""

    section: str
    id: str

    async def entail(self, *targets: Target, guideline: Target | None = None) -> None:
        """While this is in force, the targets are triggered without their own conditions; ``guideline`` is one more of them."""
        self._relate("entails", "entail", targets if guideline is None else (*targets, guideline))

    async def prioritize_over(self, *targets: Target) -> None:
        """While this is live, the targets are not in force."""
        self._relate("overrides", "prioritize_over", targets)

    async def exclude(self, *targets: Target) -> None:
        """Another name of :meth:`prioritize_over`."""
        self._relate("overrides", "exclude", targets)

    async def depend_on(self, *targets: Target) -> None:
        """Need all of the targets in force; of ``AnyOf(tag)`` at least one that carries the tag."""
        self._relate("requires", "depend_on", targets, any_tag=True)

    async def depend_on_any(self, *targets: Target) -> None:
        """Need at least one of the targets; every call is a group of its own, and all groups count."""
        refs = self.refs("depend_on_any", targets, any_tag=True)
        body = self._body()
        groups = body.setdefault("requires_any", [])
        if sorted(refs) in [sorted(group) for group in groups]:
            return
        groups.append(refs)
        self.document.said(self.section, self.id, "requires_any", len(groups) - 1, place=call_place())

    async def exclusive_with(self, *targets: Target) -> None:
        """Never both in force, which is proved."""
        self._relate("exclusive_with", "exclusive_with", targets)

    async def disambiguate(self, targets: list[Target] | tuple[Target, ...], *more: Target) -> None:
        """While two of the targets are live they are held back, and the customer is asked which is meant."""
        listed: list[Any] = (
            [targets] if isinstance(targets, Entity | AllOf | AnyOf) else given.sequence(targets, "`disambiguate`")
        )
        listed += more
        if len(listed) < 2 and not any(isinstance(each, Tag | AllOf | AnyOf) for each in listed):
            raise SDKError("`disambiguate` chooses between two targets or more, here it has fewer")
        self._relate("disambiguates", "disambiguate", tuple(listed))

    def _relate(self, kind: str, called: str, targets: tuple[Any, ...], *, any_tag: bool = False) -> None:
        refs = self.refs(called, targets, any_tag=any_tag)
        written = self._body().setdefault(kind, [])
        for ref in refs:
            if ref not in written:  # said twice is said once
                written.append(ref)
                self.document.said(self.section, self.id, kind, len(written) - 1, place=call_place())
        self.document.said(self.section, self.id, kind, place=call_place())

    def refs(self, called: str, targets: tuple[Any, ...], *, any_tag: bool) -> list[str]:
        """How a policy file names the targets of a relation.

        Raises:
            SDKError: one of them is none, or is this, or starts a journey that would not heed the relation.
        """
        if not targets:
            raise SDKError(f"`{called}` names at least one guideline, journey, state or tag")
        refs = [self._ref(called, each, any_tag) for each in targets]
        refuse_later(self.document, called, self.ref, refs)
        return list(dict.fromkeys(refs))

    def _ref(self, called: str, target: Any, any_tag: bool) -> str:
        if isinstance(target, AnyOf) and not any_tag:
            raise SDKError(f"`{called}`: `AnyOf` belongs to `depend_on` and `depend_on_any`; name the tag itself")
        entity = target.tag if isinstance(target, AllOf | AnyOf) else target
        if not isinstance(entity, Entity):
            raise SDKError(f"`{called}`: `{given.shown(target)}` is no guideline, journey, state or tag")
        if entity.document is not self.document:
            raise SDKError(f"`{called}`: `{entity.ref}` belongs to another server")
        if entity is self and not isinstance(self, Tag):
            raise SDKError(f"`{called}`: `{self.id}` cannot be related to itself")
        return f"any:{entity.ref.removeprefix('tag:')}" if isinstance(target, AnyOf) else entity.ref

    def _body(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document.sections[self.section][self.id]
        return found


@dataclass(frozen=True, slots=True)
class PreambleTag:
    """The tag of canned responses that are said while tools run."""


@explained
class Tag(Related):
    """A name that guidelines and journeys carry; its relations are those of each of them."""

    section = "tags"

    def __init__(self, document: Document, name: str) -> None:
        self.document = document
        self.id = self.name = name
        self.ref = f"tag:{name}"
        self.reevaluated: list[str] = []

    def __repr__(self) -> str:
        return f"Tag({self.name!r})"

    @staticmethod
    def preamble() -> PreambleTag:
        """The tag of canned responses of which one is said while tools run."""
        return PreambleTag()

    async def reevaluate_after(self, *tools: ToolEntry) -> None:
        """Judge the conditions of all that carry the tag again after any of these tools has run."""
        names = reevaluating(self.document, tools)
        self.reevaluated += [name for name in names if name not in self.reevaluated]
        self.document.said(self.section, self.id, place=call_place())


def tool_names(document: Document, tools: Any, what: str) -> list[str]:
    """The ids of tools, each now declared.

    Raises:
        SDKError: one that is no tool, or whose name another tool has.
    """
    return [declare_tool(document, check_tool(each, what)) for each in tools]


def reevaluating(document: Document, tools: Any) -> list[str]:
    """The ids of the tools after which something is judged again.

    Raises:
        SDKError: there are none, or one that is no tool.
    """
    if not tools:
        raise SDKError("`reevaluate_after` names at least one tool")
    return tool_names(document, tools, "`reevaluate_after`")


def declare_tool(document: Document, tool: ToolEntry) -> str:
    """Declare a tool unless it is declared; its id."""
    known = document.tools.get(tool.name)
    if known is not None and known is not tool:
        raise SDKError(f"two tools are called `{tool.name}`; give one of them another with `@p.tool(name=…)`")
    if known is None:
        document.tools[tool.name] = tool
        document.add("tools", tool.name, tool.body(), tool.place)
    return tool.name


def tag_names(document: Document, tags: Any, what: str = "`tags`") -> list[str]:
    """The names of tags, which may also be given as texts, each now declared."""
    names: list[str] = []
    for each in given.sequence(tags, what):
        name = each.name if isinstance(each, Tag) else given.text(each, f"each item of {what}")
        if isinstance(each, Tag) and each.document is not document:
            raise SDKError(f"{what}: the tag `{name}` belongs to another server")
        if name not in document.sections["tags"]:
            document.add("tags", name, {})
        names.append(name)
    return list(dict.fromkeys(names))
