"""``docs/training.md`` names every setting of the trainer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from msm.execution import Job, Trainer
from msm.training_settings import Lora, Optimisation, Training

SETTINGS: dict[type[BaseModel], str] = {
    Optimisation: "", Training: "", Lora: "lora.", Trainer: "", Job: "",
}  # fmt: skip
SECTIONS = {"documents", "chats", "lora"}  # named by their parts


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_setting_is_in_a_table(root: Path, kind: type[BaseModel]) -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", (root / "docs" / "training.md").read_text(), re.M)
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    wanted = {SETTINGS[kind] + name for name in kind.model_fields.keys() - SECTIONS}
    assert wanted <= named
