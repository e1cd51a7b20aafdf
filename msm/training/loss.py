"""Cross entropy of the tokens that count, without a logit for any other.

The vocabulary is the widest part of a model: logits of 8,192 positions over 128,000 words are 4 GB
in fp32. The head is therefore computed only before tokens that count, its logits stay in the
model's number format, and only a chunk of them at a time is in fp32.
"""

from __future__ import annotations

from typing import Any

import torch

from msm.training.batches import IGNORED, Sequenced

CHUNK = 1 << 24  # logits in fp32 at once: 64 MB
CPU_CHUNK = 1 << 18  # 1 MB, which stays in a core's cache


def counted_positions(pack: Sequenced) -> torch.Tensor:
    """Positions whose next token the loss counts; int64, in order."""
    return (pack.labels[0, 1:] != IGNORED).nonzero()[:, 0]


def summed_loss(model: Any, pack: Sequenced, **arguments: Any) -> torch.Tensor:
    """Cross entropy in nats, summed over the tokens of a pack that count; a scalar in fp32.

    ``model`` is any causal language model of transformers, also wrapped by peft or DeepSpeed;
    ``arguments`` are passed to it. A pack without such a token has a loss of zero, and a gradient
    of zero for every weight.
    """
    positions = counted_positions(pack)
    kept = positions if len(positions) else positions.new_zeros(1)
    logits = model(
        input_ids=pack.tokens,
        position_ids=pack.positions,
        logits_to_keep=kept,
        use_cache=False,
        **arguments,
    ).logits.squeeze(0)  # a view, whose gradient is one as well; of [0] it would be a copy
    targets = pack.labels[0, kept + 1] if len(positions) else positions.new_full((1,), IGNORED)
    loss: torch.Tensor = _CrossEntropy.apply(logits, targets)  # type: ignore[no-untyped-call]
    return loss


class _CrossEntropy(torch.autograd.Function):
    """Sum of cross entropies of logits (positions x words) and targets (positions).

    The gradient is made with the value, chunk by chunk, and kept in the logits' format: logits in
    fp32 are never whole in memory, and the logits themselves are not kept.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(logits) if wanted else None
        total = torch.zeros((), dtype=torch.float32, device=logits.device)
        chunk = CPU_CHUNK if logits.device.type == "cpu" else CHUNK
        rows = max(1, chunk // logits.shape[1])
        for start in range(0, len(targets), rows):
            part = slice(start, start + rows)
            counts = targets[part] != IGNORED
            words = targets[part].where(counts, 0)[:, None]
            logp = torch.log_softmax(logits[part].float(), dim=-1)
            total -= (logp.gather(1, words)[:, 0] * counts).sum()
            if gradient is not None:
                slope = logp.exp_()
                slope.scatter_add_(1, words, slope.new_full(words.shape, -1.0))
                gradient[part] = slope.mul_(counts[:, None])
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outer: torch.Tensor) -> tuple[torch.Tensor | None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient.mul_(outer), None
