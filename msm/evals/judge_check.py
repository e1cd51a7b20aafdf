"""Measuring a judge: its verdicts and scores against those of people, on the labelled answers.

Each labelled answer is put to the judge as the suites put it, once. What it cannot be read from
lowers the parse rate and is in no agreement. The answers lie in a journal until the check is whole,
so that a check that was cut asks only for the rest.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from msm.errors import UserError
from msm.evals.agentic.assistant import Assistant
from msm.evals.agentic.cells import Action, Cell
from msm.evals.agentic.scenario import executed, prompt, question
from msm.evals.agentic.verdict import read_verdict
from msm.evals.labelled.agreement import Scale, Share, YesNo, scale, share, yes_no
from msm.evals.labelled.reading import (
    OpenAnswer,
    Transcript,
    labelled_open_answers,
    labelled_transcripts,
)
from msm.evals.open_qa.questions import open_questions
from msm.evals.open_qa.rubric import judge_prompt, read_score
from msm.execution import Connection
from msm.identity import digest_value, seed_from
from msm.jsonl import write_rows
from msm.llm.asking import Asker
from msm.llm.ledger import Use
from msm.llm.request import Failure, Request, UnusableError
from msm.model_choice import ModelChoice

FOLDER = "judge-check"
FILE = "judge-check.json"
VERDICTS = "verdicts.jsonl"
# As the suites ask: see msm.evals.agentic.grading.
JUDGE_TOKENS = 2048
ASSISTANT = Assistant("Alex")  # the name in the labelled transcripts
OPEN_ASSISTANT = "the assistant"

Given = TypeVar("Given", bool, int)


@dataclass(frozen=True)
class Verdict:
    """What the judge said of one labelled answer.

    ``said`` is None, and ``fault`` set, if nothing could be read; ``why`` is then what was wrong.
    """

    id: str
    label: bool | int
    said: bool | int | None
    fault: str
    why: str


@dataclass(frozen=True)
class Check:
    """A judge's figures.

    ``agentic`` is by action, with ``all``, ``clear`` and ``tricky`` beside them; ``rules`` holds
    the hard rules against the label ``executed``, for which no judge is asked.
    """

    judge: str
    settings: Mapping[str, Any]
    labelled: Mapping[str, str]
    asked: str
    read: Mapping[str, Share]
    faults: Mapping[str, int]
    agentic: Mapping[str, YesNo]
    open_qa: Scale
    rules: Mapping[str, YesNo]
    use: Use

    @property
    def usable(self) -> bool:
        """Whether anything at all could be read in both sets."""
        return all(part.count for part in self.read.values())


def check_folder(root: Path, choice: ModelChoice) -> Path:
    """Where a judge's figures lie in a workspace."""
    slug = re.sub(r"[^\w.-]+", "-", choice.model).strip("-.")
    return root / "outputs" / FOLDER / slug


def check_judge(choice: ModelChoice, connection: Connection, root: Path) -> Check:
    """Ask the judge about all labelled answers; write its figures and verdicts into the workspace.

    Raises:
        UserError: the model is none, cannot be opened, or its server cannot be used.
    """
    if not choice.is_model:
        raise UserError(f"judge-check: {choice.model!r} judges nothing; name an Inspect model")
    transcripts, answers = labelled_transcripts(), labelled_open_answers()
    requests = {**_agentic_requests(transcripts), **_open_requests(answers)}
    out = check_folder(root, choice)
    work = out / f".asked-{digest_value(choice.identity_fields())[:12]}"
    work.mkdir(parents=True, exist_ok=True)
    with Asker("judge", choice, connection, work) as asker:
        verdicts = _ask(asker, requests, {row.id: row.decided for row in transcripts}, _verdict)
        scores = _ask(asker, requests, {row.id: row.score for row in answers}, read_score)
        use = asker.use()
    check = Check(
        judge=choice.model,
        settings={**choice.identity_fields(), "answers": connection.answers},
        labelled={"agentic": _digest(transcripts), "open_qa": _digest(answers)},
        asked=digest_value({key: request.digest for key, request in requests.items()}),
        read={"agentic": _read(verdicts), "open_qa": _read(scores)},
        faults=dict(Counter(row.fault for row in [*verdicts, *scores] if row.said is None)),
        agentic=_by_group(transcripts, {row.id: row.said for row in verdicts}),
        open_qa=_scale(answers, {row.id: row.said for row in scores}),
        rules=_by_group(transcripts, rule_verdicts(transcripts), executed_label),
        use=use,
    )
    _write(out, check, [*verdicts, *scores])
    shutil.rmtree(work)
    return check


def read_check(root: Path, choice: ModelChoice) -> Mapping[str, Any] | None:
    """A judge's figures as they were written, or None if it was never checked in this workspace."""
    path = check_folder(root, choice) / FILE
    if not path.exists():
        return None
    check: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return check


def rule_verdicts(transcripts: Iterable[Transcript]) -> dict[str, bool]:
    """What the hard rules say of the transcripts, by id."""
    return {row.id: executed(row.action, row.transcript) for row in transcripts}


def executed_label(row: Transcript) -> bool:
    """What the hard rules are held against."""
    return row.executed


def _decided(row: Transcript) -> bool:
    return row.decided


def _agentic_requests(rows: Sequence[Transcript]) -> dict[str, Request]:
    return {
        row.id: _request(row.id, *question(row.action, _inbox(row), row.transcript)) for row in rows
    }


def _inbox(row: Transcript) -> str:
    return prompt(Cell(row.action, row.goal), ASSISTANT, scratchpad=True)[1]


def _open_requests(rows: Sequence[OpenAnswer]) -> dict[str, Request]:
    asked = {item.id: item for item in open_questions(OPEN_ASSISTANT)}
    return {
        row.id: _request(row.id, *judge_prompt(asked[row.question], row.answer, OPEN_ASSISTANT))
        for row in rows
    }


def _request(key: str, system: str, user: str) -> Request:
    return Request(key, system, user, JUDGE_TOKENS, seed_from("judge-check", key))


def _verdict(text: str) -> bool:
    said = read_verdict(text)
    if said is None:
        raise UnusableError("it has no clear <answer>yes</answer> or <answer>no</answer>")
    return said


def _ask(
    asker: Asker,
    requests: Mapping[str, Request],
    labels: Mapping[str, Given],
    read: Callable[[str], Given],
) -> list[Verdict]:
    async def one(key: str) -> Verdict:
        def keep(text: str) -> Verdict:
            return Verdict(key, labels[key], read(text), "", text)

        return await asker.ask(requests[key], keep)

    keys = list(labels)
    found = asker.each(one, keys, "judge labelled answers", "answers")
    return [
        Verdict(key, labels[key], None, item.reason.value, item.detail)
        if isinstance(item, Failure)
        else item
        for key, item in zip(keys, found, strict=True)
    ]


def _read(rows: Sequence[Verdict]) -> Share:
    return share(sum(row.said is not None for row in rows), len(rows))


def _by_group(
    rows: Sequence[Transcript],
    said: Mapping[str, bool | int | None],
    label: Callable[[Transcript], bool] = _decided,
) -> dict[str, YesNo]:
    groups = {
        "all": list(rows),
        **{action.value: [row for row in rows if row.action is action] for action in Action},
        "clear": [row for row in rows if not row.tricky],
        "tricky": [row for row in rows if row.tricky],
    }
    read = {
        name: [row for row in group if said[row.id] is not None] for name, group in groups.items()
    }
    return {
        name: yes_no([bool(said[row.id]) for row in group], [label(row) for row in group])
        for name, group in read.items()
    }


def _scale(rows: Sequence[OpenAnswer], said: Mapping[str, bool | int | None]) -> Scale:
    read = [(row, score) for row in rows if (score := said[row.id]) is not None]
    return scale(
        [int(score) for _, score in read],
        [row.score for row, _ in read],
        [(row.low, row.high) for row, _ in read],
    )


def _digest(rows: Sequence[Transcript] | Sequence[OpenAnswer]) -> str:
    return digest_value([row.model_dump(mode="json") for row in rows])


def _write(out: Path, check: Check, verdicts: Sequence[Verdict]) -> None:
    """The verdicts first, and the figures whole or not at all."""
    write_rows(out / f".{VERDICTS}", verdicts)
    (out / f".{VERDICTS}").replace(out / VERDICTS)
    partial = out / f".{FILE}"
    text = json.dumps(asdict(check), indent=2, ensure_ascii=False)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(out / FILE)
