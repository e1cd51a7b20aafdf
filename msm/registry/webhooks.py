"""The webhook by which MLflow tells of aliases; only a server has any."""

from __future__ import annotations

from urllib.parse import urlsplit

from msm.errors import UserError
from msm.registry.client import MlflowException
from msm.registry.reviews import Registry
from msm.registry.server import public_uri

NAME = "msm-review"
EVENTS = ("model_version_alias.created", "model_version_alias.deleted")


def ensure_webhook(registry: Registry, url: str, secret: str) -> str:
    """Make the webhook, or bring it up to this address and secret; returns its id.

    Raises:
        UserError: the store is no server, or the server refuses the address.
    """
    if urlsplit(registry.uri).scheme not in ("http", "https"):
        raise UserError(
            "a webhook is sent by an MLflow server, and the tracking store is a file; set "
            "MLFLOW_TRACKING_URI to a server's address"
        )
    client = registry.client
    settings = {"url": url, "events": list(EVENTS), "secret": secret, "status": "ACTIVE"}
    try:
        token = None
        while True:
            page = client.list_webhooks(max_results=100, page_token=token)
            for item in page:
                if item.name == NAME:
                    return str(client.update_webhook(item.webhook_id, **settings).webhook_id)
            token = page.token
            if not token:
                return str(client.create_webhook(NAME, **settings).webhook_id)
    except MlflowException as error:
        if error.error_code == "INVALID_PARAMETER_VALUE":
            reason = error.message.split(": ")[-1]
            raise UserError(
                f"MLflow at {public_uri(registry.uri)} refuses the address {url}: {reason}"
            ) from None
        raise
