"""Running a stage: identity first, work aside, one rename at the end.

An output folder is whole or absent. A stage stopped halfway leaves a hidden ``.partial`` folder
beside the output, named for its identity, and goes on from there when it is called again.
"""

from __future__ import annotations

import datetime
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from msm.disk_faults import disk_explained
from msm.errors import UserError
from msm.execution import Execution
from msm.identity import RECORD, WORK, digest_path, digest_value, file_digests
from msm.parts import StageConfig
from msm.record import (
    FileRecord,
    InputRecord,
    Outcome,
    Record,
    code_state,
    compute_identity,
    environment_state,
    read_record,
)
from msm.signing.outputs import check_before_work, sign_output
from msm.signing.settings import Signing
from msm.store import Store, keep, named_store, take

_identity: ContextVar[str] = ContextVar("identity", default="")


def running_identity() -> str:
    """The identity of the output that this process makes now; "" outside ``run_stage``."""
    return _identity.get()


class StageFunction(Protocol):
    """The body of a stage: reads ``inputs``, writes into ``out``, says what it did."""

    def __call__(
        self, config: Any, inputs: Mapping[str, Path], out: Path, execution: Execution
    ) -> Outcome: ...


@dataclass(frozen=True)
class StageDefinition:
    """A stage's name, the version of its meaning (part of every identity), and its body."""

    name: str
    version: int
    load: Callable[[], StageFunction]


def stage_identity(
    definition: StageDefinition, config: StageConfig, inputs: Mapping[str, Path]
) -> tuple[str, dict[str, InputRecord]]:
    """Compute what the output would be called, and describe its inputs.

    Raises:
        UserError: an input is missing, or is an output whose files no longer match its record.
    """
    described = {role: _describe_input(role, path) for role, path in sorted(inputs.items())}
    identity = compute_identity(
        definition.name,
        definition.version,
        config.identity_fields(),
        {role: item.digest for role, item in described.items()},
    )
    return identity, described


def run_stage(
    definition: StageDefinition,
    config: StageConfig,
    inputs: Mapping[str, Path],
    out: Path,
    execution: Execution,
    replace: bool = False,
    origin: Mapping[str, Any] | None = None,
) -> tuple[Record, bool]:
    """Bring ``out`` into being; returns its record and whether any work was done.

    Where there is a store (``msm.store``), an output that lies in it is taken, and one that is
    finished is pushed to it. ``origin`` goes into the record (``msm.origin``).

    Raises:
        UserError: ``out`` holds another identity and ``replace`` is not set; another process is
            at work on it; it cannot be written; the store holds it spoilt, or cannot be used; an
            input is not signed, and the recipe asks for it.
    """
    identity, described = stage_identity(definition, config, inputs)
    with disk_explained(out.parent, "--workspace"):
        out.parent.mkdir(parents=True, exist_ok=True)
        with _only_process(out):
            store = named_store(execution)
            present = _present(out, identity, replace)
            if present is None and store is not None:
                present = _taken(store, definition.name, identity, out)
            elif present is not None and store is not None:
                keep(store, out)  # it may have been made without a store, or its push was cut off
            if present is not None:
                return present, False
            check_before_work(execution.signing, inputs)
            started = datetime.datetime.now(datetime.UTC)
            clock = time.monotonic()
            partial = out.parent / f".{out.name}.partial-{identity[:12]}"
            _remove_other_partials(out, partial)
            partial.mkdir(exist_ok=True)
            with _running(identity):
                outcome = definition.load()(config, inputs, partial, execution)
            record = Record(
                stage=definition.name,
                stage_version=definition.version,
                identity=identity,
                digest="",
                config=config.identity_fields(),
                inputs=described,
                files={},
                seed=getattr(config, "seed", None),
                outcome=outcome,
                started=started.isoformat(timespec="seconds"),
                seconds=round(time.monotonic() - clock, 3),
                code=code_state(),
                environment={**environment_state(), "execution": execution.recorded()},
                origin=origin or {},
            )
            finished = _finish(record, partial, out, execution.signing)
            if store is not None:
                keep(store, out)
            return finished, True


@contextmanager
def _running(identity: str) -> Iterator[None]:
    token = _identity.set(identity)
    try:
        yield
    finally:
        _identity.reset(token)


def _finish(record: Record, partial: Path, out: Path, signing: Signing) -> Record:
    digests = file_digests(partial)
    files = {
        name: FileRecord((partial / name).stat().st_size, sha) for name, sha in digests.items()
    }
    whole = Record(**{**record.__dict__, "digest": digest_value(digests), "files": files})
    with (partial / RECORD).open("w", encoding="utf-8") as file:
        file.write(whole.to_json())
        file.flush()
        os.fsync(file.fileno())
    sign_output(partial, signing)
    _settle(partial, out)
    _remove_work(out)
    return whole


def _taken(store: Store, stage: str, identity: str, out: Path) -> Record | None:
    """Take the output from the store if it is there."""
    aside = out.parent / f".{out.name}.taken-{identity[:12]}"
    record = take(store, stage, identity, aside / "files")
    if record is not None:
        _settle(aside / "files", out)
        shutil.rmtree(aside)
        _remove_other_partials(out, None)
    return record


def _settle(partial: Path, out: Path) -> None:
    """Give a whole output its name, in the place of another one if there is one."""
    if out.exists():
        retired = out.parent / f".{out.name}.retired"
        shutil.rmtree(retired, ignore_errors=True)
        out.rename(retired)
        partial.rename(out)
        shutil.rmtree(retired)
    else:
        partial.rename(out)


def _remove_work(out: Path) -> None:
    """Remove what the stage kept while it worked; only once the output is whole."""
    shutil.rmtree(out / WORK, ignore_errors=True)


def _present(out: Path, identity: str, replace: bool) -> Record | None:
    """The record of ``out`` if it already is what is asked for."""
    record = read_record(out) if out.is_dir() else None
    if record is not None and record.identity == identity:
        _remove_work(out)
        return record
    if replace or not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    holds = f"identity {record.identity[:12]}" if record else "files without a record"
    raise UserError(
        f"{out} holds {holds}, but this recipe makes {identity[:12]}; "
        "move it away, or give --replace to make it again"
    )


def _describe_input(role: str, path: Path) -> InputRecord:
    if not path.exists():
        raise UserError(f"input '{role}' is missing: {path}; run the stage that makes it first")
    digest = digest_path(path)
    record = read_record(path) if path.is_dir() else None
    if record is not None and record.digest != digest:
        changed = [
            name
            for name, sha in file_digests(path).items()
            if name not in record.files or record.files[name].sha256 != sha
        ]
        missing = sorted(set(record.files) - set(file_digests(path)))
        raise UserError(
            f"{path} no longer matches its record (changed: {', '.join(changed + missing)}); "
            "remove the folder and make it again"
        )
    return InputRecord(str(path), digest, record.identity if record else None)


@contextmanager
def _only_process(out: Path) -> Iterator[None]:
    lock = out.parent / f".{out.name}.lock"
    with lock.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another process is at work on {out}; wait for it, or stop it first"
            ) from None
        yield


def _remove_other_partials(out: Path, kept: Path | None) -> None:
    for path in out.parent.glob(f".{out.name}.partial-*"):
        if path != kept:
            shutil.rmtree(path)
