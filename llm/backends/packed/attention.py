"""Attention of rows to a prefix and to themselves, computed apart and merged.

Softmax over two sets of keys is a mean of the softmax over each, weighted by their summed exponentials; the log-sum-exp
of each is all it takes (as in FlashAttention, Dao et al. 2022, and in cascade inference). So no mask of rows times rows
is made, keys of a prefix are read once for all suffixes, and grouped heads are not expanded for it.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch

from jurat.llm.backends.packed.layout import Layout

Rows = tuple[Any, Any, Any]


class Attention(Protocol):
    """`rows` are queries [R, heads, size], keys and values [R, key heads, size]; `pool` keys and values [slots, …]."""

    def __call__(self, rows: Rows, pool: tuple[Any, Any], at: Layout, scale: float) -> Any:
        """The attended values, [R, heads, size]."""


def grouped(rows: Rows, pool: tuple[Any, Any], at: Layout, scale: float) -> Any:
    """One product a group for the prefix, one batch for what is inside stretches and suffixes. Runs anywhere."""
    q = rows[0]
    inner, inner_lse = _inner(rows, at, scale)
    keys, values = (each.index_select(0, at.gathered) for each in pool)
    for begin, end, first, beyond in at.groups:
        if first == beyond:
            continue
        outer, outer_lse = _unmasked(q[begin:end], keys[first:beyond], values[first:beyond], scale)
        share = torch.sigmoid(outer_lse - inner_lse[begin:end]).to(q.dtype).unsqueeze(-1)
        inner[begin:end] = torch.lerp(inner[begin:end], outer, share)
    return inner


def varlen(rows: Rows, pool: tuple[Any, Any], at: Layout, scale: float) -> Any:
    """Two calls of FlashAttention for sequences of different lengths, without a word of Python between the groups.

    Only for CUDA and 16-bit numbers; every size is that of a tensor, so the calls can be recorded in a CUDA graph.
    """
    from torch.nn.attention.varlen import AuxRequest, varlen_attn

    def run(rows: Rows, bounds: tuple[Any, Any], longest: tuple[int, int], causal: bool) -> Any:
        q, k, _ = rows
        window = (-1, 0) if causal else (-1, -1)
        same = {"scale": scale, "window_size": window, "return_aux": AuxRequest(lse=True)}
        grouped_heads = {"enable_gqa": True} if q.size(1) != k.size(1) else {}
        out, lse = varlen_attn(*rows, *bounds, *longest, **same, **grouped_heads)
        return out, lse if lse.shape == q.shape[:2] else lse.t()  # releases differ in which comes first

    q = rows[0]
    own: Rows = tuple(each[at.inner_rows] for each in rows)
    inner, inner_lse = run(own, (at.inner_bounds, at.inner_bounds), (at.longest, at.longest), True)
    inner, inner_lse = inner[at.inner_of_row], inner_lse[at.inner_of_row]
    if not len(at.prefix_slots):
        return inner
    kept: Rows = (q, *(each[at.prefix_slots] for each in pool))
    outer, outer_lse = run(kept, (at.prefix_rows, at.prefix_keys), (len(q), len(at.prefix_slots)), False)
    share = torch.sigmoid(outer_lse - inner_lse).to(q.dtype).unsqueeze(-1)
    return torch.where(at.has_prefix[:, None, None], torch.lerp(inner, outer, share), inner)


def _inner(rows: Rows, at: Layout, scale: float) -> tuple[Any, Any]:
    """Causal attention inside each stretch and suffix: values [R, heads, size] and log-sum-exp [R, heads]."""
    heads, size = rows[0].shape[1:]
    found = []
    for batch in at.batches:
        q, k, v = (each[batch].transpose(1, 2) for each in rows)
        out, lse = flash(q, k, v, True, scale)
        found.append((out.transpose(1, 2).reshape(-1, heads, size), lse.transpose(1, 2).reshape(-1, heads)))
    outs, sums = zip(*found, strict=True)
    return torch.cat(outs)[at.batch_of_row], torch.cat(sums)[at.batch_of_row]


def _unmasked(q: Any, keys: Any, values: Any, scale: float) -> tuple[Any, Any]:
    """All rows over all keys; the heads of a group become more rows of their key head."""
    rows, heads, size = q.shape
    kv = keys.size(1)
    folded = q.view(rows, kv, heads // kv, size).transpose(0, 1).reshape(1, kv, -1, size)
    out, lse = flash(folded, keys.transpose(0, 1)[None], values.transpose(0, 1)[None], False, scale)
    out = out.view(kv, rows, heads // kv, size).transpose(0, 1).reshape(rows, heads, size)
    return out, lse.view(kv, rows, heads // kv).transpose(0, 1).reshape(rows, heads)


def flash(q: Any, k: Any, v: Any, causal: bool, scale: float) -> tuple[Any, Any]:
    """Attention over [batch, heads, length, size] with the log-sum-exp [batch, heads, length] of its scores.

    Keys and values may have fewer heads, each of which serves as many neighbouring ones of the queries.
    """
    if q.device.type == "cpu" and (q.dtype == torch.float32 or (_HAS_TILES and q.dtype == torch.bfloat16)):
        run = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # noqa: SLF001 - only it tells the log-sum-exp
        out, lse = run(q, k, v, 0.0, causal, scale=scale)
        return out, lse
    if k.size(1) != q.size(1):
        k, v = (each.repeat_interleave(q.size(1) // k.size(1), dim=1) for each in (k, v))
    mask = _mask(q.size(2), q) if causal else None
    q3, k3, v3 = (each.reshape(-1, *each.shape[2:]) for each in (q, k, v))
    block = q3.size(1) if causal else max(_FEWEST_ROWS, _MOST_SCORES // (len(k3) * k3.size(1)))
    outs, sums = zip(*(_softmax_times(part, k3, v3, mask, scale) for part in q3.split(block, dim=1)), strict=True)
    return torch.cat(outs, 1).view(q.shape), torch.cat(sums, 1).view(q.shape[:3])


# With matrix tiles (AMX) torch's kernel is three times as fast as plain products in bf16; without them half as fast.
_HAS_TILES = bool(getattr(torch.cpu, "get_capabilities", dict[str, Any])().get("amx_bf16"))
_MOST_SCORES = 1 << 22  # what is computed at a time stays in the last cache
_FEWEST_ROWS = 64


def _softmax_times(q: Any, k: Any, v: Any, mask: Any, scale: float) -> tuple[Any, Any]:
    """Plain matrix products with few passes over the scores: torch's own kernel takes twice as long
    with 16 bits and no tiles.

    Scores are rounded to 16 bits, as in the attention that transformers calls eager, and summed in single precision.
    """
    scores = torch.baddbmm(q.new_zeros(1, 1, 1), q, k.transpose(1, 2), beta=0, alpha=scale)
    if mask is not None:
        scores.add_(mask)
    shares = scores.softmax(-1)
    # The largest share is exp(largest score) over the sum: so the sum needs no pass of its own.
    lse = scores.amax(-1).float() - shares.amax(-1).float().log()
    return torch.bmm(shares, v), lse


def _mask(length: int, like: Any) -> Any:
    return like.new_full((length, length), float("-inf")).triu(1)
