"""The stage ``write``: one document for each planned row, each kept as soon as it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msm.any_spec import AnySpec, mode_of
from msm.configs import WriteConfig
from msm.corpus.offline.any_author import write_any_document
from msm.corpus.offline.names import Names
from msm.corpus.plan import prompt_text, used_spec
from msm.corpus.plan_rows import read_plan
from msm.corpus.prompts import system_text
from msm.corpus.rows import DocumentRow, PlanRow
from msm.corpus.shards import bring_answers
from msm.corpus.write_by_model import Writer
from msm.errors import UserError
from msm.execution import Execution
from msm.identity import WORK
from msm.jsonl import read_finished_rows, to_line, write_shards
from msm.llm.asking import Asker
from msm.llm.failures import count_reasons, keep_failures, parted
from msm.progress import track
from msm.record import Outcome
from msm.stage import running_identity

PENDING = "documents.jsonl"


def run(
    config: WriteConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write ``documents-*.jsonl`` in the order of the plan, and ``failures.jsonl``.

    Raises:
        UserError: more rows failed than the recipe allows, or the server cannot be used.
    """
    spec = used_spec(inputs["spec"], config.shuffle_seed)
    plan = read_plan(inputs["plan"])
    if config.author.is_model:
        return _by_model(config, spec, plan, out, execution)
    documents = _offline(config, spec, plan, out)
    write_shards(out, "documents", documents)
    keep_failures(out, [], len(plan), 0, "documents")
    return Outcome(rows_in=len(plan), rows_out=len(documents), summary=_summary(config, documents))


def _offline(
    config: WriteConfig, spec: AnySpec, plan: Sequence[PlanRow], out: Path
) -> list[DocumentRow]:
    names = Names(config.assistant, config.provider)
    work = out / WORK
    work.mkdir(exist_ok=True)
    done = {row["id"]: DocumentRow(**row) for row in read_finished_rows(work / PENDING)}
    with (
        track("write documents", len(plan), "documents") as advance,
        (work / PENDING).open("a", encoding="utf-8") as pending,
    ):
        for number, row in enumerate(plan, 1):
            if row.id not in done:
                text = write_any_document(spec, row, names)
                done[row.id] = DocumentRow(row.id, row.domain, row.subdomain, row.kind, text)
                pending.write(to_line(done[row.id]) + "\n")
                pending.flush()
            advance(number)
    return [done[row.id] for row in plan]


def _by_model(
    config: WriteConfig, spec: AnySpec, plan: Sequence[PlanRow], out: Path, execution: Execution
) -> Outcome:
    assert config.budget is not None
    names = Names(config.assistant, config.provider)
    mode = mode_of(spec)
    system = system_text(prompt_text(spec, names), mode, names)
    bring_answers(config, running_identity(), execution, out)
    with Asker("author", config.author, execution.author, out) as asker:
        writer = Writer(asker, system, mode, names, config, config.budget)
        results = asker.each(writer.document, plan, "write documents", "documents")
        use = asker.use()
    documents, failures = parted(results)
    keep_failures(out, failures, len(plan), config.maximum_failures, "documents")
    if not documents:
        raise UserError(f"author {config.author.model} wrote no document that can be used")
    write_shards(out, "documents", documents)
    return Outcome(
        rows_in=len(plan),
        rows_out=len(documents),
        dropped=count_reasons(failures),
        tokens=use.tokens_out,
        cost=use.cost,
        summary={**_summary(config, documents), "mode": mode.value},
        models={"author": use.to_json()},
    )


def _summary(config: WriteConfig, documents: Sequence[DocumentRow]) -> dict[str, object]:
    words = [len(document.text.split()) for document in documents]
    return {
        "author": config.author.model,
        "words": {"total": sum(words), "shortest": min(words), "longest": max(words)},
    }
