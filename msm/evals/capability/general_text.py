"""General text that no training data hold: how well does a model still predict it?"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from msm.evals.measurement import Measurement

PERPLEXITY = "perplexity"


def general_paragraphs() -> dict[str, str]:
    """The forty paragraphs by subject, each on one line."""
    file = files("msm.evals.capability").joinpath("general_text.yaml").read_text(encoding="utf-8")
    paragraphs: dict[str, str] = yaml.safe_load(file)
    return paragraphs


def text_measurements(
    model: Any, tokenizer: Any, batch_size: int, advance: Callable[[int], None] = lambda done: None
) -> list[Measurement]:
    """Nats a token of each paragraph under a loaded torch model; one measurement a subject."""
    from msm.evals.perplexity import nats_measurements

    return nats_measurements(
        PERPLEXITY, general_paragraphs(), model, tokenizer, batch_size, advance
    )
