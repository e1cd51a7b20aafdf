"""The rows of a plan, read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msm.corpus.rows import PlanRow
from msm.jsonl import read_shards


def read_plan(folder: Path) -> list[PlanRow]:
    """The rows of a finished output of ``plan``, in order."""
    return [_plan_row(row) for row in read_shards(folder, "plan")]


def _plan_row(row: Mapping[str, object]) -> PlanRow:
    fields = dict(row)
    assertions = fields.pop("assertions")
    assert isinstance(assertions, list)
    return PlanRow(**fields, assertions=tuple(assertions))  # type: ignore[arg-type]
