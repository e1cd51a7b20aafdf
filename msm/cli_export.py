"""``msm export``: a trained checkpoint in the form in which others load it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.configs import TrainConfig
from msm.errors import UserError
from msm.identity import digest_path
from msm.recipe import Recipe
from msm.record import Record
from msm.training.export import Base, Form, Unfinished, check_trained, export, is_unfinished
from msm.training.export_card import CardFacts, Phase, facts_of, flat
from msm.training.licence import licence_of
from msm.training.student import materialise_student
from msm.training_settings import Precision
from msm.weights import Source, Student

# Where a checkpoint within a run lies: .NAME.partial-IDENTITY/.work/checkpoints/step-00000042
PARTIAL = re.compile(r"\.(?P<name>.+)\.partial-[0-9a-f]+")


@dataclass(frozen=True)
class Asked:
    """What the command was given besides the two folders; empty strings for what was left out."""

    form: Form
    precision: Precision
    recipe: Path | None
    overrides: Sequence[str]
    profile: str | None
    output: str
    student: Path | None
    base: Base


def export_and_show(checkpoint: Path, out: Path, root: Path, asked: Asked) -> None:
    """Export and print where it lies.

    Raises:
        UserError: see ``msm.training.export.export``; or the start model cannot be found.
    """
    from msm.recipe_file import load_recipe

    recipe = None
    if asked.recipe is not None:
        recipe = load_recipe(asked.recipe, list(asked.overrides), asked.profile)
    base = _base(asked.base, recipe.student if recipe else None)
    source: Path | Unfinished
    if is_unfinished(checkpoint):
        source, facts = _unfinished(checkpoint, root, recipe, asked.output)
        student = asked.student or source.inputs["student"]
    else:
        record = check_trained(checkpoint)
        source = checkpoint
        student = asked.student or _student(record, root, recipe)
        named = recipe.student.label if recipe else ""
        facts = facts_of(checkpoint, record, root, named)
        if asked.form is Form.MERGED:
            _check_student(student, record)
    export(source, student, out, asked.form, asked.precision, base, facts)
    print(f"{asked.form}  {out}")


def _student(record: Record, root: Path, recipe: Recipe | None) -> Path:
    if recipe is not None:
        return materialise_student(recipe.student)
    item = record.inputs.get("student")
    folder = root / item.path if item else None
    if folder is None or not folder.is_dir():
        raise UserError(
            "the start model is no longer where the record says; give --recipe, or --student FOLDER"
        )
    return folder


def _check_student(student: Path, record: Record) -> None:
    """A model merged with another start model than its own would be rubbish that looks right."""
    expected = record.inputs.get("student")
    if expected and digest_path(student) != expected.digest:
        raise UserError(
            f"{student} is not the start model that this was trained on (content digest "
            f"{expected.digest[:12]}); give the recipe or folder that it was trained with"
        )


def _base(given: Base, student: Student | None) -> Base:
    """What the command says, completed by what the recipe's start model says."""
    if student is None:
        return given
    hub = student.source is Source.HUB
    return Base(
        given.name or (student.name if hub else ""),
        given.revision or (student.revision if hub and not given.name else ""),
        given.licence or licence_of(student),
    )


def _unfinished(
    folder: Path, root: Path, recipe: Recipe | None, output: str
) -> tuple[Unfinished, CardFacts]:
    from msm.experiment import find_task
    from msm.task import Stage
    from msm.workspace import Workspace

    if recipe is None:
        raise UserError(f"{folder} is a checkpoint within a run; give --recipe to export it")
    name = output or _output_name(folder)
    task = find_task(recipe, Stage.TRAIN, name)
    if not isinstance(task.config, TrainConfig):
        raise UserError(f"the task '{name}' of the recipe does not train")
    inputs = Workspace(root, recipe).inputs(task)
    phase = Phase(
        name=f"train/{name}, after {folder.name}",
        identity="none: the run had not ended",
        settings=flat(task.config.identity_fields()),
        figures={},
        data={},
    )
    facts = CardFacts(
        title=f"{name}, {folder.name}",
        student=recipe.student.label,
        student_digest=digest_path(inputs["student"]),
        phases=(phase,),
        notes=("Taken from a run that had not ended: its learning rate had not come down yet.",),
    )
    return Unfinished(folder, task.config, inputs), facts


def _output_name(folder: Path) -> str:
    for above in folder.resolve().parents:
        if match := PARTIAL.fullmatch(above.name):
            return match["name"]
    raise UserError(
        f"which output does {folder} belong to? give --output NAME, as msm status lists"
    )
