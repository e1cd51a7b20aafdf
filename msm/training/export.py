"""Exports: what was trained, in the form in which others load it.

An adapter goes out as it is, with the name of its start model filled in; a merged model is whole,
with tokenizer and chat template. A DeepSpeed run needs no consolidation: its checkpoints hold whole
fp32 tensors. The same export twice is the same bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from msm.configs import TrainConfig
from msm.disk_faults import disk_explained, system_errors
from msm.errors import UserError
from msm.identity import seed_from
from msm.record import Record, read_record
from msm.training.export_card import CardFacts, write_export_card
from msm.training_settings import AdapterStart, Method, Precision

CARD = "README.md"
STATE, WEIGHTS = "state.json", "weights.safetensors"  # of a checkpoint within a run
TOKENIZER_FILES = (  # by these names transformers and vLLM look for tokenizer and template
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.*",
    "merges.txt",
)


class Form(StrEnum):
    """What is written: the adapter alone, or a whole model."""

    ADAPTER = "adapter"
    MERGED = "merged"


@dataclass(frozen=True)
class Base:
    """What users call the start model: name on the hub, commit, licence; '' for what is unknown."""

    name: str = ""
    revision: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Unfinished:
    """A checkpoint within a run, ``step-…``, and what its run was asked to do on which inputs."""

    folder: Path
    config: TrainConfig
    inputs: Mapping[str, Path]


def export(
    checkpoint: Path | Unfinished,
    student: Path,
    out: Path,
    form: Form,
    precision: Precision,
    base: Base,
    facts: CardFacts,
) -> Path:
    """Write the export beside ``out`` and rename it.

    Args:
        checkpoint: an output of the stage ``train``, or a checkpoint within a run.
        student: the start model's folder.
        out: a folder that does not exist yet.
        form: adapter or merged.
        precision: of a merged model; an adapter stays in fp32.
        base: how the start model is called in config and card.
        facts: what the card says of the training.

    Raises:
        UserError: ``out`` is there already, the checkpoint is none, or is a whole model where an
            adapter is asked for; the disk is full or cannot be written.
    """
    from msm.training.adapter import is_adapter

    if out.exists():
        raise UserError(f"{out} exists already; name another folder, or remove it first")
    aside = out.parent / f".{out.name}.partial"
    restored = out.parent / f".{out.name}.restored"
    for left in (aside, restored):
        shutil.rmtree(left, ignore_errors=True)
    try:
        with disk_explained(out.parent, "place"):
            aside.mkdir(parents=True)
            if isinstance(checkpoint, Unfinished):
                restored.mkdir()
                _restore(checkpoint, restored)
                checkpoint = restored
            if form is Form.MERGED:
                _write_merged(checkpoint, student, aside, precision)
            elif is_adapter(checkpoint):
                _write_adapter(checkpoint, aside, base)
            else:
                raise UserError("what was trained is a whole model, no adapter; give --merged")
            _write_card(aside, form, precision, base, facts)
            aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(restored, ignore_errors=True)
    return out


def check_trained(folder: Path) -> Record:
    """The record of an output of the stage ``train``.

    Raises:
        UserError: the folder is none; one of DeepSpeed's own checkpoints is told apart.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist; name an output of the stage train")
    if any(folder.glob("global_step*")) or any(folder.glob("*_model_states.pt")):
        raise UserError(
            f"{folder} is a checkpoint of DeepSpeed: pickled, so that reading it can run any "
            "program. If you trust it, run `python zero_to_fp32.py --safe_serialization` in it "
            "and use what that writes as a whole model"
        )
    record = read_record(folder)
    if record is None:
        raise UserError(
            f"{folder} has no record.json; export an output of the stage train, or a checkpoint "
            "within a run (step-…) with --recipe"
        )
    if record.stage != "train":
        raise UserError(f"{folder} is an output of the stage {record.stage}, not of train")
    return record


def is_unfinished(folder: Path) -> bool:
    """Whether a folder is a checkpoint within a run."""
    return (folder / STATE).is_file() and (folder / WEIGHTS).is_file()


def _restore(unfinished: Unfinished, folder: Path) -> None:
    """Write a checkpoint within a run as the stage would have, had the run ended there."""
    from safetensors.torch import load_file

    from msm.identity import digest_file
    from msm.training.adapter import save_adapter, with_adapter
    from msm.training.model import load_student
    from msm.training.whole import save_whole

    path = unfinished.folder / WEIGHTS
    state = json.loads((unfinished.folder / STATE).read_text(encoding="utf-8"))
    if digest_file(path) != state["files"][WEIGHTS]["sha256"]:
        raise UserError(f"{path} is not as it was written; take an older checkpoint")
    config, inputs = unfinished.config, unfinished.inputs
    weights, before = load_file(path), inputs.get("checkpoint")
    if config.method is Method.FULL:
        save_whole(weights, inputs["student"], folder)
        return
    student = load_student(inputs["student"], Precision.FP32, "cpu")
    seed = seed_from("adapter", config.seed)
    model = with_adapter(student, config.lora, before, seed, config.adapter)
    stacked = config.adapter is AdapterStart.FRESH
    save_adapter(model, folder, weights, before if stacked else None)


def _write_adapter(checkpoint: Path, folder: Path, base: Base) -> None:
    from msm.training.adapter import ADAPTER_CONFIG, ADAPTER_FILE, adapter_config

    config = adapter_config(checkpoint)
    config["base_model_name_or_path"] = base.name or None
    config["revision"] = base.revision or None
    shutil.copyfile(checkpoint / ADAPTER_FILE, folder / ADAPTER_FILE)
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (folder / ADAPTER_CONFIG).write_text(text, encoding="utf-8")


def _write_merged(checkpoint: Path, student: Path, folder: Path, precision: Precision) -> None:
    from msm.training.model import load_checkpoint

    model = load_checkpoint(student, checkpoint, precision, "cpu")
    with system_errors():
        model.save_pretrained(folder, safe_serialization=True)
    for path in folder.glob("*.safetensors"):
        path.chmod(0o644)  # safetensors makes files that nobody else may read
    # A whole model may have brought a tokenizer of its own; training never changes one.
    source = checkpoint if (checkpoint / "tokenizer_config.json").exists() else student
    for pattern in TOKENIZER_FILES:
        for path in source.glob(pattern):
            shutil.copyfile(path, folder / path.name)


def _write_card(
    folder: Path, form: Form, precision: Precision, base: Base, facts: CardFacts
) -> None:
    text = write_export_card(
        merged=form is Form.MERGED,
        precision=precision,
        base_name=base.name,
        revision=base.revision,
        licence=base.licence,
        facts=facts,
    )
    (folder / CARD).write_text(text, encoding="utf-8")
