"""The stage ``plan``: one row for each document to be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from msm.any_spec import AnySpec, mode_of, read_any_spec
from msm.configs import PlanConfig
from msm.corpus.offline.any_author import plan_any_rows
from msm.corpus.offline.names import Names, render
from msm.corpus.plan_by_model import plan_by_model
from msm.corpus.rows import PlanRow
from msm.errors import UserError
from msm.execution import Execution
from msm.front_matter import optional_front_matter
from msm.jsonl import write_shards
from msm.llm.failures import count_reasons, keep_failures
from msm.record import Outcome
from msm.spec import Spec, shuffle_attribution


def run(config: PlanConfig, inputs: Mapping[str, Path], out: Path, execution: Execution) -> Outcome:
    """Write ``plan-*.jsonl``, ``failures.jsonl``, and the spec as it is used: or shuffled."""
    spec = used_spec(inputs["spec"], config.shuffle_seed)
    (out / "spec.md").write_text(spec.text, encoding="utf-8")
    names = Names(config.assistant, config.provider)
    if not config.author.is_model:
        rows = plan_any_rows(spec, names, config.documents, config.seed)
        write_shards(out, "plan", rows)
        keep_failures(out, [], len(rows), 0, "rows")
        return Outcome(rows_in=1, rows_out=len(rows), summary=_summary(config, rows))
    planned = plan_by_model(prompt_text(spec, names), mode_of(spec), config, execution.author, out)
    keep_failures(
        out, planned.failures, planned.steps, config.maximum_failures, "steps of the plan"
    )
    write_shards(out, "plan", planned.rows)
    return Outcome(
        rows_in=1,
        rows_out=len(planned.rows),
        dropped=count_reasons(planned.failures),
        tokens=planned.use.tokens_out,
        cost=planned.use.cost,
        summary={**_summary(config, planned.rows), "mode": mode_of(spec).value},
        models={"author": planned.use.to_json()},
    )


def _summary(config: PlanConfig, rows: Sequence[PlanRow]) -> dict[str, object]:
    return {
        "author": config.author.model,
        "domains": dict(sorted(Counter(row.domain for row in rows).items())),
        "subdomains": len({(row.domain, row.subdomain) for row in rows}),
        "kinds": dict(sorted(Counter(row.kind for row in rows).items())),
    }


def used_spec(path: Path, shuffle_seed: int | None) -> AnySpec:
    """The spec that a corpus is about: the file's, or its shuffled control.

    Raises:
        UserError: the spec is missing or malformed, or has no items whose reasons could be
            shuffled.
    """
    spec = read_any_spec(path)
    if shuffle_seed is None:
        return spec
    if not isinstance(spec, Spec):
        raise UserError(f"spec {path} has no items to shuffle; only a value's spec has the control")
    return shuffle_attribution(spec, shuffle_seed)


def prompt_text(spec: AnySpec, names: Names) -> str:
    """A spec as a model reads it: without its head, and with the names in place."""
    body = "\n".join(spec.text.splitlines()[optional_front_matter(spec.text)[1] :])
    return render(body, names).strip()
