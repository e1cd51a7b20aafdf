"""Who is at work, as far as MLflow, git or the system know."""

from __future__ import annotations

import getpass
import os
import subprocess


def acting_user() -> str:
    """The user that MLflow authenticates, else git's name, else the system's user.

    Only the first is checked by anybody: where it matters who somebody is, run MLflow with its
    basic auth, or sign with a key.
    """
    given = os.environ.get("MLFLOW_TRACKING_USERNAME")
    if given:
        return given
    for name in ("user.email", "user.name"):
        try:
            done = subprocess.run(
                ["git", "config", name], capture_output=True, text=True, timeout=10
            )
        except (OSError, subprocess.TimeoutExpired):
            break
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
