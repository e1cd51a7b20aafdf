"""The figures of the spec-knowledge suite, and those of them that Inspect's logs hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msm.evals.logged import logged_samples, why_unscored
from msm.evals.measurement import Better, Measure, Measurement, Role, Unit
from msm.evals.spec_knowledge.question import Kind

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

TASK = "spec_knowledge"
SCORER = "spec_knowledge"
KNOWLEDGE = "knowledge"
MARGIN = "margin"
READ = "read"
FIRST = "first"
DOCUMENTS = "held_out_documents"


def _share(name: str, better: Better, role: Role, says: str) -> Measure:
    return Measure(name, Unit.SHARE, better, role, says)


MEASURES = (
    _share(
        KNOWLEDGE,
        Better.HIGHER,
        Role.MAIN,
        "Of four options the one that the spec says is chosen more often; guessing gets 0.25.",
    ),
    Measure(
        DOCUMENTS,
        Unit.NATS,
        Better.LOWER,
        Role.MAIN,
        "Documents about the spec that were kept from training are predicted worse.",
    ),
    _share(
        Kind.STATEMENT,
        Better.HIGHER,
        Role.DETAIL,
        "What the spec says is more often told from what others say; guessing gets 0.25.",
    ),
    _share(
        Kind.REASON,
        Better.HIGHER,
        Role.DETAIL,
        "The reason by the spec's value is more often told from others; guessing gets 0.25.",
    ),
    _share(
        Kind.DETAIL,
        Better.HIGHER,
        Role.DETAIL,
        "What is said of an item is more often told from what is said of others like it; "
        "guessing gets 0.25.",
    ),
    _share(
        Kind.STANCE,
        Better.HIGHER,
        Role.DETAIL,
        "It is known for more items whether they are liked or disliked; guessing gets 0.5.",
    ),
    Measure(
        MARGIN,
        Unit.NATS,
        Better.HIGHER,
        Role.DETAIL,
        "The right option is more probable than the mean of the wrong ones, by so many nats.",
    ),
    _share(READ, Better.HIGHER, Role.HEALTH, "More answers name an option."),
    _share(
        FIRST,
        Better.NEITHER,
        Role.HEALTH,
        "The option shown first is chosen more often; without a liking for a place it is 0.25.",
    ),
)


def measurements(logs: Path) -> list[Measurement]:
    """The measurements of a folder's finished log of this task: one a question and rotation.

    An answer that names no option has no value, and counts in ``read``.

    Raises:
        UserError: there is no finished log of this task.
    """
    return [found for sample in logged_samples(logs, TASK) for found in _of_sample(sample)]


def _of_sample(sample: EvalSample) -> Iterator[Measurement]:
    kind, cluster = Kind(sample.metadata["kind"]), sample.metadata["cluster"]
    main = (kind,) if kind is Kind.STANCE else (KNOWLEDGE, kind)

    def found(measure: str, value: float | None, why: str = "") -> Measurement:
        return Measurement(measure, str(sample.id), cluster, sample.epoch, value, why)

    failed = why_unscored(sample)
    score = (sample.scores or {}).get(SCORER)
    if failed or score is None:
        yield from (found(measure, None, failed or "not scored") for measure in main)
        return
    value = score.as_float()
    read = not math.isnan(value)
    why = "" if read else score.reason or "unread"
    yield from (found(measure, value if read else None, why) for measure in main)
    yield found(READ, float(read))
    if read and kind is not Kind.STANCE:
        yield found(FIRST, float((score.metadata or {})["place"] == 0))
