"""What a shell needs to use the stand: variables, and the name of a DVC remote."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from stack.credentials import USER, Credentials
from stack.place import Place, Port, write_private
from stack.seaweedfs import DVC_BUCKET, STORE_BUCKET

REMOTE = "stand"  # `dvc push --remote stand`


def variables(place: Place, credentials: Credentials) -> Mapping[str, str]:
    """The variables that MLflow's, S3's and DVC's clients read."""
    return {
        "MLFLOW_TRACKING_URI": place.url(Port.MLFLOW),
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": credentials.mlflow_password,
        "AWS_ENDPOINT_URL": place.url(Port.S3),
        "AWS_ACCESS_KEY_ID": credentials.s3_key,
        "AWS_SECRET_ACCESS_KEY": credentials.s3_secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MSM_STORE": f"s3://{STORE_BUCKET}/outputs",
        # In place of the person's own global settings of DVC, while these variables hold.
        "DVC_GLOBAL_CONFIG_DIR": str(place.folder / "dvc"),
    }


def write_environment(place: Place, credentials: Credentials) -> None:
    """Write the variables as a file for a shell, and the settings of DVC that one of them names."""
    given = variables(place, credentials)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in given.items()]
    write_private(environment_file(place), "".join(lines))
    folder = place.folder / "dvc"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(
        folder / "config",
        f"['remote \"{REMOTE}\"']\n"
        f"    url = s3://{DVC_BUCKET}\n"
        f"    endpointurl = {place.url(Port.S3)}\n",
    )


def environment_file(place: Place) -> Path:
    """The file that ``make stack-env`` tells a shell to read."""
    return place.folder / "environment"
