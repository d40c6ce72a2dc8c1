"""How often the judge is right: accuracy, AUROC and calibration error, by class, language and layout; run by hand.

    python benchmarks/matcher/accuracy.py [--layouts shipped chat …] [--nlupp ../shared/data/nlupp_dev.json] [--scores FILE]

Prints the tables of README.md. Each layout is calibrated on the split `choice` and measured on `report`; intervals are
bootstrapped over conversations. ``--negated`` also asks whether each statement is false, to see a bias to yes or to no.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # measuring.py

from asking import OUTLINES, blind, cases, each_of, nlupp, opened, options, spread
from earlier import EARLIER, STATEMENTS
from measuring import heading

from jurat.llm.calibration import Calibration, fitted
from jurat.llm.cases import Labelled
from jurat.llm.judge import ScoringJudge
from jurat.llm.layouts import chat, plain
from jurat.llm.measures import Scored, accuracy, auroc, calibration_error, interval, outcome
from jurat.llm.wording import CLAIM, EXAMPLES, INTRODUCTION, LAYOUT

LAYOUTS = {
    "shipped": LAYOUT,
    "no-recall": plain(INTRODUCTION, EXAMPLES, statement=CLAIM, mark="?"),
    "statement": plain(STATEMENTS, EXAMPLES),
    "chat": chat(STATEMENTS, EXAMPLES),
    "earlier": EARLIER,
}
AS_ANSWERED = Calibration(1.0, 0.0, 0.49, 0.51)
"""Of systems that say yes or no: as they said it, and unknown where they said neither."""
HARD = ("negation", "temporal", "done", "third-party", "hypothetical")


@dataclass(frozen=True, slots=True)
class Found:
    """The score of a statement, and of its negation where that was asked too."""

    case: Labelled
    scored: Scored
    negated: float | None = None


async def asked(judge: ScoringJudge, conversations: Sequence[Labelled], negated: bool) -> list[Found]:
    """The score of every statement."""

    async def one(case: Labelled) -> list[Found]:
        texts = list(case.holds)
        scores, _ = await judge.scores(case.said, texts)
        against: Sequence[float | None] = [None] * len(texts)
        if negated:
            against, _ = await judge.scores(case.said, [f"It is false that {_lower(text)}" for text in texts])
        each = zip(texts, scores, against, strict=True)
        return [Found(case, Scored(score, case.holds[text], case.id), other) for text, score, other in each]

    return [found for some in await each_of(conversations, one) for found in some]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def through(calibration: Calibration, found: Sequence[Found]) -> list[Found]:
    """The same with calibrated scores."""
    return [
        Found(each.case, Scored(calibration.probability(each.scored.score), each.scored.true, each.scored.group))
        for each in found
    ]


def parts(found: Sequence[Found]) -> Iterator[tuple[str, list[Found]]]:
    """All of it, each class and each language."""
    yield "all", list(found)
    multi = [each for each in found if each.case.kind in (*HARD, "plain")]
    if 0 < len(multi) < len(found):
        yield "multi-turn, contrastive", multi
    for kind in sorted({each.case.kind for each in found}):
        yield kind, [each for each in found if each.case.kind == kind]
    for language in sorted({each.case.language for each in found}):
        yield f"language {language}", [each for each in found if each.case.language == language]


def table(found: Sequence[Found], calibration: Calibration) -> Iterator[str]:
    """A row for each part."""
    yield "| | statements | accuracy | AUROC | calibration error | unknown | wrong of the decided |"
    yield "|---|---|---|---|---|---|---|"
    for name, some in parts(found):
        scored = [each.scored for each in some]
        band = outcome(scored, calibration.low, calibration.high)
        yield (
            f"| {name} | {len(scored)} | {interval(scored, accuracy)} | {interval(scored, auroc)} "
            f"| {calibration_error(scored):.3f} | {band.unknown:.0%} | {band.wrong:.1%} |"
        )


def bias(found: Sequence[Found]) -> str:
    """How often statement and negation are both affirmed, or neither is: a bias to yes, or to no."""
    pairs = [(each.scored.score >= 0.5, each.negated >= 0.5) for each in found if each.negated is not None]
    both, neither = (sum(pair == (side, side) for pair in pairs) / len(pairs) for side in (True, False))
    right = sum(each.scored.true != (each.negated >= 0.5) for each in found if each.negated is not None) / len(pairs)
    return f"both affirmed {both:.1%}, neither {neither:.1%}, the negation right {right:.1%} of {len(pairs)}"


async def measure(given: argparse.Namespace) -> None:
    """Ask and print."""
    backend = await opened(given)
    rows = []
    if given.blind:
        await unseen(backend, given.limit)
    for name in () if given.blind else given.layouts:
        judge = ScoringJudge(backend, layout=LAYOUTS[name], calibration=Calibration(1.0, 0.0, 0.1, 0.9))
        calibration = AS_ANSWERED if given.backend in OUTLINES else await calibrated(judge, given.limit)
        held = await asked(judge, cases("report", given.limit), negated=given.negated)
        print(f"\n### `{name}`, held back\n\n{calibration}\n")
        print("\n".join(table(through(calibration, held), calibration)))
        rows.append((name, through(calibration, held)))
        if given.negated:
            print(f"\nasked whether the statement is false as well: {bias(held)}")
        if given.nlupp:
            await other(judge, given, calibration)
    if rows:
        compare(rows)
    print(f"\n{backend.answers} answers of {backend.name} {backend.digest[:12]} in {backend.seconds:.0f} s")
    await backend.close()


async def calibrated(judge: ScoringJudge, limit: int | None) -> Calibration:
    """Fitted on the half to choose on."""
    return fitted([each.scored for each in await asked(judge, cases("choice", limit), negated=False)])


async def unseen(backend: Any, limit: int | None) -> None:
    """What was written blind, through the calibration that is shipped."""
    judge = ScoringJudge(backend)
    calibration = judge.calibrations.general
    found = await asked(judge, spread(blind(), limit), negated=False)
    print(f"\n### Written blind\n\n{calibration}\n")
    print("\n".join(table(through(calibration, found), calibration)))


async def other(judge: ScoringJudge, given: argparse.Namespace, calibration: Calibration) -> None:
    """NLU++, through the calibration of our own cases: utterances of another source and another label set, on which
    nothing was chosen or trained.
    """
    sample = spread(nlupp(given.nlupp, given.pairs), given.limit)
    found = await asked(judge, sample, negated=False)
    print("\nNLU++, calibrated on our own cases\n")
    print("\n".join(table(through(calibration, found), calibration)))


def compare(rows: Sequence[tuple[str, list[Found]]]) -> None:
    """The layouts beside each other."""
    print("\n### Layouts, held back\n\n| layout | accuracy | AUROC | hard classes | Korean |\n|---|---|---|---|---|")
    for name, found in rows:
        scored = [each.scored for each in found]
        hard = [each.scored for each in found if each.case.kind in HARD]
        korean = [each.scored for each in found if each.case.language == "ko"]
        figures = (
            interval(scored, accuracy),
            interval(scored, auroc),
            interval(hard, accuracy),
            interval(korean, accuracy),
        )
        print(f"| `{name}` | {' | '.join(map(str, figures))} |")


def main() -> None:
    """Read the command line; see the module's description."""
    parser = argparse.ArgumentParser(prog="accuracy.py", description="Measure how often the judge is right.")
    options(parser)
    parser.add_argument("--layouts", nargs="+", choices=sorted(LAYOUTS), default=["shipped"], help="prompts to measure")
    parser.add_argument("--negated", action="store_true", help="ask for the negation of each statement too")
    parser.add_argument("--nlupp", type=Path, metavar="FILE", help="NLU++ as JSON, for a stratified sample")
    parser.add_argument("--pairs", type=int, default=3000, metavar="N", help="how many pairs of NLU++ to sample")
    given = parser.parse_args()
    print(heading("jurat"))
    asyncio.run(measure(given))


if __name__ == "__main__":
    main()
