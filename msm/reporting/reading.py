"""The plain-language reading: sentences that follow from the figures by fixed rules.

An interval that excludes zero "moved" something; one that includes zero "shows no difference at
this size", and never "is the same". Stacking is claimed only where fine-tuning widens the gap
between the specs with the interval above zero, in the own frame and in own less other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msm.evals.statistics import Sign
from msm.reporting.arms import ArmRow
from msm.reporting.contrasts import OWN_OTHER, ContrastResult, Kind, NotRun
from msm.reporting.figures import figure, interval, listing, percent, percent_interval, signed
from msm.reporting.scores import OTHER, OWN

_UNCLEAR = "no difference was shown at this size"


@dataclass(frozen=True)
class Answer:
    """A question and what the figures say to it, one sentence or more each."""

    question: str
    sentences: tuple[str, ...]


def read_results(
    results: Sequence[ContrastResult], left_out: Sequence[NotRun]
) -> tuple[Answer, ...]:
    """The answers, in a fixed order; a question without a contrast is left out."""
    questions = (
        ("Do the specs leave a gap?", [_gap(r) for r in _of(results, Kind.GAP, OWN)]),
        ("Does fine-tuning widen the gap, or erode it?", _widening(results)),
        ("Is it specific to the assistant?", _specificity(results)),
        ("Is it the content of the fine-tuning?", _content(results)),
        ("Further contrasts", [_plain(r) for r in results if _is_further(r)]),
        ("Not run", [f"{item.label}: {item.why}." for item in left_out]),
    )
    return tuple(Answer(question, tuple(found)) for question, found in questions if found)


def verdict(results: Sequence[ContrastResult]) -> str:
    """Whether stacking was shown, in one or two sentences."""
    widenings = [r for r in _of(results, Kind.WIDENING, OWN) if _adds(r)]
    if not widenings:
        return (
            "Stacking was not tested: no contrast compares the gap between the specs with and "
            "without fine-tuning on these scores."
        )
    return " ".join(_stacking(widening, results) for widening in widenings)


def seeds_statement(seeds: Sequence[int]) -> str:
    """What the intervals cover, given the seeds."""
    if len(seeds) == 1:
        return (
            f"One seed ({seeds[0]}): the intervals cover the choice of word pairs, not the "
            "training run. Another seed may move a figure by more than its interval."
        )
    return (
        f"{len(seeds)} seeds ({', '.join(map(str, seeds))}): the intervals cover word pairs and "
        "training runs together, and are wide where the few runs differ; each seed's own value is "
        "the small dot in the plot."
    )


def manipulation_statement(arms: Sequence[ArmRow], axis: str) -> str:
    """Which arms prefer the liked in-domain items, judged by the lower end of the interval."""
    learnt, not_shown = [], []
    for arm in arms:
        share = arm.cell(axis, OWN).share
        if share.low > 0.5:
            learnt.append(f"{arm.key} {percent(share.value)} {percent_interval(share)}")
        else:
            not_shown.append(f"{arm.key} {percent(share.value)}")
    told = f"The liked item wins more often than not in {listing(learnt)}. " if learnt else ""
    rest = f"That was not shown for {listing(not_shown)}." if not_shown else ""
    return (told + rest).strip()


def _gap(result: ContrastResult) -> str:
    said = {
        Sign.ABOVE: "there is a gap, in the direction of the specs",
        Sign.BELOW: "there is a gap, but against the direction of the specs",
        Sign.UNCLEAR: f"{_UNCLEAR} between the specs",
    }[result.overall.sign]
    told = f"After {result.shape.arm}, {said}: {figure(result.overall)}, mean over axes."
    return f"{told} {_by_axis(result)}"


def _by_axis(result: ContrastResult) -> str:
    told = [
        f"{axis} {signed(part.value)} {interval(part)}, {part.sign}" for axis, part in result.axes
    ]
    return f"By axis: {'; '.join(told)}."


def _widening(results: Sequence[ContrastResult]) -> list[str]:
    sentences = []
    for result in results:
        if result.shape.kind is not Kind.WIDENING or not _adds(result):
            continue
        base, added = result.shape.base, result.shape.added
        where = f"in {_FRAMES[result.contrast.frame]}, {figure(result.overall)}"
        match result.overall.sign:
            case Sign.ABOVE:
                sentences.append(f"Adding {added} to {base} widens the gap: {where}.")
            case Sign.BELOW:
                verb = "erodes" if _gap_is_above(results, result) else "lowers"
                sentences.append(f"Adding {added} to {base} {verb} the gap: {where}.")
            case Sign.UNCLEAR:
                sentences.append(
                    f"No change of the gap by adding {added} to {base} was shown at this size: "
                    f"{where}."
                )
        if result.contrast.frame == OWN:
            sentences[-1] += f" {_by_axis(result)}"
    return sentences


def _specificity(results: Sequence[ContrastResult]) -> list[str]:
    sentences = []
    for result in _of(results, Kind.GAP, OWN_OTHER):
        arm, told = result.shape.arm, figure(result.overall)
        match result.overall.sign:
            case Sign.ABOVE:
                sentences.append(
                    f"After {arm}, the gap is larger when the assistant is asked for itself than "
                    f"when it is asked about somebody else, by {told}."
                )
            case Sign.BELOW:
                sentences.append(
                    f"After {arm}, the gap is smaller when the assistant is asked for itself than "
                    f"when it is asked about somebody else: {told}."
                )
            case Sign.UNCLEAR:
                sentences.append(
                    f"After {arm}, no part specific to the assistant was shown: own less other "
                    f"is {told}."
                )
    for result in _of(results, Kind.GAP, OTHER):
        arm, told = result.shape.arm, figure(result.overall)
        if result.overall.sign is Sign.ABOVE:
            sentences.append(
                f"After {arm}, the gap is there in somebody else's frame as well ({told}): what "
                "anybody is said to prefer has moved."
            )
        else:
            sentences.append(
                f"After {arm}, the gap in somebody else's frame is {told}: {result.overall.sign}."
            )
    return sentences


def _content(results: Sequence[ContrastResult]) -> list[str]:
    sentences = []
    for result in results:
        if not _exchanges(result):
            continue
        shape = result.shape
        what = "the gap" if shape.kind is Kind.WIDENING else "the score on the arm's own axis"
        change = f"{shape.added} in place of {shape.replaced}"
        where = f"in {_FRAMES[result.contrast.frame]}, {figure(result.overall)}"
        match result.overall.sign:
            case Sign.ABOVE:
                sentences.append(f"With {change}, {what} is larger: {where}.")
            case Sign.BELOW:
                sentences.append(f"With {change}, {what} is smaller: {where}.")
            case Sign.UNCLEAR:
                sentences.append(f"With {change}, {_UNCLEAR} in {what}: {where}.")
    return sentences


def _plain(result: ContrastResult) -> str:
    said = _UNCLEAR if result.overall.sign is Sign.UNCLEAR else str(result.overall.sign)
    return f"{result.contrast.label}: {figure(result.overall)}, {said}."


def _stacking(widening: ContrastResult, results: Sequence[ContrastResult]) -> str:
    shape = widening.shape
    twin = next((r for r in _of(results, Kind.WIDENING, OWN_OTHER) if r.shape == shape), None)
    own = f"{figure(widening.overall)} in the own frame"
    twin_told = (
        f"{figure(twin.overall)} in own less other"
        if twin
        else "an unknown amount in own less other"
    )
    if not (widening.overall.sign is Sign.ABOVE and twin and twin.overall.sign is Sign.ABOVE):
        return (
            f"No stacking was shown. With {shape.added} added to {shape.base}, the gap between "
            f"the specs changes by {own} ({widening.overall.sign}) and by {twin_told}"
            f"{f' ({twin.overall.sign})' if twin else ''}."
        )
    claim = (
        f"Stacking was shown: {shape.added} added to {shape.base} widens the gap between the specs "
        f"by {own} and by "
    )
    controls = [
        r
        for r in _of(results, Kind.WIDENING, OWN)
        if _exchanges(r) and r.shape.arm == shape.arm and r.overall.sign is not Sign.ABOVE
    ]
    doubt = [
        f" But the gap was not shown to be larger than with {r.shape.replaced} in place of "
        f"{r.shape.added} ({figure(r.overall)}), so the content of the fine-tuning need not be "
        "the cause."
        for r in controls
    ]
    return f"{claim}{twin_told}.{''.join(doubt)}"


def _gap_is_above(results: Sequence[ContrastResult], widening: ContrastResult) -> bool:
    """Whether the gap that a widening starts from is itself above zero, in the same frame."""
    return any(
        r.shape.arm == widening.shape.base and r.overall.sign is Sign.ABOVE
        for r in _of(results, Kind.GAP, widening.contrast.frame)
    )


def _adds(result: ContrastResult) -> bool:
    return bool(result.shape.added) and not result.shape.replaced


def _exchanges(result: ContrastResult) -> bool:
    """One part of an arm in place of another, the rest alike: ``msm+aft`` less ``msm+coin``."""
    shape = result.shape
    shared = set(shape.arm.split("+")) & set(shape.base.split("+"))
    return (
        shape.kind in (Kind.STEP, Kind.WIDENING)
        and bool(shape.added and shape.replaced)
        and bool(shared)
    )


def _is_further(result: ContrastResult) -> bool:
    told = result.shape.kind is Kind.GAP or _exchanges(result)
    return not told and not (result.shape.kind is Kind.WIDENING and _adds(result))


def _of(results: Sequence[ContrastResult], kind: Kind, frame: str) -> list[ContrastResult]:
    return [r for r in results if r.shape.kind is kind and r.contrast.frame == frame]


_FRAMES = {OWN: "the own frame", OTHER: "somebody else's frame", OWN_OTHER: "own less other"}
FRAME_NAMES = {OWN: "own", OTHER: "other", OWN_OTHER: "own less other"}
