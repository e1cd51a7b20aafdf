"""All transcripts of an experiment in one folder with Inspect's viewer, for a static web server."""

from __future__ import annotations

import os
import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from msm.errors import UserError
from msm.evals.found import LOGS

VIEWER = "viewer"  # beside the stages of the experiment; the report links it
_ENDING = "*.eval"


def bundle_logs(experiment: Path) -> tuple[Path, int]:
    """Bundle the logs below ``experiment`` (its folder of outputs), in place of an older bundle.

    Returns:
        The folder with ``index.html``, and the number of logs in it.

    Raises:
        UserError: no suite of the experiment has sampled anything.
    """
    from inspect_ai.log import bundle_log_dir

    found = sorted(experiment.glob(f"evaluate/*/{LOGS}/{_ENDING}"))
    if not found:
        raise UserError(
            f"{experiment} has no transcripts: no suite that samples has ended there; "
            "check the experiment's name and --workspace"
        )
    aside = experiment / f".{VIEWER}.partial"
    shutil.rmtree(aside, ignore_errors=True)
    for log in found:
        place = aside / "logs" / log.parent.parent.name / log.name
        place.parent.mkdir(parents=True, exist_ok=True)
        _link(log, place)
    with redirect_stdout(StringIO()):  # Inspect tells of every step
        bundle_log_dir(str(aside / "logs"), str(aside / VIEWER))
    folder = experiment / VIEWER
    shutil.rmtree(folder, ignore_errors=True)
    (aside / VIEWER).rename(folder)
    shutil.rmtree(aside)
    return folder, len(found)


def _link(log: Path, place: Path) -> None:
    """A second name of the log, or a copy where the file system has none."""
    try:
        os.link(log, place)
    except OSError:
        shutil.copyfile(log, place)
