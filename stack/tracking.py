"""The MLflow server: runs in PostgreSQL, artifacts in S3 through the server, basic auth."""

from __future__ import annotations

import base64
import functools
import hmac
import http.client
import sys

from msm.registry.server import QUIET
from stack.credentials import USER, Credentials
from stack.place import HOST, Place, Port, ServiceName, write_private
from stack.postgres import database_uri
from stack.processes import launch
from stack.seaweedfs import MLFLOW_BUCKET
from stack.service import Service

_ANSWER_SECONDS = 5
_ASKED = "/api/2.0/mlflow/experiments/search?max_results=1"


def service(place: Place, credentials: Credentials) -> Service:
    """MLflow as a service of the stand."""
    return Service(
        place=place,
        name=ServiceName.MLFLOW,
        title="MLflow",
        address=place.url(Port.MLFLOW),
        ports=(place.port(Port.MLFLOW),),
        launch=functools.partial(_launch, place, credentials),
        answers=functools.partial(_answers, place, credentials),
        furnish=lambda: None,
    )


def _launch(place: Place, credentials: Credentials) -> None:
    home = place.home(ServiceName.MLFLOW)
    auth = home / "auth.ini"
    lines = {
        "default_permission": "READ",
        "database_uri": database_uri(place, credentials, "mlflow_auth"),
        "admin_username": USER,
        "admin_password": credentials.mlflow_password,
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
        "auth_cache_ttl_seconds": "60",  # a password is checked once a minute, not at each request
    }
    write_private(auth, "[mlflow]\n" + "".join(f"{k} = {v}\n" for k, v in lines.items()))
    environment = {
        **QUIET,
        "MLFLOW_BACKEND_STORE_URI": database_uri(place, credentials, "mlflow"),
        "MLFLOW_AUTH_CONFIG_PATH": str(auth),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": credentials.mlflow_session,
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": _webhook_key(credentials),
        "MLFLOW_S3_ENDPOINT_URL": place.url(Port.S3),
        "AWS_ACCESS_KEY_ID": credentials.s3_mlflow_key,
        "AWS_SECRET_ACCESS_KEY": credentials.s3_mlflow_secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"),
        *("--artifacts-destination", f"s3://{MLFLOW_BUCKET}"),
        *("--host", HOST, "--port", str(place.port(Port.MLFLOW)), "--workers", "1"),
    ]
    launch(place, ServiceName.MLFLOW, command, environment, home)


def _webhook_key(credentials: Credentials) -> str:
    """A Fernet key (32 bytes, URL-safe base64): without one a restart forgets webhooks' secrets."""
    key = hmac.digest(credentials.mlflow_session.encode(), b"webhooks", "sha256")
    return base64.urlsafe_b64encode(key).decode()


def _answers(place: Place, credentials: Credentials) -> bool:
    """Whether a search succeeds, which needs the password and the database."""
    user = base64.b64encode(f"{USER}:{credentials.mlflow_password}".encode()).decode()
    connection = http.client.HTTPConnection(HOST, place.port(Port.MLFLOW), timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", _ASKED, headers={"Authorization": f"Basic {user}"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
