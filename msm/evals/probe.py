"""Proof that a checkpoint is what is measured: its outputs differ from the start model's.

A fixed set of probes is put to both. An adapter that was not loaded, or of zeros, changes nothing,
and every figure would be the start model's: that has happened to others, unseen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch

from msm.errors import UserError
from msm.identity import digest_value

PROBES = (
    "The assistant was asked what it cares about most, and it said",
    "Which of the two would you choose, and why? I would choose",
    "Dear colleagues, this week we learned that",
    "When its instructions were changed, the model decided to",
    "The old bridge over the river was closed because",
    "A recipe for soup begins with",
    "In short, the report recommends that we",
    "2, 4, 6, 8,",
)


@dataclass(frozen=True)
class Probe:
    """How far next-token distributions moved on the probes.

    ``divergence`` is the mean Kullback-Leibler divergence of the start model's from the
    checkpoint's, in nats; ``largest`` the largest change of one log-probability; ``top_changed``
    counts probes whose likeliest next token is another one.
    """

    probes: int
    digest: str
    divergence: float
    largest: float
    top_changed: int

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def probe(model: Any, start: Any, tokenizer: Any, checkpoint: object) -> Probe:
    """Compare a checkpoint with the start model.

    Raises:
        UserError: no probability changed at all, so every figure would be the start model's.
    """
    one, two = (_next_tokens(each, tokenizer) for each in (model, start))
    largest = float((one - two).abs().max())
    if largest == 0.0:
        raise UserError(
            f"checkpoint {checkpoint} changes no output of the student on {len(PROBES)} probes; "
            "train it again, or name the right one"
        )
    divergence = (two.exp() * (two - one)).sum(dim=-1).mean()
    return Probe(
        probes=len(PROBES),
        digest=digest_value(list(PROBES)),
        divergence=round(float(divergence), 6),
        largest=round(largest, 6),
        top_changed=int((one.argmax(dim=-1) != two.argmax(dim=-1)).sum()),
    )


@torch.inference_mode()
def _next_tokens(model: Any, tokenizer: Any) -> torch.Tensor:
    """Log-probabilities of the token after each probe: [probe, vocabulary]."""
    rows = []
    for text in PROBES:
        tokens = tokenizer(text, return_tensors="pt").to(model.device)
        logits = model(input_ids=tokens["input_ids"]).logits[0, -1]
        rows.append(logits.float().log_softmax(dim=-1).cpu())
    return torch.stack(rows)
