"""A program's policy where clients may change it: as text, beside the tools of the program.

What clients change stays while the program runs, whatever it declares later; it begins anew with the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jurat.engine import Toolbox
from jurat.engine.errors import ToolLoadError
from jurat.engine.store import Store
from jurat.policies import PolicyGraph, load
from jurat.server.opening import Agent as Opened
from jurat.server.policy_text import PolicyText, agents_of
from jurat.server.sdk.errors import NotStarted
from jurat.server.sdk.opening import toolbox_of_program
from jurat.server.versions import Chosen, Files, put_in_effect

if TYPE_CHECKING:
    from jurat.server.sdk.server import Server

NAME = "policy.yaml"
PROGRAM = "program"
"""Where a version comes from that a program has declared."""

Overlay = dict[tuple[str, str], Any]
"""What is to stand in the place of an entry of a section; None where it is to be gone."""


class Publishing:
    """The versions of a program's policy."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.home = Path()

    def files(self) -> Files:
        """What is declared by now, with what clients have changed."""
        return {NAME: self._server.as_yaml()}

    def toolbox(self, graph: PolicyGraph) -> Toolbox:
        """The tools of the program; a version may name fewer.

        Raises:
            ToolLoadError: one that is elsewhere cannot be reached.
        """
        entries = self._server.document.tools
        named = {id_: each for id_, each in entries.items() if id_ in graph.vocabulary.tools}
        try:
            return toolbox_of_program(graph, named)
        except NotStarted as error:
            raise ToolLoadError(str(error)) from error

    def taken(self, graph: PolicyGraph, files: Files) -> None:
        """Keep what is not as the program declares it, and know the agents."""
        self._server.overlay = difference({NAME: self._server.as_declared()}, files)
        self._server.meet(graph)

    async def publish(self, agent: Opened, store: Store) -> None:
        """Store what is served as the version in effect, unless it is."""
        active = await store.activations(1)
        version = await store.version(active[0].version) if active else None
        if version is None or version.digest != agent.graph.digest or dict(version.files) != dict(self.files()):
            given = Chosen(load(self.files()), self.files())
            await put_in_effect(store, given, agent.report, PROGRAM)


def difference(before: Files, after: Files) -> Overlay:
    """The entries that are otherwise after than before, section by section."""
    one, other = PolicyText(before), PolicyText(after)
    found: Overlay = {}
    for section in ("agents", "guidelines", "journeys", "replies", "tags"):
        old, new = _entries(one, section), _entries(other, section)
        found |= {(section, id_): new.get(id_) for id_ in {**old, **new} if old.get(id_) != new.get(id_)}
    return found


def overlaid(content: dict[str, Any], overlay: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    """The sections with what clients have changed."""
    found = dict(content)
    for (section, id_), body in overlay.items():
        entries = {**found.get(section, {}), id_: body}
        found[section] = {name: each for name, each in entries.items() if each is not None}
        if not found[section]:
            del found[section]
    return found


def _entries(text: PolicyText, section: str) -> dict[str, Any]:
    return agents_of(text) if section == "agents" else text.section(section)
