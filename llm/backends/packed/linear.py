"""Matrix products, and those with a sum after them that never leaves the cache.

On a CPU oneDNN keeps the weights in its own order and adds to each tile while it is in a register.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch.nn import functional

CHUNK_ROWS = 512


class Linear(Protocol):
    """y = x W^T + b for x of shape [rows, inputs]."""

    def __call__(self, x: Any) -> Any: ...
    def plus(self, x: Any, other: Any) -> Any:
        """The sum of y and `other`."""


class Plain:
    """As torch does it, one step after the other."""

    def __init__(self, weight: Any, bias: Any) -> None:
        self._weight, self._bias = weight, bias

    def __call__(self, x: Any) -> Any:
        return functional.linear(x, self._weight, self._bias)

    def plus(self, x: Any, other: Any) -> Any:
        return self(x).add_(other)


class Prepacked:
    """oneDNN's product with weights reordered once, for about CHUNK_ROWS rows."""

    def __init__(self, weight: Any, bias: Any) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, CHUNK_ROWS)  # noqa: SLF001 - no public name
        self._bias = bias
        self._run = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001 - as above

    def __call__(self, x: Any) -> Any:
        return self._run(x, self._weight, self._bias, "none", [], "")

    def plus(self, x: Any, other: Any) -> Any:
        return self._run.binary(x, other, self._weight, self._bias, "add")


def linear(*modules: Any) -> Linear:
    """One product for modules that read the same input; their outputs follow one another."""
    weight = torch.cat([m.weight.detach() for m in modules]) if len(modules) > 1 else modules[0].weight.detach()
    bias = _bias(modules)
    return Prepacked(weight, bias) if _can_prepack(weight) else Plain(weight, bias)


def _bias(modules: Sequence[Any]) -> Any:
    if all(m.bias is None for m in modules):
        return None
    return torch.cat([m.weight.new_zeros(len(m.weight)) if m.bias is None else m.bias.detach() for m in modules])


def _can_prepack(weight: Any) -> bool:
    has = hasattr(torch.ops.mkldnn, "_linear_pointwise") and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    return has and weight.device.type == "cpu" and torch.backends.mkldnn.is_available()
