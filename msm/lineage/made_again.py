"""Comparing an output with the one that was made again: bytes where they hold, else behaviour.

What is written without a model has to be the same byte for byte. Training and what follows it hold
to the byte on one machine alone, so elsewhere they are compared by what the student does, within
tolerances that stand here and in docs/lineage/rerun.md, fixed before any rerun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from msm.identity import file_digests
from msm.lineage.behaviour import Behaviour, compare_behaviour, compare_contrasts
from msm.record import Record
from msm.task import Stage

LOSS_TOLERANCE = 0.05  # of the last training loss, relative
ROWS_TOLERANCE = 0.1  # of the number of rows that a model's answers came to, relative
MOST_NAMED = 3  # files or keys in a message


class Agreement(StrEnum):
    """How far an output and the one made again agree."""

    SAME = "same bytes"
    WITHIN = "within tolerance"
    DIFFERS = "differs"
    TAKEN = "taken, not made again"


@dataclass(frozen=True)
class Compared:
    """One output. ``why`` says what differs, or how it was compared; identities are whole."""

    label: str
    agreement: Agreement
    expected: str
    made: str
    why: str = ""
    behaviour: tuple[Behaviour, ...] = ()

    @property
    def same_identity(self) -> bool:
        """Whether both have one identity."""
        return self.expected == self.made


@dataclass(frozen=True)
class Copy:
    """An output: its record, and where its files lie; None if they cannot be had."""

    record: Record
    folder: Path | None


def compare(
    label: str,
    expected: Copy,
    made: Copy,
    before: Mapping[str, Agreement],
    roles: Mapping[str, str],
) -> Compared:
    """Compare two outputs of one task.

    Args:
        label: ``stage/name``.
        expected: the one whose lineage was followed.
        made: the one that was made again.
        before: what was found of the outputs it is made of, by label.
        roles: the label of the output that each role is, where it is one.
    """
    was, now = expected.record, made.record

    def found(agreement: Agreement, why: str, behaviour: tuple[Behaviour, ...] = ()) -> Compared:
        return Compared(label, agreement, was.identity, now.identity, why, behaviour)

    if changed := _changed(expected):
        return found(
            Agreement.DIFFERS,
            f"the expected output is not what its record says: {_listed(changed)}",
        )
    if why := _other_make(was, now, before, roles):
        return found(Agreement.DIFFERS, why)
    if was.digest == now.digest:
        return found(Agreement.SAME, "")
    differing = _differing(was, now)
    match Stage(was.stage):
        case Stage.TRAIN:
            return found(*_trained(was, now))
        case Stage.EVALUATE:
            behaviour = compare_behaviour(expected.folder, made.folder)
            good = bool(behaviour) and all(item.holds for item in behaviour)
            outside = [item.name for item in behaviour if not item.holds]
            why = f"outside tolerance: {_listed(outside)}" if outside else f"{_listed(differing)}"
            return found(Agreement.WITHIN if good else Agreement.DIFFERS, why, behaviour)
        case Stage.REPORT:
            behaviour = compare_contrasts(expected.folder, made.folder)
            outside = [item.name for item in behaviour if not item.holds]
            why = f"outside tolerance: {_listed(outside)}" if outside else f"{_listed(differing)}"
            return found(Agreement.DIFFERS if outside else Agreement.WITHIN, why, behaviour)
        case Stage.REGISTER:
            return found(Agreement.WITHIN, "registered elsewhere: its identity alone is compared")
        case _ if was.outcome.models:
            return found(*_by_model(was, now))
        case _:
            return found(Agreement.DIFFERS, _first_difference(expected, made, differing))


def _changed(expected: Copy) -> list[str]:
    """The files of an output that are not those of its record."""
    if expected.folder is None:
        return []
    there = file_digests(expected.folder)
    stated = {name: entry.sha256 for name, entry in expected.record.files.items()}
    return sorted(name for name in {**there, **stated} if there.get(name) != stated.get(name))


def _other_make(
    was: Record, now: Record, before: Mapping[str, Agreement], roles: Mapping[str, str]
) -> str:
    """Why two records have other identities; "" if inputs within tolerance are the whole reason."""
    if was.identity == now.identity:
        return ""
    if was.stage_version != now.stage_version:
        return f"made by version {was.stage_version} of the stage, and now by {now.stage_version}"
    keys = [
        key for key in {**was.config, **now.config} if was.config.get(key) != now.config.get(key)
    ]
    if keys:
        return f"other settings: {_listed(sorted(keys))}"
    if set(was.inputs) != set(now.inputs):
        return f"other inputs: {_listed(sorted(set(was.inputs) ^ set(now.inputs)))}"
    bad = [
        role
        for role, item in was.inputs.items()
        if item.digest != now.inputs[role].digest
        and before.get(roles.get(role, "")) is not Agreement.WITHIN
    ]
    if bad:
        return f"another input: {_listed(sorted(bad))}"
    excused = any(item.digest != now.inputs[role].digest for role, item in was.inputs.items())
    return "" if excused else "its identity is not that of its own record"


def _trained(was: Record, now: Record) -> tuple[Agreement, str]:
    first, second = (record.outcome.summary.get("last_loss") for record in (was, now))
    steps = [record.outcome.summary.get("steps") for record in (was, now)]
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        return Agreement.DIFFERS, "a record has no last_loss"
    told = f"last loss {first:.4f}, now {second:.4f}"
    if steps[0] != steps[1]:
        return Agreement.DIFFERS, f"{steps[0]} steps, now {steps[1]}"
    near = abs(second - first) <= LOSS_TOLERANCE * abs(first)
    return (Agreement.WITHIN if near else Agreement.DIFFERS), told


def _by_model(was: Record, now: Record) -> tuple[Agreement, str]:
    first, second = was.outcome.rows_out, now.outcome.rows_out
    near = abs(second - first) <= ROWS_TOLERANCE * first
    told = f"a model wrote it: {first} rows, now {second}"
    return (Agreement.WITHIN if near else Agreement.DIFFERS), told


def _differing(was: Record, now: Record) -> list[str]:
    names = sorted({**was.files, **now.files})
    return [name for name in names if was.files.get(name) != now.files.get(name)]


def _first_difference(expected: Copy, made: Copy, differing: list[str]) -> str:
    """The files that differ, and of the first of them the first line that does."""
    told = _listed(differing)
    if not differing or expected.folder is None or made.folder is None:
        return told
    try:
        texts = [
            (copy.folder / differing[0]).read_text(encoding="utf-8").splitlines()
            for copy in (expected, made)
            if copy.folder is not None
        ]
    except (OSError, UnicodeDecodeError):
        return told
    pairs = zip(texts[0], texts[1], strict=False)
    number = next((n for n, (a, b) in enumerate(pairs, 1) if a != b), None)
    number = number or min(map(len, texts)) + 1
    return f"{told}, from line {number} of {differing[0]} on"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
