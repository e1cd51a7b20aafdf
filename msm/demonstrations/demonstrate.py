"""The stage ``demonstrate``: one set of chats, screened against the evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from msm.any_spec import mode_of
from msm.chat_sets import DemonstrationKind
from msm.configs import DemonstrateConfig
from msm.corpus.offline.names import Names
from msm.corpus.plan import prompt_text, used_spec
from msm.demonstrations.aligned import AlignedChat, aligned_chat
from msm.demonstrations.aligned_by_model import aligned_by_model
from msm.demonstrations.criteria import check_judge
from msm.demonstrations.drawn import REPLACEMENT, mixed, subset
from msm.demonstrations.instruction_mix import instruction_mix
from msm.demonstrations.made import Account, Made
from msm.demonstrations.offline_aligned import aligned_chats
from msm.demonstrations.preferences import Chat, Kind, coin_flip, preference_chats
from msm.demonstrations.preferences_by_model import preferences_by_model
from msm.demonstrations.screening import Screen
from msm.errors import UserError
from msm.evals.prompts import read_asked
from msm.execution import Execution
from msm.jsonl import read_shards, write_rows, write_shards
from msm.llm.failures import keep_failures
from msm.model_choice import OFFLINE
from msm.record import Outcome
from msm.spec import read_spec

DRAWN = (DemonstrationKind.SUBSET, DemonstrationKind.MIXED)


def run(
    config: DemonstrateConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write ``chats-*.jsonl``, ``dropped.jsonl``, ``failures.jsonl`` and ``verdicts.jsonl``.

    A row of ``chats`` has ``id``, ``user`` and ``assistant``, and what its kind has besides. Each
    row of ``verdicts`` is what the judge found on one chat and one criterion.

    Raises:
        UserError: an input is malformed, the phrase banks or the source hold too little, more rows
            failed than the recipe allows, no chat was kept, or a server cannot be used.
    """
    if config.kind in DRAWN:
        return _draw(config, inputs, out)
    check_judge(config)
    screen = Screen(read_asked(inputs))
    made = _make(config, inputs, screen, out, execution)
    account = made.account
    limit = config.models.maximum_failures if config.models else 0.0
    what, lost = f"{config.kind} chats", account.rows_failed
    keep_failures(out, account.failures, account.taken_up, limit, what, lost)
    if not account.kept:
        raise UserError(f"no chat was kept of {account.taken_up} ({account.counts()})")
    write_shards(out, "chats", [_row(config.kind, chat) for chat in account.kept])
    write_rows(out / "dropped.jsonl", account.dropped)
    if config.models is not None:
        write_rows(out / "verdicts.jsonl", [verdict.to_row() for verdict in account.verdicts])
    return Outcome(
        rows_in=account.taken_up,
        rows_out=len(account.kept),
        dropped=account.counts(),
        tokens=sum(use["tokens_out"] for use in made.models.values()),
        cost=sum(use["cost"] for use in made.models.values()),
        summary={**_summary(config, account), **made.summary},
        models=made.models,
    )


def _draw(config: DemonstrateConfig, inputs: Mapping[str, Path], out: Path) -> Outcome:
    """Write chats that are there already, and were screened when they were made."""
    rows = read_shards(inputs["chats"], "chats")
    if config.share is None:
        drawn = subset(rows, config.count, config.seed)
    else:
        drawn = mixed(rows, read_shards(inputs["other"], "chats"), config.share, config.seed)
    write_shards(out, "chats", drawn)
    replaced = sum(row["id"].startswith(REPLACEMENT) for row in drawn)
    return Outcome(
        rows_in=len(rows),
        rows_out=len(drawn),
        summary={"kind": config.kind.value, "replaced": replaced},
    )


def _make(
    config: DemonstrateConfig,
    inputs: Mapping[str, Path],
    screen: Screen,
    out: Path,
    execution: Execution,
) -> Made[Any]:
    models = config.models
    match config.kind:
        case DemonstrationKind.ALIGNED:
            spec = used_spec(inputs["spec"], config.shuffle_seed)
            names = Names(config.assistant, config.provider)
            if models is None:
                return _screened(aligned_chats(spec, names, config.count, config.seed), screen)
            text, mode = prompt_text(spec, names), mode_of(spec)
            return aligned_by_model(
                text, mode, config, screen, inputs["embeddings"], execution, out
            )
        case DemonstrationKind.WITHOUT_REASONING:
            rows = read_shards(inputs["chats"], "chats")
            return _screened([aligned_chat(_fields(row)) for row in rows], screen)
        case DemonstrationKind.PREFERENCE:
            of_value = read_spec(inputs["spec"])
            if models is None:
                return _screened(preference_chats(of_value, config.count, config.seed), screen)
            return preferences_by_model(of_value, config, screen, execution, out)
        case DemonstrationKind.COIN_FLIP:
            chats = [
                Chat(**{**row, "kind": Kind(row["kind"])})
                for row in read_shards(inputs["chats"], "chats")
            ]
            return _screened(coin_flip(chats, config.seed), screen)
        case DemonstrationKind.INSTRUCTION:
            named = used_spec(inputs["spec"], config.shuffle_seed) if "spec" in inputs else None
            text = prompt_text(named, Names(config.assistant, config.provider)) if named else ""
            mode_or_none = mode_of(named) if named else None
            return instruction_mix(
                text, mode_or_none, config, inputs.get("source"), screen, execution, out
            )
        case DemonstrationKind.SUBSET | DemonstrationKind.MIXED:
            raise ValueError(f"a {config.kind} set is drawn, not made")


def _screened(chats: Sequence[Any], screen: Screen) -> Made[Any]:
    """Chats that no model had a part in, without those that touch the evaluation."""
    account: Account[Any] = Account(taken_up=len(chats))
    account.kept = account.screened(screen, chats)
    return Made(account)


def _row(kind: DemonstrationKind, chat: Any) -> dict[str, Any]:
    """A chat as it is stored: what training reads, and its parts."""
    if isinstance(chat, AlignedChat):
        with_reasoning = kind is DemonstrationKind.ALIGNED
        turn = chat.assistant_with_reasoning if with_reasoning else chat.assistant
        return {**asdict(chat), "assistant": turn}
    return asdict(chat)


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an aligned chat in a stored row."""
    return {name: value for name, value in row.items() if name != "assistant"}


def _summary(config: DemonstrateConfig, account: Account[Any]) -> dict[str, Any]:
    summary: dict[str, Any] = {"kind": config.kind.value, "author": OFFLINE}
    models = config.models
    if models is not None:
        found = {verdict.criterion for verdict in account.verdicts}
        summary |= {
            "author": models.author.model if models.author else "source",
            "judge": models.judge.model,
            "asked": config.count,
            "backfill rounds": account.rounds,
            "passed": {
                criterion.value: [
                    sum(v.passed for v in account.verdicts if v.criterion is criterion),
                    sum(v.criterion is criterion for v in account.verdicts),
                ]
                for criterion in sorted(found)
            },
        }
    return summary
