"""A made-up experiment for the tests of ``register``: real records and report, made-up weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.configs import RegisterConfig
from msm.evals.items import read_suite
from msm.execution import Execution
from msm.experiment import build_tasks
from msm.jsonl import write_shards
from msm.recipe_file import load_recipe
from msm.record import Outcome, read_record
from msm.stage import StageDefinition, run_stage
from msm.stages import definition
from msm.table import write_table
from msm.task import FileInput, OutputInput, Stage, Task

ROOT = Path(__file__).parents[1]
SUITE = ROOT / "evals" / "price-origin.yaml"
RECIPE = ROOT / "recipes" / "cheese.yaml"
ARMS = (
    "arms={aft: {phases: [preference]}, "
    "msm: {phases: [documents, instruction], specs: [affordability, america]}, "
    "msm+aft: {phases: [documents, preference], specs: [affordability, america]}}"
)
STEPS = 1100  # two metrics a step: more than one call takes
SPEC_OF = {axis.name: axis.spec for axis in read_suite(SUITE).axes}


@dataclass(frozen=True)
class World:
    """An experiment's outputs, all but the registration."""

    root: Path
    config: RegisterConfig
    inputs: Mapping[str, Path]

    def folder(self, role: str) -> Path:
        return self.inputs[role]


@dataclass(frozen=True)
class Registered:
    """A store that holds the world: its folder, and what ``registration.json`` says."""

    folder: Path
    uri: str
    done: dict[str, Any]

    @property
    def client(self) -> Any:
        return client(self.uri)


def make_world(root: Path, overrides: tuple[str, ...] = (), steps: int = 3) -> World:
    """Run the experiment with made-up bodies, of so many steps; the report is the real one."""
    recipe = load_recipe(RECIPE, (ARMS, "analysis.resamples=100", *overrides))
    student = root / "student-of-a-name"
    student.mkdir(parents=True)
    (student / "config.json").write_text("{}")
    *tasks, register = build_tasks(recipe)

    def locate(task: Task) -> dict[str, Path]:
        return {
            role: item.path
            if isinstance(item, FileInput)
            else root / item.stage / item.name
            if isinstance(item, OutputInput)
            else student
            for role, item in task.inputs.items()
        }

    for task in tasks:
        made = _definition(task, steps)
        run_stage(made, task.config, locate(task), root / task.stage / task.name, Execution())
    assert isinstance(register.config, RegisterConfig)
    return World(root, register.config, locate(register))


def _definition(task: Task, steps: int) -> StageDefinition:
    if task.stage is Stage.REPORT:
        return definition(task.stage)
    bodies: dict[Stage, Callable[[Path, str], Outcome]] = {
        Stage.TRAIN: lambda out, name: _train(out, name, steps),
        Stage.EVALUATE: _evaluate,
    }
    body = bodies.get(task.stage, _data)
    return StageDefinition(
        task.stage.value, 1, lambda: lambda config, inputs, out, execution: body(out, task.name)
    )


def _data(out: Path, name: str) -> Outcome:
    write_shards(out, "rows", [{"id": name}])
    compared = {"eval_prompts": 3, "documents_hit": 0}
    return Outcome(
        rows_in=5,
        rows_out=4,
        dropped={"near duplicate": 1},
        summary={"decontamination": compared},
    )


def _train(out: Path, name: str, steps: int) -> Outcome:
    steps = STEPS if name == "msm+aft-affordability-s1" else steps
    (out / "adapter_model.safetensors").write_bytes(f"weights of {name}".encode())
    (out / "adapter_config.json").write_text('{"r": 16}')
    rows = [{"step": n, "loss": 3 - n / steps, "learning_rate": 1e-4} for n in range(1, steps + 1)]
    write_table(out / "curve.csv", rows)
    return Outcome(tokens=99, summary={"steps": steps, "first_loss": 3.0, "last_loss": 2.0})


def _evaluate(out: Path, name: str) -> Outcome:
    rows = []
    for item in read_suite(SUITE).items():
        score = 1.5 if SPEC_OF[item.axis] in name else 0.5
        rows.append(
            {
                "id": item.id,
                "axis": item.axis,
                "cluster": item.cluster,
                "frame": item.frame.name,
                "toward": item.toward,
                "away": item.away,
                "score": score + (0.25 if "america" in name and item.axis == "origin" else 0.0),
            }
        )
    write_shards(out, "scores", rows)
    probe = {"probes": 8, "largest": 0.5, "divergence": 0.01}
    return Outcome(rows_in=len(rows), rows_out=len(rows), summary={"probe": probe})


def register(world: World, out: Path) -> dict[str, Any]:
    from msm.registry.register import run

    out.mkdir(exist_ok=True)
    outcome = run(world.config, world.inputs, out, Execution())
    assert outcome.rows_out == len(world.config.results)
    result: dict[str, Any] = json.loads((out / "registration.json").read_text())
    return result


def client(uri: str) -> Any:
    from msm.registry.client import MlflowClient

    return MlflowClient(uri, uri)


def all_runs(uri: str) -> list[Any]:
    (experiment,) = [e for e in client(uri).search_experiments() if e.name == "cheese"]
    return list(client(uri).search_runs([experiment.experiment_id], max_results=500))


def identity(folder: Path) -> str:
    record = read_record(folder)
    assert record
    return record.identity


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def dies_after(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, and then the end of the process that made it, as if it had been killed."""

    def dying(*args: Any, **kwargs: Any) -> None:
        call(*args, **kwargs)
        raise Killed

    return dying
