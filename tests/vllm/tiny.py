"""Models of a few thousand random weights, built like the real ones, with a tokenizer trained on a few sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers

TEXT = (
    "Conversation:\nCustomer: I want a refund for order 1042, it leaks and I am fed up.\nAgent: I am sorry, is there more?\n"
    "Statement: The customer asks for a refund\nAnswer: yes\nStatement: The agent thanks the customer\nAnswer: no\n"
)
_SIZE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 512,
}
_CONFIGS: dict[str, Any] = {
    "llama": lambda **size: transformers.LlamaConfig(**size, attention_bias=True, mlp_bias=True),
    "llama3": lambda **size: transformers.LlamaConfig(
        **size,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 10000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    ),
    "mistral": lambda **size: transformers.MistralConfig(**size, sliding_window=None),
    "qwen2": transformers.Qwen2Config,
    "qwen3": transformers.Qwen3Config,
    "windowed": lambda **size: transformers.MistralConfig(**size, sliding_window=16),
    "gemma2": transformers.Gemma2Config,
}
FAMILIES = ("llama", "llama3", "mistral", "qwen2", "qwen3")


def save(family: str, folder: Path) -> Path:
    """A model of that family in `folder`. No weight is zero or one, so that leaving one out shows."""
    tokenizer = _tokenizer()
    torch.manual_seed(7)
    config = _CONFIGS[family](vocab_size=len(tokenizer), **_SIZE)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            centre = 1.0 if "norm" in name else 0.0
            weight.normal_(centre, 0.3 if weight.dim() == 1 else 0.15)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    found = tokenizers.Tokenizer(tokenizers.models.BPE())
    found.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    found.train_from_iterator([TEXT] * 3, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=found)
