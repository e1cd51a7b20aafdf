"""JSON Lines in at most 64 shards a folder: DVC and object stores crawl on a file per row."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

MAX_SHARDS = 64
ROWS_PER_SHARD = 2_000


def to_line(row: object) -> str:
    """One row, a dataclass or a mapping, as a line of JSON without the line end."""
    value = asdict(row) if is_dataclass(row) and not isinstance(row, type) else row
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def write_rows(path: Path, rows: Iterable[object]) -> int:
    """Write one JSON Lines file; returns the number of rows."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(to_line(row) + "\n")
            count += 1
    return count


def write_shards(folder: Path, name: str, rows: Sequence[object]) -> int:
    """Write rows, in order, as ``name-00000.jsonl`` and so on; returns the number of rows."""
    shards = min(MAX_SHARDS, max(1, -(-len(rows) // ROWS_PER_SHARD)))
    size = -(-len(rows) // shards) if rows else 0
    for shard in range(shards):
        write_rows(folder / f"{name}-{shard:05d}.jsonl", rows[shard * size : (shard + 1) * size])
    return len(rows)


def read_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of one file."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def read_shards(folder: Path, name: str) -> list[Mapping[str, Any]]:
    """All rows of a folder's shards, in the order in which they were written."""
    return [row for path in sorted(folder.glob(f"{name}-*.jsonl")) for row in read_rows(path)]


def read_finished_rows(path: Path) -> list[Mapping[str, Any]]:
    """The whole rows of a file that may have been cut off: a broken last line is dropped.

    The file is cut back to those rows, so that writing can go on behind them.
    """
    if not path.exists():
        return []
    whole = path.read_bytes()
    end = whole.rfind(b"\n") + 1
    if end != len(whole):
        os.truncate(path, end)
    # Not splitlines: it also splits at characters that may stand inside a JSON string.
    return [json.loads(line) for line in whole[:end].decode().split("\n") if line]
