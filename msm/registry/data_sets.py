"""The data sets of a checkpoint: what it was trained on, and what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msm.registry.runs import DataSet
from msm.registry.sources import PAIRS, SUITE, Checkpoint, Source, Sources

TRAINING, EVALUATION = "training", "evaluation"
# The input of an evaluation that holds what was asked: the first of these that is there.
_ASKED = (SUITE, "prompts")
TRANSCRIPTS = "transcripts"


def training_data(source: Source, sources: Sources) -> list[DataSet]:
    """The corpus, or the chats, that a checkpoint was trained on."""
    found = []
    for role, item in sorted(source.record.inputs.items()):
        if role != "corpus" and not role.startswith("chats-"):
            continue
        made = sources.data.get(item.identity or "")
        outcome = made.record.outcome if made else None
        found.append(
            DataSet(
                name=made.subject.output if made else role,
                digest=item.digest,
                source={"role": role, "identity": item.identity, "digest": item.digest},
                profile=(
                    {"rows": outcome.rows_out, "dropped": dict(outcome.dropped)} if outcome else {}
                ),
                context=TRAINING,
            )
        )
    return found


def asked_data(checkpoint: Checkpoint) -> list[DataSet]:
    """All that a checkpoint was asked, each once."""
    found = [data for suite in checkpoint.evaluations for data in _asked(suite, checkpoint)]
    return list({(data.name, data.digest): data for data in found}.values())


def evaluation_data(checkpoint: Checkpoint) -> Mapping[str, DataSet]:
    """The data set that a suite's figures are from, by suite; the first where there are several."""
    found = {suite: _asked(suite, checkpoint) for suite in checkpoint.evaluations}
    return {suite: data[0] for suite, data in found.items() if data}


def _asked(suite: str, checkpoint: Checkpoint) -> list[DataSet]:
    """Word pairs, prompts, or the specs that were asked about.

    A suite that reads the transcripts of another asks nothing more: its items are the other's.
    """
    made = checkpoint.evaluations[suite]
    inputs = made.record.inputs
    if TRANSCRIPTS in inputs:
        source = inputs[TRANSCRIPTS].identity
        return [
            data
            for other, found in checkpoint.evaluations.items()
            if found.subject.identity == source
            for data in _asked(other, checkpoint)
        ]
    roles = [role for role in _ASKED if role in inputs][:1]
    roles = roles or sorted(role for role in inputs if role.startswith("spec-"))
    return [
        DataSet(
            name=_name(suite, role, Path(inputs[role].path)),
            digest=inputs[role].digest,
            source={"role": role, "digest": inputs[role].digest},
            profile={"rows": made.record.outcome.rows_out},
            context=EVALUATION,
        )
        for role in roles
    ]


def _name(suite: str, role: str, path: Path) -> str:
    if suite == PAIRS:
        return path.name
    return suite if role in _ASKED else f"{suite}/{role}"
