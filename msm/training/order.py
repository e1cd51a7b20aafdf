"""A training that a pipeline's task leaves to other machines: what they need to know.

The order lies in the store, below the identity of what is to be made, and names everything else
that lies there: ``orders/<identity>/order.json``. The nodes of a job read it, fetch the inputs,
train, and put the output into the same store; no disk is shared with whoever gave the order.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from msm.bundle import unbundle
from msm.errors import UserError
from msm.execution import Execution
from msm.experiment import find_task
from msm.recipe import Recipe
from msm.record import Record, read_record
from msm.stage import stage_identity
from msm.stages import definition
from msm.store import Store, keep, named_store, patiently, take
from msm.task import OutputInput, Stage, Task
from msm.training.agreement import barrier
from msm.training.ranks import run_on_all
from msm.training.world import find_world, joined
from msm.workspace import Workspace

ORDER = "order.json"


@dataclass(frozen=True)
class Order:
    """One training: the recipe in one piece, the task's name, and its inputs.

    ``inputs`` holds the identity of each output that is read, by role.
    """

    bundle: str
    name: str
    inputs: Mapping[str, str]


def give_order(
    store: Store, identity: str, bundle: str, task: Task, located: Mapping[str, Path]
) -> None:
    """Put an order into the store, and whatever it names that is not there yet.

    Args:
        store: where the nodes look.
        identity: of what is to be made.
        bundle: of ``msm.bundle.bundle``.
        task: which training.
        located: where its inputs lie here, by role.
    """
    identities = {}
    for role, source in task.inputs.items():
        if isinstance(source, OutputInput):
            record = read_record(located[role])
            assert record is not None, f"{located[role]} is not finished"
            keep(store, located[role])
            identities[role] = record.identity
    text = json.dumps(asdict(Order(bundle, task.name, identities)), ensure_ascii=False)
    patiently(lambda: store.write(_at(identity), ORDER, text))


def read_order(store: Store, identity: str) -> Order:
    """The order for this identity.

    Raises:
        UserError: there is none, or it is of another form.
    """
    text = patiently(lambda: store.read(_at(identity), ORDER))
    place = store.place(f"{_at(identity)}/{ORDER}")
    if text is None:
        raise UserError(f"there is no order at {place}; the train task of a pipeline gives it")
    try:
        raw = json.loads(text)
        return Order(str(raw["bundle"]), str(raw["name"]), dict(raw["inputs"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{place} is of another form ({type(error).__name__}); remove it, and run again"
        ) from None


def train_ordered(identity: str, store: str, root: Path) -> tuple[str, Record, bool] | None:
    """Carry an order out, in every process of this world.

    Args:
        identity: of what is to be made.
        store: the address of the store.
        root: a folder that all nodes share. It keeps what is unfinished, and nothing else.

    Returns:
        On the first process the task's label, the record, and whether work was done.

    Raises:
        UserError: as ``run_stage`` does; or what this version makes has another identity.
    """
    with tempfile.TemporaryDirectory() as folder:
        recipe, order, opened = _ordered(identity, store, Path(folder))
        task = find_task(recipe, Stage.TRAIN, order.name)
        workspace = Workspace(root / identity[:20], recipe)
        world = find_world(recipe.execution.device)
        with joined(world):
            if world.is_main:
                _fetch(opened, order, workspace, task)
                _check(identity, workspace, task)
            barrier(world)
            made = run_on_all(workspace, task, replace=False)
            barrier(world)  # nobody reads the inputs any more
        if made is None:
            return None
        shutil.rmtree(workspace.root)
        return task.label, *made


def _ordered(identity: str, address: str, folder: Path) -> tuple[Recipe, Order, Store]:
    """The order and its recipe, with what holds on a node of a job."""
    store = named_store(Execution(store=address))
    if store is None:
        raise UserError("the order names no store; give its address with --store")
    order = read_order(store, identity)
    recipe = unbundle(order.bundle, folder)
    trainer = recipe.execution.trainer
    job, grace = trainer.job_and_grace()
    execution = recipe.execution.model_copy(
        update={
            "store": address,
            "device": job.device,
            "trainer": trainer.model_copy(update={"grace_seconds": grace}),
        }
    )
    return recipe.model_copy(update={"execution": execution}), order, store


def _fetch(store: Store, order: Order, workspace: Workspace, task: Task) -> None:
    """Bring the inputs to where the workspace has them."""
    for role, source in task.inputs.items():
        if isinstance(source, OutputInput):
            place = workspace.output(source.stage, source.name)
            if take(store, source.stage, order.inputs[role], place) is None:
                raise UserError(
                    f"the input '{role}' ({source.stage}/{source.name}) is not in the store any "
                    "more; run the pipeline again"
                )


def _check(identity: str, workspace: Workspace, task: Task) -> None:
    """What would be made here is what was ordered: the two images agree on what it means."""
    found, _ = stage_identity(definition(task.stage), task.config, workspace.inputs(task))
    if found != identity:
        raise UserError(
            f"{task.label} was ordered as {identity[:12]}, but this image makes {found[:12]} of "
            "it; give execution.trainer.job.image the same version as the pipeline's images"
        )


def _at(identity: str) -> str:
    return f"orders/{identity}"
