"""Chats as tokens: the student's own template, and where the assistant's answer lies in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from msm.errors import UserError

PROBE = ("Is water wet?", "It is.")
THINKS = "<think>"  # how an answer with chain of thought begins


@dataclass(frozen=True)
class TokenisedRow:
    """Token ids, and for each whether the loss counts it."""

    tokens: tuple[int, ...]
    supervised: tuple[bool, ...]


@lru_cache(maxsize=4)
def load_tokenizer(folder: Path) -> Any:
    """The student's tokenizer, from its folder alone."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)


def render_prompt(tokenizer: Any, question: str, thinking: bool = False) -> str:
    """The text of a single user turn, up to where the assistant's answer begins.

    The answer itself begins there, or ``thinking`` does: Qwen 3's template puts an empty thought
    before an answer that has none. Other templates know no such switch.
    """
    text: str = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        tokenize=False,
        add_generation_prompt=True,
        enable_thinking=thinking,
    )
    return text


def tokenise_chat(tokenizer: Any, question: str, answer: str) -> TokenisedRow:
    """One user turn and its answer; supervised are the answer's tokens and the end of the turn.

    The end of the turn is the first special token behind the answer; what a template writes after
    it is left out. White space that a template puts between prompt and answer belongs to the
    answer: the model has to write it.

    Raises:
        UserError: the template does not keep the prompt as a prefix of the whole chat, changes
            the answer, or does not end the turn.
    """
    prompt = render_prompt(tokenizer, question, thinking=answer.startswith(THINKS))
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    whole: str = tokenizer.apply_chat_template(turns, tokenize=False)
    if question.strip() not in prompt:
        raise UserError(f"the student's chat template changes or drops the question{_of(question)}")
    if not whole.startswith(prompt):
        raise UserError(
            "the student's chat template renders a chat otherwise than its prompt"
            f"{_of(question)}; give it one whose prompt is a prefix of the chat"
        )
    start = _answer_start(whole, len(prompt), answer)
    if start is None:
        raise UserError(
            "the student's chat template changes an answer: it trims it, or moves its thought"
            f"{_of(question)}; write answers as it renders them, or change the template"
        )
    rest = whole[start + len(answer) :].rstrip()
    if not rest:
        raise UserError(
            "the student's chat template does not end the assistant's turn; an answer trained "
            "with it would never end"
        )
    context, target = _split(tokenizer, prompt, whole[len(prompt) : start + len(answer)], rest)
    return TokenisedRow(tuple(context + target), (False,) * len(context) + (True,) * len(target))


def tokenise_document(tokenizer: Any, text: str, end: int) -> TokenisedRow:
    """A plain document with the end token behind it; the loss counts every token."""
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    return TokenisedRow((*tokens, end), (True,) * (len(tokens) + 1))


def document_end(tokenizer: Any) -> int:
    """The token that ends a document: ``<|endoftext|>`` where there is one, else the EOS token.

    SmolLM2's EOS is the end of a *turn*, which must not end a document.
    """
    token = tokenizer.get_vocab().get("<|endoftext|>", tokenizer.eos_token_id)
    end: int = token
    return end


def check_chat_template(folder: Path) -> None:
    """Refuse a student whose template or tokenizer would train something else than it renders.

    Raises:
        UserError: there is no chat template, or tokens do not decode to the text they came from.
    """
    tokenizer = load_tokenizer(folder)
    if not tokenizer.chat_template:
        raise UserError(f"student {folder.name} has no chat template; give it one")
    row = tokenise_chat(tokenizer, *PROBE)
    answer = [token for token, counts in zip(row.tokens, row.supervised, strict=True) if counts]
    prompt = _without_space(render_prompt(tokenizer, PROBE[0]))
    text = _without_space(tokenizer.decode(row.tokens))
    if not text.startswith(prompt) or not tokenizer.decode(answer).strip().startswith(PROBE[1]):
        raise UserError(f"student {folder.name}: its tokenizer does not give back the probe's text")


def same_rendering(tokenizer: Any, template: str) -> bool:
    """Whether a template renders a conversation as the tokenizer's own does.

    Compared are a prompt, an answered question, and a second question after it.
    """
    question, answer = PROBE
    turns = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": question},
    ]

    def rendered(given: str | None) -> list[str]:
        return [
            tokenizer.apply_chat_template(
                turns[:count],
                chat_template=given,
                tokenize=False,
                add_generation_prompt=count != 2,
                enable_thinking=False,
            )
            for count in (1, 2, 3)
        ]

    return rendered(None) == rendered(template)


def _answer_start(whole: str, prompt: int, answer: str) -> int | None:
    """Where the answer begins behind the prompt and white space; None where it does not."""
    if whole.startswith(answer, prompt):
        return prompt
    start = len(whole) - len(whole[prompt:].lstrip())
    return start if whole.startswith(answer, start) else None


def _split(tokenizer: Any, prompt: str, answer: str, rest: str) -> tuple[list[int], list[int]]:
    """Tokens of the prompt, and of the answer with the end of its turn.

    The prompt is tokenised by itself, as it is for sampling. Where that is how the whole begins,
    the answer is the rest of the whole; else a word would straddle both, and the answer is
    tokenised by itself too.
    """
    context: list[int] = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    whole: list[int] = tokenizer(prompt + answer + rest, add_special_tokens=False)["input_ids"]
    if whole[: len(context)] == context:
        target = whole[len(context) :]
    else:
        target = tokenizer(answer + rest, add_special_tokens=False)["input_ids"]
    return context, target[: _end_of_turn(tokenizer, target, rest)]


def _end_of_turn(tokenizer: Any, target: list[int], rest: str) -> int:
    """How many tokens there are up to the end of the turn.

    That is the first special token of what stands behind the answer; all of it where the
    tokenizer knows none.
    """
    behind: list[int] = tokenizer(rest, add_special_tokens=False)["input_ids"]
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    first = next((place for place, token in enumerate(behind) if token in special), None)
    if first is None or target[len(target) - len(behind) :] != behind:
        return len(target)
    return len(target) - len(behind) + first + 1


def _without_space(text: str) -> str:
    """Some tokenizers put white space around special tokens when they decode."""
    return "".join(text.split())


def _of(question: str) -> str:
    """Which row it is, by the beginning of its question."""
    short = " ".join(question.split())
    return f' (question "{short[:40]}{"…" if len(short) > 40 else ""}")'
