"""A registered model at work: the start model is found, compared with its digest, and joined.

Only what was trained lies in the registry: an adapter of some megabytes beside a start model of
gigabytes, which ``start.json`` names. A whole model brings all it needs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.identity import digest_path
from msm.training_settings import Precision
from msm.weights import Source, Student

STUDENT_VARIABLE = "MSM_STUDENT"  # the start model's folder, where it cannot be found by itself
DEVICE_VARIABLE = "MSM_DEVICE"
START_FILE = Path("artifacts", "start.json")
CHECKPOINT = "checkpoint"  # the folder of a registered model that has what was trained, as it was


@dataclass(frozen=True)
class Asked:
    """A prompt of a user, below a system prompt if there is one."""

    prompt: str
    system: str = ""


@dataclass(frozen=True)
class Sampling:
    """How to answer: at most so many tokens; temperature 0 takes the likeliest token each time."""

    max_new_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Assistant:
    """Model and tokenizer, on one device."""

    model: Any
    tokenizer: Any

    def answer(self, asked: Sequence[Asked], sampling: Sampling) -> list[str]:
        """The answer to each prompt, one after the other, without special tokens."""
        import torch

        torch.manual_seed(sampling.seed)
        return [self._answer(one, sampling) for one in asked]

    def _answer(self, asked: Asked, sampling: Sampling) -> str:
        import torch

        system = [{"role": "system", "content": asked.system}] if asked.system else []
        tokens = self.tokenizer.apply_chat_template(
            [*system, {"role": "user", "content": asked.prompt}],
            add_generation_prompt=True,
            enable_thinking=False,  # as in training; templates without this switch ignore it
            return_tensors="pt",
            return_dict=True,
        ).to(self.model.device)
        heat = {"do_sample": True, "temperature": sampling.temperature}
        with torch.inference_mode():
            made = self.model.generate(
                **tokens,
                max_new_tokens=sampling.max_new_tokens,
                pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id,
                **(heat if sampling.temperature > 0 else {"do_sample": False}),
            )
        new = made[0, tokens["input_ids"].shape[1] :]
        return str(self.tokenizer.decode(new, skip_special_tokens=True))


def asked_in(rows: Sequence[Mapping[str, Any]]) -> list[Asked]:
    """The prompts of a table's rows.

    Raises:
        UserError: a prompt is no text. MLflow makes one row of a mapping of lists.
    """
    for row in rows:
        if not isinstance(row["prompt"], str):
            raise UserError(
                "a prompt is not text; give one row for each: "
                '[{"prompt": "..."}, {"prompt": "..."}], or a data frame'
            )
    return [Asked(row["prompt"], str(row.get("system") or "")) for row in rows]


def open_assistant(folder: Path) -> Assistant:
    """Load a registered model from its folder.

    Raises:
        UserError: the start model cannot be had, or is another one than the model was trained on.
    """
    from msm.training.adapter import is_adapter
    from msm.training.chat_template import load_tokenizer
    from msm.training.model import load_checkpoint

    start = checkpoint = folder / CHECKPOINT
    if is_adapter(checkpoint):
        start = find_start(json.loads((folder / START_FILE).read_text(encoding="utf-8")))
    device = os.environ.get(DEVICE_VARIABLE, "cpu")
    model = load_checkpoint(start, checkpoint, Precision.FP32, device)
    return Assistant(model, load_tokenizer(start))


def find_start(reference: dict[str, Any]) -> Path:
    """The folder of the start model that ``start.json`` names.

    Raises:
        UserError: it cannot be had here, or its content has another digest.
    """
    from msm.training.student import materialise_student

    given = os.environ.get(STUDENT_VARIABLE)
    student = Student.model_validate(reference["student"])
    if given is None and student.source is Source.FOLDER:
        raise UserError(
            f"the start model '{student.name}' lay in a folder, which the registry does not keep; "
            f"set {STUDENT_VARIABLE} to a folder with it"
        )
    folder = Path(given) if given else materialise_student(student)
    if not folder.is_dir():
        raise UserError(f"{STUDENT_VARIABLE}: there is no folder {folder}")
    found = digest_path(folder)
    if found != reference["digest"]:
        raise UserError(
            f"the start model in {folder} has the content digest {found[:12]}, and this was "
            f"trained on {reference['digest'][:12]}; set {STUDENT_VARIABLE} to a folder with that"
        )
    return folder
