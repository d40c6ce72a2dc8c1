"""`jurat calibrate --embeddings`: fit from which resemblance on a statement is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jurat.server.cli.backend import Asked
from jurat.server.cli.embedding import embeddings_of
from jurat.server.cli.shell import Exit, Refused, remark, working
from jurat.server.cli.streams import write

if TYPE_CHECKING:
    from jurat.llm.cases import Labelled
    from jurat.server.prefiltering import Embeddings, Fitted, Tell


def fit_shortcut(
    asked: Asked, conversations: Sequence[Labelled], statements: Sequence[str], recall: float, *, keep: bool
) -> int:
    """Fit the shortcut for the embedding model that the options name, print what it is worth, and keep it."""
    import asyncio

    from jurat.llm.thresholds import store
    from jurat.server.prefiltering import report

    where = embeddings_of(asked)
    if where is None or asked.backend or asked.model or asked.url or asked.cassette:
        raise Refused(
            "with --embeddings the shortcut alone is fitted, which asks no other model; leave its options out"
        )
    with working("asking the embedding model") as tell:
        model, found = asyncio.run(
            _fitted(
                where,
                conversations,
                statements,
                recall,
                lambda n, whole: tell(f"comparing, {n} of {whole} conversations"),
            )
        )
    write(f"{model}\n" + "\n".join(report(found, recall, len(conversations))) + "\n")
    if keep:
        remark(f"kept in {store(found.threshold, model)}")
    return Exit.PASSED


async def _fitted(
    where: Embeddings, conversations: Sequence[Labelled], statements: Sequence[str], recall: float, tell: Tell
) -> tuple[str, Fitted]:
    from jurat.llm.prefilter import Resemblance
    from jurat.server.prefiltering import connect, fit, liken

    embedder = await connect(where)
    try:
        resemblance = Resemblance(embedder)
        found = await liken(resemblance, conversations, statements, tell)
        return embedder.name, fit(resemblance.probe or (), found, statements, recall)
    finally:
        await embedder.close()
