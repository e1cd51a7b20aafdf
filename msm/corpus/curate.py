"""The stage ``curate``: filter, deduplicate, decontaminate; a dropped row keeps its reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from msm.configs import CurateConfig
from msm.corpus.contamination import prompt_runs, shared_run
from msm.corpus.duplicates import find_duplicates
from msm.corpus.rows import DocumentRow
from msm.errors import UserError
from msm.evals.items import eval_texts, held_out_words, read_suite
from msm.evals.vocabulary import overlap
from msm.execution import Execution
from msm.jsonl import read_shards, write_rows, write_shards
from msm.record import Outcome

PLACEHOLDER = re.compile(r"\{\w*\}|\[[A-Z][A-Za-z ]*\]|https?://|TODO|lorem ipsum", re.IGNORECASE)

Check = Callable[[DocumentRow], str | None]


def run(
    config: CurateConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write ``corpus-*.jsonl``, ``dropped.jsonl`` (row id, reason, detail).

    Raises:
        UserError: no document is left.
    """
    documents = [DocumentRow(**row) for row in read_shards(inputs["documents"], "documents")]
    suite = read_suite(inputs["suite"])
    length = config.corpus.contamination_words
    runs = prompt_runs(eval_texts(suite), length)
    held_out = held_out_words(suite)
    checks: dict[str, Check] = {
        "length": lambda row: _length(row, config),
        "placeholder": _placeholder,
        "not about the assistant": lambda row: (
            None if config.assistant in row.text else "no mention"
        ),
        "eval prompt": lambda row: shared_run(row.text, runs, length),
        "held-out vocabulary": lambda row: ", ".join(sorted(overlap(row.text, held_out))) or None,
    }
    dropped: list[dict[str, str]] = []
    kept: list[DocumentRow] = []
    for row in documents:
        found = next(((r, d) for r, check in checks.items() if (d := check(row))), None)
        if found:
            dropped.append({"id": row.id, "reason": found[0], "detail": found[1]})
        else:
            kept.append(row)
    duplicates = find_duplicates([row.text for row in kept], config.corpus.near_duplicate)
    for number, (other, similarity) in duplicates.items():
        detail = f"like {kept[other].id}, Jaccard {similarity:.3f}"
        dropped.append({"id": kept[number].id, "reason": "near duplicate", "detail": detail})
    corpus = [row for number, row in enumerate(kept) if number not in duplicates]
    if not corpus:
        reasons = Counter(row["reason"] for row in dropped)
        raise UserError(f"curation dropped all {len(documents)} documents ({dict(reasons)})")
    write_shards(out, "corpus", corpus)
    write_rows(out / "dropped.jsonl", dropped)
    return Outcome(
        rows_in=len(documents),
        rows_out=len(corpus),
        dropped=dict(sorted(Counter(row["reason"] for row in dropped).items())),
        summary={
            "words": sum(len(row.text.split()) for row in corpus),
            "domains": dict(sorted(Counter(row.domain for row in corpus).items())),
            "decontamination": {
                "eval_prompts": len(eval_texts(suite)),
                "held_out_words": len(held_out),
                "run_of_words": length,
            },
        },
    )


def _length(row: DocumentRow, config: CurateConfig) -> str | None:
    words = len(row.text.split())
    if config.corpus.minimum_words <= words <= config.corpus.maximum_words:
        return None
    return f"{words} words"


def _placeholder(row: DocumentRow) -> str | None:
    found = PLACEHOLDER.search(row.text)
    return found.group() if found else None
