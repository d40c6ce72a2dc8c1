"""The options that say which embedding model takes a shortcut before the judge."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import click

from jurat.server.cli.backend import Asked
from jurat.server.cli.shell import Command, Refused, require_extra

if TYPE_CHECKING:
    from jurat.server.prefiltering import Embeddings


def embedding_options(command: Command) -> Command:
    """Adds the options; they come with `asked`, so the options of the model stand before them."""

    @functools.wraps(command)
    def gathered(*args: Any, asked: Asked, embeddings: str | None, embedding_model: str | None, **rest: Any) -> Any:
        if embedding_model is not None and embeddings is None:
            raise Refused("--embedding-model names a model of the server at --embeddings; give that too")
        return command(*args, asked=replace(asked, embeddings=embeddings, embedding_model=embedding_model), **rest)

    found = cast("Command", gathered)
    for option in (
        click.option("--embedding-model", metavar="NAME", help="What the server at --embeddings calls its model."),
        click.option(
            "--embeddings",
            metavar="URL",
            help="A server with OpenAI's /v1/embeddings, for the shortcut of very large policies. Its key comes from JURAT_EMBEDDINGS_KEY.",
        ),
    ):
        found = option(found)
    return found


def embeddings_of(asked: Asked) -> Embeddings | None:
    """What the options say, if anything."""
    if asked.embeddings is None:
        return None
    require_extra("remote", "openai", "outlines")
    from jurat.server.prefiltering import Embeddings

    return Embeddings(asked.embeddings, asked.embedding_model)
