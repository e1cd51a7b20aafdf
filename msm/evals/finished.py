"""The finished log of an Inspect task in a folder of logs."""

from __future__ import annotations

import shutil
from pathlib import Path

from msm.errors import UserError


def finished_log(folder: Path, task: str) -> Path:
    """The finished log of a task in a log folder, the latest if there are several.

    Raises:
        UserError: there is none.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log

    headers = [
        read_eval_log(info, header_only=True)
        for info in list_eval_logs(str(folder.resolve()), descending=False)
    ]
    # A task of a package is logged under the package's name too, or not, by how it was started.
    plain = task.rpartition("/")[2]
    ours = [log for log in headers if log.eval.task.rpartition("/")[2] == plain]
    done = [log for log in ours if log.status == "success"]
    if not done:
        state = "only unfinished ones; run the same command again" if ours else "it has no logs"
        raise UserError(f"{folder}: no finished log of {task}: {state}")
    latest = max(done, key=lambda log: log.eval.created)
    return Path(latest.location.removeprefix("file://"))


def keep_only(log: Path) -> None:
    """Leave the one log that figures come from: not the logs of runs that were cut."""
    for path in log.parent.iterdir():
        if path.name != log.name:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
