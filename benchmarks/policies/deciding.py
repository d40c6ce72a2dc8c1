"""What a decision takes at run time: `python benchmarks/policies/deciding.py [GUIDELINES …] [--parlant PYTHON]`.

Two comparisons on the same policies and the same situations, one process and thread each:

- `jurat.resolve` beside Parlant's relational resolver, on guidelines with precedence and requirements, about a third of
  them matched in a turn. Parlant is asked in the Python given (`pip install parlant` in an environment of its own). Where
  the two keep other guidelines is counted: Parlant lets what is itself overridden override others.
- `jurat.resolve` beside `cedarpy`, on guidelines that offer or forbid one tool, written as permits and forbids of Cedar
  over the same facts. Every decision has to agree, or the run fails.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    import cedarpy
except ImportError:
    sys.exit("this benchmark compares with Cedar: pip install cedarpy")

sys.path.append(str(Path(__file__).parents[1]))
from measuring import heading, timed
from related import related, with_relations

import jurat
from jurat.policies import PolicyGraph

TURNS = 200
TIERS = ["standard", "silver", "gold", "platinum"]


def main() -> None:
    """Print one table for each comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guidelines", nargs="*", type=int, default=[10, 100, 1000])
    parser.add_argument("--parlant", metavar="PYTHON", help="a Python that has parlant")
    options = parser.parse_args()
    print(heading("cedarpy"))
    if options.parlant:
        print("| guidelines | `jurat.resolve` | Parlant's resolver | ratio | same guidelines kept |")
        print("| ---: | ---: | ---: | ---: | ---: |")
        for size in options.guidelines:
            print(beside_parlant(size, options.parlant), flush=True)
        print()
    print("| permits and forbids | `jurat.resolve` | cedarpy | ratio | same decisions |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for size in options.guidelines:
        print(beside_cedar(size), flush=True)


# -- Parlant -----------------------------------------------------------------------------------------------------


def beside_parlant(size: int, python: str) -> str:
    """One size: processor time a turn."""
    rng = random.Random(size)
    names, relations = related(size, rng)
    turns = [[name for name in names if rng.random() < 1 / 3] for _ in range(TURNS)]
    graph = jurat.load(with_relations(names, relations))
    took, ours = timed(lambda: [_in_force(graph, turn) for turn in turns])
    given = {"guidelines": names, "relations": relations, "turns": turns}
    script = Path(__file__).with_name("parlant_resolver.py")
    ran = subprocess.run([python, str(script)], input=json.dumps(given), check=True, text=True, capture_output=True)
    theirs = json.loads(ran.stdout.splitlines()[-1])
    same = sum(a == b for a, b in zip(ours, theirs["kept"], strict=True))
    each = took.cpu / TURNS
    cells = (_micro(each), f"{_micro(theirs['seconds'])} ({theirs['version']})", f"{theirs['seconds'] / each:.1f}")
    return f"| {size:,} | {' | '.join(cells)} | {same} of {TURNS} turns |"


def _in_force(graph: PolicyGraph, matched: list[str]) -> list[str]:
    values = dict.fromkeys((f"o_{g}" for g in graph.guidelines), False) | dict.fromkeys(
        (f"o_{g}" for g in matched), True
    )
    return sorted(jurat.resolve(graph, values).in_force)


# -- Cedar -------------------------------------------------------------------------------------------------------


def beside_cedar(size: int) -> str:
    """One size: processor time a decision."""
    rng = random.Random(size)
    rules = [_rule(rng) for _ in range(size)]
    graph = jurat.load(_as_guidelines(rules))
    policies = cedarpy.PolicySet.from_str("\n".join(map(_as_cedar, rules)))
    situations = [{"amount": rng.randrange(1000), "tier": rng.choice(TIERS)} for _ in range(TURNS)]
    took, ours = timed(lambda: [_allowed(graph, each) for each in situations])
    took_too, theirs = timed(lambda: [_permitted(policies, each) for each in situations])
    if ours != theirs:
        raise SystemExit("Cedar and Jurat decide differently")
    each, other = took.cpu / TURNS, took_too.cpu / TURNS
    said = f"{TURNS} of {TURNS}, {sum(ours)} allowed"
    return f"| {size:,} | {_micro(each)} | {_micro(other)} | {other / each:.2f} | {said} |"


def _rule(rng: random.Random) -> tuple[bool, int, int, str]:
    """Whether it permits, the amounts from and to which, and the tier that it is about."""
    low = rng.randrange(1000)
    return rng.random() < 0.8, low, low + rng.randrange(1, 40), rng.choice(TIERS)


def _as_guidelines(rules: list[tuple[bool, int, int, str]]) -> str:
    lines = [
        f'  g{place}: {{when: amount >= {low} && amount < {high} && tier == "{tier}", {"tools" if permit else "forbid"}: [pay]}}'
        for place, (permit, low, high, tier) in enumerate(rules)
    ]
    facts = f"  amount: {{type: int, from: application}}\n  tier: {{type: {{enum: [{', '.join(TIERS)}]}}, from: application}}"
    return f"jurat: 1\nfacts:\n{facts}\ntools:\n  pay: {{python: tools:pay}}\nguidelines:\n" + "\n".join(lines) + "\n"


def _as_cedar(rule: tuple[bool, int, int, str]) -> str:
    permit, low, high, tier = rule
    condition = f'context.amount >= {low} && context.amount < {high} && context.tier == "{tier}"'
    return f"{'permit' if permit else 'forbid'}(principal, action, resource) when {{ {condition} }};"


def _allowed(graph: PolicyGraph, situation: dict[str, Any]) -> bool:
    found = jurat.resolve(graph, situation)
    kinds = {type(each.action).__name__ for each in found.actions}
    return bool(kinds & {"Call", "Offer"}) and "Forbid" not in kinds


def _permitted(policies: cedarpy.PolicySet, situation: dict[str, Any]) -> bool:
    request = {"principal": 'User::"u"', "action": 'Action::"pay"', "resource": 'Order::"o"', "context": situation}
    return bool(cedarpy.is_authorized(request, policies, []).allowed)


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs"


if __name__ == "__main__":
    main()
