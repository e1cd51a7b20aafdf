"""Copying checkpoints to S3 behind the training loop, which never waits for it.

A thread hands one checkpoint after the other to a process of its own, so that neither hashing nor a
server that hangs holds up a step, and what does not end in time can be ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from msm.training.checkpoint_folders import step_of
from msm.training.checkpoint_store import place

POLL_SECONDS = 0.1
UNEXPECTED = 300  # characters of a message that is not ours


@dataclass(frozen=True)
class _Offered:
    step: int
    path: Path


class Copies:
    """Copies the newest checkpoint that was offered; one that waits gives way to a newer one."""

    def __init__(self, store: str, run: str, kept: int) -> None:
        """Copy the checkpoints of a run to ``s3://bucket/prefix``, and keep so many there."""
        self._url, self._kept = place(store, run), kept
        self._changed = threading.Condition()
        self._waiting: _Offered | None = None
        self._at_work: _Offered | None = None
        self._closing = False
        self._until = float("inf")  # by time.monotonic()
        self._failed: _Offered | None = None  # the newest that is not there
        self._fault = ""
        self.copied = 0
        self._thread = threading.Thread(target=self._work, name="checkpoint copies", daemon=True)
        self._thread.start()

    def offer(self, checkpoint: Path) -> None:
        """Have a checkpoint copied when its turn comes; returns at once."""
        with self._changed:
            self._waiting = _Offered(step_of(checkpoint.name) or 0, checkpoint)
            self._changed.notify_all()

    @property
    def held(self) -> frozenset[int]:
        """The steps whose folders are wanted here yet: they must not be removed."""
        with self._changed:
            wanted = (self._waiting, self._at_work, self._failed)
            return frozenset(item.step for item in wanted if item is not None)

    def close(self, seconds: float) -> str:
        """Wait so long for what is under way or waits, then end it; a cut copy goes on later.

        What has failed is tried once more.

        Returns:
            What is not copied and why, in one line; "" if all is.
        """
        with self._changed:
            self._closing, self._until = True, time.monotonic() + seconds
            if self._waiting is None:
                self._waiting = self._failed
            self._changed.notify_all()
        self._thread.join()
        if self._failed is None:
            return ""
        return (
            f"the checkpoint of step {self._failed.step} is not copied to {self._url}: "
            f"{self._fault}"
        )

    def _work(self) -> None:
        while (offered := self._next()) is not None:
            fault = self._copy(offered)
            with self._changed:
                self._at_work = None
                self._fault = fault
                self._failed = offered if fault else None
                self.copied += not fault

    def _next(self) -> _Offered | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._waiting is not None)
            self._at_work, self._waiting = self._waiting, None
            return self._at_work

    def _copy(self, offered: _Offered) -> str:
        """Copy one in a process of its own; returns what went wrong."""
        arguments = (str(offered.path), self._url, str(self._kept), str(os.getpid()))
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "msm.training.checkpoint_store", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for the trainer
            )
        except OSError as error:
            return f"no process can be started ({error.strerror})"
        while True:
            try:
                _, said = process.communicate(timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() < self._until:
                    continue
                process.kill()
                process.communicate()
                return "time was up; the next copy goes on from what is there"
            lines = said.strip().splitlines() or [f"it ended with {process.returncode}"]
            return "" if process.returncode == 0 else lines[-1][:UNEXPECTED]
