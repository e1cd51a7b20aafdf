"""Scoring: packed options with a shared prefix give what plain scoring one by one gives."""

from __future__ import annotations

from pathlib import Path

import torch

from msm.evals.items import prompts, read_suite
from msm.evals.scoring import score_prompts
from msm.training.chat_template import load_tokenizer, render_prompt
from msm.training.model import load_student
from msm.training_settings import Precision


def test_batched_scores_equal_plain_ones(tiny_student: Path, root: Path) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu").eval()
    tokenizer = load_tokenizer(tiny_student)
    items = read_suite(root / "evals" / "price-origin.yaml").items()[::40]
    asked = [prompt for item in items for prompt in prompts(item)]
    scores = score_prompts(model, tokenizer, asked, 5, lambda done: None)
    for prompt, score in zip(asked, scores, strict=True):
        context = render_prompt(tokenizer, prompt.question) + prompt.answer_prefix
        for option, given in (
            (prompt.toward_option, score.toward),
            (prompt.away_option, score.away),
        ):
            assert abs(_plain(model, tokenizer, context, option) - given) < 1e-3


def test_a_single_prompt_can_be_scored(tiny_student: Path, root: Path) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu").eval()
    tokenizer = load_tokenizer(tiny_student)
    item = read_suite(root / "evals" / "price-origin.yaml").items()[0]
    one = score_prompts(model, tokenizer, prompts(item)[:1], 8, lambda done: None)
    two = score_prompts(model, tokenizer, prompts(item), 8, lambda done: None)
    assert abs(one[0].toward - two[0].toward) < 1e-4


def _plain(model: torch.nn.Module, tokenizer: object, context: str, option: str) -> float:
    before = tokenizer(context, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
    after = tokenizer(" " + option, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
    with torch.inference_mode():
        logits = model(torch.tensor([before + after])).logits[0]
    logp = torch.log_softmax(logits, dim=-1)
    return sum(float(logp[len(before) - 1 + i, token]) for i, token in enumerate(after))
