"""Which MLflow to talk to, whether it answers, and how to show it. Imports no MLflow by itself."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from msm.errors import UserError

URI_VARIABLE = "MLFLOW_TRACKING_URI"
PIPELINE_VARIABLE = "MSM_PIPELINE_RUN"  # set for each task of a pipeline: the id of its KFP run
ARTIFACT_VARIABLE = "MLFLOW_DEFAULT_ARTIFACT_ROOT"  # the variable that `mlflow server` reads too
# No telemetry, no banners. MLflow reads some of these on import, so they are set before that.
QUIET: Mapping[str, str] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    # Of a server: nine processes that judge traces, and a gigabyte; nothing here leaves any.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
_SQLITE = "sqlite:///"
_SQLITE_HEADER = b"SQLite format 3\x00"
_CHECK_SECONDS = 5


def tracking_uri(workspace: Path | None = None) -> str:
    """``$MLFLOW_TRACKING_URI``, or the SQLite file ``mlflow.db`` of a workspace or this folder."""
    folder = Path.cwd() if workspace is None else workspace.absolute()
    return os.environ.get(URI_VARIABLE) or f"{_SQLITE}{folder / 'mlflow.db'}"


def database_file(uri: str) -> Path | None:
    """The file of a SQLite store, None for any other."""
    if not uri.startswith(_SQLITE):
        return None
    return Path(uri.removeprefix(_SQLITE).partition("?")[0]).absolute()


def artifact_root(uri: str) -> str | None:
    """Where new experiments keep artifacts: ``mlartifacts`` beside a SQLite file.

    ``$MLFLOW_DEFAULT_ARTIFACT_ROOT`` overrides it; None leaves the choice to the server.
    """
    given = os.environ.get(ARTIFACT_VARIABLE)
    if given:
        return given
    file = database_file(uri)
    return (file.parent / "mlartifacts").as_uri() if file else None


def public_uri(uri: str) -> str:
    """The URI without user, password and query, which may hold credentials."""
    if database_file(uri):
        return uri
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def quieten() -> None:
    """Silence MLflow in this process and below; call it before MLflow is imported."""
    os.environ.update(QUIET)


def check_reachable(uri: str) -> None:
    """Make sure, within seconds, that the tracking store can be used.

    Raises:
        UserError: nothing answers, the credentials are refused, the file or its folder cannot be
            written, or MLflow no longer supports this kind of store.
    """
    file = database_file(uri)
    scheme = urlsplit(uri).scheme
    if file:
        _check_file(file)
    elif scheme in ("", "file"):
        raise UserError(
            f"{URI_VARIABLE}={uri} names a folder, which MLflow no longer supports as a store; "
            "use sqlite:///PATH or a server's http address"
        )
    elif scheme == "postgresql":
        raise UserError(f"{URI_VARIABLE}: write postgresql+psycopg2:// for a PostgreSQL store")
    elif scheme in ("http", "https"):
        _check_server(uri)


def ui_command(uri: str, host: str, port: int) -> list[str]:
    """The command that serves a store's pages. Run it with ``QUIET`` added to the environment.

    Raises:
        UserError: the store is a server, which has its pages already.
    """
    if urlsplit(uri).scheme in ("http", "https"):
        raise UserError(f"MLflow already serves its pages at {public_uri(uri)}; open that address")
    root = artifact_root(uri)
    return [
        *(sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri),
        *(("--default-artifact-root", root) if root else ()),
        *("--host", host, "--port", str(port), "--workers", "1"),
    ]


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def fault_reason(message: str) -> str:
    """What went wrong with a request, in a few words and without address or credentials."""
    if status := re.search(r"failed with error code (\d+)", message):
        return f"it answers with HTTP {status.group(1)}"
    if re.search(r"timed out|Max retries exceeded.*timeout", message, re.IGNORECASE):
        return "no answer in time"
    caused = re.search(r"Caused by \w+\([\"']?(.*?)[\"']?\)\)?$", message, re.DOTALL)
    told = caused.group(1) if caused else message.strip().splitlines()[0]
    reason = re.split(r": (?=\[Errno|Failed to resolve)", told)[-1]
    return re.sub(r"//[^/@\s]+@", "//", reason)


def _check_file(file: Path) -> None:
    if not file.parent.is_dir():
        raise UserError(f"MLflow's store {file} cannot be made: there is no folder {file.parent}")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise UserError(f"MLflow's store {file} cannot be written; set {URI_VARIABLE} to another")
    if file.exists():
        with file.open("rb") as opened:
            if opened.read(len(_SQLITE_HEADER)) not in (_SQLITE_HEADER, b""):
                raise UserError(f"{file} is no SQLite file; set {URI_VARIABLE} to another")


def _check_server(uri: str) -> None:
    quieten()
    limits = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(_CHECK_SECONDS),
    }
    with environment(limits):
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            MlflowClient(uri).search_experiments(max_results=1)
        except (MlflowException, OSError) as error:
            reason = fault_reason(str(error))
            if reason.endswith(("401", "403")):
                raise UserError(
                    f"MLflow at {public_uri(uri)} refuses the credentials ({reason}); set "
                    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
                ) from None
            raise UserError(
                f"MLflow at {public_uri(uri)} cannot be reached: {reason}; "
                f"start it, or unset {URI_VARIABLE} to use the local file"
            ) from None
