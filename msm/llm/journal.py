"""Every finished answer of a stage, on disk as soon as it is there.

A stage that is killed asks for nothing again that was answered: it finds the answer here, by key
and by digest of the question. It lies in the output's work folder, which goes once the output is
whole. The texts stay on disk, since those of a large corpus fill the memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from io import FileIO
from pathlib import Path

from msm.jsonl import to_line
from msm.llm.request import Answer, Request, Stop

Name = tuple[str, str]  # an answer's key and the digest of its question


class Journal:
    """The answers of one role in one stage, appended to a JSON Lines file, a line each."""

    def __init__(self, path: Path) -> None:
        self._answers: dict[Name, Answer] = {}  # without their texts
        self._places: dict[Name, tuple[int, int]] = {}  # where each line begins and ends, in bytes
        path.touch()
        self._file = path.open("r+b", buffering=0)
        self._end = 0
        self._read(path)

    def __iter__(self) -> Iterator[Answer]:
        """All answers, without their texts."""
        return iter(self._answers.values())

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, request: Request) -> Answer | None:
        """The answer to this very request, if it was ever given."""
        place = self._places.get((request.key, request.digest))
        if place is None:
            return None
        begin, end = place
        return _answer(os.pread(self._file.fileno(), end - begin, begin))

    def keep(self, answer: Answer) -> None:
        """Write an answer down before anything is made of it.

        Raises:
            OSError: it cannot be written; then none of it stays behind.
        """
        line = (to_line(asdict(answer)) + "\n").encode()
        try:
            _write(self._file, self._end, line)
        except OSError:
            self._file.truncate(self._end)
            raise
        self._note(answer, len(line))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, path: Path) -> None:
        """Note what is there, and cut off a last line that is not whole."""
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    os.truncate(path, self._end)
                    break
                self._note(_answer(line), len(line))

    def _note(self, answer: Answer, length: int) -> None:
        """Remember the answer on the line that ends the file."""
        name = (answer.key, answer.digest)
        self._answers[name] = replace(answer, text="")
        self._places[name] = (self._end, self._end + length)
        self._end += length


def _write(file: FileIO, place: int, line: bytes) -> None:
    file.seek(place)
    while line:  # a disk that fills up takes a part first, and refuses the rest
        line = line[file.write(line) :]


def _answer(line: bytes) -> Answer:
    row = json.loads(line)
    return Answer(**{**row, "stop": Stop(row["stop"])})
