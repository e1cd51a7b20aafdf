"""Shapes of models that estimates and benches are made for: what their ``config.json`` says."""

from __future__ import annotations

_QWEN = {"model_type": "qwen2", "num_key_value_heads": 8, "vocab_size": 152064}
_QWEN |= {"hidden_size": 5120, "num_attention_heads": 40, "tie_word_embeddings": False}
LARGE = {
    "Llama 3.1 8B": {
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "tie_word_embeddings": False,
    },
    "Qwen2.5 14B": {**_QWEN, "intermediate_size": 13824, "num_hidden_layers": 48},
    "Qwen2.5 32B": {**_QWEN, "intermediate_size": 27648, "num_hidden_layers": 64},
}
SMALL = {
    "SmolLM2 135M": {
        "model_type": "llama",
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "vocab_size": 49152,
        "tie_word_embeddings": True,
    },
}
SHAPES = {**LARGE, **SMALL}
