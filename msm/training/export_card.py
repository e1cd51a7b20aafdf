"""The card of an export: YAML for the hub, Markdown for people, all of it from records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from msm.markdown import table_cell
from msm.record import InputRecord, Record, read_record
from msm.task import Stage

TEMPLATE = "export_card.md.jinja"
FIGURES = (  # of a training record's summary, if it has them
    "steps",
    "supervised_tokens",
    "first_loss",
    "last_loss",
    "adapter",
    "adapter_moved",
    "trainable_parameters",
    "tokens_per_second",
)


@dataclass(frozen=True)
class Phase:
    """One phase of training: what it is called, its settings, and its figures, all flat."""

    name: str
    identity: str
    settings: Mapping[str, Any]
    figures: Mapping[str, Any]
    data: Mapping[str, str]  # role -> name and digest


@dataclass(frozen=True)
class CardFacts:
    """What a card tells of the training; ``phases`` in the order of training."""

    title: str
    student: str
    student_digest: str
    phases: tuple[Phase, ...]
    specs: tuple[str, ...] = ()
    code: str = ""
    made_on: str = ""
    notes: tuple[str, ...] = field(default=())


def facts_of(folder: Path, record: Record, root: Path, student: str) -> CardFacts:
    """Gather a card's facts from a checkpoint's record and those behind it that are still there.

    ``root`` is the workspace, which the records' relative paths start from.
    """
    chain: list[tuple[str, Record]] = [(_name(folder), record)]
    while before := chain[0][1].inputs.get("checkpoint"):
        found = read_record(root / before.path)
        if found is None or found.digest != before.digest:
            break
        chain.insert(0, (_name(Path(before.path)), found))
    start = record.inputs.get("student")
    environment = record.environment
    system = (environment.get("system"), environment.get("processor"))
    device = environment.get("execution", {}).get("device", "cpu")
    return CardFacts(
        title=folder.name,
        student=student,
        student_digest=start.digest if start else "",
        phases=tuple(phase_of(name, phase) for name, phase in chain),
        specs=tuple(sorted({spec for _, phase in chain for spec in _specs(phase, root)})),
        code=f"{record.code.get('package', 'msm')}, commit {record.code.get('commit') or 'unknown'}"
        + (", with changes that are in no commit" if record.code.get("dirty") else ""),
        made_on=", ".join([*(part for part in system if part), f"device {device}"]),
    )


def phase_of(name: str, record: Record) -> Phase:
    """A phase as its record tells it."""
    summary = record.outcome.summary
    figures = {key: summary[key] for key in FIGURES if key in summary}
    return Phase(
        name=name,
        identity=record.identity,
        settings=flat(record.config),
        figures={"rows": record.outcome.rows_in, "tokens": record.outcome.tokens, **figures},
        data={
            role: f"{_name(Path(item.path))}, digest {item.digest}"
            for role, item in sorted(record.inputs.items())
            if role not in ("student", "checkpoint")
        },
    )


def flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings under dotted names."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def write_export_card(
    merged: bool, precision: str, base_name: str, revision: str, licence: str, facts: CardFacts
) -> str:
    """The card's text. It depends on its arguments alone."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    front = {
        "base_model": base_name,
        "base_model_relation": "finetune" if merged else "adapter",
        "library_name": "transformers" if merged else "peft",
        "license": licence,
        "pipeline_tag": "text-generation",
        "tags": ["msm", "model-spec-midtraining", *([] if merged else ["lora"])],
    }
    told = {key: value for key, value in front.items() if value}
    if not base_name:
        told.pop("base_model_relation")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # Markdown, shown as text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = table_cell
    return environment.get_template(TEMPLATE).render(
        front=yaml.safe_dump(told, sort_keys=True, allow_unicode=True),
        merged=merged,
        precision=precision,
        base=base_name,
        revision=revision,
        licence=licence,
        facts=facts,
    )


def _specs(record: Record, root: Path) -> list[str]:
    """The specs behind a record's data, as far as the folders are still there."""
    found: list[str] = []
    for role, item in record.inputs.items():
        if role == "spec":
            found.append(f"{Path(item.path).name}, digest {item.digest}")
        elif role not in ("student", "checkpoint"):
            found += _specs_behind(item, root)
    return found


def _specs_behind(item: InputRecord, root: Path) -> list[str]:
    folder = root / item.path
    record = read_record(folder) if folder.is_dir() else None
    # Evaluations never lie behind data, but their prompts do, which name no spec.
    if record is None or record.digest != item.digest or record.stage == Stage.EVALUATE:
        return []
    return _specs(record, root)


def _name(folder: Path) -> str:
    """Stage and name of an output; nothing above them, which belongs to a machine."""
    return "/".join(folder.parts[-2:]) if len(folder.parts) > 1 else folder.name
