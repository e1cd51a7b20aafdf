"""Reading folders of measurements, and aligning them so that arms pair by item."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.configs import SuiteResult
from msm.errors import UserError
from msm.evals.found import LOGS, MEASUREMENTS, MEASURES_FILE
from msm.evals.measurement import Better, Measure, Role, Unit
from msm.jsonl import read_shards
from msm.progress import track
from msm.record import read_record
from msm.reporting.scores import ArmKey
from msm.reporting.suites.samples import (
    ArmSamples,
    MeasureSamples,
    Missing,
    SuiteFolder,
    Suites,
    gathered,
)

ROLE = "suite:"  # an input role is this and the result's name
NO_REASON = "no reason given"


@dataclass(frozen=True)
class _Read:
    folder: SuiteFolder
    measures: Mapping[str, Measure]
    rows: Mapping[str, Sequence[Mapping[str, Any]]]  # by measure


def load_suites(
    results: Mapping[str, SuiteResult], inputs: Mapping[str, Path], arms: Sequence[ArmKey] = ()
) -> Suites:
    """Read the folder of every result, in order; ``arms`` go before those that they do not name.

    A folder that was not given, or that holds no measurement, is told as missing, and so is each
    arm that has no result for a suite that others have.

    Raises:
        UserError: a folder cannot be read, two results stand for the same, or folders of one suite
            contradict each other.
    """
    read: list[_Read] = []
    missing: list[Missing] = []
    with track("read measurements", len(results), "folders") as advance:
        for done, (name, result) in enumerate(results.items(), start=1):
            found = _read(name, result, inputs.get(f"{ROLE}{name}"))
            if isinstance(found, Missing):
                missing.append(found)
            else:
                read.append(found)
            advance(done)
    _refuse_twins(read)
    names = tuple(dict.fromkeys(result.suite for result in results.values()))
    keys = (*arms, *(ArmKey(result.arm, result.spec) for result in results.values()))
    order = tuple(dict.fromkeys(keys))
    return Suites(
        names=names,
        arms=order,
        measures=tuple(
            samples
            for name in names
            for samples in _align([item for item in read if item.folder.suite == name], order)
        ),
        folders=tuple(item.folder for item in read),
        missing=(*missing, *_gaps(names, order, results)),
    )


def _read(name: str, result: SuiteResult, path: Path | None) -> _Read | Missing:
    key = ArmKey(result.arm, result.spec)
    what = f"{result.suite} of {key}, seed {result.seed}"
    if path is None:
        return Missing(what, "no folder of measurements was given")
    description = _description(path)
    if description["suite"] != result.suite:
        raise UserError(
            f"{path} holds the suite '{description['suite']}', not '{result.suite}'; "
            "give the folder of the right one"
        )
    rows = read_shards(path, MEASUREMENTS)
    if not rows:
        return Missing(what, "its folder holds no measurement")
    measures = {item["name"]: _measure(item, path) for item in description["measures"]}
    record = read_record(path)
    checkpoint = record.inputs.get("checkpoint") if record else None
    folder = SuiteFolder(
        name=name,
        suite=result.suite,
        key=key,
        seed=result.seed,
        identity=record.identity if record else "",
        checkpoint=(checkpoint.identity or "") if checkpoint else "",
        judge=str(description.get("judge") or ""),
        settings=description.get("settings") or {},
        logs=any((path / LOGS).glob("*.eval")),
        rows=len(rows),
    )
    by_measure: dict[str, list[Mapping[str, Any]]] = {name: [] for name in measures}
    for row in rows:
        _check(row, measures, path)
        by_measure[row["measure"]].append(row)
    return _Read(folder, measures, by_measure)


def _description(path: Path) -> dict[str, Any]:
    try:
        described = json.loads((path / MEASURES_FILE).read_text(encoding="utf-8"))
        if {"suite", "measures"} <= described.keys():
            return dict(described)
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path / MEASURES_FILE} cannot be read ({error}); evaluate again"
        ) from None
    raise UserError(f"{path / MEASURES_FILE} names no suite and measures; evaluate again")


def _measure(item: Mapping[str, Any], path: Path) -> Measure:
    try:
        return Measure(
            name=str(item["name"]),
            unit=Unit(item["unit"]),
            better=Better(item["better"]),
            role=Role(item["role"]),
            says=str(item["says"]),
        )
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{path / MEASURES_FILE}: a measure has another form ({error}); evaluate again"
        ) from None


def _check(row: Mapping[str, Any], measures: Mapping[str, Measure], path: Path) -> None:
    measure = measures.get(row["measure"])
    if measure is None:
        raise UserError(
            f"{path}: item '{row['item']}' has the measure '{row['measure']}', which "
            f"{MEASURES_FILE} does not name; evaluate again"
        )
    value = row["value"]
    if value is None:
        return
    number = isinstance(value, int | float) and math.isfinite(value)
    if not number or (measure.unit is Unit.SHARE and not 0 <= value <= 1):
        raise UserError(
            f"{path}: item '{row['item']}' has {value} as its {measure.name}, which is no "
            f"{measure.unit}; evaluate again"
        )


def _refuse_twins(read: Sequence[_Read]) -> None:
    seen: dict[tuple[str, ArmKey, int], str] = {}
    for item in read:
        place = item.folder.suite, item.folder.key, item.folder.seed
        if place in seen:
            raise UserError(
                f"'{item.folder.name}' is a second set of measurements beside '{seen[place]}': "
                f"{place[0]} of {place[1]}, seed {place[2]}"
            )
        seen[place] = item.folder.name


def _align(read: Sequence[_Read], order: Sequence[ArmKey]) -> list[MeasureSamples]:
    """The measures of one suite, in the order in which its folders name them."""
    measures: dict[str, Measure] = {}
    clusters: dict[str, dict[str, str]] = {}
    for item in read:
        for name, measure in item.measures.items():
            if measures.setdefault(name, measure) != measure:
                raise UserError(
                    f"the folders of {item.folder.suite} describe the measure '{name}' in two "
                    "ways; evaluate all arms with one version"
                )
        for row in (row for rows in item.rows.values() for row in rows):
            known = clusters.setdefault(row["measure"], {})
            if known.setdefault(row["item"], row["cluster"]) != row["cluster"]:
                raise UserError(
                    f"item '{row['item']}' of {item.folder.suite} lies in two clusters, "
                    f"'{known[row['item']]}' and '{row['cluster']}'; evaluate all arms alike"
                )
    aligned = []
    for name, measure in measures.items():
        items = tuple(sorted(clusters.get(name, {})))
        if items:
            arms = {
                key: _arm(name, items, [item for item in read if item.folder.key == key])
                for key in order
                if any(item.folder.key == key and name in item.measures for item in read)
            }
            suite = read[0].folder.suite
            of_items = tuple(clusters[name][item] for item in items)
            aligned.append(MeasureSamples(suite, measure, items, of_items, arms))
    return aligned


def _arm(name: str, items: Sequence[str], read: Sequence[_Read]) -> ArmSamples:
    ordered = sorted(read, key=lambda item: item.folder.seed)
    seeds = tuple(item.folder.seed for item in ordered)
    total, graded, ungraded = gathered(seeds, len(items))
    place = {item: index for index, item in enumerate(items)}
    reasons: Counter[str] = Counter()
    for at, item in enumerate(ordered):
        for row in item.rows[name]:
            column = place[row["item"]]
            if row["value"] is None:
                ungraded[at, column] += 1
                reasons[str(row.get("why") or NO_REASON)] += 1
            else:
                graded[at, column] += 1
                total[at, column] += row["value"]
    return ArmSamples(seeds, total, graded, ungraded, dict(reasons.most_common()))


def _gaps(
    names: Sequence[str], order: Sequence[ArmKey], results: Mapping[str, SuiteResult]
) -> list[Missing]:
    """Arms, or seeds of them, that other arms' suites have and theirs have not."""
    every: dict[ArmKey, set[int]] = {key: set() for key in order}
    asked: dict[tuple[str, ArmKey], set[int]] = {}
    for result in results.values():
        key = ArmKey(result.arm, result.spec)
        every[key].add(result.seed)
        asked.setdefault((result.suite, key), set()).add(result.seed)
    gaps = []
    for suite in names:
        for key in order:
            have = asked.get((suite, key), set())
            lacking = sorted(every[key] - have)
            if not have:
                gaps.append(Missing(f"{suite} of {key}", "the arm was not evaluated on this suite"))
            elif lacking:
                told = ", ".join(map(str, lacking))
                gaps.append(Missing(f"{suite} of {key}", f"not evaluated on the seeds {told}"))
    return gaps
