"""What the benchmarks of accuracy share: labelled cases, a model that remembers its answers, and progress."""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from jurat.llm import Backend, Message
from jurat.llm.cases import Labelled, read_labelled
from jurat.llm.models import DEFAULT_MODEL, find_model, pull

HERE = Path(__file__).resolve().parent
CASES = str(HERE / "cases")
Strings = Sequence[str]


class Remembering:
    """The embedded model, asked only what its file of scores does not hold yet; ``seconds`` is what the model took."""

    def __init__(self, model: Path | None, scores: Path | None, threads: int | None = None) -> None:
        self._model, self._scores, self._threads = model, scores, threads
        self.name = model.stem if model else DEFAULT_MODEL
        self.digest = _sha256(model) if model else find_model(DEFAULT_MODEL).sha256
        self.seconds, self.answers = 0.0, 0
        self._known: dict[str, float] = {}
        if scores and scores.exists():
            self._known = dict(json.loads(line) for line in scores.read_text("utf-8").splitlines())
        self._backend: Backend | None = None

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
        if self._backend is None:
            from jurat.llm.backends.embedded import EmbeddedBackend

            self._backend = await EmbeddedBackend.load(self._model or pull(DEFAULT_MODEL), threads=self._threads)
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
        """Free the model, if it was loaded."""
        if self._backend:
            await self._backend.close()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def options(parser: argparse.ArgumentParser) -> None:
    """The options of every benchmark here."""
    parser.add_argument("--model", type=Path, metavar="FILE", help="a GGUF model; else the default one")
    parser.add_argument(
        "--scores", type=Path, metavar="FILE", help="where scores are kept, so that none is asked twice"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="1 is fastest where other work fills the cores")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many conversations")


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

    Each intent is drawn for equally many utterances that have it and utterances of its domain that do not; utterances
    go to the splits by a hash of their text.
    """
    data = json.loads(file.read_text("utf-8"))
    draw = random.Random(seed)
    utterances = list(data["utterances"])
    draw.shuffle(utterances)
    share = max(1, pairs // (2 * len(data["conditions"])))
    holds: dict[str, dict[str, bool]] = {}
    domain = {each["text"]: each["domain"] for each in utterances}
    for key, condition in sorted(data["conditions"].items()):
        statement = _statement(condition["question"])
        fitting = [
            each for each in utterances if each["domain"] in condition["domain"] or "general" in condition["domain"]
        ]
        for true in (True, False):
            some = [each for each in fitting if (key in each["true"]) is true][:share]
            for each in some:
                holds.setdefault(each["text"], {})[statement] = true
    return [
        Labelled(text, (Message("customer", text),), some, domain[text], "en", "nlu++", _half(text))
        for text, some in sorted(holds.items())
    ]


def _half(text: str) -> str:
    return ("choice", "report")[hashlib.sha256(text.encode()).digest()[0] % 2]


def _statement(question: str) -> str:
    rest = question.removeprefix("is the intent ").rstrip("?")
    return f"The customer is {rest}" if rest.startswith("asking") else f"The customer wants {rest}"


def attacks() -> list[dict[str, str]]:
    """Every attack of injection.yaml by itself, with what its family shares."""
    content = yaml.safe_load((HERE / "injection.yaml").read_text("utf-8"))
    return [
        {"at": "end", "wants": True, "language": "en", **family, "text": text}
        for family in content["attacks"]
        for text in family["texts"]
    ]


def cases(split: str, limit: int | None = None) -> list[Labelled]:
    """The labelled conversations of one half."""
    return spread([each for each in read_labelled([CASES]) if each.split == split], limit)
