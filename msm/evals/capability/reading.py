"""Reading: short passages, and questions whose answers are one to four words of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from msm.evals.capability.answers import plain, stated_answer
from msm.evals.capability.part import Marking, Part, Problem

FORM = """\
Answer in at most four words, on one line, in the form
Answer: <words>"""


def reading_problems() -> list[Problem]:
    """The questions in the order of the file; those on one passage are one cluster."""
    file = files("msm.evals.capability").joinpath("reading.yaml").read_text(encoding="utf-8")
    passages: dict[str, dict[str, Any]] = yaml.safe_load(file)
    return [
        Problem(
            id=f"{Part.READING}/{name}/{key}",
            part=Part.READING,
            cluster=f"{Part.READING}/{name}",
            prompt=f"{entry['passage']}\n\n{question['ask']} {FORM}",
            expected={"answers": question["answers"]},
        )
        for name, entry in passages.items()
        for key, question in entry["questions"].items()
    ]


def mark_reading(expected: Mapping[str, Any], answer: str) -> Marking:
    """Right if the answer that the reply states is one of those listed."""
    stated = stated_answer(answer)
    if stated is None:
        return Marking(None, "no line 'Answer: …'")
    accepted = {plain(text) for text in expected["answers"]}
    return Marking(plain(stated) in accepted, f"answered {stated[:60]}")
