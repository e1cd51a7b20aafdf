"""A workspace: where the outputs of an experiment lie, under names that a person chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.locate import locate
from msm.origin import origin_of
from msm.recipe import Recipe
from msm.record import Record
from msm.stage import run_stage
from msm.stages import definition
from msm.task import Input, OutputInput, Task


@dataclass(frozen=True)
class Workspace:
    """Outputs lie in ``root/outputs/<experiment>/<stage>/<name>/``."""

    root: Path
    recipe: Recipe

    def output(self, stage: str, name: str) -> Path:
        """The folder of one output, there or not."""
        return self.root / "outputs" / self.recipe.name / stage / name

    def locate(self, source: Input) -> Path:
        """Where an input lies; brings the student into the cache if need be."""
        if isinstance(source, OutputInput):
            return self.output(source.stage, source.name)
        return locate(source, self.recipe)

    def inputs(self, task: Task) -> Mapping[str, Path]:
        """Where all inputs of a task lie."""
        return {role: self.locate(source) for role, source in task.inputs.items()}

    def run(self, task: Task, replace: bool = False) -> tuple[Record, bool]:
        """Run one task; returns its record and whether any work was done."""
        return run_stage(
            definition(task.stage),
            task.config,
            self.inputs(task),
            self.output(task.stage, task.name),
            self.recipe.execution.named(self.recipe.name, task.label),
            replace,
            origin_of(self.recipe, task.label),
        )
