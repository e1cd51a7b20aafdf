"""The stage ``demonstrate``: one set of chats, screened against the evaluation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msm.configs import DemonstrateConfig
from msm.corpus.contamination import prompt_runs, shared_run
from msm.demonstrations.instructions import instruction_chats
from msm.demonstrations.preferences import Chat, coin_flip, preference_chats
from msm.evals.items import eval_texts, held_out_words, read_suite
from msm.evals.vocabulary import overlap
from msm.execution import Execution
from msm.jsonl import read_shards, write_rows, write_shards
from msm.recipe import DemonstrationKind
from msm.record import Outcome
from msm.spec import read_spec

RUN_OF_WORDS = 8


def run(
    config: DemonstrateConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write ``chats-*.jsonl`` and ``dropped.jsonl`` (chats that touch the evaluation)."""
    made = _make(config, inputs)
    suite = read_suite(inputs["suite"])
    runs = prompt_runs(eval_texts(suite), RUN_OF_WORDS)
    held_out = held_out_words(suite)
    kept, dropped = [], []
    for chat in made:
        text = f"{chat.user}\n{chat.assistant}"
        words = ", ".join(sorted(overlap(text, held_out)))
        prompt = shared_run(text, runs)
        if words or prompt:
            reason = "eval prompt" if prompt else "held-out vocabulary"
            dropped.append({"id": chat.id, "reason": reason, "detail": prompt or words})
        else:
            kept.append(chat)
    write_shards(out, "chats", kept)
    write_rows(out / "dropped.jsonl", dropped)
    return Outcome(
        rows_in=len(made),
        rows_out=len(kept),
        dropped=dict(Counter(row["reason"] for row in dropped)),
        summary={"kind": config.kind.value, "author": "offline"},
    )


def _make(config: DemonstrateConfig, inputs: Mapping[str, Path]) -> Sequence[Any]:
    match config.kind:
        case DemonstrationKind.PREFERENCE:
            return preference_chats(read_spec(inputs["spec"]), config.count, config.seed)
        case DemonstrationKind.COIN_FLIP:
            chats = [Chat(**row) for row in read_shards(inputs["chats"], "chats")]
            return coin_flip(chats, config.seed)
        case DemonstrationKind.INSTRUCTION:
            return instruction_chats()[: config.count]
