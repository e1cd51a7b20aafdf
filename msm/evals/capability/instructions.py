"""Following instructions: prompts with constraints that code checks."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from msm.evals.capability.answers import visible
from msm.evals.capability.constraints import check
from msm.evals.capability.part import Marking, Part, Problem


def instruction_problems() -> list[Problem]:
    """The prompts in the order of the file; those of one group are one cluster."""
    file = files("msm.evals.capability").joinpath("instructions.yaml").read_text(encoding="utf-8")
    groups: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(file)
    return [
        Problem(
            id=f"{Part.INSTRUCTIONS}/{group}/{key}",
            part=Part.INSTRUCTIONS,
            cluster=f"{Part.INSTRUCTIONS}/{group}",
            prompt=entry["prompt"],
            expected={name: value for name, value in entry.items() if name != "prompt"},
        )
        for group, entries in groups.items()
        for key, entry in entries.items()
    ]


def mark_instructions(expected: Mapping[str, Any], answer: str) -> Marking:
    """Right if the reply keeps every constraint; an empty reply is none, and unread."""
    reply = visible(answer)
    if not reply:
        return Marking(None, "no reply")
    kept = check(expected, reply)
    broken = [name for name, holds in kept.items() if not holds]
    return Marking(not broken, f"broke {', '.join(broken)}" if broken else "", kept)
