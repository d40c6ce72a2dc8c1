"""One turn of matching beside Parlant's: `python benchmarks/matcher/beside_parlant.py --parlant PYTHON [GUIDELINES …] [--generate]`.

The same guidelines about the same conversation. Parlant runs in the Python given (`pip install parlant` in an environment of its
own), with its own prompts, batch sizes and retries; its prompts are counted with the tokenizer of our model. With
`--generate` they are sent to that model too, in llama.cpp, which takes minutes a turn on a CPU; answers that are not of
Parlant's schema are counted. Ours is the judge on the same model file, one token a condition.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))
from measuring import heading

from jurat.llm import Condition, Message
from jurat.llm.backends.embedded import EmbeddedBackend
from jurat.llm.judge import ScoringJudge
from jurat.llm.models import DEFAULT_MODEL, path

MESSAGES = [
    ("customer", "Hello, I ordered a desk lamp last week, order 1042, and it has not arrived."),
    ("agent", "I am sorry to hear that. Let me look. It left our warehouse on Monday. Is the address still the same?"),
    ("customer", "Yes it is. If it does not come by Friday I would rather have my money back."),
]
SITUATIONS = [
    "asks for a refund", "asks to exchange an item", "asks where an order is", "wants to change an address",
    "is angry or insults the agent", "asks for a manager", "asks about a discount", "asks about opening hours",
    "reports a damaged item", "wants to cancel an order", "asks about warranty", "asks how to pay",
    "gives an order number", "asks for an invoice", "asks about delivery abroad", "wants to close an account",
    "asks for a recommendation", "asks about a gift card", "thanks the agent", "mentions a competitor",
]  # fmt: skip
CASES = [
    "",
    " for the second time",
    " and is in a hurry",
    " on behalf of someone else",
    " before the agent has answered",
]
CONTEXT = 16_384
"""Tokens that the server holds: Parlant's prompts have some 4,000."""


def guidelines(count: int) -> list[tuple[str, str]]:
    """So many different conditions and actions; beyond a hundred they are told apart by a number."""
    every = (
        (f"The customer {what}{case}{f', case {n}' if n else ''}", f"Handle that the customer {what}")
        for n, case, what in product(range(1000), CASES, SITUATIONS)
    )
    return list(islice(every, count))


class Server:
    """The model behind llama.cpp's HTTP server, on loopback."""

    def __init__(self, file: Path) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path, params.n_ctx, params.n_parallel = str(file), CONTEXT, 1
        params.verbosity, params.warmup = -1, False
        self.held = xllamacpp.Server(params)
        self.url = str(self.held.listening_address)

    def tokens(self, text: str) -> int:
        """How many tokens a text has."""
        from urllib.request import Request, urlopen

        body = json.dumps({"content": text}).encode()
        with urlopen(Request(f"{self.url}/tokenize", body, {"Content-Type": "application/json"})) as answer:  # noqa: S310 - loopback
            return len(json.load(answer)["tokens"])


def theirs(python: str, server: Server, count: int, *, generate: bool) -> dict[str, Any]:
    """Parlant's turn."""
    given = {"url": server.url, "generate": generate, "messages": MESSAGES, "guidelines": guidelines(count)}
    script = Path(__file__).with_name("parlant_matching.py")
    ran = subprocess.run([python, str(script)], input=json.dumps(given), text=True, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


class Counted:
    """A backend that notes what it is asked."""

    def __init__(self, backend: EmbeddedBackend) -> None:
        self.name, self.digest = backend.name, backend.digest
        self.asked: list[tuple[str, Sequence[str]]] = []
        self._backend = backend

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        self.asked.append((prefix, suffixes))
        return await self._backend.score(prefix, suffixes, answers)


async def ours(backend: EmbeddedBackend, server: Server, count: int) -> tuple[int, int, float]:
    """Batches, prompt tokens and seconds of a turn of ours; the instructions were read before, as they are at start-up."""
    counted = Counted(backend)
    judge = ScoringJudge(counted)  # type: ignore[arg-type]  # it only scores
    await judge.warm_up()
    counted.asked.clear()
    conditions = [Condition(text, text) for text, _ in guidelines(count)]
    started = time.perf_counter()
    await judge.judge([Message(role, text) for role, text in MESSAGES], conditions)  # type: ignore[arg-type]  # roles
    seconds = time.perf_counter() - started
    tokens = sum(server.tokens(prefix) + sum(map(server.tokens, suffixes)) for prefix, suffixes in counted.asked)
    return len(counted.asked), tokens, seconds


async def main() -> None:
    """Print a table row a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("guidelines", nargs="*", type=int, default=[10, 100])
    parser.add_argument("--parlant", metavar="PYTHON", required=True, help="a Python that has parlant")
    parser.add_argument("--generate", action="store_true", help="send Parlant's prompts to the model, too")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a model of `jurat models list`")
    options = parser.parse_args()
    file = path(options.model)
    if file is None:
        sys.exit(f"the model is not on this machine: jurat models pull {options.model}")
    server, backend = Server(file), await EmbeddedBackend.load(file)
    print(heading("xllamacpp"))
    print(f"Model: {options.model}\n")
    print("| conditions | | model calls | prompt tokens | seconds | answers outside the schema | batches given up |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for count in options.guidelines:
        batches, tokens, seconds = await ours(backend, server, count)
        print(f"| {count:,} | Jurat, one token a condition | {batches} | {tokens:,} | {seconds:.1f} | | |", flush=True)
        found = theirs(options.parlant, server, count, generate=options.generate)
        said = f"{found['seconds']:.1f} | {found['broken']} | {found['failed']}" if options.generate else "not run | | "
        name = f"Parlant {found['version']}"
        print(f"| {count:,} | {name} | {found['calls']} | {found['prompt_tokens']:,} | {said} |", flush=True)
    await backend.close()


if __name__ == "__main__":
    asyncio.run(main())
