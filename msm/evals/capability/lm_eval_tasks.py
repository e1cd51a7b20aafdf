"""Tasks of lm-eval by name ("lm_eval/arc_easy"), on a loaded model. The package is optional.

Only scored samples are taken: one measurement for each, by the task's first metric. Tasks whose
metric is no share of a sample (perplexity, BLEU) have no value here.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.evals.measurement import Measurement

PREFIX = "lm_eval/"


def require_lm_eval(names: Sequence[str]) -> None:
    """Check that lm-eval is there.

    Raises:
        UserError: it is not installed.
    """
    if find_spec("lm_eval") is None:
        raise UserError(
            f"capability: {', '.join(names)}: the package lm-eval is not installed and not in the "
            "lock file; run: pip install lm-eval"
        )


def lm_eval_measurements(
    names: Sequence[str],
    model: Any,
    tokenizer: Any,
    batch_size: int,
    limit: int | None = None,
    folder: Path | None = None,
) -> list[Measurement]:
    """Run lm-eval's tasks on a loaded torch model; one measurement a sample, named by its task.

    Args:
        names: each ``lm_eval/`` and the name of a task; a group gives all its tasks.
        model: a transformers model, on the device where it is to run.
        tokenizer: its tokenizer.
        batch_size: prompts at once.
        limit: samples of each task; all if left out.
        folder: further task files, besides those that lm-eval ships.

    Raises:
        UserError: lm-eval is not installed, has no such task, or cannot get the task's data.
    """
    require_lm_eval(names)
    # By name, as the package is in no environment of this project's own.
    lm_eval = importlib.import_module("lm_eval")
    models = importlib.import_module("lm_eval.models.huggingface")
    tasks = importlib.import_module("lm_eval.tasks")
    harness = models.HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)
    manager = tasks.TaskManager(include_path=str(folder) if folder else None)
    try:
        results = lm_eval.simple_evaluate(
            model=harness,
            tasks=[name.removeprefix(PREFIX) for name in names],
            task_manager=manager,
            limit=limit,
            log_samples=True,
            bootstrap_iters=0,
        )
    # Data sets, their hub and the task files raise errors of many kinds.
    except Exception as error:
        detail = " ".join(str(error).split())[:300]
        raise UserError(
            f"capability: {', '.join(names)} cannot be run (unknown task, or data that need a "
            f"network): {type(error).__name__}: {detail}"
        ) from None
    return [
        _of_sample(f"{PREFIX}{task}", sample)
        for task, samples in sorted(results["samples"].items())
        for sample in samples
    ]


def _of_sample(task: str, sample: dict[str, Any]) -> Measurement:
    item, metric = f"{task}/{sample['doc_id']}", next(iter(sample["metrics"]), "")
    value = sample.get(metric)
    if isinstance(value, int | float) and 0 <= value <= 1:
        return Measurement(task, item, item, 1, float(value))
    return Measurement(task, item, item, 1, None, f"the metric {metric or '(none)'} is no share")
