"""What the records behind a version say: contamination screened, and the adapter at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msm.configs import ArmResult
from msm.record import Record
from msm.review.verdict import Result
from msm.task import Stage

# The record of an output by its identity (and its stage, which says where to look first).
Lookup = Callable[[str, str], Record | None]
PROMPTS = ("suite", "prompts")  # roles of evaluations: what was asked
_MADE_TEXT = (Stage.CURATE, Stage.DEMONSTRATE)
_DRAWN_FROM = ("chats", "other")  # roles in which a set of chats, or documents, is drawn from


def decontaminated(checkpoint: str, report: Record, look: Lookup) -> Result:
    """Whether all training text was compared with every prompt that the report's arms were asked.

    A set of chats that was drawn from another was compared when that other one was made.
    """
    asked = "training text was compared with every prompt of the evaluation"
    gate = "decontaminated"
    prompts = _asked(report, look)
    if isinstance(prompts, str):
        return Result(gate, asked, prompts, False)
    screened = 0
    for record in _training_text(checkpoint, look):
        if isinstance(record, str):
            return Result(gate, asked, record, False)
        compared = {item.digest for item in record.inputs.values()}
        left = [role for role, digest in prompts.items() if digest not in compared]
        if left and not _is_drawn(record):
            what = f"{record.stage} {record.identity[:12]} was not compared with {left[0]}"
            return Result(gate, asked, what, False)
        screened += not left
    if not screened:
        return Result(gate, asked, "no training text was found behind the checkpoint", False)
    found = f"{screened} data sets, each against {len(prompts)} files of prompts"
    return Result(gate, asked, found, True)


def adapter_applied(result: ArmResult, report: Record, look: Lookup) -> Result:
    """Whether every evaluation of the arm was made of outputs that differ from the start model's.

    Suites that read another's transcripts ask no model, and have no probe of their own.
    """
    gate, asked = "adapter applied", "every evaluation of the arm changed outputs on the probes"
    probed = 0
    for role, item in sorted(report.inputs.items()):
        if not _is_of(role, report, result):
            continue
        record = look(item.identity or "", Stage.EVALUATE.value)
        if record is None:
            return Result(gate, asked, f"no record of {role} was found", False)
        if "transcripts" in record.inputs:
            continue
        proof = record.outcome.summary.get("probe")
        if not isinstance(proof, Mapping) or not float(proof.get("largest", 0)) > 0:
            return Result(gate, asked, f"{role} has no probe, or one that changed nothing", False)
        probed += 1
    found = f"{probed} evaluations, all probed"
    return Result(gate, asked, found, probed > 0)


def _asked(report: Record, look: Lookup) -> dict[str, str] | str:
    """The digest of all that the report's arms were asked, by what it is; or what is amiss."""
    found: dict[str, str] = {}
    for role, item in sorted(report.inputs.items()):
        if not item.identity or role not in _measured(report):
            continue
        record = look(item.identity, Stage.EVALUATE.value)
        if record is None:
            return f"no record of {role} was found"
        for asked in PROMPTS:
            if asked in record.inputs:
                suite = str(record.config.get("suite", "word pairs"))
                found[f"the prompts of {suite}"] = record.inputs[asked].digest
    return found or "the report is made of no evaluation that asked anything"


def _measured(report: Record) -> dict[str, Mapping[str, object]]:
    """What the report compares, by input role: whose scores and measurements."""
    pairs = dict(report.config.get("results", {}))
    suites = {f"suite:{name}": of for name, of in dict(report.config.get("suites", {})).items()}
    return {**pairs, **suites}


def _is_of(role: str, report: Record, result: ArmResult) -> bool:
    of = _measured(report).get(role)
    return of is not None and (of["arm"], of["spec"]) == (result.arm, result.spec)


def _training_text(identity: str, look: Lookup) -> Iterator[Record | str]:
    """The records of all text that a checkpoint, and those it goes on from, were trained on."""
    waiting, seen = [(identity, Stage.TRAIN.value)], set()
    while waiting:
        wanted, stage = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        record = look(wanted, stage)
        if record is None:
            yield f"no record of {stage} {wanted[:12]} was found"
            continue
        if record.stage in _MADE_TEXT and "corpus" not in record.inputs:
            yield record
        for role, item in sorted(record.inputs.items()):
            if item.identity and _leads_on(record, role):
                waiting.append((item.identity, _stage_of(role)))


def _leads_on(record: Record, role: str) -> bool:
    if record.stage == Stage.TRAIN:
        return role == "checkpoint" or role == "corpus" or role.startswith("chats")
    # A mixed corpus is made of curated ones, a drawn set of chats of other sets.
    return role == "corpus" or role in _DRAWN_FROM


def _stage_of(role: str) -> str:
    stages = {"checkpoint": Stage.TRAIN, "corpus": Stage.CURATE}
    return stages.get(role, Stage.DEMONSTRATE).value


def _is_drawn(record: Record) -> bool:
    return record.stage == Stage.DEMONSTRATE and record.config.get("kind") in ("subset", "mixed")
