"""Synthetic scores with known effects, and the report stage run on them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from msm.analysis import Analysis, Contrast
from msm.configs import ArmResult, ReportConfig
from msm.evals.items import IN_DOMAIN, read_suite
from msm.execution import Execution
from msm.jsonl import write_shards
from msm.recipe_file import load_recipe
from msm.record import Outcome, Record
from msm.reporting.report import run
from msm.table import read_table

ROOT = Path(__file__).parents[1]
SUITE = ROOT / "evals" / "price-origin.yaml"
CONTRASTS = load_recipe(ROOT / "recipes" / "cheese.yaml").analysis.contrasts
IDENTITY = "0123456789abcdef" * 4


@dataclass(frozen=True)
class World:
    """Known effects in nats: what each arm adds on its own axis, in each frame."""

    own: Mapping[str, float] = field(
        default_factory=lambda: {"msm": 1.0, "msm+aft": 1.0, "msm+coin": 1.0}
    )
    other: Mapping[str, float] = field(default_factory=dict)
    noise: float = 0.1
    seed_spread: float = 0.0


def write_scores(folder: Path, suite: Path, world: World, result: ArmResult) -> Path:
    """A folder of scores as the stage ``evaluate`` writes it, with the world's effects."""
    parsed = read_suite(suite)
    draw = np.random.default_rng(_seed(result.arm, result.spec, result.seed))
    shift = draw.normal(0, world.seed_spread)
    specs = {axis.name: axis.spec for axis in parsed.axes}
    rows = []
    for item in parsed.items():
        effects = world.own if item.frame.name == "own" else world.other
        base = np.random.default_rng(_seed(item.axis, item.toward)).normal(0, 1.5)
        own_axis = specs[item.axis] == result.spec
        effect = effects.get(result.arm, 0.0) + shift if own_axis else 0.0
        score = base + effect + draw.normal(0, world.noise)
        rows.append(_row(item.id, item.axis, item.cluster, item.frame.name, item, score))
    for liked in range(15):
        for disliked in range(2):
            for frame in ("own", "other"):
                learnt = "aft" in result.arm
                row = {"toward": f"cheese {liked}", "away": f"other {disliked}"}
                score = 2.0 if learnt else draw.normal(0, 1)
                name = f"{IN_DOMAIN}/{liked}/{disliked}/{frame}"
                rows.append(_row(name, IN_DOMAIN, f"cheese-{liked}", frame, row, score))
    folder.mkdir(parents=True)
    write_shards(folder, "scores", rows)
    record = Record(
        stage="evaluate", stage_version=1, identity=IDENTITY, digest="", config={}, inputs={},
        files={}, seed=None, outcome=Outcome(), started="", seconds=0.0, code={}, environment={},
    )  # fmt: skip
    (folder / "record.json").write_text(record.to_json(), encoding="utf-8")
    return folder


def _row(name: str, axis: str, cluster: str, frame: str, item: object, score: float) -> object:
    told = item if isinstance(item, dict) else {"toward": item.toward, "away": item.away}  # type: ignore[attr-defined]
    return {
        "id": name, "axis": axis, "cluster": cluster, "domain": "", "frame": frame, **told,
        "score": round(score, 6), "toward_first": score, "away_first": score,
    }  # fmt: skip


def _seed(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


@dataclass(frozen=True)
class Report:
    """A finished report and how to read it."""

    out: Path
    outcome: Outcome

    def text(self, name: str) -> str:
        return (self.out / name).read_text(encoding="utf-8")

    def row(self, contrast: str, axis: str = "all axes") -> Mapping[str, str]:
        return next(
            row
            for row in read_table(self.out / "contrasts.csv")
            if row["contrast"].startswith(contrast) and row["axis"] == axis
        )


def make_report(
    folder: Path,
    world: World,
    seeds: tuple[int, ...] = (1,),
    arms: tuple[str, ...] = ("baseline", "aft", "msm", "msm+aft", "msm+coin"),
    contrasts: tuple[Contrast, ...] = CONTRASTS,
    suite: Path = SUITE,
    summary: str = "Two students.",
    controls: tuple[str, ...] = (),
) -> Report:
    """Write synthetic scores and run the stage on them."""
    specs = tuple(axis.spec for axis in read_suite(suite).axes)
    results = {
        f"r{len(arms) * seed + index}-{spec_index}": ArmResult(arm=arm, spec=spec, seed=seed)
        for seed in seeds
        for index, arm in enumerate(arms)
        for spec_index, spec in enumerate((*specs, *controls) if arm.startswith("msm") else ("",))
    }
    inputs = {
        role: write_scores(folder / "scores" / role, suite, world, result)
        for role, result in results.items()
    }
    config = ReportConfig(
        experiment="cheese",
        summary=summary,
        assistant="SmolLM",
        specs=specs,
        order=tuple(results),
        results=results,
        analysis=Analysis(contrasts=contrasts, resamples=1000, notes=("Fixed before.",)),
    )
    out = folder / "out"
    out.mkdir()
    return Report(out, run(config, {"suite": suite, **inputs}, out, Execution()))


class Cells(HTMLParser):
    """The text of every table row of a page, and every address it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append("")
            self._inside = True
        self.addresses += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._inside = self._inside and tag != "tr"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1] += f"{data.strip()} "
