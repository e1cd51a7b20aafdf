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

    Raises:
        UserError: the template does not keep the prompt as a prefix of the whole chat, so the
            answer cannot be told from the question.
    """
    prompt = render_prompt(tokenizer, question, thinking=answer.startswith(THINKS))
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    whole: str = tokenizer.apply_chat_template(turns, tokenize=False)
    if not whole.startswith(prompt + answer):
        raise UserError(
            "the student's chat template renders an answer otherwise than its prompt; "
            "give the student a template whose prompt is a prefix of the chat"
        )
    rest = whole[len(prompt) + len(answer) :].rstrip("\n")
    context = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    target = tokenizer(answer + rest, add_special_tokens=False)["input_ids"]
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
    text = tokenizer.decode(row.tokens)
    if PROBE[1] not in tokenizer.decode(answer) or PROBE[0] not in text:
        raise UserError(f"student {folder.name}: its tokenizer does not give back the probe's text")
