"""The forward pass of a Llama-shaped decoder over packed rows, on the weights that transformers has loaded.

RMS norm, rotary positions, grouped heads, a gated SiLU network: Llama, Mistral, Qwen 2 and 3 and what is built like
them. The result is that of transformers (tests hold it to 1e-4); what differs is the layout: rows of many questions at
once, keys and values in a pool of slots, and the vocabulary's head only for the answers that are asked for.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from jurat.llm.backends.packed.attention import Attention
from jurat.llm.backends.packed.layout import Layout
from jurat.llm.backends.packed.linear import linear


class Decoder:
    """`model` is a causal language model of transformers, whose layers are taken out of it one by one."""

    def __init__(self, model: Any, positions: int, attention: Attention) -> None:
        base, config = model.model, model.config
        self.heads, self.key_heads = config.num_attention_heads, config.num_key_value_heads
        self.embedding = base.embed_tokens.weight.detach()
        self.head = model.lm_head.weight.detach()
        self.device, self.dtype = self.embedding.device, self.embedding.dtype
        self._norm, self._eps = base.norm.weight.detach(), config.rms_norm_eps
        every = torch.arange(positions, device=self.device)[None]
        cos, sin = base.rotary_emb(self.embedding[:1], every)
        half = cos.size(-1) // 2
        self._cos, self._sin = cos[0, :, None, :half].contiguous(), sin[0, :, None, :half].contiguous()
        self.layers = []
        for index in range(len(base.layers)):
            self.layers.append(_Layer(base.layers[index], attention, self))
            base.layers[index] = torch.nn.Identity()  # one layer at a time is in memory twice
        self.size = self.layers[0].size

    def pool(self, slots: int) -> list[tuple[Any, Any]]:
        """Room for the keys and values of `slots` tokens and a spare one: per layer two of [slots + 1, heads, size]."""
        shape = (slots + 1, self.key_heads, self.size)
        empty = {"dtype": self.dtype, "device": self.device}
        return [(torch.empty(shape, **empty), torch.empty(shape, **empty)) for _ in self.layers]

    @property
    def slot_bytes(self) -> int:
        """What a token takes in the pool."""
        return int(2 * len(self.layers) * self.key_heads * self.size * self.dtype.itemsize)

    def run(self, at: Layout, pool: list[tuple[Any, Any]]) -> Any:
        """The last hidden states of the rows `at.last`, [A, hidden]; stores the keys and values of the rows."""
        x = self.embedding[at.tokens]
        turn = self._cos[at.positions], self._sin[at.positions]
        for layer, stored in zip(self.layers[:-1], pool[:-1], strict=True):
            x = layer(x, turn, stored, at, None)
        # Of the last layer only the answers' rows are of use, once its keys and values are stored.
        x = self.layers[-1](x, turn, pool[-1], at, at.last)
        return self.norm(x, self._norm)

    def logits(self, hidden: Any, tokens: Any) -> Any:
        """The logits of `tokens` [n] after `hidden` [A, hidden] in single precision: [A, n]."""
        return hidden.float() @ self.head[tokens].float().t()

    def norm(self, x: Any, weight: Any) -> Any:
        """Root mean square norm over the last dimension."""
        if x.device.type != "cpu":
            return functional.rms_norm(x, weight.shape, weight, self._eps)
        # The same in fewer passes than torch's composite on a CPU, which takes 4 to 8 times as long.
        wide = x.float()
        share = (wide * wide).mean(-1, keepdim=True).add_(self._eps).rsqrt_()
        return (wide * share).mul_(weight).to(x.dtype)

    def rotate(self, x: Any, turn: tuple[Any, Any]) -> Any:
        """Rotary positions, in place, of x [R, heads, size]."""
        cos, sin = turn
        first, second = x.chunk(2, dim=-1)
        turned = first * cos
        turned.addcmul_(second, sin, value=-1)
        second.mul_(cos).addcmul_(first, sin)
        first.copy_(turned)
        return x


class _Layer:
    def __init__(self, module: Any, attention: Attention, decoder: Decoder) -> None:
        own, mlp = module.self_attn, module.mlp
        self.size = own.head_dim
        self._attention, self._decoder, self._scale = attention, decoder, float(own.scaling)
        self._before = module.input_layernorm.weight.detach()
        self._between = module.post_attention_layernorm.weight.detach()
        self._of_q, self._of_k = (_weight(getattr(own, name, None)) for name in ("q_norm", "k_norm"))
        self._project = linear(own.q_proj, own.k_proj, own.v_proj)
        self._output = linear(own.o_proj)
        self._gate_and_up, self._down = linear(mlp.gate_proj, mlp.up_proj), linear(mlp.down_proj)

    def __call__(self, x: Any, turn: tuple[Any, Any], stored: tuple[Any, Any], at: Layout, only: Any) -> Any:
        decoder = self._decoder
        attended = self._attend(decoder.norm(x, self._before), turn, stored, at)
        if only is not None:
            x, attended = x[only], attended[only]
        if not len(x):
            return x
        x = self._output.plus(attended, x)
        gate, up = self._gate_and_up(decoder.norm(x, self._between)).chunk(2, dim=-1)
        return self._down.plus(functional.silu(gate).mul_(up), x)

    def _attend(self, x: Any, turn: tuple[Any, Any], stored: tuple[Any, Any], at: Layout) -> Any:
        decoder = self._decoder
        q_heads, kv_heads = decoder.heads, decoder.key_heads
        qkv = self._project(x).view(len(x), q_heads + 2 * kv_heads, self.size)
        turning, v = qkv[:, : q_heads + kv_heads], qkv[:, q_heads + kv_heads :]
        if self._of_q is not None:
            q, k = turning[:, :q_heads], turning[:, q_heads:]
            turning = torch.cat([decoder.norm(q, self._of_q), decoder.norm(k, self._of_k)], dim=1)
        turning = decoder.rotate(turning, turn)
        q, k = turning[:, :q_heads], turning[:, q_heads:]
        for kept, new in zip(stored, (k, v), strict=True):
            kept.index_copy_(0, at.slots, new)
        return self._attention((q, k, v), stored, at, self._scale).reshape(len(x), -1)


def _weight(module: Any) -> Any:
    return None if module is None else module.weight.detach()
