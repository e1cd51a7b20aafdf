"""What a suite hands to its stage, and how the stage writes it down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from msm.evals.measurement import Measure, Measurement, Role
from msm.jsonl import write_shards
from msm.suites import SuiteName

MEASUREMENTS = "measurements"
MEASURES_FILE = "measures.json"
LOGS = "logs"


@dataclass(frozen=True)
class Found:
    """All measurements of one suite on one model, with what they mean and what they took.

    ``judge`` is the judge's name, or empty; ``models`` the ledger by role.
    """

    measures: tuple[Measure, ...]
    measurements: Sequence[Measurement]
    judge: str = ""
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)


def write_found(found: Found, suite: SuiteName, settings: Mapping[str, Any], out: Path) -> None:
    """Write ``measurements-*.jsonl`` and ``measures.json``.

    Raises:
        ValueError: a measurement is of a measure that the suite does not name.
    """
    known = {measure.name for measure in found.measures}
    strange = {row.measure for row in found.measurements} - known
    if strange:
        raise ValueError(f"suite {suite} measured {sorted(strange)}, which it does not name")
    write_shards(out, MEASUREMENTS, found.measurements)
    about = {
        "suite": suite,
        "judge": found.judge,
        "settings": settings,
        "measures": [asdict(measure) for measure in found.measures],
    }
    text = json.dumps(about, indent=2, ensure_ascii=False)
    (out / MEASURES_FILE).write_text(text + "\n", encoding="utf-8")


def means(found: Found) -> dict[str, dict[str, Any]]:
    """For the record: each measure's mean over what was measured, and how much that was."""
    return {
        measure.name: _mean(
            [row.value for row in found.measurements if row.measure == measure.name]
        )
        for measure in found.measures
    }


def not_measured(found: Found) -> dict[str, int]:
    """Values that are missing, by measure; health measures aside."""
    main = [measure.name for measure in found.measures if measure.role is not Role.HEALTH]
    missing = {
        name: sum(row.value is None for row in found.measurements if row.measure == name)
        for name in main
    }
    return {f"{name} not measured": count for name, count in missing.items() if count}


def _mean(values: Sequence[float | None]) -> dict[str, Any]:
    there = [value for value in values if value is not None]
    mean = round(sum(there) / len(there), 6) if there else None
    return {"mean": mean, "measured": len(there), "of": len(values)}
