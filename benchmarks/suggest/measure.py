"""How well the local model tells which sentences contradict, exclude or imply one another; run by hand.

    python benchmarks/suggest/measure.py [--half out|in] [--model FILE.gguf] [--answers FILE.json]

Prints the tables of README.md from the labelled pairs in tests/llm/data/contradictions.yaml. ``--answers`` keeps the model's
answers in a file, so that a table can be printed again without the model.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from jurat.llm.backends.embedded import EmbeddedBackend
from jurat.llm.models import DEFAULT_MODEL, pull
from jurat.llm.suggest import WEIGHTS, Kinship, Suggester

PAIRS = Path(__file__).resolve().parents[2] / "tests/llm/data/contradictions.yaml"
Labelled = tuple[str, str, str]


class Remembering:
    """A backend that asks the model only what its file does not hold yet; ``seconds`` is what the model took."""

    def __init__(self, model: Path, file: Path | None) -> None:
        self.name, self.digest = model.stem, ""
        self.seconds, self.answers = 0.0, 0
        self._model, self._file = model, file
        self._known: dict[str, float] = json.loads(file.read_text()) if file and file.exists() else {}
        self._backend: EmbeddedBackend | None = None

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        """The answers, remembered."""
        keys = [hashlib.sha256(f"{self.name}{prefix + each}{answers}".encode()).hexdigest() for each in suffixes]
        new = [place for place, key in enumerate(keys) if key not in self._known]
        if new:
            self._backend = self._backend or await EmbeddedBackend.load(self._model)
            begin = time.monotonic()
            scores = await self._backend.score(prefix, [suffixes[place] for place in new], answers)
            self.seconds += time.monotonic() - begin
            self.answers += len(new)
            self._known |= {keys[place]: score for place, score in zip(new, scores, strict=True)}
            if self._file:
                self._file.write_text(json.dumps(self._known))
        return [self._known[key] for key in keys]

    async def generate(self, *_: object, **__: object) -> str:
        """Nothing here generates."""
        raise NotImplementedError

    async def close(self) -> None:
        """Free the model, if it was loaded."""
        if self._backend:
            await self._backend.close()


def labelled(section: str, half: str) -> list[Labelled]:
    """The pairs of a section's half with their labels; the file's head says which topics are in which half."""
    topics = yaml.safe_load(PAIRS.read_text(encoding="utf-8"))[section].values()
    mine = [topic for place, topic in enumerate(topics) if (place % 2 == 0) == (half == "in")]
    return [(a, b, label) for topic in mine for label, pairs in topic.items() for a, b in pairs]


def auroc(scores: Iterable[float], positive: Iterable[bool]) -> float:
    """How often a positive one scores higher than a negative one."""
    both = list(zip(scores, positive, strict=True))
    yes, no = ([score for score, is_positive in both if is_positive is kind] for kind in (True, False))
    return sum((a > b) + (a == b) / 2 for a in yes for b in no) / (len(yes) * len(no))


def row(name: str, said: Sequence[str], true: Sequence[str], note: str = "") -> None:
    """Precision and recall of one class."""
    hits = sum(a == b == name for a, b in zip(said, true, strict=True))
    claimed, there = said.count(name), true.count(name)
    precision = f"{hits / claimed:.2f} ({hits}/{claimed})" if claimed else "none said"
    print(f"| {name} | {there} | {precision} | {hits / there:.2f} ({hits}/{there}) | {note} |")


def kind_of(kin: Kinship) -> str:
    """What `jurat suggest` would ask."""
    name, score = kin.likeliest
    if score < 0.5:
        return "independent"
    return {"exclusive": "exclusive", "forward": "implies", "backward": "implied by the second"}[name]


async def measure(backend: Remembering, half: str) -> None:
    """Print the table of one half."""
    told, observed = labelled("instructions", half), labelled("observations", half)
    pairs = [(a, b) for a, b, _ in told]
    seen = [(a, b) for a, b, _ in observed]
    scores = await Suggester(backend).contradictions(pairs)
    kin = await Suggester(backend).observations(seen)
    bare = replace(WEIGHTS, sides=0.0, numbers=0.0, opposites=0.0)
    plain = await Suggester(backend, bare).contradictions(pairs)
    plain_kin = await Suggester(backend, bare).observations(seen)
    labels, kinds = [label for *_, label in told], [label for *_, label in observed]
    said = ["contradict" if score >= 0.5 else "compatible" for score in scores]
    found = [kind_of(each) for each in kin]
    print(f"| held {half} | pairs | precision | recall | AUROC (model alone) |\n|---|---|---|---|---|")
    contradicts = [label == "contradict" for label in labels]
    row("contradict", said, labels, f"{auroc(scores, contradicts):.2f} ({auroc(plain, contradicts):.2f})")
    row("compatible", said, labels)
    excludes = [kind == "exclusive" for kind in kinds]
    both = (auroc([each.exclusive for each in which], excludes) for which in (kin, plain_kin))
    row("exclusive", found, kinds, "{:.2f} ({:.2f})".format(*both))
    directions = [*(each.forward for each in kin), *(each.backward for each in kin)]
    row(
        "implies", found, kinds, f"{auroc(directions, [*(k == 'implies' for k in kinds), *(False for _ in kinds)]):.2f}"
    )
    row("independent", found, kinds)
    print()
    for (a, b, label), what, score in zip(told, said, scores, strict=True):
        if what != label:
            print(f"- {label}, taken for {what} ({score:.2f}): {a} / {b}")
    for (a, b, label), what in zip(observed, found, strict=True):
        if what != label:
            print(f"- {label}, taken for {what}: {a} / {b}")
    if backend.answers:
        print(f"\n{backend.answers} answers of {backend.name}, {backend.seconds / backend.answers:.2f} s each")


def main() -> None:
    """Run the measurement; see the module's description."""
    parser = argparse.ArgumentParser(prog="measure.py", description="Measure what `jurat suggest` asks.")
    parser.add_argument("--half", choices=("out", "in"), default="out", help="the half that was not, or was, chosen on")
    parser.add_argument("--model", type=Path, metavar="FILE", help="a GGUF model; else the default one")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="where answers are kept")
    given = parser.parse_args()

    async def run() -> None:
        backend = Remembering(given.model or pull(DEFAULT_MODEL), given.answers)
        try:
            await measure(backend, given.half)
        finally:
            await backend.close()

    asyncio.run(run())


if __name__ == "__main__":
    main()
