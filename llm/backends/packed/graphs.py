"""CUDA graphs: a forward pass is recorded once for each size of batch and replayed with one launch.

Sizes are rounded up to powers of two, so that there are few; what is added changes no result (`layout.padded`). Where
recording fails, the pass runs as it is, and a warning says so once.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import torch

from jurat.llm.backends.packed.decoder import Decoder
from jurat.llm.backends.packed.layout import Layout, padded

MOST_GRAPHS = 32
_SMALLEST = 16
_log = logging.getLogger(__name__)


class Graphs:
    """Runs a decoder on CUDA over one pool of keys and values."""

    def __init__(self, decoder: Decoder, pool: list[tuple[Any, Any]]) -> None:
        self._decoder, self._pool = decoder, pool
        self._recorded: dict[tuple[int, ...], tuple[Any, Layout, Any]] = {}
        self._works = True

    def run(self, at: Layout) -> Any:
        """As `Decoder.run`."""
        if not self._works or not len(at.last):
            return self._decoder.run(at, self._pool)
        key, given = rounded(at, len(self._pool[0][0]) - 1)
        if key not in self._recorded and not self._record(key, given):
            return self._decoder.run(at, self._pool)
        graph, inputs, hidden = self._recorded[key]
        for name, tensor in inputs.tensors().items():
            tensor.copy_(getattr(given, name))
        graph.replay()
        return hidden[: len(at.last)].clone()

    def _record(self, key: tuple[int, ...], given: Layout) -> bool:
        inputs = replace(given, **{name: tensor.clone() for name, tensor in given.tensors().items()})
        try:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):  # kernels are chosen and loaded before the recording begins
                self._decoder.run(inputs, self._pool)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                hidden = self._decoder.run(inputs, self._pool)
        except RuntimeError as error:
            _log.warning("no CUDA graph could be recorded, so each pass is launched piece by piece: %s", error)
            self._works = False
            return False
        if len(self._recorded) >= MOST_GRAPHS:
            del self._recorded[next(iter(self._recorded))]
        self._recorded[key] = graph, inputs, hidden
        return True


def rounded(at: Layout, spare_slot: int) -> tuple[tuple[int, ...], Layout]:
    """The layout at the next size for which a graph is kept, and that size."""
    sizes = {name: _above(len(tensor)) for name, tensor in at.tensors().items()}
    for name in ("positions", "slots", "has_prefix", "inner_of_row"):
        sizes[name] = sizes["tokens"]
    longest = _above(at.longest)
    return (*sizes.values(), longest), padded(at, sizes, longest, spare_slot)


def _above(number: int) -> int:
    """The next of 16, 24, 32, 48, 64, 96, …: at most half is added."""
    size = _SMALLEST
    while size < number:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size
