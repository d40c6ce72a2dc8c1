"""From a policy's files to a program, and the proof that the program declares that policy."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jurat.policies import JuratError, PolicyError, build_graph, read_policy
from jurat.server.programs.nodes import Unsayable, sections_of
from jurat.server.programs.writing import Program

if TYPE_CHECKING:
    from jurat.server.sdk.server import Server


def program_of(source: str | os.PathLike[str] | Mapping[str, str], folder: Path, name: str = "a policy") -> str:
    """The program that declares a policy, to stand in a folder.

    It is run once, up to where all is declared; what it declares has the digest of the policy.

    Raises:
        PolicyError: the policy cannot be read.
        Unsayable: it says something that a program cannot say; the text names it.
    """
    policy = read_policy(source)
    text = Program(sections_of(source), policy, folder).text(name)
    if _digest(text) != build_graph(policy).digest:
        raise Unsayable("a program would declare another policy than this one; please report it, with the policy")
    return text


def declared_in(text: str) -> Server:
    """The server of a program that was written here, with all that it declares.

    Raises:
        SDKError: it declares something that cannot be.
    """
    from jurat.server.sdk.running import declared_by

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent.py"
        path.write_text(text, encoding="utf-8")
        server = declared_by(str(path))
    assert server is not None, "the program has a server"
    return server


def _digest(text: str) -> str:
    try:
        return build_graph(declared_in(text).policy).digest
    except PolicyError as error:
        raise Unsayable(f"a program cannot say this yet: {error.diagnostics[0].message}") from error
    except JuratError as error:
        raise Unsayable(f"a program cannot say this yet: {error}") from error
