"""The options that say which model is asked and what runs it, the same for every command that asks one."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from jurat.server.cli.shell import Command, Refused, remark, require_extra, working

if TYPE_CHECKING:
    import asyncio

    from jurat.llm import Backend
    from jurat.llm.backends.opening import Choice, Kind

KINDS = ("embedded", "packed", "vllm", "server", "cassette")


_IN_16_BITS = {
    "packed": (
        "torch",
        (
            "the packed scorer needs torch and transformers: `pip install 'jurat[packed]'` brings them, and `make vllm` builds "
            "an environment with them"
        ),
    ),
    "vllm": (
        "vllm",
        (
            "vLLM is not installed here; `make vllm` builds an environment with it, and for CUDA "
            "`pip install 'jurat[vllm]'` brings it"
        ),
    ),
}
"""Backends that run a folder of weights, the module that each needs, and what to say where it is missing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say; `backend` is None where nothing was said of it.

    `embeddings` is the address of the embedding model of a shortcut, `embedding_model` its name there.
    """

    backend: Kind | None = None
    model: str | None = None
    url: str | None = None
    cassette: str | None = None
    embeddings: str | None = None
    embedding_model: str | None = None

    @property
    def said(self) -> bool:
        """Whether any of the options was given."""
        return any((self.backend, self.model, self.url, self.cassette))

    @property
    def kind(self) -> Kind:
        """What runs the model: an address says that it is a server."""
        return self.backend or ("server" if self.url else "embedded")


def model_options(command: Command) -> Command:
    """Adds the options; the command gets them as one argument, `asked`."""

    @functools.wraps(command)
    def gathered(
        *args: Any, backend: Kind | None, model: str | None, url: str | None, cassette: str | None, **rest: Any
    ) -> Any:
        return command(*args, asked=Asked(backend, model, url, cassette), **rest)

    options = [
        click.option(
            "--backend",
            type=click.Choice(KINDS),
            help="What runs the model: llama.cpp, our packed scorer or vLLM in this process, a server, or a recording.  [default: embedded]",
        ),
        click.option(
            "--model",
            metavar="NAME|PATH",
            help="A model by name (jurat models list), a GGUF file, a folder for packed and vllm, or a server's name for it.",
        ),
        click.option(
            "--url",
            metavar="URL",
            help="A server with OpenAI's API, such as vLLM's. Its key comes from JURAT_SERVER_KEY.",
        ),
        click.option(
            "--cassette",
            metavar="FILE",
            type=click.Path(dir_okay=False),
            help="Record the model's answers into FILE; with --backend cassette, replay them instead.",
        ),
    ]
    found = cast("Command", gathered)
    for option in reversed(options):
        found = option(found)
    return found


def open_backend(asked: Asked, run: asyncio.Runner) -> Backend:
    """The backend that the options ask for, ready to answer, with progress and what it lacks on standard error."""
    from jurat.llm.backends.opening import opened

    choice = choice_of(asked)
    with working(_doing(choice)):
        backend = run.run(opened(choice))
    tell_note(backend)
    return backend


def tell_note(backend: Backend) -> None:
    """Say what the backend lacks, if anything, on standard error."""
    from jurat.llm.protocol import Noted

    if isinstance(backend, Noted) and backend.note:
        remark(backend.note)


def choice_of(asked: Asked) -> Choice:
    """What the options ask for; a model that is not here is downloaded, with progress on standard error."""
    from jurat.llm.backends.opening import Choice

    require_sense(asked)
    return Choice(asked.kind, _model(asked), asked.url, Path(asked.cassette) if asked.cassette else None)


def require_sense(asked: Asked) -> None:
    """Refuse options that contradict each other, before anything long."""
    if asked.kind == "server" and not asked.url:
        raise Refused("a server is asked at its address; give --url, such as http://localhost:8000")
    if asked.kind != "server" and asked.url:
        raise Refused(f"--url is the address of a server, and the backend is `{asked.kind}`; leave one of them out")
    if asked.kind == "cassette" and not asked.cassette:
        raise Refused("a recording is replayed from its file; give --cassette FILE")
    if asked.kind == "cassette" and asked.model:
        raise Refused("a recording says itself which model it is of; leave --model out")


def _model(asked: Asked) -> Path | str | None:
    if asked.kind == "embedded":
        return model_file(asked.model)
    if asked.kind in _IN_16_BITS:
        module, missing = _IN_16_BITS[asked.kind]
        if find_spec(module) is None:
            raise Refused(missing)
        given = Path(asked.model) if asked.model else None
        return given if given is not None and given.is_dir() else model_file(asked.model, runtime=False)
    return asked.model


def _doing(choice: Any) -> str:
    if choice.kind == "server":
        return "asking the server what it can do"  # its address is said once it is known to hold no password
    return f"loading {Path(choice.model or choice.cassette).name}"


def model_file(model: str | None, *, runtime: bool = True) -> Path:
    """The GGUF file to use: the one given, or the named model's, downloaded if need be."""
    from jurat.server.cli.models import pull_model

    if runtime:
        require_extra("embedded", "xllamacpp")
    if model and (Path(model).suffix == ".gguf" or Path(model).is_file()):
        if not Path(model).is_file():
            raise Refused(f"there is no file `{model}`")
        return Path(model)
    return Path(pull_model(model))
