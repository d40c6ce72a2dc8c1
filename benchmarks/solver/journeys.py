"""How long it takes to show or exclude every state of a journey: `python benchmarks/solver/journeys.py [STATES]`.

Four shapes: a chain of chat states, each with a condition of its own and a way out; a tree of chat states; a chain of tool
states, whose tools open the guards of the next ones and write the facts that the transitions look at; and a chain of
forks between chat states. What is timed is what `unreachable-state` and `stuck-state` ask together, and `endless-journey`
from the same answers; then `overlapping-transitions`, which asks about pairs of transitions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from measuring import heading, timed

from jurat.policies import load
from jurat.policies.findings import Verdict
from jurat.solver.checks import endless_journey, overlapping_transitions, stuck_state, unreachable_state
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover

SIZES = [10, 30, 100, 300, 1000]


def main() -> None:
    """Print one table row a shape and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("states", nargs="*", type=int, default=SIZES)
    parser.add_argument("--shapes", nargs="*", choices=SHAPES, default=list(SHAPES))
    given = parser.parse_args()
    print(heading("z3-solver", "python-sat"))
    print("| journey | states | read | every state shown or excluded | a state | undecided | overlaps |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for shape in given.shapes:
        for size in given.states:
            print(row(shape, size), flush=True)


def row(shape: str, size: int) -> str:
    """One shape and size."""
    text = SHAPES[shape](size)
    read, graph = timed(lambda: load(text))
    prover = Prover(graph, DEFAULT)
    checks = (unreachable_state, stuck_state, endless_journey)
    walked, outcomes = timed(lambda: [each for check in checks for each in check.run(prover)])
    overlaps, _ = timed(lambda: list(overlapping_transitions.run(prover)))
    undecided = sum(each.proof.verdict is Verdict.UNKNOWN for each in outcomes)
    each = f"{walked.cpu / size * 1e3:.1f} ms"
    return f"| {shape} | {size:,} | {read} | {walked} | {each} | {undecided} | {overlaps} |"


def chain(states: int) -> str:
    """Chat states one after the other, each with its own observation and bound, and a way out."""
    said = [f"  o{n}: The customer says thing {n}" for n in range(states)]
    steps = [
        f"      s{n}: {{say: Step {n}, to: [{{when: o{n} && amount > {n % 50}, state: s{n + 1}}},"
        f" {{when: leaves, state: bye}}]}}"
        for n in range(states - 2)
    ]
    return _text(
        ["facts: {amount: {int: {min: 0, max: 100}}}"],
        [*said, "  leaves: The customer leaves"],
        ["axioms: [{exclusive: [asks, leaves]}]"],
        [*steps, *_last(states)],
    )


def tree(states: int) -> str:
    """Chat states of which each leads to two others."""
    ways = {
        n: [(way, m) for way, m in (("left", 2 * n + 1), ("right", 2 * n + 2)) if m < states] for n in range(states)
    }
    steps = [
        f"      s{n}: {{say: Step {n}, to: [" + ", ".join(f"{{when: {way}, state: s{m}}}" for way, m in each) + "]}"
        for n, each in ways.items()
        if each
    ]
    ends = [f"      s{n}: {{end: true}}" for n, each in ways.items() if not each]
    said = ["  left: The customer goes left", "  right: The customer goes right"]
    return _text([], said, ["axioms: [{exclusive: [left, right]}]"], [*steps, *ends])


def tools(states: int) -> str:
    """Tool states one after the other; a tool runs in four of them, and has to have run before the next."""
    count = max(1, states // 4)
    facts = ["facts:", *(f"  f{n}: {{type: bool, from: tools}}" for n in range(count))]
    declared = ["tools:"]
    for n in range(count):
        guard = f", guard: 'has(f{n - 1})'" if n else ""
        declared.append(f"  t{n}: {{python: 'tools:t{n}', provides: {{f{n}: any}}{guard}}}")
    steps = [
        f"      s{n}: {{tool: t{n % count}, to: [{{when: f{n % count}, state: s{n + 1}}},"
        f" {{when: 'failed(\"t{n % count}\")', state: bye}}]}}"
        for n in range(states - 2)
    ]
    return _text(facts, [], declared, [*steps, *_last(states)])


def forks(states: int) -> str:
    """Three forks in a row after each chat state, each with a fact that decides."""
    steps: list[str] = []
    for n in range(states - 2):
        after = f"s{n + 1}"
        kind = f"say: Step {n}" if n % 4 == 0 else "fork: true"
        first = f"{{when: asks, state: {after}}}" if n % 4 == 0 else f"{{when: amount > {n % 90}, state: {after}}}"
        skip = f"{{otherwise: true, state: s{min(n + 4 - n % 4, states - 2)}}}"
        steps.append(f"      s{n}: {{{kind}, to: [{first}" + (f", {skip}]}}" if n % 4 else "]}"))
    return _text(["facts: {amount: {int: {min: 0, max: 100}}}"], [], [], [*steps, *_last(states)])


def _last(states: int) -> list[str]:
    return [
        f"      s{states - 2}: {{say: Last, to: [{{when: asks, state: bye}}]}}",
        "      bye: {end: true}",
    ]


def _text(facts: list[str], observations: list[str], more: list[str], states: list[str]) -> str:
    said = ["observations:", "  asks: The customer asks for help", *observations]
    journey = ["journeys:", "  help:", "    triggers: [asks]", "    initial: s0", "    states:", *states]
    return "\n".join(["jurat: 1", *facts, *said, *more, *journey]) + "\n"


SHAPES: dict[str, Callable[[int], str]] = {"chain": chain, "tree": tree, "tools": tools, "forks": forks}


if __name__ == "__main__":
    main()
