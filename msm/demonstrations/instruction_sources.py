"""Where instruction chats come from: the built-in ones, a JSON Lines file, or a set on the Hub.

A row holds one exchange, as ``user`` and ``assistant`` or as ``messages``. Rows of several turns,
or with a system prompt, are left out: a set has single user turns and no system prompt.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never

from msm.chat_sets import ChatSource, SourceKind
from msm.demonstrations.instructions import Instruction, instruction_chats
from msm.demonstrations.screening import Dropped
from msm.errors import UserError
from msm.identity import digest_value, seed_from

ROLES = ("user", "assistant")
FORM = "give each row 'user' and 'assistant', or 'messages'"


def instruction_rows(
    source: ChatSource, path: Path | None, seed: int
) -> tuple[list[Instruction], list[Dropped]]:
    """All chats of a source, and what of it is none; ``path`` is where a file lies.

    Chats from outside come in an order drawn by the seed, so that the first so many of them are a
    uniform sample; the built-in ones keep theirs.

    Raises:
        UserError: the source cannot be read, or a row of it is malformed.
    """
    match source.kind:
        case SourceKind.BUILTIN:
            return instruction_chats(), []
        case SourceKind.FILE:
            assert path is not None
            chats, dropped = exchanges(read_file(path))
        case SourceKind.HUB:
            chats, dropped = exchanges(fetch(source.name, source.revision, source.split))
        case _:
            assert_never(source.kind)
    random.Random(seed_from("instruction", seed)).shuffle(chats)
    return chats, dropped


def read_file(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """The rows of a JSON Lines file, each with where it stands.

    Raises:
        UserError: the file cannot be read, or a line is no JSON object; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"instruction file {path} does not exist") from None
    except UnicodeDecodeError as error:
        raise UserError(f"instruction file {path} is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise UserError(f"instruction file {path} cannot be read: {error.strerror}") from None
    rows: list[tuple[str, Mapping[str, Any]]] = []
    # Not splitlines: it also splits at characters that may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(f"{where}: no JSON ({error}); one object a line") from None
        if not isinstance(row, dict):
            raise UserError(f"{where}: no object; {FORM}")
        rows.append((where, row))
    return rows


def fetch(name: str, revision: str, split: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The rows of a data set on the Hub, each with where it stands; without code of the set's own.

    Raises:
        UserError: it cannot be fetched; there is no network, or no such set, commit or split.
    """
    from datasets import disable_progress_bars, load_dataset

    if Path(name).exists():
        raise UserError(
            f"instruction data {name}: a folder of this name lies here and would be read instead "
            "of the Hub; run from elsewhere, or give a source of kind 'file'"
        )
    disable_progress_bars()
    try:
        rows = load_dataset(name, revision=revision, split=split)
    except Exception as error:  # its libraries raise many kinds, and some that differ by version
        detail = " ".join(str(error).split())[:200]
        raise UserError(
            f"instruction data {name}@{revision[:12]} ({split}) cannot be fetched from the Hub "
            f"({type(error).__name__}: {detail}); where there is no network, give a source of kind "
            "'file'"
        ) from None
    return [(f"{name}:{number}", row) for number, row in enumerate(rows, 1)]


def exchanges(
    rows: Iterable[tuple[str, Mapping[str, Any]]],
) -> tuple[list[Instruction], list[Dropped]]:
    """The single exchanges among rows, each once, and what was left out.

    Raises:
        UserError: a row is in no known form; says where.
    """
    chats: dict[str, Instruction] = {}
    dropped = []
    for where, row in rows:
        turns = _turns(where, row)
        user = next((text for role, text in turns if role == "user"), "")
        if tuple(role for role, _ in turns) != ROLES:
            roles = ", ".join(role for role, _ in turns) or "nothing"
            dropped.append(Dropped(_identifier(turns), "not one exchange", roles, user))
            continue
        chat = Instruction(_identifier(turns), turns[0][1], turns[1][1])
        if chat.id in chats:
            dropped.append(Dropped(chat.id, "duplicate", "the same exchange came before", user))
        chats.setdefault(chat.id, chat)
    return list(chats.values()), dropped


def _turns(where: str, row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A row's turns as role and text."""
    if "messages" not in row:
        messages: Any = [{"role": role, "content": row.get(role)} for role in ROLES]
    else:
        messages = row["messages"]
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise UserError(f"{where}: 'messages' is no list; {FORM}")
    turns = []
    for message in messages:
        role = message.get("role") if isinstance(message, Mapping) else None
        text = message.get("content") if isinstance(message, Mapping) else None
        if not isinstance(role, str) or not isinstance(text, str) or not text.strip():
            lacks = f"the {role} turn" if isinstance(role, str) else "a turn"
            raise UserError(f"{where}: {lacks} has no text; {FORM}")
        turns.append((role, text.strip()))
    return turns


def _identifier(turns: Sequence[tuple[str, str]]) -> str:
    return f"instruction-{digest_value([list(turn) for turn in turns])[:12]}"
