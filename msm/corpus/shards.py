"""``write`` in shards: several machines ask the author at once, and one makes the output.

A shard makes no output. It asks for every n-th row of the plan as the stage would, and puts the
answers, which the stage would keep in its work folder, into the store, under the identity of what
``write`` is to make: ``shards/<identity>/<shard>-of-<n>.jsonl``. The stage begins with the answers
of all shards and asks for what is missing. What it makes, and under which identity, does not
depend on how many there were, or whether they did anything.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from msm.any_spec import mode_of
from msm.configs import WriteConfig
from msm.corpus.offline.names import Names
from msm.corpus.plan import prompt_text, used_spec
from msm.corpus.plan_rows import read_plan
from msm.corpus.prompts import system_text
from msm.corpus.write_by_model import Writer
from msm.errors import UserError
from msm.execution import Execution
from msm.identity import WORK
from msm.llm.asking import Asker
from msm.store import Store, named_store, patiently
from msm.task import Stage

ROLE = "author"


def shard_count(execution: Execution, config: WriteConfig) -> int:
    """In how many shards a pipeline writes: those of the pool, where a model is the author."""
    return execution.pool(Stage.WRITE).shards if config.author.is_model else 1


def write_shard(
    config: WriteConfig,
    inputs: Mapping[str, Path],
    identity: str,
    execution: Execution,
    shard: int,
) -> int:
    """Ask for a share of the rows; returns how many answers the store has of it then.

    Whatever ends it, the answers so far are put into the store, and the next try begins with them.

    Args:
        config: of the stage.
        inputs: of the stage.
        identity: of what the stage is to make.
        execution: of the recipe.
        shard: which share, from 0.

    Raises:
        UserError: no store is named; the server cannot be used.
    """
    store = named_store(execution)
    if store is None:
        raise UserError(
            "writing in shards needs a store; set MSM_STORE, or pools.write.shards to 1"
        )
    assert config.budget is not None
    count = shard_count(execution, config)
    spec = used_spec(inputs["spec"], config.shuffle_seed)
    names, mode = Names(config.assistant, config.provider), mode_of(spec)
    system = system_text(prompt_text(spec, names), mode, names)
    rows = read_plan(inputs["plan"])[shard::count]
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / WORK / f"{ROLE}.jsonl"
        journal.parent.mkdir()
        journal.write_text(_answers(store, identity, shard, count), encoding="utf-8")
        try:
            with Asker(ROLE, config.author, execution.author, Path(folder)) as asker:
                writer = Writer(asker, system, mode, names, config, config.budget)
                asker.each(writer.document, rows, f"write shard {shard} of {count}", "documents")
        finally:
            text = journal.read_text(encoding="utf-8")
            patiently(lambda: store.write(_at(identity), _name(shard, count), text))
    return text.count("\n")


def bring_answers(config: WriteConfig, identity: str, execution: Execution, folder: Path) -> None:
    """Put the answers of all shards into the stage's work folder, if it has none yet.

    Args:
        config: of the stage.
        identity: of what it makes.
        execution: of the recipe.
        folder: in which the stage works.
    """
    count = shard_count(execution, config)
    store = named_store(execution)
    journal = folder / WORK / f"{ROLE}.jsonl"
    if count == 1 or store is None or journal.exists():
        return
    journal.parent.mkdir(exist_ok=True)
    found = [_answers(store, identity, shard, count) for shard in range(count)]
    aside = journal.with_suffix(".partial")
    aside.write_text("".join(found), encoding="utf-8")
    aside.rename(journal)


def _answers(store: Store, identity: str, shard: int, count: int) -> str:
    return patiently(lambda: store.read(_at(identity), _name(shard, count))) or ""


def _at(identity: str) -> str:
    return f"shards/{identity}"


def _name(shard: int, count: int) -> str:
    return f"{shard}-of-{count}.jsonl"
