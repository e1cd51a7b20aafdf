"""A training of a pipeline as a TrainJob: made, followed and removed by the train task's pod.

The task itself trains nothing. It puts an order into the store (``msm.training.order``), makes the
job that carries it out, and waits; then the output is in the store, and the task takes it as it
would take any other. The job is named for the output's identity. So a task that is tried again
finds the job of the try before, and two runs that want the same output share one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from msm.cluster import Cluster
from msm.errors import UserError
from msm.execution import Cleanup, Execution
from msm.pipeline_state import stored_record
from msm.stage import stage_identity
from msm.stages import definition
from msm.store import Store, named_store
from msm.task import Stage, Task
from msm.training.interruption import asked, interrupted, listening
from msm.training.order import give_order
from msm.training.trainjob import ordered_command, owned, trainjob
from msm.training.trainjob_api import (
    AwayError,
    ExistsError,
    JobState,
    TrainJobs,
    failure,
    hindrance,
    state,
)

IMAGE_VARIABLE = "MSM_IMAGE_TRAIN"  # the image of nodes whose recipe names none; of the pipeline
POLL_SECONDS = 5.0
WAKE_SECONDS = 0.5  # at most until it is seen that somebody asked to stop
PATIENCE_SECONDS = 600.0  # for an API server that is away, and for a job that is being removed
REMOVALS = 3  # tries to remove a job at the end: a stopped pod has seconds

Result = TypeVar("Result")


def train_as_job(
    cluster: Cluster,
    experiment: str,
    bundle: str,
    task: Task,
    located: Mapping[str, Path],
    execution: Execution,
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """Have a training done by a TrainJob, so that its output lies in the store.

    Args:
        cluster: on which the job is to run.
        experiment: the recipe's name.
        bundle: the recipe in one piece, of ``msm.bundle.bundle``.
        task: which training.
        located: where its inputs lie here, by role.
        execution: of the recipe, with a job.
        poll_seconds: between two looks at the job.

    Raises:
        UserError: no store is named; the cluster refuses the job; the job failed: with the reason
            of the pod that failed first.
        Interrupted: this process was asked to stop.
    """
    store = named_store(execution)
    if store is None:
        raise UserError(
            "a TrainJob needs a store, to which its nodes bring the output; set MSM_STORE"
        )
    identity, _ = stage_identity(definition(task.stage), task.config, located)
    if stored_record(store, task, identity) is not None:
        return
    job, _ = execution.trainer.job_and_grace()
    job = job.model_copy(update={"image": job.image or os.environ.get(IMAGE_VARIABLE, "")})
    give_order(store, identity, bundle, task, located)
    command = ordered_command(identity, store.place("").rstrip("/"), bool(job.claim))
    manifest = owned(
        trainjob(job, experiment, task.name, command, execution.pool(Stage.TRAIN)), identity
    )
    jobs = TrainJobs(cluster, job.namespace or cluster.namespace)
    run = Run(jobs, manifest["metadata"]["name"], job.cleanup, poll_seconds)
    with listening():
        try:
            run.begin(manifest)
            run.follow()
            _require_output(store, task, identity, run)
        finally:
            run.clean_up()


def _require_output(store: Store, task: Task, identity: str, run: Run) -> None:
    if stored_record(store, task, identity) is not None:
        return
    if run.state is not JobState.COMPLETE:
        raise UserError(f"TrainJob {run.name} was removed before it had ended; run again")
    raise UserError(
        f"TrainJob {run.name} is complete, but {store.place(f'{task.stage}/{identity}')} holds no "
        "output; its nodes need the same store (MSM_STORE in the ConfigMap msm-config)"
    )


@dataclass
class Run:
    """One job, as this process sees it."""

    jobs: TrainJobs
    name: str
    cleanup: Cleanup
    poll_seconds: float
    state: JobState | None = None  # None: there is no such job
    failed: str = ""  # why a pod failed, as last seen: a job that starts anew removes its pods

    def begin(self, manifest: Mapping[str, Any]) -> None:
        """Make the job, or join the one that is there; one that failed before gives way.

        Raises:
            UserError: the cluster refuses it, or gives no answer.
            Interrupted: this process was asked to stop.
        """
        while self.state is None:
            try:
                self._patiently(lambda: self.jobs.create(manifest))
                self.state = JobState.RUNNING
                _say(f"TrainJob {self.name}: made")
            except ExistsError:
                self._join()

    def _join(self) -> None:
        there = self._patiently(lambda: self.jobs.get(self.name))
        if there is None:
            return
        if "deletionTimestamp" in there["metadata"]:
            self._wait_until_gone()
        elif state(there)[0] is JobState.FAILED:
            _say(f"TrainJob {self.name}: failed before, and is made anew")
            self._patiently(lambda: self.jobs.delete(self.name))
            self._wait_until_gone()
        else:
            self.state = JobState.RUNNING
            _say(f"TrainJob {self.name}: joined, it is there already")

    def follow(self) -> None:
        """Wait until the job is complete, or is gone.

        Raises:
            UserError: it failed: says why; the API gives no answer for minutes.
            Interrupted: this process was asked to stop.
        """
        told = ""
        while True:
            there = self._patiently(lambda: self.jobs.get(self.name))
            if there is None:
                self.state = None
                return
            self.state, said = state(there)
            if self.state is JobState.COMPLETE:
                _say(f"TrainJob {self.name}: complete")
                return
            pods = self._patiently(lambda: self.jobs.pods(self.name)) or []
            self.failed = failure(pods) or self.failed
            if self.state is JobState.FAILED:
                raise UserError(f"TrainJob {self.name} failed: {self.failed or said}")
            news = hindrance(pods) or f"{self.state}{f' ({said})' if said else ''}"
            if news != told:
                _say(f"TrainJob {self.name}: {news}")
                told = news
            self._wait(self.poll_seconds)

    def clean_up(self) -> None:
        """Remove the job, if that is wanted where it now stands; never raises."""
        ended = self.state in (JobState.COMPLETE, JobState.FAILED)
        wanted = {
            Cleanup.ALWAYS: True,
            Cleanup.ENDED: ended,
            Cleanup.COMPLETE: self.state is JobState.COMPLETE,
        }
        if self.state is None or not wanted[self.cleanup]:
            return
        for _ in range(REMOVALS):
            try:
                self.jobs.delete(self.name)
                _say(f"TrainJob {self.name}: removed")
                return
            except (AwayError, ExistsError):
                time.sleep(1)
            except UserError:
                break
        _say(f"TrainJob {self.name} could not be removed: kubectl delete trainjob {self.name}")

    def _wait_until_gone(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            there = self._patiently(lambda: self.jobs.get(self.name))
            if there is None and not self._patiently(lambda: self.jobs.pods(self.name)):
                return
            self._wait(self.poll_seconds)
        raise UserError(
            f"TrainJob {self.name} of an earlier try does not go away; look at it with "
            f"`kubectl describe trainjob {self.name}`"
        )

    def _patiently(self, call: Callable[[], Result]) -> Result:
        """Call, and again while the API server gives no answer."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return call()
            except AwayError as error:
                if time.monotonic() > until:
                    raise UserError(
                        f"the Kubernetes API at {self.jobs.cluster.url} has given no answer for "
                        f"{PATIENCE_SECONDS / 60:.0f} minutes ({error}); check the network policy"
                    ) from None
                self._wait(self.poll_seconds)

    def _wait(self, seconds: float) -> None:
        """Sleep, and wake when somebody asks to stop.

        Raises:
            Interrupted: somebody has.
        """
        until = time.monotonic() + seconds
        while True:
            number = asked()
            if number is not None:
                raise interrupted(number, f"while TrainJob {self.name} ran")
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, WAKE_SECONDS))


def _say(line: str) -> None:
    print(line, flush=True)
