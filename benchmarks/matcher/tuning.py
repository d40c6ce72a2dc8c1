"""Trains the adapter that is shipped for the default model: it teaches it to judge, and nothing else; run by hand.

    python benchmarks/matcher/tuning.py FILE [--epochs 2]

Low-rank updates (LoRA; Hu et al., 2021) of the attention of the upper layers, on the labelled conversations of training/. All
statements about a conversation go through the model together, as in the packed scorer. The lower layers stay as they are, so
what they compute is computed once. After each epoch the split `choice` of cases/ is measured; `report` is not looked at.
It needs `jurat[packed]` and takes half an hour on two cores.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # measuring.py

import torch
from asking import HERE, cases
from measuring import heading
from torch import nn
from torch.nn import functional

from jurat.llm.calibration import fitted
from jurat.llm.cases import Labelled, read_labelled
from jurat.llm.conversation import last_message_last
from jurat.llm.layouts import Layout
from jurat.llm.measures import Scored, accuracy, auroc
from jurat.llm.models import DEFAULT_MODEL, pull
from jurat.llm.models.unpacked import unpacked

WORDS = Layout(
    "training",
    "Read the conversation between a customer and an agent. Say whether each claim follows from what the last message means.\n\n",
    "Conversation:\n",
    "",
    "Does it follow that:",
    "?\nAnswer:",
    (" yes", " no"),
)
"""Without the examples of the judge's own words, which would be most of what is computed; it is asked with them."""
SHARE = 0.6
"""What is kept of the updates: between the model before and after (Wortsman et al., WiSE-FT, 2022), where it is better on what it was
not trained on.
"""
TRAINING = HERE / "training"
FIRST_LAYER, RANK, ALPHA = 13, 4, 16.0
MODULES = {"q_proj": "attn_q", "v_proj": "attn_v", "o_proj": "attn_output"}
ROWS = 1280
RATE, WARM_UP, DECAY, DROPOUT, SMOOTHING = 5e-4, 10, 0.01, 0.05, 0.03


@dataclass(slots=True)
class Rows:
    """Tokens of one forward pass: of each the position, the conversation, and the statement (0 for what all share)."""

    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    talks: list[int] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    truths: list[float] = field(default_factory=list)

    def add(self, tokens: Sequence[int], start: int, talk: int, statement: int) -> None:
        self.tokens += tokens
        self.positions += range(start, start + len(tokens))
        self.talks += [talk] * len(tokens)
        self.statements += [statement] * len(tokens)


@dataclass(frozen=True, slots=True)
class Pack:
    """The same as tensors: tokens and positions [1, T], mask [1, 1, T, T], rows of the answers and truths [A]."""

    tokens: Any
    positions: Any
    mask: Any
    answers: Any
    truths: Any


class LowRank(nn.Module):
    """A linear module that stays as it is, and its low-rank update."""

    def __init__(self, base: Any) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Parameter(torch.randn(RANK, base.in_features) / math.sqrt(base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, RANK))

    def forward(self, x: Any) -> Any:
        """W x + B A x alpha/r, for x [..., inputs]."""
        dropped = functional.dropout(x, DROPOUT, self.training)
        return self.base(x) + dropped @ self.down.to(x.dtype).t() @ self.up.to(x.dtype).t() * (ALPHA / RANK)


class Net:
    """The model in two parts: below FIRST_LAYER nothing changes, above it the updates are trained."""

    def __init__(self, folder: Path) -> None:
        import transformers

        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self._model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
        self._model.requires_grad_(False)
        self._base = self._model.model
        self.updates: dict[str, LowRank] = {}
        for number, layer in enumerate(self._base.layers[FIRST_LAYER:], FIRST_LAYER):
            for name, short in MODULES.items():
                update = LowRank(getattr(layer.self_attn, name))
                setattr(layer.self_attn, name, update)
                self.updates[f"blk.{number}.{short}.weight"] = update
        answers = [self.tokenizer.encode(each, add_special_tokens=False)[0] for each in WORDS.answers]
        self._yes_no = self._model.lm_head.weight[answers].float()

    def parameters(self) -> list[Any]:
        """What is trained."""
        return [each for update in self.updates.values() for each in (update.down, update.up)]

    def train(self, on: bool) -> None:
        """Dropout or none."""
        for update in self.updates.values():
            update.train(on)

    def lower(self, pack: Pack) -> Any:
        """The hidden states that the trained layers begin with, [1, T, hidden]."""
        with torch.no_grad():
            x = self._base.embed_tokens(pack.tokens)
            turn = self._base.rotary_emb(x, pack.positions)
            for layer in self._base.layers[:FIRST_LAYER]:
                x = layer(x, attention_mask=pack.mask, position_embeddings=turn)
        return x

    def upper(self, x: Any, pack: Pack) -> Any:
        """The log-odds of yes for each statement, [A]."""
        turn = self._base.rotary_emb(x, pack.positions)
        for layer in self._base.layers[FIRST_LAYER:]:
            x = layer(x, attention_mask=pack.mask, position_embeddings=turn)
        logits = self._base.norm(x)[0, pack.answers].float() @ self._yes_no.t()
        return logits[:, 0] - logits[:, 1]


def packs(net: Net, talks: Sequence[Labelled]) -> Iterator[Pack]:
    """The conversations, as many in a pack as ROWS hold."""
    rows = Rows()
    for number, talk in enumerate(talks):
        head = net.tokenizer(WORDS.prefix(last_message_last(talk.said)))["input_ids"]
        tails = [net.tokenizer(WORDS.suffix(text), add_special_tokens=False)["input_ids"] for text in talk.holds]
        if rows.tokens and len(rows.tokens) + len(head) + sum(map(len, tails)) > ROWS:
            yield _pack(rows)
            rows = Rows()
        rows.add(head, 0, number, 0)
        for place, tail in enumerate(tails, 1):
            rows.add(tail, len(head), number, place)
            rows.answers.append(len(rows.tokens) - 1)
        rows.truths += map(float, talk.holds.values())
    if rows.tokens:
        yield _pack(rows)


def _pack(rows: Rows) -> Pack:
    """Each row sees those before it of its conversation that all share, and of its own statement."""
    talk, statement, place = torch.tensor(rows.talks), torch.tensor(rows.statements), torch.arange(len(rows.tokens))
    near = (statement[None] == 0) | (statement[:, None] == statement[None])
    seen = (talk[:, None] == talk[None]) & near & (place[:, None] >= place[None])
    mask = torch.zeros(seen.shape, dtype=torch.bfloat16).masked_fill(~seen, torch.finfo(torch.bfloat16).min)
    tokens, positions = torch.tensor([rows.tokens]), torch.tensor([rows.positions])
    return Pack(tokens, positions, mask[None, None], torch.tensor(rows.answers), torch.tensor(rows.truths))


def lowered(net: Net, some: Sequence[Pack], what: str) -> list[Any]:
    """The lower layers' part, computed once."""
    found = []
    for number, pack in enumerate(some, 1):
        found.append(net.lower(pack))
        print(f"\r{what}: {number} of {len(some)} packs", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def epoch(net: Net, optimizer: Any, rates: Iterator[float], todo: Sequence[tuple[Pack, Any]]) -> float:
    """One pass over the training conversations; the mean loss."""
    net.train(True)
    total = count = 0.0
    for place in random.sample(range(len(todo)), len(todo)):
        pack, x = todo[place]
        for group in optimizer.param_groups:
            group["lr"] = next(rates)
        wanted = pack.truths * (1 - 2 * SMOOTHING) + SMOOTHING
        loss = functional.binary_cross_entropy_with_logits(net.upper(x, pack), wanted)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        total, count = total + float(loss.detach()) * len(wanted), count + len(wanted)
    return total / count


def rates(steps: int) -> Iterator[float]:
    """A short warm-up, then half a cosine."""
    for step in range(1, steps + 1):
        yield RATE * min(1.0, step / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * step / steps))


def measured(net: Net, todo: Sequence[tuple[Pack, Any]], talks: Sequence[Labelled]) -> str:
    """How well the split `choice` is judged now; the threshold is fitted to it."""
    net.train(False)
    with torch.no_grad():
        scores = torch.cat([torch.sigmoid(net.upper(x, pack)) for pack, x in todo]).tolist()
    truths = [(talk.id, true) for talk in talks for true in talk.holds.values()]
    found = [Scored(score, true, talk) for score, (talk, true) in zip(scores, truths, strict=True)]
    calibration = fitted(found)
    through = [Scored(calibration.probability(each.score), each.true, each.group) for each in found]
    return f"AUROC {auroc(found):.3f}, accuracy {accuracy(through):.3f} on {len(found)} statements of the split to choose on"


def save(net: Net, file: Path) -> None:
    """As llama.cpp reads an adapter, in half precision."""
    import gguf

    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", ALPHA * SHARE)
    for name, update in net.updates.items():
        for side, weights in (("a", update.down), ("b", update.up)):
            writer.add_tensor(f"{name}.lora_{side}", weights.detach().half().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """Read the command line; see the module's description."""
    parser = argparse.ArgumentParser(prog="tuning.py", description="Train the adapter of the default model.")
    parser.add_argument("file", type=Path, metavar="FILE", help="where the adapter goes, a GGUF file")
    parser.add_argument("--epochs", type=int, default=2, metavar="N", help="passes over the training conversations")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many conversations, to try it out")
    given = parser.parse_args()
    print(heading("torch", "transformers"))
    torch.manual_seed(1)
    random.seed(1)
    begin = time.monotonic()
    net = Net(unpacked(pull(DEFAULT_MODEL)))
    talks = sorted(read_labelled([str(TRAINING)]), key=lambda each: each.id)
    random.shuffle(talks)
    talks, choice = talks[: given.limit], cases("choice", given.limit)
    print(f"{len(talks)} conversations, {sum(len(each.holds) for each in talks)} statements")
    sets = {"training": list(packs(net, talks)), "choice": list(packs(net, choice))}
    ready = {name: list(zip(some, lowered(net, some, name), strict=True)) for name, some in sets.items()}
    print(f"before: {measured(net, ready['choice'], choice)}")
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY, betas=(0.9, 0.98))
    schedule = rates(given.epochs * len(ready["training"]))
    for number in range(1, given.epochs + 1):
        loss = epoch(net, optimizer, schedule, ready["training"])
        took = time.monotonic() - begin
        print(f"epoch {number}: loss {loss:.3f}; {measured(net, ready['choice'], choice)}; {took:.0f} s", flush=True)
        save(net, given.file)


if __name__ == "__main__":
    main()
