"""Making something again from its lineage, elsewhere, and saying whether it came out the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.identity import RECORD
from msm.lineage.find import Found
from msm.lineage.made_again import Agreement, Compared, Copy, compare
from msm.lineage.rerun_plan import Plan, Step, plan_rerun, write_recipe
from msm.lineage.rerun_world import Environment, World, make_world
from msm.origin import SOURCE
from msm.record import read_record
from msm.storage.fetch import fetch_folder
from msm.store import SCHEME
from msm.task import Stage


@dataclass(frozen=True)
class Asked:
    """What a rerun is to do. ``into`` is made, or gone on with."""

    into: Path
    first: Stage | None = None
    environment: Environment = Environment.AUTO
    repository: Path = SOURCE
    overrides: Sequence[str] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether a rerun agrees with what it made again, output by output."""

    reference: str
    commit: str
    outputs: tuple[Compared, ...]
    notes: tuple[str, ...]

    @property
    def green(self) -> bool:
        """Whether nothing differs."""
        return all(item.agreement is not Agreement.DIFFERS for item in self.outputs)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "reference": self.reference,
            "verdict": "green" if self.green else "red",
            "commit": self.commit,
            "outputs": [
                {**asdict(item), "agreement": item.agreement.value} for item in self.outputs
            ],
            "notes": list(self.notes),
        }


def rerun(found: Found, asked: Asked, on_step: Callable[[Step], None]) -> Verdict:
    """Make the outputs of a lineage again and compare each with what it was.

    Args:
        found: what is to be made again, with its lineage.
        asked: where, from which stage on, and in which environment.
        on_step: called when an output was made.

    Raises:
        UserError: the lineage lacks what it takes; a stage failed.
    """
    plan = plan_rerun(found.lineage, asked.first)
    folder = asked.into.absolute()
    world = make_world(folder, asked.repository, plan.commit, asked.environment)
    recipe = folder / "recipe.yaml"
    write_recipe(plan, world.source, found.index.root, recipe)
    outputs = folder / "outputs" / plan.experiment
    expected = folder / "expected"
    for step in plan.steps:
        if not step.made:
            _take(step, outputs / step.label)
    make = _making(world, recipe, asked.overrides)
    for wave in _waves(plan):
        with ThreadPoolExecutor(_jobs(plan)) as pool:
            for step, _ in zip(wave, pool.map(make, wave), strict=True):
                on_step(step)
    compared: dict[str, Compared] = {}
    for step in plan.steps:
        compared[step.label] = _compare(step, outputs, expected, compared)
    notes = (*plan.notes, *filter(None, (world.note,)))
    return Verdict(found.target.name, plan.commit, tuple(compared.values()), notes)


def _making(world: World, recipe: Path, overrides: Sequence[str]) -> Callable[[Step], None]:
    given = [word for override in overrides for word in ("--set", override)]

    def make(step: Step) -> None:
        command = [step.stage.value, str(recipe), step.name, "--workspace", str(world.folder)]
        world.run([*command, *given], world.folder / "logs" / f"{step.stage}-{step.name}.log")

    return make


def _waves(plan: Plan) -> Iterator[list[Step]]:
    """The steps to be made, in groups whose inputs are in earlier ones."""
    waiting = [step for step in plan.steps if step.made]
    there = {step.label for step in plan.steps if not step.made}
    while waiting:
        wave = [step for step in waiting if set(step.inputs.values()) <= there]
        yield wave
        there |= {step.label for step in wave}
        waiting = [step for step in waiting if step not in wave]


def _jobs(plan: Plan) -> int:
    return int(plan.recipe.get("execution", {}).get("jobs", 1))


def _take(step: Step, folder: Path) -> None:
    """Bring an output as it is into the rerun's workspace."""
    if (folder / RECORD).is_file():
        return
    aside = folder.parent / f".{folder.name}.taken"
    shutil.rmtree(aside, ignore_errors=True)
    _bring(step, aside)
    (aside / RECORD).write_text(step.record.to_json(), encoding="utf-8")
    aside.rename(folder)


def _bring(step: Step, folder: Path) -> None:
    place = step.node.place
    if not place:
        raise UserError(f"the files of {step.label} were not found; fetch them first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if place.startswith(SCHEME):
        fetch_folder(place, folder, step.record.digest)
    else:
        shutil.copytree(place, folder)


def _compare(step: Step, outputs: Path, expected: Path, before: Mapping[str, Compared]) -> Compared:
    if not step.made:
        identity = step.record.identity
        return Compared(step.label, Agreement.TAKEN, identity, identity)
    made = outputs / step.label
    record = read_record(made)
    if record is None:
        raise UserError(f"{made} was not made; see {outputs.parents[1] / 'logs'}")
    place = Path(step.node.place) if step.node.place else None
    if step.node.place.startswith(SCHEME):
        place = None if record.digest == step.record.digest else expected / step.label
        if place is not None and not place.exists():
            _bring(step, place)
    known = {label: item.agreement for label, item in before.items()}
    return compare(step.label, Copy(step.record, place), Copy(record, made), known, step.inputs)


def table(verdict: Verdict) -> Iterable[str]:
    """The verdict in lines, to be read by a person."""
    width = max(len(item.label) for item in verdict.outputs)
    for item in verdict.outputs:
        identity = "same identity" if item.same_identity else "other identity"
        why = f"  {item.why}" if item.why else ""
        yield f"{item.label:<{width}}  {identity:<14}  {item.agreement.value}{why}"
        for part in item.behaviour:
            if item.agreement is Agreement.DIFFERS and part.holds:
                continue
            (mean, low, high), (now, now_low, now_high) = part.before, part.after
            test = "" if part.p is None else f"  margin {part.margin:g}, p {part.p:.3g}"
            sign = "" if part.holds else "  OUTSIDE"
            yield (
                f"{'':<{width}}    {part.name}: {mean:+.3f} [{low:+.3f}, {high:+.3f}], now "
                f"{now:+.3f} [{now_low:+.3f}, {now_high:+.3f}]{test}{sign}"
            )
    for note in verdict.notes:
        yield f"note: {note}"
    differing = [item.label for item in verdict.outputs if item.agreement is Agreement.DIFFERS]
    if differing:
        yield f"red: {', '.join(differing[:3])}: first that cannot be trusted is {differing[0]}"
    else:
        yield f"green: {verdict.reference} was made again at commit {verdict.commit[:12]}"
