"""The secrets of a stand: made once, at random, and read by the owner alone."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, fields
from pathlib import Path

from msm.errors import UserError
from stack.place import Place, ServiceName, write_private

USER = "msm"  # of MLflow, and of the S3 key that a person uses


@dataclass(frozen=True)
class Credentials:
    """One secret for each way in; letters and digits alone, so they need no quoting anywhere."""

    postgres_owner: str
    postgres_mlflow: str
    mlflow_password: str
    mlflow_session: str
    s3_key: str
    s3_secret: str
    s3_mlflow_key: str
    s3_mlflow_secret: str

    def __repr__(self) -> str:
        """Nothing that a traceback or a test's report could give away."""
        return "Credentials(…)"


def ensure_credentials(place: Place) -> Credentials:
    """The stand's secrets, made on first use.

    Raises:
        UserError: they are lost, or spoilt, while the data they open are still there.
    """
    file = _file(place)
    if not file.exists():
        if (place.home(ServiceName.POSTGRES) / "data").exists():
            raise UserError(
                f"{file} is gone, and with it the way into the data beside it; bring it back, or "
                "begin anew: make stack-delete"
            )
        made = {field.name: secrets.token_hex(16) for field in fields(Credentials)}
        write_private(file, json.dumps(made, indent=2) + "\n")
    return read_credentials(place)


def read_credentials(place: Place) -> Credentials:
    """The stand's secrets.

    Raises:
        UserError: there are none, or not these.
    """
    file = _file(place)
    if not file.exists():
        raise UserError(f"there is no stand in {place.folder}; start one: make stack")
    try:
        return Credentials(**json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError):
        raise UserError(
            f"{file} does not hold this version's secrets; begin anew: make stack-delete"
        ) from None


def _file(place: Place) -> Path:
    return place.folder / "secrets.json"
