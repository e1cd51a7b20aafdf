"""What a store has of a recipe: which outputs, and which of them are of this recipe's making."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from msm.bundle import bundle
from msm.errors import UserError
from msm.experiment import build_tasks
from msm.identity import RECORD, SIGNATURE, digest_file, digest_path
from msm.listing import Listed, Listing, list_text, listing_name, parse_listing, to_text
from msm.locate import Outside, locate
from msm.pipeline_state import task_reports
from msm.recipe import Recipe
from msm.record import Record, compute_identity, parse_record
from msm.stages import definition
from msm.store import Store, patiently, signature_name
from msm.task import FileInput, OutputInput, Task


@dataclass(frozen=True)
class Held:
    """An output in a store: its record, every file with the record's own, and where they lie."""

    record: Record
    listing: Listing
    places: Mapping[str, str]


def held_outputs(
    recipe: Recipe, store: Store, top: str = ""
) -> tuple[Mapping[str, Held], Mapping[str, str]]:
    """What a store has of a recipe, by label; and of the rest, why not.

    An output counts if its record was made of this recipe's config, of the files that the recipe
    names as they are now, and of the other outputs found here.

    Raises:
        UserError: the store cannot be read, or a record or list in it is malformed.
    """
    tasks = build_tasks(recipe)
    known = _below(tasks, store, top) if top else _reported(recipe, tasks, store)
    held: dict[str, Held] = {}
    missing: dict[str, str] = {}
    outside = _Digests(recipe)
    for task in tasks:
        try:
            identity = known.get(task.label) or _identity(task, held, outside)
        except UserError as error:
            missing[task.label] = str(error)
            continue
        at = f"{task.stage}/{identity}"
        text = _record_text(store, task, identity)
        if text is None:
            missing[task.label] = f"the store has no {at[: len(task.stage) + 13]}"
            continue
        record = parse_record(text, store.place(f"{at}/{RECORD}"))
        if reason := _unfit(task, record, held):
            missing[task.label] = reason
            continue
        files = _files(store, at, record)
        places = {name: store.place(f"{at}/{record.digest}/{name}") for name in files}
        beside = _beside(store, at, text)
        held[task.label] = Held(
            record,
            {**files, **{name: list_text(kept) for name, (_, kept) in beside.items()}},
            {**places, **{name: place for name, (place, _) in beside.items()}},
        )
    return held, missing


def _beside(store: Store, at: str, text: str) -> Mapping[str, tuple[str, str]]:
    """What lies beside an output's files, its record and its signature: place and text of each."""
    beside = {RECORD: (store.place(f"{at}/{RECORD}"), text)}
    name = signature_name(text)
    if (signature := patiently(lambda: store.read(at, name))) is not None:
        beside[SIGNATURE] = (store.place(f"{at}/{name}"), signature)
    return beside


class _Digests:
    """Digests of what no task makes: taken when first asked for, since a student may be large."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.known: dict[Outside, str] = {}

    def digest(self, source: Outside) -> str:
        if source not in self.known:
            self.known[source] = digest_path(locate(source, self.recipe))
        return self.known[source]


def _identity(task: Task, held: Mapping[str, Held], outside: _Digests) -> str:
    """The identity that a task's output has if it is made of what was found.

    Raises:
        UserError: an input was not found, or cannot be had here.
    """
    digests = {}
    for role, source in task.inputs.items():
        if isinstance(source, OutputInput):
            label = f"{source.stage}/{source.name}"
            if label not in held:
                raise UserError(f"it is made of {label}, which was not found")
            digests[role] = held[label].record.digest
        else:
            digests[role] = outside.digest(source)
    version = definition(task.stage).version
    return compute_identity(task.stage.value, version, task.config.identity_fields(), digests)


def _unfit(task: Task, record: Record, held: Mapping[str, Held]) -> str:
    """Why a record is not that of this task's output; "" if it is."""
    if set(record.inputs) != set(task.inputs):
        return "it was made of other inputs than this recipe names"
    stated = {role: item.digest for role, item in record.inputs.items()}
    version = definition(task.stage).version
    identity = compute_identity(task.stage.value, version, task.config.identity_fields(), stated)
    if identity != record.identity:
        return "it was made with other settings, or by another version of the stage"
    for role, source in task.inputs.items():
        if isinstance(source, FileInput):
            if source.path.is_file() and digest_file(source.path) != stated[role]:
                return f"'{role}' was another: {source.path} has changed since"
        elif isinstance(source, OutputInput):
            other = held.get(f"{source.stage}/{source.name}")
            if other is None:
                return f"it is made of {source.stage}/{source.name}, which was not found"
            if other.record.digest != stated[role]:
                return f"it is made of another {source.stage}/{source.name} than the run's"
    return ""


def _reported(recipe: Recipe, tasks: list[Task], store: Store) -> dict[str, str]:
    """What the tasks of a pipeline that ran this recipe said of their identities."""
    try:
        digest = hashlib.sha256(bundle(recipe).encode()).hexdigest()
    except UserError:  # of a recipe that no pipeline can run
        return {}
    reports = task_reports(store, digest, tasks)
    return {t.label: r.identity for t, r in zip(tasks, reports, strict=True) if r.identity}


def _below(tasks: list[Task], store: Store, top: str) -> dict[str, str]:
    """The identities that records lead to, from the top one down, by the roles of the tasks.

    Raises:
        UserError: the store has no such output of these tasks.
    """
    by_label = {task.label: task for task in tasks}
    found: dict[str, str] = {}
    queue = [(_label_of(tasks, store, top), top)]
    while queue:
        label, identity = queue.pop()
        text = None if label in found else _record_text(store, by_label[label], identity)
        found.setdefault(label, identity)
        if text is None:
            continue
        record = parse_record(text, store.place(f"{by_label[label].stage}/{identity}/{RECORD}"))
        for role, source in by_label[label].inputs.items():
            item = record.inputs.get(role)
            if isinstance(source, OutputInput) and item is not None and item.identity:
                queue.append((f"{source.stage}/{source.name}", item.identity))
    return found


def _label_of(tasks: list[Task], store: Store, identity: str) -> str:
    """Which of the tasks made an output, as its record says."""
    for task in reversed({task.stage: task for task in tasks}.values()):
        text = _record_text(store, task, identity)
        if text is None:
            continue
        origin = parse_record(text, store.place(f"{task.stage}/{identity}/{RECORD}")).origin
        label = str(origin.get("task", task.label))
        if label in {each.label for each in tasks}:
            return label
    raise UserError(
        f"{store.place('')} has no output {identity[:12]} of a task of this recipe; name the recipe"
    )


def _record_text(store: Store, task: Task, identity: str) -> str | None:
    return patiently(lambda: store.read(f"{task.stage}/{identity}", RECORD))


def _files(store: Store, at: str, record: Record) -> dict[str, Listed]:
    """The list of an output's files; one that nobody left is made of the bytes, and left."""
    name = listing_name(record.digest)
    text = patiently(lambda: store.read(at, name))
    where = store.place(f"{at}/{name}")
    listing = parse_listing(text, where) if text else None
    if listing is None:
        listing = patiently(lambda: store.list_files(at, record))
        made = to_text(listing)
        patiently(lambda: store.write(at, name, made))
    if {n: e.size for n, e in listing.items()} != {n: e.size for n, e in record.files.items()}:
        raise UserError(f"{where} is not the list of this output; remove it, and adopt again")
    return dict(listing)
