"""The reasoning suite as a whole: over stored transcripts; the student is never asked again.

The judge extracts reasons openly, proposes what the canonical list lacks, and classifies every
transcript against the list. Each of its answers is on disk before it is looked at, so a run that
was cut asks only for the rest; and after a change of the list only for what the change touches.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.evals.agentic.rows import TASK
from msm.evals.agentic.transcripts import read_transcripts
from msm.evals.finished import finished_log
from msm.evals.reasoning.asking import UNANSWERED, Asked, require
from msm.evals.reasoning.classification import classify, classifying
from msm.evals.reasoning.extraction import Extracted, extract
from msm.evals.reasoning.overlap import Merged, merge, overlaps
from msm.evals.reasoning.proposal import as_yaml, propose
from msm.evals.reasoning.reasons import STARTING_REASONS, read_reasons
from msm.execution import Connection
from msm.identity import digest_value, seed_from
from msm.jsonl import write_shards
from msm.llm.asking import Asker
from msm.llm.ledger import Use
from msm.model_choice import ModelChoice
from msm.suites import VERSIONS, SuiteName

ANALYSIS = "analysis.json"
REASONS = "reasons.yaml"
PROPOSALS = "proposals.yaml"
OVERLAPS = "overlaps.json"
EXTRACTED_ROWS = "extracted"
CLASSIFIED_ROWS = "classified"
# Share of transcripts that the judge fails on above which the suite counts as not measured.
MAXIMUM_UNCLASSIFIED = 0.1
VERSION = VERSIONS[SuiteName.REASONING]


@dataclass(frozen=True)
class Analysis:
    """What was done, in counts; the rows, the overlaps and the proposals lie in files beside it.

    ``samples`` = ``unanswered`` + ``transcripts``; ``unextracted`` and ``unclassified`` count
    transcripts by what was wrong with the judge's answers. ``unreasoned`` transcripts were
    classified, and no canonical reason holds. Of the ``quotes`` that the judge gave for extracted
    reasons, ``verbatim`` are in the transcript.
    """

    judge: str
    settings: Mapping[str, Any]
    version: int
    asked: str
    log: str
    samples: int
    unanswered: int
    transcripts: int
    unextracted: Mapping[str, int]
    unclassified: Mapping[str, int]
    unreasoned: int
    quotes: int
    verbatim: int
    proposals: int
    merged: Sequence[Merged]
    use: Use

    def to_json(self) -> dict[str, Any]:
        """As JSON values, without what was used: that is the ledger's."""
        return {name: value for name, value in asdict(self).items() if name != "use"}


def analyse(
    log_folder: Path,
    out: Path,
    choice: ModelChoice,
    connection: Connection,
    reasons_file: Path = STARTING_REASONS,
    max_unclassified: float = MAXIMUM_UNCLASSIFIED,
) -> Analysis:
    """Analyse the transcripts of the finished agentic log in a folder; write all of it to ``out``.

    Args:
        log_folder: where the agentic suite left its Inspect logs.
        out: the folder to write to; answers of a run that was cut are found in it again.
        choice: the judge.
        connection: how it is reached, and how often it is asked for an answer that can be used.
        reasons_file: the canonical reasons.
        max_unclassified: share of transcripts that the judge may fail on.

    Raises:
        UserError: there is no finished log, the reasons cannot be read, the judge is no model or
            cannot be reached, or it fails on too many transcripts.
    """
    if not choice.is_model:
        raise UserError(f"reasoning: {choice.model!r} judges nothing; name a model as the judge")
    reasons = read_reasons(reasons_file)
    reasons_text = reasons_file.read_text(encoding="utf-8")
    log = finished_log(log_folder, TASK)
    transcripts = read_transcripts(log)
    out.mkdir(parents=True, exist_ok=True)
    settings = choice.identity_fields()
    salt = seed_from(digest_value(settings))  # another judge's answers are never taken for its own
    with Asker("judge", choice, connection, out) as asker:
        extracted = extract(asker, salt, transcripts)
        require(extracted, max_unclassified, "find reasons in")
        notes = [reason for one in extracted for reason in one.found or ()]
        proposals = propose(asker, salt, reasons, notes)
        classified = classify(asker, salt, reasons, transcripts)
        require(classified, max_unclassified, "classify")
        use = asker.use()
    named = [one.found for one in classified if one.found is not None]
    analysis = Analysis(
        judge=choice.model,
        settings={**settings, "answers": connection.answers},
        version=VERSION,
        asked=digest_value(classifying(reasons)),
        log=log.name,
        samples=len(transcripts),
        unanswered=sum(bool(one.missing) for one in transcripts),
        transcripts=sum(not one.missing for one in transcripts),
        unextracted=_faults(extracted),
        unclassified=_faults(classified),
        unreasoned=sum(not names for names in named),
        quotes=len(notes),
        verbatim=sum(note.verbatim for note in notes),
        proposals=len(proposals.proposals),
        merged=merge(reasons, named),
        use=use,
    )
    (out / ANALYSIS).unlink(missing_ok=True)
    for name in (EXTRACTED_ROWS, CLASSIFIED_ROWS):
        for stale in out.glob(f"{name}-*.jsonl"):
            stale.unlink()
    write_shards(out, EXTRACTED_ROWS, [_row(one) for one in extracted])
    write_shards(out, CLASSIFIED_ROWS, [_row(one) for one in classified])
    (out / REASONS).write_text(reasons_text, encoding="utf-8")
    (out / PROPOSALS).write_text(as_yaml(proposals), encoding="utf-8")
    pairs = [
        {**asdict(pair), "share": round(pair.share, 6), "contained": round(pair.contained, 6)}
        for pair in overlaps(reasons, named)
    ]
    _write_json(out / OVERLAPS, pairs)
    _write_json(out / ANALYSIS, asdict(analysis))
    return analysis


def _faults(asked: Sequence[Asked[Any]]) -> dict[str, int]:
    faults = Counter(one.fault for one in asked if one.found is None)
    del faults[UNANSWERED]
    return dict(sorted(faults.items()))


def _row(asked: Asked[Extracted] | Asked[str]) -> dict[str, Any]:
    """One transcript as a row: ``reasons`` is null where there is nothing to be had."""
    return {
        "cell": asked.transcript.cell.name,
        "epoch": asked.transcript.epoch,
        "reasons": None if asked.found is None else [_plain(found) for found in asked.found],
        "fault": asked.fault,
        "why": asked.why,
    }


def _plain(found: Extracted | str) -> Any:
    return asdict(found) if isinstance(found, Extracted) else found


def _write_json(path: Path, value: object) -> None:
    """Whole or not at all."""
    partial = path.with_name(f".{path.name}")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
