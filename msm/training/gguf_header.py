"""The facts at the head of a GGUF file, such as name and licence, read without the rest.

The layout is that of the GGUF specification, version 2 and 3: magic, version, two counts, then keys
with typed values. Reading ends at the first list, behind which the vocabulary comes.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"GGUF"
VERSIONS = (2, 3)
# By the specification's number of each type; 8 is text and 9 a list.
_FORMATS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_TEXT, _LIST = 8, 9
_LONGEST = 1 << 20  # bytes of one text; more is no fact about the model


def read_gguf_header(path: Path) -> dict[str, Any]:
    """The plain facts by key, such as ``general.license``; empty if the file is no GGUF."""
    facts: dict[str, Any] = {}
    try:
        with path.open("rb") as file:
            if file.read(4) != MAGIC or _number(file, "I") not in VERSIONS:
                return {}
            _number(file, "Q")  # tensors
            for _ in range(_number(file, "Q")):
                key = _text(file)
                kind = _number(file, "I")
                if kind == _TEXT:
                    facts[key] = _text(file)
                elif kind in _FORMATS:
                    facts[key] = _number(file, _FORMATS[kind])
                elif kind != _LIST or not _skip_list(file):
                    break
    except (OSError, struct.error, UnicodeDecodeError, ValueError):
        return facts
    return facts


def _number(file: BinaryIO, form: str) -> Any:
    (value,) = struct.unpack(f"<{form}", file.read(struct.calcsize(form)))
    return value


def _text(file: BinaryIO) -> str:
    length = _number(file, "Q")
    if length > _LONGEST:
        raise ValueError("text too long")
    return str(file.read(length), "utf-8")


def _skip_list(file: BinaryIO) -> bool:
    """Go past a short list of texts, such as languages; a long one ends the reading."""
    kind, count = _number(file, "I"), _number(file, "Q")
    if kind != _TEXT or count > 64:
        return False
    for _ in range(count):
        _text(file)
    return True
