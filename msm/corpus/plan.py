"""The stage ``plan``: one row for each document to be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from msm.configs import PlanConfig
from msm.corpus.offline.author import Names, plan_rows
from msm.execution import Execution
from msm.jsonl import write_shards
from msm.record import Outcome
from msm.spec import Spec, read_spec, shuffle_attribution


def run(config: PlanConfig, inputs: Mapping[str, Path], out: Path, execution: Execution) -> Outcome:
    """Write ``plan-*.jsonl`` and the spec as it is used: as written, or shuffled."""
    spec = used_spec(inputs["spec"], config.shuffle_seed)
    names = Names(config.assistant, config.provider)
    rows = plan_rows(spec, names, config.documents, config.seed)
    write_shards(out, "plan", rows)
    (out / "spec.md").write_text(spec.text, encoding="utf-8")
    return Outcome(
        rows_in=len(spec.philosophy) + len(spec.items),
        rows_out=len(rows),
        summary={
            "author": config.author,
            "kinds": dict(sorted(Counter(r.kind for r in rows).items())),
        },
    )


def used_spec(path: Path, shuffle_seed: int | None) -> Spec:
    """The spec that a corpus is about: the file's, or its shuffled control.

    Raises:
        UserError: the spec is missing or malformed.
    """
    spec = read_spec(path)
    return spec if shuffle_seed is None else shuffle_attribution(spec, shuffle_seed)
