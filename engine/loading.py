"""Finding what a policy's tools name: functions in the policy's own folder, and what its services offer.

The folder becomes a package under a private name, so that two policies may each have a ``tools.py``, nothing of the
folder shadows an installed package, and the files import each other relatively (``from . import orders``).
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from jurat.engine.errors import ToolLoadError
from jurat.engine.tools import Tool, tool_of
from jurat.policies.diagnostics import near_miss
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import ToolDeclaration

if TYPE_CHECKING:
    from jurat.engine.remote.loading import Services


def load_tools(
    graph: PolicyGraph,
    folder: str | Path,
    *,
    known: Mapping[str, Tool] = MappingProxyType({}),
    folders: Mapping[str, Path] = MappingProxyType({}),
) -> tuple[dict[str, Tool], Services | None]:
    """The tools of a policy by id, and the services that some of them run on, to be closed at the end.

    ``known`` are there already, ``folders`` are those of tools whose files are not in ``folder``.

    Raises:
        ToolLoadError: everything that cannot be found, imported, reached or understood.
    """
    home = Path(folder).resolve()
    services = _services(graph, home)
    found: dict[str, Tool] = dict(known)
    faults: list[str] = []
    for declaration in graph.vocabulary.tools.values():
        if declaration.id in known:
            continue
        try:
            if declaration.kind == "python":
                found[declaration.id] = _tool(declaration, Path(folders.get(declaration.id, home)).resolve())
            elif services is not None and declaration.kind != "implicit":
                found[declaration.id] = services.tool(declaration)
        except ToolLoadError as fault:
            faults.append(str(fault))
    if faults:
        if services is not None:
            services.close()
        raise ToolLoadError("\n".join(dict.fromkeys(faults)))
    return found, services


def _services(graph: PolicyGraph, folder: Path) -> Services | None:
    if all(each.kind in ("python", "implicit") for each in graph.vocabulary.tools.values()):
        return None
    from jurat.engine.remote.loading import Services

    return Services(graph.vocabulary.services, folder)


def _tool(declaration: ToolDeclaration, folder: Path) -> Tool:
    module_name, _, function_name = declaration.target.partition(":")
    module = _imported(declaration, folder, module_name)
    function: Any = module
    for name in function_name.split("."):
        if not hasattr(function, name):
            hint = near_miss(name, [each for each in vars(function) if not each.startswith("_")])
            advice = f"; {hint}" if hint else ""
            raise _fault(declaration, f"`{module_name}` has no function `{function_name}`{advice}")
        function = getattr(function, name)
    if isinstance(known := getattr(function, "tool", None), Tool):  # a program that declares agents made a tool of it
        return replace(known, id=declaration.id, description=declaration.description or known.description)
    if not callable(function):
        raise _fault(declaration, f"`{declaration.target}` is not a function")
    return tool_of(declaration.id, function, declaration.description)


def _imported(declaration: ToolDeclaration, folder: Path, name: str) -> ModuleType:
    path = folder.joinpath(*name.split("."))
    if not path.with_suffix(".py").is_file() and not (path / "__init__.py").is_file():
        known = [each.stem for each in folder.glob("*.py")]
        hint = near_miss(name, known)
        raise _fault(declaration, f"there is no `{name}.py` beside the policy" + (f"; {hint}" if hint else ""))
    package = _package(folder)
    try:
        return importlib.import_module(f"{package}.{name}")
    except Exception as reason:  # the author's module may raise anything, and all of it is one clear error
        _forget(f"{package}.{name}")
        raise _fault(declaration, f"importing `{name}` failed: {_told(reason, folder)}") from reason


def _package(folder: Path) -> str:
    """The private name of a folder's package, made on first use."""
    name = "_jurat_tools_" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    if name not in sys.modules:
        package = ModuleType(name, "The tools of one policy.")
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    return name


def _forget(name: str) -> None:
    for each in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
        del sys.modules[each]


def _told(reason: Exception, folder: Path) -> str:
    lines = "; ".join(_lines(reason, folder))
    if isinstance(reason, ModuleNotFoundError) and reason.name and (folder / f"{reason.name}.py").is_file():
        return f"{lines}; it stands beside the policy, so write `from . import {reason.name}`"
    return lines


def _lines(reason: Exception, folder: Path) -> Iterator[str]:
    text = str(reason).splitlines()
    yield text[0] if text else "it raised an error without a text"
    place = reason.__traceback__
    last = None
    while place is not None:
        if Path(place.tb_frame.f_code.co_filename).is_relative_to(folder):
            last = place
        place = place.tb_next
    if last is not None:
        yield f"line {last.tb_lineno} of `{Path(last.tb_frame.f_code.co_filename).relative_to(folder)}`"


def _fault(declaration: ToolDeclaration, message: str) -> ToolLoadError:
    return ToolLoadError(f"{declaration.span}: tool `{declaration.id}`: {message}")
