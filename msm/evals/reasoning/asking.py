"""Putting one question about every transcript to the judge: what it found, or why it did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from msm.errors import UserError
from msm.evals.agentic.transcripts import Transcript
from msm.identity import seed_from
from msm.llm.asking import Asker
from msm.llm.request import Failure, Request

# As the other suites give their judges: room for reasons before the answer.
JUDGE_TOKENS = 2048
UNANSWERED = "no answer to judge"

Found = TypeVar("Found")


@dataclass(frozen=True)
class Asked(Generic[Found]):
    """What the judge found in one transcript, perhaps nothing; or None, the fault, and why.

    ``fault`` is ``UNANSWERED`` where there was no transcript to put to the judge.
    """

    transcript: Transcript
    found: tuple[Found, ...] | None
    fault: str = ""
    why: str = ""


def ask_of_each(
    asker: Asker,
    step: str,
    salt: int,
    transcripts: Sequence[Transcript],
    system: str,
    question: Callable[[Transcript], str],
    read: Callable[[Transcript, str], tuple[Found, ...]],
) -> list[Asked[Found]]:
    """Ask about all transcripts that are there, in order. ``salt`` tells one judge from another.

    Raises:
        UserError: the judge cannot be reached at all.
    """

    async def one(transcript: Transcript) -> tuple[Found, ...]:
        key = f"{step}/{transcript.id}"
        request = Request(
            key, system, question(transcript), JUDGE_TOKENS, seed_from(salt, "reasoning", key)
        )
        return await asker.ask(request, lambda text: read(transcript, text))

    present = [transcript for transcript in transcripts if not transcript.missing]
    answers = iter(asker.each(one, present, f"{step} reasons", "transcripts"))
    return [
        Asked(transcript, None, UNANSWERED, transcript.missing)
        if transcript.missing
        else _asked(transcript, next(answers))
        for transcript in transcripts
    ]


def require(asked: Sequence[Asked[Found]], limit: float, what: str) -> None:
    """Refuse to go on if the judge failed on more than the share ``limit`` of the transcripts.

    Raises:
        UserError: it did; says how often and how, in one line.
    """
    put = [one for one in asked if one.fault != UNANSWERED]
    faults = Counter(one.fault for one in put if one.found is None)
    lost = sum(faults.values())
    if not put:
        raise UserError(f"reasoning: none of the {len(asked)} samples has an answer to judge")
    if lost > limit * len(put):
        said = ", ".join(f"{count} {fault}" for fault, count in faults.most_common())
        raise UserError(
            f"reasoning: the judge could not {what} {lost} of {len(put)} transcripts ({said}), "
            f"more than {limit:.0%}; its other answers are kept: put it right and run again"
        )


def _asked(transcript: Transcript, result: tuple[Found, ...] | Failure) -> Asked[Found]:
    if isinstance(result, Failure):
        return Asked(transcript, None, result.reason.value, " ".join(result.detail.split())[:200])
    return Asked(transcript, result)
