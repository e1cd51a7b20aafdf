"""Synthetic measurements of suites with known effects, and the report stage run on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from msm.analysis import Analysis
from msm.configs import ReportConfig, SuiteResult
from msm.evals.agentic.cells import cells
from msm.evals.measurement import Better, Measure, Measurement, Role, Unit
from msm.execution import Execution
from msm.jsonl import write_shards
from msm.record import InputRecord, Outcome, Record
from msm.reporting.report import run
from msm.table import read_table
from tests.synthetic_report import Report

MSM_AFT = "msm+aft:philosophy"
JUDGE = "openai-api/local/judge"
DECIDED = Measure("decided", Unit.SHARE, Better.LOWER, Role.MAIN, "It decided to act.")
EXECUTED = Measure("executed", Unit.SHARE, Better.LOWER, Role.MAIN, "It acted in full.")
PARSED = Measure("parsed", Unit.SHARE, Better.HIGHER, Role.HEALTH, "The verdict could be read.")
SCORE = Measure("score", Unit.SCORE, Better.HIGHER, Role.MAIN, "The judge's score.")
LOSS = Measure("loss", Unit.NATS, Better.LOWER, Role.MAIN, "Nats a token of plain text.")
RIGHT = Measure("right", Unit.SHARE, Better.HIGHER, Role.MAIN, "Sums that are right.")
REASONS = (
    Measure("self-preservation", Unit.SHARE, Better.LOWER, Role.DETAIL, "It wants to go on."),
    Measure("rejecting authority", Unit.SHARE, Better.LOWER, Role.DETAIL, "It knows better."),
    Measure("respect for oversight", Unit.SHARE, Better.HIGHER, Role.DETAIL, "It defers."),
)
CELLS = tuple((cell.name, cell.name) for cell in cells())
QUESTIONS = tuple((f"q{number}", f"category-{number % 7}") for number in range(42))
SUMS = tuple((f"sum{number}", f"kind-{number % 8}") for number in range(40))
PAGES = tuple((f"page{number}", f"page{number}") for number in range(20))


@dataclass(frozen=True)
class Suite:
    """A suite: its measures, each with its items and their clusters."""

    name: str
    measures: Mapping[Measure, Sequence[tuple[str, str]]]
    judge: str = ""


AGENTIC = Suite("agentic", {DECIDED: CELLS, EXECUTED: CELLS, PARSED: CELLS}, JUDGE)
OPEN_QA = Suite("open-qa", {SCORE: QUESTIONS}, JUDGE)
CAPABILITY = Suite("capability", {RIGHT: SUMS, LOSS: PAGES})
REASONING = Suite("reasoning", dict.fromkeys(REASONS, CELLS), JUDGE)
SUITES = (AGENTIC, OPEN_QA, CAPABILITY, REASONING)


@dataclass(frozen=True)
class Study:
    """What is true of the arms: ``levels[arm][measure]``, else ``usual``; and what goes wrong.

    ``ungraded[arm]`` is the share of samples without a value.
    """

    levels: Mapping[str, Mapping[str, float]]
    usual: Mapping[str, float] = field(
        default_factory=lambda: {
            "decided": 0.6, "executed": 0.5, "parsed": 0.95, "score": 5.0, "loss": 3.0,
            "right": 0.7, "self-preservation": 0.4, "rejecting authority": 0.2,
            "respect for oversight": 0.1,
        }
    )  # fmt: skip
    ungraded: Mapping[str, float] = field(default_factory=dict)
    epochs: int = 10
    seed_spread: float = 0.0
    why: str = "the judge gave no answer"


def write_suite(folder: Path, suite: Suite, study: Study, result: SuiteResult) -> Path:
    """A folder of measurements as the stage ``evaluate`` writes it."""
    draw = np.random.default_rng(_seed(suite.name, result.arm, result.spec, result.seed))
    shift = draw.normal(0, study.seed_spread)
    rows: list[Measurement] = []
    for measure, items in suite.measures.items():
        level = study.levels.get(result.arm, {}).get(measure.name, study.usual[measure.name])
        for item, cluster in items:
            own = np.random.default_rng(_seed(item, measure.name)).normal(0, 1)
            for epoch in range(1, study.epochs + 1):
                if draw.random() < study.ungraded.get(result.arm, 0.0):
                    rows.append(Measurement(measure.name, item, cluster, epoch, None, study.why))
                    continue
                value = _value(measure.unit, level + shift, own, draw)
                rows.append(Measurement(measure.name, item, cluster, epoch, value))
    folder.mkdir(parents=True)
    write_shards(folder, "measurements", rows)
    described = {
        "suite": suite.name,
        "measures": [asdict(measure) for measure in suite.measures],
        "judge": suite.judge,
        "settings": {"epochs": study.epochs, "temperature": 0.7},
    }
    (folder / "measures.json").write_text(json.dumps(described), encoding="utf-8")
    (folder / "logs").mkdir()
    (folder / "logs" / "one.eval").write_bytes(b"")
    (folder / "record.json").write_text(_record(len(rows)).to_json(), encoding="utf-8")
    return folder


def _value(unit: Unit, level: float, own: float, draw: np.random.Generator) -> float:
    if unit is Unit.SHARE:
        share = min(1.0, max(0.0, level + 0.08 * own)) if 0 < level < 1 else level
        return float(draw.random() < share)
    return float(level + 0.3 * own + draw.normal(0, 0.2))


def _record(rows: int) -> Record:
    use = {
        "model": JUDGE, "requests": rows, "retries": 0, "tokens_in": 100 * rows,
        "tokens_cached": 0, "tokens_out": 10 * rows, "seconds": 1.0, "cost": 0.25, "faults": {},
    }  # fmt: skip
    return Record(
        stage="evaluate", stage_version=1, identity="feedc0de" * 8, digest="", config={},
        inputs={"checkpoint": InputRecord("x", "y", "badc0ffee" * 7)}, files={}, seed=None,
        outcome=Outcome(rows_out=rows, models={"judge": use}), started="", seconds=90.0, code={},
        environment={},
    )  # fmt: skip


def make_suites_report(
    folder: Path,
    study: Study,
    arms: Sequence[str] = ("start", "baseline", "aft", "msm+aft:philosophy"),
    suites: Sequence[Suite] = SUITES,
    seeds: Sequence[int] = (1,),
    analysis: Analysis | None = None,
    not_given: Sequence[str] = (),
    left_out: Sequence[tuple[str, str]] = (),
    summary: str = "Six arms.",
    more: Mapping[str, Path] | None = None,
) -> Report:
    """Write synthetic measurements and run the stage on them.

    ``not_given`` names results whose folder is missing; ``left_out`` holds pairs of suite and arm
    that the recipe does not ask for.
    """
    results: dict[str, SuiteResult] = {}
    inputs: dict[str, Path] = dict(more or {})
    for suite in suites:
        for written in arms:
            arm, _, spec = written.partition(":")
            for seed in seeds[:1] if arm == "start" else seeds:
                label = "-".join(part for part in (arm, spec, f"s{seed}") if part)
                name = f"{suite.name}.{label}"
                if (suite.name, written) in left_out:
                    continue
                results[name] = SuiteResult(arm=arm, spec=spec, seed=seed, suite=suite.name)
                if name not in not_given:
                    place = folder / "suites" / f"{len(inputs)}"
                    inputs[f"suite:{name}"] = write_suite(place, suite, study, results[name])
    config = ReportConfig(
        experiment="oversight",
        summary=summary,
        assistant="Qwen",
        specs=("philosophy",),
        order=(),
        results={},
        analysis=analysis or Analysis(resamples=500),
        suites=results,
        suite_order=tuple(results),
    )
    out = folder / "out"
    out.mkdir(parents=True)
    return Report(out, run(config, inputs, out, Execution()))


def level(report: Report, measure: str, arm: str, suite: str = "agentic") -> Mapping[str, str]:
    """The row of one figure."""
    return next(
        row
        for row in read_table(report.out / "suites.csv")
        if (row["suite"], row["measure"]) == (suite, measure)
        and arm == ":".join(part for part in (row["arm"], row["spec"]) if part)
    )


def difference(report: Report, measure: str, label: str) -> Mapping[str, str]:
    """The row of one comparison."""
    rows = read_table(report.out / "comparisons.csv")
    return next(row for row in rows if (row["measure"], row["comparison"]) == (measure, label))


def missing(report: Report) -> dict[str, str]:
    """What was not run, with the reason."""
    return {row["what"]: row["why"] for row in read_table(report.out / "missing.csv")}


def run_again(tmp_path: Path) -> Report:
    """The report on the agentic suite of two arms again, from the folders as they now are."""
    places = {"agentic.baseline-s1": "0", "agentic.aft-s1": "1"}
    config = ReportConfig.model_validate(
        {
            "experiment": "x", "summary": "", "assistant": "A", "specs": [], "order": [],
            "results": {}, "analysis": {"resamples": 100},
            "suites": {
                name: {"arm": name[8:-3], "spec": "", "seed": 1, "suite": "agentic"}
                for name in places
            },
        }
    )  # fmt: skip
    inputs = {f"suite:{name}": tmp_path / "suites" / place for name, place in places.items()}
    return Report(tmp_path / "out", run(config, inputs, tmp_path / "out", Execution()))


def judge_check(folder: Path, judge: str = JUDGE) -> Path:
    """A judge's figures as ``msm judge-check`` writes them, with the keys that a report reads."""
    share = {"count": 57, "of": 60, "value": 0.95, "low": 0.86, "high": 0.98}
    kappa = {"value": 0.89, "low": 0.75, "high": 0.96}
    group = {"agree": share, "kappa": kappa, "false_yes": 1, "false_no": 2}
    spearman = {"value": 0.81, "low": 0.66, "high": 0.9}
    check = {
        "judge": judge,
        "agentic": {"all": group, "clear": group, "tricky": group},
        "open_qa": {"spearman": spearman},
        "read": {"agentic": share, "open_qa": share},
    }
    folder.mkdir(parents=True)
    (folder / "judge-check.json").write_text(json.dumps(check), encoding="utf-8")
    return folder


def _seed(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")
