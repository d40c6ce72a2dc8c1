"""The shortcut of very large policies: fitted to labelled conversations, measured on the half held back, and opened to serve."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jurat.engine.shortcuts import skippable
from jurat.llm.backends.embedding import KEY_VARIABLE, ServerEmbedder
from jurat.llm.cases import SPLITS, Labelled
from jurat.llm.errors import BackendError, CalibrationError
from jurat.llm.measures import Interval, Scored, interval
from jurat.llm.prefilter import Prefilter, Resemblance, Threshold
from jurat.llm.protocol import Embedder, Judge, Vector
from jurat.llm.thresholds import FEWEST, fitted, stored
from jurat.policies import PolicyGraph

RECALL = 1.0
"""All that hold in the half to fit on, for some fewer do in any other."""
RECALLS = (0.9, 0.95, 0.98, 0.99, 1.0)
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much all statements resemble a labelled conversation, and which of them hold of it."""

    labelled: Labelled
    of: dict[str, float]

    @property
    def holding(self) -> list[float]:
        """Of those that are labelled to hold."""
        return [self.of[text] for text, true in self.labelled.holds.items() if true]


@dataclass(frozen=True, slots=True)
class Row:
    """A threshold, the share of statements that hold which reach it in the half held back, and the share of all."""

    similarity: float
    recall: Interval
    asked: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """The threshold for the share that was wanted, and what others would do."""

    threshold: Threshold
    rows: tuple[tuple[float, Row], ...]
    fitted_on: int
    held_back: int
    statements: int
    conversations: int


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Where an embedding model is asked; without ``model`` the server there has just one."""

    url: str
    model: str | None = None


async def connect(where: Embeddings) -> ServerEmbedder:
    """The embedding model; its key comes from the environment only. Raises `BackendError`."""
    return await ServerEmbedder.connect(where.url, where.model, key=os.environ.get(KEY_VARIABLE))


async def prefiltered(judge: Judge, where: Embeddings, graph: PolicyGraph) -> tuple[Prefilter, Embedder]:
    """The judge behind the shortcut that was fitted for an embedding model, and that model, to be closed at the end.

    The model is shown the statements of the policy that it may be asked about.

    Raises:
        BackendError: none was, or the model is another one now or does not answer.
        CalibrationError: the one that is kept is damaged.
    """
    embedder = await connect(where)
    try:
        made = Prefilter(judge, embedder, _threshold(embedder))
        await made.prepare(graph.vocabulary.observations[key].text for key in sorted(skippable(graph)))
        return made, embedder
    except BaseException:
        await embedder.close()
        raise


def _threshold(embedder: Embedder) -> Threshold:
    """The one that was fitted for the model."""
    found = stored(embedder.name)
    if found is None:
        told = f"no shortcut was fitted for `{embedder.name}`; run `jurat calibrate CASES --embeddings URL` first"
        raise BackendError(told)
    return found


async def liken(
    resemblance: Resemblance, conversations: Sequence[Labelled], besides: Sequence[str], tell: Tell
) -> list[Likeness]:
    """Compare each conversation with all statements of all of them, and with those of a policy besides.

    Those that a shortcut would not look at are left out.

    Raises:
        CalibrationError: there is too little to fit on, or to measure on.
        BackendError: the embedding model does not answer.
    """
    _require_enough(conversations)
    statements = list(dict.fromkeys([*besides, *(text for each in conversations for text in each.holds)]))
    found = list[Likeness]()
    for number, each in enumerate(conversations, 1):
        values = await resemblance.of(each.said, statements)
        if values is not None:
            found.append(Likeness(each, dict(zip(statements, values, strict=True))))
        tell(number, len(conversations))
    return found


def fit(probe: Vector, found: Sequence[Likeness], counted: Sequence[str], recall: float = RECALL) -> Fitted:
    """Fit on the split `choice`, and look at `report`; the share asked is of the statements in ``counted``, or of all.

    ``probe`` is what the embedding model makes of `PROBE`. Raises `CalibrationError` where too few statements hold.
    """
    _require_enough([each.labelled for each in found])
    chosen, held = _half(found, "choice"), _half(found, "report")
    holding = [value for each in chosen for value in each.holding]
    rows = {each: _row(fitted(holding, each), held, counted) for each in sorted({*RECALLS, recall})}
    threshold = Threshold(rows[recall].similarity, rows[recall].recall.value, probe)
    statements = len(counted or found[0].of)
    reached = sum(len(each.holding) for each in held)
    return Fitted(threshold, tuple(rows.items()), len(holding), reached, statements, len(found))


def _require_enough(conversations: Sequence[Labelled]) -> None:
    holding = {half: sum(sum(each.holds.values()) for each in conversations if each.split == half) for half in SPLITS}
    if holding["choice"] < FEWEST or not holding["report"]:
        raise CalibrationError(
            f"{holding['choice']} statements that hold are to be fitted on, of which {FEWEST} are needed,"
            f" and {holding['report']} to be measured on, of which one is"
        )


def _half(found: Sequence[Likeness], split: str) -> list[Likeness]:
    return [each for each in found if each.labelled.split == split]


def _row(similarity: float, held: Sequence[Likeness], counted: Sequence[str]) -> Row:
    reached = [Scored(float(value >= similarity), True, each.labelled.id) for each in held for value in each.holding]
    values = [each.of[text] for each in held for text in (counted or each.of)]
    asked = sum(value >= similarity for value in values) / len(values)
    return Row(similarity, interval(reached, lambda some: sum(each.score for each in some) / max(1, len(some))), asked)


def report(found: Fitted, recall: float, conversations: int) -> Iterator[str]:
    """What a person wants to know before a shortcut is taken, line by line; of so many conversations some were left out."""
    yield f"fitted on {found.fitted_on} statements that hold, measured on {found.held_back} held back; {found.statements} to be asked"
    if left := conversations - found.conversations:
        yield f"not looked at, for all is asked in them: {left} of {conversations} conversations, too long or without a customer or agent"
    yield ""
    yield f"  {'wanted':>7}  {'asked from':>10}  {'of those that hold, asked':<27}  asked of all"
    for wanted, row in found.rows:
        mark = "  chosen" if wanted == recall else ""
        yield f"  {f'{100 * wanted:g}%':>7}  {row.similarity:>10.3f}  {row.recall!s:<27}  {row.asked:.0%}{mark}"
