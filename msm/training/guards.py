"""What is checked before a GPU second is spent. Each check raises a UserError of one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.record import Record, read_record
from msm.task import Stage
from msm.training.gpus import USABLE
from msm.training.schedule import warmup_steps
from msm.training_settings import Optimisation

LARGEST_STEP = 0.1  # share of a run's tokens that one optimiser step may hold
EVAL_PROMPT = "eval prompt"  # why curation drops a contaminated row; see msm.corpus.checks
_ASKED = ("suite", "prompts")  # how the roles of what the evaluation asks begin
_DATA = ("corpus", "chats", "other")  # and those of rows that were taken from another output


def check_steps(step_tokens: Sequence[int], optimisation: Optimisation) -> None:
    """Check that a run is long enough for its schedule; ``step_tokens`` is each step's tokens.

    Three steps over a whole set of chats look like training, and teach next to nothing. A recipe
    that lowers ``minimum_steps`` below 20 also allows steps of a larger share than a tenth.

    Raises:
        UserError: too few steps, one that holds too much of the run, or a warm-up without an end.
    """
    steps, total = len(step_tokens), sum(step_tokens)
    largest = max(step_tokens, default=0)
    if steps < optimisation.minimum_steps:
        raise UserError(
            f"only {steps} optimiser steps of up to {largest:,} tokens, fewer than minimum_steps "
            f"{optimisation.minimum_steps}; add rows or epochs, or lower batch_size"
        )
    ramp = warmup_steps(steps, optimisation.warmup)
    if ramp >= steps and steps > 1:
        raise UserError(
            f"the warm-up of {ramp} steps is no shorter than the run of {steps}; "
            "lower warmup, or add rows or epochs"
        )
    allowed = max(LARGEST_STEP, 2 / optimisation.minimum_steps)
    if largest > allowed * total:
        raise UserError(
            f"one optimiser step holds {largest:,} of the run's {total:,} tokens, more than "
            f"{allowed:.0%}; lower batch_size, or split its longest rows"
        )


def check_mask(counted: Iterable[int]) -> None:
    """Check that the loss counts a token of every row; ``counted`` is how many of each.

    Raises:
        UserError: a row teaches nothing.
    """
    empty = [number for number, tokens in enumerate(counted) if tokens < 1]
    if empty:
        raise UserError(
            f"{len(empty)} rows have no token that the loss counts, first row {empty[0] + 1}; "
            "look at its answer, and at the student's chat template"
        )


def check_trainable(model: Any) -> int:
    """The number of parameters that training changes.

    Raises:
        UserError: there is none, or a frozen and a trained one share their memory.
    """
    parameters = list(model.parameters())
    trained = [p for p in parameters if p.requires_grad]
    if not trained:
        raise UserError("nothing in the model can be trained; check training.lora.first_layer")
    frozen = {p.data_ptr() for p in parameters if not p.requires_grad and p.numel()}
    if any(p.data_ptr() in frozen for p in trained if p.numel()):
        raise UserError(
            "a trained weight is tied to a frozen one, which would change with it; "
            "use training.method full"
        )
    return sum(getattr(p, "ds_numel", p.numel()) for p in trained)  # ZeRO-3 keeps shares alone


def check_memory(needed: float, device: str) -> None:
    """Check that so many bytes fit on a device as it is now; call it before the model is loaded.

    Raises:
        UserError: they do not; says what lowers the need.
    """
    free = free_memory(device)
    if needed > USABLE * free:
        raise UserError(
            f"training needs about {needed / 1e9:.1f} GB, and {device} has {free / 1e9:.1f} GB "
            "free; set execution.trainer.activation_checkpointing, lower maximum_length, raise "
            "execution.trainer.zero with more processes, or train an adapter"
        )


def free_memory(device: str) -> int:
    """Bytes that are free on a torch device: the GPU's, or the machine's."""
    import torch

    if device.startswith("cuda"):
        free, _ = torch.cuda.mem_get_info(torch.device(device))
        return int(free)
    import psutil

    return int(psutil.virtual_memory().available)


def check_clean(inputs: Mapping[str, Path]) -> None:
    """Check, from the records, that what is trained on was kept clear of the evaluation.

    A recipe can name only outputs of the stages ``curate`` and ``demonstrate``, which have a
    record; a folder that has none is a person's own, and nothing is known of it.

    Raises:
        UserError: a corpus was not compared with the evaluation, contaminated rows were kept, or
            parts of the data were compared with different evaluations.
    """
    compared: dict[frozenset[str], str] = {}
    for role, folder in sorted(inputs.items()):
        if role != "corpus" and not role.startswith("chats-"):
            continue
        for where, record in _origins(folder):
            _check_record(where, record)
            compared.setdefault(_asked(record), str(where))
    if len(compared) > 1:
        one, other = list(compared.values())[:2]
        raise UserError(
            f"{one} and {other} were kept clear of different evaluations; make both again with "
            "one recipe"
        )


def _origins(folder: Path) -> list[tuple[Path, Record]]:
    """The records of the rows' makers: a mix or a draft was checked where its rows come from."""
    record = read_record(folder)
    if record is None:
        return []
    if _asked(record) or "decontamination" in record.outcome.summary:
        return [(folder, record)]
    found: list[tuple[Path, Record]] = []
    for role, item in sorted(record.inputs.items()):
        path = Path(item.path)
        source = read_record(path) if role in _DATA and path.is_dir() else None
        if source is not None and source.identity == item.identity:
            found += _origins(path)
    taken = any(role in _DATA for role in record.inputs)
    return found if taken else [(folder, record)]


def _check_record(folder: Path, record: Record) -> None:
    if record.stage != Stage.CURATE:
        return
    done = record.outcome.summary.get("decontamination")
    if not isinstance(done, Mapping):
        raise UserError(
            f"{folder} was not compared with the evaluation, as its record.json says; "
            "run the stage curate on it"
        )
    hits, dropped = int(done.get("documents_hit", 0)), record.outcome.dropped.get(EVAL_PROMPT, 0)
    if hits > dropped:
        raise UserError(
            f"{folder} has {hits - dropped:,} documents that quote the evaluation, as its "
            "record.json says; run the stage curate on it again"
        )


def _asked(record: Record) -> frozenset[str]:
    """The content of what the evaluation asks, as far as a record's rows were compared with it."""
    return frozenset(
        item.digest for role, item in record.inputs.items() if role.split("-")[0] in _ASKED
    )
