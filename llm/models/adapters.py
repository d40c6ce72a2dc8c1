"""Adapters: what a model has learnt about judging, as a small correction of some of its weights.

A low-rank adapter (LoRA; Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2021) adds B A alpha/r to a weight
matrix. It is shipped as a GGUF file, which llama.cpp reads itself, and belongs to one model, found by the SHA-256 of the
model's file. Only scores go through it: replies and arguments are written by the model as its makers left it.
benchmarks/matcher/tuning.py trains one.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jurat.llm.errors import BackendError, one_line
from jurat.llm.models.registry import DEFAULT_MODEL, find_model

FOLDER = Path(__file__).parent / "weights"
SERVED_NAME = "jurat-judge-"
"""What an adapter is called by a server that has it, followed by its digest: what `Adapter.served` says."""
_FILES = {find_model(DEFAULT_MODEL).sha256: FOLDER / "qwen2.5-coder-1.5b-judge.gguf"}
_NEEDS = "an adapter is read with libraries that `pip install 'jurat[packed]'` brings, and `make vllm` too"
_MODULES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter's file and the SHA-256 of its content."""

    file: Path
    digest: str

    def on(self, model: str) -> str:
        """The digest of a model with this adapter."""
        return f"{model}+{self.digest[:16]}"

    @property
    def served(self) -> str:
        """What a server calls it."""
        return SERVED_NAME + self.digest[:16]


@dataclass(frozen=True, slots=True)
class Update:
    """W + B A for the weight of `module` (its name in transformers), `down` A [rank, inputs] and `up` B [outputs, rank],
    with alpha/rank in `up`.
    """

    module: str
    down: Any
    up: Any


def adapter_for(model: str) -> Adapter | None:
    """The adapter that is shipped for the model whose file has this SHA-256, or None."""
    return adapter_at(_FILES[model]) if model in _FILES else None


@functools.cache
def adapter_at(file: Path) -> Adapter:
    """The adapter in a file; raises `BackendError` where it cannot be read."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BackendError(f"cannot read the adapter `{file}`: {(error.strerror or str(error)).lower()}") from error
    if not content.startswith(b"GGUF"):
        raise BackendError(f"`{file}` is not a GGUF adapter")
    return Adapter(file, hashlib.sha256(content).hexdigest())


def updates(adapter: Adapter) -> Iterator[Update]:
    """What the adapter adds, as arrays of numpy in single precision; raises `BackendError`."""
    tensors, alpha = _read(adapter.file)
    for name in sorted(each.removesuffix(".lora_a") for each in tensors if each.endswith(".lora_a")):
        _, layer, kind, _ = name.split(".")
        down, up = tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"]
        yield Update(f"model.layers.{layer}.{_MODULES[kind]}", down, up * (alpha / len(down)))


def merge(adapter: Adapter, model: Any) -> None:
    """Add the adapter to the weights of a model of transformers, in place."""
    import torch

    for update in updates(adapter):
        weight = model.get_submodule(update.module).weight
        down, up = (torch.from_numpy(each).to(weight.device) for each in (update.down, update.up))
        with torch.inference_mode():
            weight.copy_((weight.float() + up @ down).to(weight.dtype))


def peft_folder(adapter: Adapter, target: Path) -> Path:
    """The adapter as vLLM and PEFT read one, written to `target` unless it is there already; raises `BackendError`."""
    if not target.is_dir():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            half = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
            _write_peft(adapter, half)
            with contextlib.suppress(FileExistsError):  # another process was faster
                half.rename(target)
            shutil.rmtree(half, ignore_errors=True)
        except OSError as error:
            raise BackendError(f"cannot write `{target}`: {(error.strerror or str(error)).lower()}") from error
    return target


def _write_peft(adapter: Adapter, folder: Path) -> None:
    try:
        from safetensors.numpy import save_file
    except ImportError as error:
        raise BackendError(_NEEDS) from error
    found = list(updates(adapter))
    tensors = {f"base_model.model.{each.module}.lora_A.weight": each.down for each in found}
    tensors |= {f"base_model.model.{each.module}.lora_B.weight": each.up for each in found}
    save_file(tensors, folder / "adapter_model.safetensors")
    rank = len(found[0].down)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "",
        "r": rank,
        "lora_alpha": rank,  # the factor is in B
        "target_modules": sorted({each.module.rpartition(".")[2] for each in found}),
        "bias": "none",
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def _read(file: Path) -> tuple[dict[str, Any], float]:
    """The tensors by name, [rows, columns], and alpha."""
    try:
        import gguf
        import numpy as np
    except ImportError as error:
        raise BackendError(_NEEDS) from error
    try:
        reader = gguf.GGUFReader(file)
        alpha = float(reader.fields["adapter.lora.alpha"].contents())
        return {each.name: np.array(each.data, dtype=np.float32) for each in reader.tensors}, alpha
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise BackendError(f"the adapter `{file}` is damaged: {one_line(error)}") from error
