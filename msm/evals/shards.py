"""A judged suite in shards: several machines sample at once, and one makes the output.

A shard makes no output. It samples every n-th item as the stage would, and puts its Inspect log
into the store, under the identity of what ``evaluate`` is to make:
``shards/<identity>/<shard>-of-<n>.json``. The stage begins with one log of all that the shards
sampled, as with the log of a run that was cut: Inspect samples what is missing, and computes the
figures of the whole. What is measured does not depend on how many shards there were.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from msm.configs import EvaluateConfig, SuiteConfig
from msm.errors import UserError
from msm.evals.found import LOGS
from msm.evals.judged_suites import is_judged, judged_suite, sample_judged
from msm.execution import Execution
from msm.store import Store, named_store, patiently
from msm.task import Stage

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

LOG = "shards.eval"
_TEXT = "shard.json"  # Inspect writes a log as JSON if its name ends so


def shard_count(execution: Execution, config: EvaluateConfig | SuiteConfig) -> int:
    """In how many shards a pipeline samples: those of the pool, where a judge grades."""
    return execution.pool(Stage.EVALUATE).shards if is_judged(config) else 1


def sample_shard(
    config: SuiteConfig,
    inputs: Mapping[str, Path],
    identity: str,
    execution: Execution,
    shard: int,
) -> int:
    """Sample and grade a share of the items; returns how many samples the store has of it then.

    Whatever ends it, the samples so far are put into the store, and the next try begins with them.

    Args:
        config: of the stage.
        inputs: of the stage.
        identity: of what the stage is to make.
        execution: of the recipe.
        shard: which share, from 0.

    Raises:
        UserError: no store is named; the model or the judge cannot be used; too many samples
            failed.
    """
    from inspect_ai.dataset import MemoryDataset

    from msm.evals.subject import open_subject

    store = named_store(execution)
    if store is None:
        raise UserError(
            "sampling in shards needs a store; set MSM_STORE, or pools.evaluate.shards to 1"
        )
    count = shard_count(execution, config)
    suite = judged_suite(config, execution)
    share = list(suite.task.dataset)[shard::count]
    if not share:  # of a suite with fewer items than there are shards
        return 0
    suite.task.dataset = MemoryDataset(share, name=suite.task.dataset.name)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / LOGS
        folder.mkdir()
        found = _fetched(store, identity, [shard], count)
        if _samples(found) < len(share) * suite.epochs:
            with closing(open_subject(config, inputs, Path(work), execution)) as subject:
                model = subject.answering(suite.temperature)
                _put(found, folder, str(model))
                try:
                    sample_judged(suite, model, config, folder, execution)
                finally:
                    found = _logs(folder)
                    if found:
                        found = [_joined(found, str(model))]
                        text, name = _text(found[0], Path(work) / _TEXT), _name(shard, count)
                        patiently(lambda: store.write(_at(identity), name, text))
    return _samples(found)


def bring_samples(
    config: SuiteConfig, identity: str, execution: Execution, folder: Path, model: str
) -> None:
    """Put one log with the samples of all shards into the stage's log folder, if it has none yet.

    Args:
        config: of the stage.
        identity: of what it makes.
        execution: of the recipe.
        folder: of the stage's logs.
        model: what Inspect calls the model here. A name may have a machine's path in it; what the
            model is stands in the identity.
    """
    count = shard_count(execution, config)
    store = named_store(execution)
    if count == 1 or store is None or _logs(folder):
        return
    folder.mkdir(parents=True, exist_ok=True)
    _put(_fetched(store, identity, range(count), count), folder, model)


def _fetched(store: Store, identity: str, shards: Sequence[int], count: int) -> list[EvalLog]:
    from inspect_ai.log import read_eval_log

    texts = [_text_of(store, identity, _name(shard, count)) for shard in shards]
    logs = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _TEXT
        for text in filter(None, texts):
            path.write_text(text, encoding="utf-8")
            logs.append(read_eval_log(str(path)))
    return logs


def _text_of(store: Store, identity: str, name: str) -> str | None:
    return patiently(lambda: store.read(_at(identity), name))


def _put(logs: Sequence[EvalLog], folder: Path, model: str) -> None:
    from inspect_ai.log import write_eval_log

    if logs:
        aside = folder.parent / LOG
        write_eval_log(_joined(logs, model), str(aside))
        aside.rename(folder / LOG)


def _joined(logs: Sequence[EvalLog], model: str) -> EvalLog:
    """One log of a run that was cut, with the samples of all."""
    first = logs[0]
    samples: dict[tuple[int | str, int], EvalSample] = {}
    for sample in (sample for log in logs for sample in log.samples or []):
        kept = samples.get((sample.id, sample.epoch))
        if kept is None or kept.error is not None:
            samples[sample.id, sample.epoch] = sample
    ids = list(dict.fromkeys(sample.id for sample in samples.values()))
    dataset = first.eval.dataset.model_copy(update={"samples": len(ids), "sample_ids": ids})
    return first.model_copy(
        update={
            "eval": first.eval.model_copy(update={"dataset": dataset, "model": model}),
            "samples": list(samples.values()),
            "status": "cancelled",
            "results": None,
            "reductions": None,
        }
    )


def _logs(folder: Path) -> list[EvalLog]:
    """The logs of a folder with their samples, the oldest first."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    if not folder.is_dir():
        return []
    logs = [read_eval_log(info) for info in list_eval_logs(str(folder.resolve()))]
    return sorted(logs, key=lambda log: log.eval.created)


def _samples(logs: Sequence[EvalLog]) -> int:
    """How many samples are whole."""
    return sum(sample.error is None for log in logs for sample in log.samples or [])


def _text(log: EvalLog, path: Path) -> str:
    from inspect_ai.log import write_eval_log

    write_eval_log(log, str(path))
    return path.read_text(encoding="utf-8")


def _at(identity: str) -> str:
    return f"shards/{identity}"


def _name(shard: int, count: int) -> str:
    return f"{shard}-of-{count}.json"
