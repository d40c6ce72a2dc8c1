"""`jurat services`: what a policy's services offer, and the files that say so when they cannot be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jurat.server.cli.shell import Exit, complain, console, policy_argument, working

if TYPE_CHECKING:
    from jurat.engine.remote.loading import Services
    from jurat.policies.model import ServiceDeclaration

EPILOG = """\b
Examples:
  jurat services                what the services of this policy offer
  jurat services --update       write the files named by `schema`
"""


@click.command(short_help="What MCP servers and OpenAPI services offer.", epilog=EPILOG)
@policy_argument
@click.option(
    "--update", is_flag=True, help="Write what the services say of themselves to the files named by `schema`."
)
def services(path: str, update: bool) -> int:
    """Reach the services of the policy at PATH and list what they offer, with the names of arguments.

    This is the one command that asks them beside those that start an agent. What `--update` writes is for `jurat
    check`, which asks nobody: argument types come from there. An agent does not start once a service says otherwise.
    """
    from jurat.engine.remote.loading import Services
    from jurat.policies.reader import read_service_declarations

    declared = read_service_declarations(path)
    if not declared:
        console().print("this policy has no services")
        return Exit.PASSED
    home = Path(path) if Path(path).is_dir() else Path(path).parent
    reached = Services(declared, home.resolve())
    try:
        with working(f"asking {len(declared)} services"):
            told = [_told(reached, each, update) for each in declared.values()]
    finally:
        reached.close()
    return Exit.PASSED if all(told) else Exit.WRONG_INPUT


def _told(reached: Services, service: ServiceDeclaration, update: bool) -> bool:
    """Say what one service offers; whether it could be reached."""
    from jurat.engine import ToolLoadError

    try:
        offered = reached.arguments(service)
        described = reached.description(service)
    except ToolLoadError as reason:
        complain(str(reason))
        return False
    lines = [f"{service.id} ({service.kind})"]
    lines += [f"  {name}({', '.join(arguments)})" for name, arguments in sorted(offered.items())]
    if service.schema:
        lines.append(f"  {_schema(reached.folder(service) / service.schema, described, update)}")
    console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    return True


def _schema(file: Path, described: dict[str, Any], update: bool) -> str:
    """Write the file where that is asked for, and say how it stands."""
    text = json.dumps(described, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    current = file.is_file() and file.read_text(encoding="utf-8") == text
    if current:
        return f"{file.name} says the same"
    if not update:
        return f"{file.name} " + ("says otherwise" if file.is_file() else "is missing") + "; --update writes it"
    file.write_text(text, encoding="utf-8")
    return f"{file.name} written"
