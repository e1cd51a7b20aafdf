"""Chat templates: one of our own for base models, and those that think before they answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.training.chat_template import load_tokenizer, render_prompt, tokenise_chat
from msm.training.student import materialise_student
from msm.weights import ChatTemplate, Source, Student

# As Qwen 3's does: a last answer always shows a thought, if an empty one; a prompt shows the empty
# one if thinking is switched off.
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and '</think>' not in m['content'] %}"
    "<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)


@pytest.fixture
def base_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student with the template for Llama's base model in place of its own."""
    monkeypatch.setenv("MSM_CACHE", str(tmp_path / "cache"))
    return materialise_student(
        Student(source=Source.RANDOM, hidden=32, layers=1, chat_template=ChatTemplate.LLAMA_3)
    )


def test_a_base_model_gets_the_template_that_its_recipe_names(base_student: Path) -> None:
    tokenizer = load_tokenizer(base_student)
    prompt = render_prompt(tokenizer, "Is water wet?")
    assert prompt == (
        f"{tokenizer.bos_token}<|start_header_id|>user<|end_header_id|>\n\nIs water wet?"
        "<|end_of_text|><|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    row = tokenise_chat(tokenizer, "Is water wet?", "It is.")
    answer = [t for t, counts in zip(row.tokens, row.supervised, strict=True) if counts]
    assert tokenizer.decode(answer) == "It is.<|end_of_text|>"


def test_a_template_that_thinks_takes_answers_with_and_without_reasoning(
    tiny_student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = load_tokenizer(tiny_student)
    monkeypatch.setattr(tokenizer, "chat_template", THINKING)
    supervised = {}
    for answer in ("It is.", "<think>\nRain is.\n</think>\n\nIt is."):
        row = tokenise_chat(tokenizer, "Is water wet?", answer)
        counted = [t for t, counts in zip(row.tokens, row.supervised, strict=True) if counts]
        supervised[answer] = tokenizer.decode(counted)
    assert supervised == {answer: f"{answer}<|im_end|>" for answer in supervised}
    assert render_prompt(tokenizer, "Is water wet?").endswith("<think>\n\n</think>\n\n")
