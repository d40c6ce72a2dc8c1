"""What the benchmarks of accuracy share: labelled cases, a model that remembers its answers, and progress."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from jurat.llm import Message
from jurat.llm.cases import Labelled, read_labelled
from jurat.llm.models import DEFAULT_MODEL, pull

HERE = Path(__file__).resolve().parent
CASES = str(HERE / "cases")
BLIND = HERE / "blind"
"""Cases and attacks by somebody who knew neither the others nor the words of the judge; nothing was chosen on them."""
Strings = Sequence[str]
T = TypeVar("T")
OUTLINES = {"object-each": "vLLM + Outlines, object each", "one-object": "vLLM + Outlines, one object"}


class Remembering:
    """A model that is asked only what its file of scores does not hold yet; ``seconds`` is what the model took."""

    def __init__(self, backend: Any, scores: Path | None) -> None:
        self._backend, self._scores = backend, scores
        self.name, self.digest = backend.name, backend.digest
        self.seconds, self.answers = 0.0, 0
        self._known: dict[str, float] = {}
        if scores and scores.exists():
            self._known = dict(json.loads(line) for line in scores.read_text("utf-8").splitlines())

    async def score(self, prefix: str, suffixes: Strings, answers: tuple[str, str]) -> list[float]:
        """The scores, remembered."""
        keys = [
            hashlib.sha256("\0".join((self.digest, prefix, each, *answers)).encode()).hexdigest() for each in suffixes
        ]
        new = [place for place, key in enumerate(keys) if key not in self._known]
        if new:
            found = await self._asked(prefix, [suffixes[place] for place in new], answers)
            lines = {keys[place]: score for place, score in zip(new, found, strict=True)}
            self._known |= lines
            self._keep(lines)
        return [self._known[key] for key in keys]

    async def _asked(self, prefix: str, suffixes: Strings, answers: tuple[str, str]) -> list[float]:
        begin = time.monotonic()
        found = await self._backend.score(prefix, suffixes, answers)
        self.seconds += time.monotonic() - begin
        self.answers += len(found)
        return found

    def _keep(self, lines: dict[str, float]) -> None:
        if self._scores:
            with self._scores.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(each) + "\n" for each in lines.items())

    async def generate(self, *_: object, **__: object) -> str:
        """Nothing here generates."""
        raise NotImplementedError

    async def close(self) -> None:
        """Free the model."""
        await self._backend.close()


class Booleans:
    """One of the systems that answer with booleans instead of probabilities, as a backend: scores of 1, 0, or 0.5 for none."""

    def __init__(self, system: str, file: Path) -> None:
        from systems import SYSTEMS

        from jurat.llm.models.unpacked import unpacked

        self.name, self.digest = f"{file.stem}, {system}", system
        self._run = SYSTEMS[system](str(unpacked(file)))

    async def score(self, prefix: str, suffixes: Strings, answers: tuple[str, str]) -> list[float]:  # noqa: ARG002
        """What was said of each condition."""
        said = self._run({"sessions": [prefix], "suffixes": list(suffixes)})["said"]
        return [float(each) for each in said] if len(said) == len(suffixes) else [0.5] * len(suffixes)

    async def close(self) -> None:
        """Nothing is kept."""


async def opened(given: argparse.Namespace) -> Remembering:
    """The model that the options name, with its answers so far."""
    file = given.model or pull(DEFAULT_MODEL)
    if given.backend == "packed":
        from jurat.llm.backends.packed import PackedBackend

        return Remembering(await PackedBackend.load(file, adapted=not given.plain), given.scores)
    if given.backend == "chat":
        return Remembering(await chatting(given.url), given.scores)
    if given.backend in OUTLINES:
        return Remembering(Booleans(OUTLINES[given.backend], file), given.scores)
    from jurat.llm.backends.embedded import EmbeddedBackend

    backend = await EmbeddedBackend.load(file, threads=given.threads, adapted=not given.plain)
    return Remembering(backend, given.scores)


async def chatting(url: str) -> Any:
    """A server's model, judged by chats even where the server has completions."""
    from jurat.llm.backends.identity import found
    from jurat.llm.backends.scoring import ByChat
    from jurat.llm.backends.server import ServerBackend
    from jurat.llm.backends.wire import Wire

    wire = Wire(url, None)
    name, digest, _ = await found(wire, None)
    scorer = ByChat(wire, name)
    if not await scorer.works():
        sys.exit(f"{wire.at} gives no probabilities for chats")
    return ServerBackend(wire, name, digest, None, scorer)


def options(parser: argparse.ArgumentParser) -> None:
    """The options of every benchmark here."""
    parser.add_argument("--model", type=Path, metavar="FILE", help="a GGUF model; else the default one")
    kinds = ("embedded", "packed", "chat", *OUTLINES)
    parser.add_argument("--backend", choices=kinds, default="packed", help="what runs it")
    parser.add_argument("--url", default="http://localhost:8000", help="of the server, for the backend `chat`")
    parser.add_argument("--plain", action="store_true", help="the model without its adapter")
    parser.add_argument(
        "--scores", type=Path, metavar="FILE", help="where scores are kept, so that none is asked twice"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="of the embedded model")
    parser.add_argument("--blind", action="store_true", help="measure what is in blind/, with what is shipped")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many conversations")


async def each_of(todo: Sequence[Labelled], work: Callable[[Labelled], Awaitable[T]], at_once: int = 16) -> list[T]:
    """What `work` gives for each conversation, in order; some at once, for a backend that batches."""
    found: list[T] = []
    for start in range(0, len(todo), at_once):
        found += await asyncio.gather(*map(work, todo[start : start + at_once]))
        progress(len(found), len(todo))
    return found


def progress(done: int, whole: int) -> None:
    """How far it is, on standard error."""
    end = "\n" if done == whole else ""
    print(f"\r{done} of {whole} conversations", end=end, file=sys.stderr, flush=True)


def spread(found: Sequence[Labelled], limit: int | None) -> list[Labelled]:
    """At most so many, taken evenly from all of them."""
    if limit is None or limit >= len(found):
        return list(found)
    return [found[place * len(found) // limit] for place in range(limit)]


def nlupp(file: Path, pairs: int, seed: int = 7) -> list[Labelled]:
    """A sample of NLU++ (CC-BY-4.0), stratified by intent: half of the pairs hold, half do not.

    Each intent is drawn for equally many utterances that have it and utterances of its domain that do not.
    """
    data = json.loads(file.read_text("utf-8"))
    draw = random.Random(seed)
    utterances = list(data["utterances"])
    draw.shuffle(utterances)
    share, drawn = pairs // (2 * len(data["conditions"])), dict[tuple[str, str], bool]()
    while len(drawn) < pairs:  # rare intents have fewer, so the others give more
        share += 1
        every = (each for key in sorted(data["conditions"]) for each in _of_intent(data, utterances, key, share))
        drawn = {(text, statement): true for text, statement, true in every}
    holds: dict[str, dict[str, bool]] = {}
    for (text, statement), true in sorted(draw.sample(list(drawn.items()), pairs)):
        holds.setdefault(text, {})[statement] = true
    domain = {each["text"]: each["domain"] for each in utterances}
    return [
        Labelled(text, (Message("customer", text),), some, domain[text], "en", "nlu++") for text, some in holds.items()
    ]


def _of_intent(data: Any, utterances: Sequence[Any], key: str, share: int) -> Iterator[tuple[str, str, bool]]:
    """At most `share` utterances that have an intent, and as many of its domain that have it not."""
    condition = data["conditions"][key]
    fitting = [each for each in utterances if {each["domain"], "general"} & set(condition["domain"])]
    for true in (True, False):
        some = [each["text"] for each in fitting if (key in each["true"]) is true][:share]
        yield from ((text, _statement(condition["question"]), true) for text in some)


def _statement(question: str) -> str:
    rest = question.removeprefix("is the intent ").rstrip("?")
    return f"The customer is {rest}" if rest.startswith("asking") else f"The customer wants {rest}"


def attacks(where: Path = HERE) -> list[dict[str, str]]:
    """Every attack of injection.yaml by itself, with what its family shares."""
    content = yaml.safe_load((where / "injection.yaml").read_text("utf-8"))
    return [
        {"at": "end", "wants": True, "language": "en", **family, "text": text}
        for family in content["attacks"]
        for text in family["texts"]
    ]


def blind() -> list[Labelled]:
    """The conversations that were written blind."""
    return read_labelled([str(BLIND / "cases")])


def cases(split: str, limit: int | None = None) -> list[Labelled]:
    """The labelled conversations of one half."""
    return spread([each for each in read_labelled([CASES]) if each.split == split], limit)
