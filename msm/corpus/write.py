"""The stage ``write``: one document for each planned row, each kept as soon as it is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msm.configs import WriteConfig
from msm.corpus.offline.author import Names, write_document
from msm.corpus.plan import used_spec
from msm.corpus.rows import DocumentRow, PlanRow
from msm.execution import Execution
from msm.jsonl import read_finished_rows, read_shards, to_line, write_shards
from msm.progress import track
from msm.record import Outcome

PENDING = "pending.jsonl"


def run(
    config: WriteConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write ``documents-*.jsonl`` in the order of the plan."""
    spec = used_spec(inputs["spec"], config.shuffle_seed)
    names = Names(config.assistant, config.provider)
    plan = [PlanRow(**row) for row in read_shards(inputs["plan"], "plan")]
    done = {row["id"]: DocumentRow(**row) for row in read_finished_rows(out / PENDING)}
    with (
        track("write documents", len(plan), "documents") as advance,
        (out / PENDING).open("a", encoding="utf-8") as pending,
    ):
        for number, row in enumerate(plan, 1):
            if row.id not in done:
                text = write_document(spec, row, names)
                done[row.id] = DocumentRow(row.id, row.domain, row.subdomain, row.kind, text)
                pending.write(to_line(done[row.id]) + "\n")
                pending.flush()
            advance(number)
    documents = [done[row.id] for row in plan]
    write_shards(out, "documents", documents)
    (out / PENDING).unlink()
    words = [len(document.text.split()) for document in documents]
    return Outcome(
        rows_in=len(plan),
        rows_out=len(documents),
        summary={
            "author": config.author,
            "words": {"total": sum(words), "shortest": min(words), "longest": max(words)},
        },
    )
