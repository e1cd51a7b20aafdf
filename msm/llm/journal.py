"""Every finished answer of a stage, on disk as soon as it is there.

A stage that is killed asks for nothing again that was answered: it finds the answer here, by key
and by digest of the question. It lies in the output's work folder, which goes once the output is
whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from msm.jsonl import read_finished_rows, to_line
from msm.llm.request import Answer, Request, Stop


class Journal:
    """The answers of one role in one stage, appended to a JSON Lines file, a line each."""

    def __init__(self, path: Path) -> None:
        rows = read_finished_rows(path)
        self._answers = {
            (row["key"], row["digest"]): Answer(**{**row, "stop": Stop(row["stop"])})
            for row in rows
        }
        self._file = path.open("a", encoding="utf-8")

    def __iter__(self) -> Iterator[Answer]:
        return iter(self._answers.values())

    def find(self, request: Request) -> Answer | None:
        """The answer to this very request, if it was ever given."""
        return self._answers.get((request.key, request.digest))

    def keep(self, answer: Answer) -> None:
        """Write an answer down before anything is made of it."""
        self._answers[answer.key, answer.digest] = answer
        self._file.write(to_line(asdict(answer)) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
