"""Handing a recipe's pipeline to Kubeflow Pipelines."""

import tempfile
from pathlib import Path

from msm.errors import UserError
from msm.recipe import Recipe
from pipelines.compile import compile_to
from pipelines.size import LIMIT, workflow_bytes


def submit_recipe(recipe: Recipe, host: str, namespace: str) -> str:
    """Submit a recipe's pipeline; returns the address at which the run shows.

    Args:
        recipe: the recipe.
        host: the URL of the API of Kubeflow Pipelines.
        namespace: of the run; empty where KFP serves one user.

    Raises:
        UserError: the recipe is too large for one run, or the API refuses or gives no answer.
    """
    from kfp import Client
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    with tempfile.TemporaryDirectory() as folder:
        path = compile_to(recipe, Path(folder))
        size = workflow_bytes(path.read_text(encoding="utf-8"))
        if size > LIMIT:
            raise UserError(
                f"recipe '{recipe.name}' would be a run of {size / 2**20:.1f} MiB, but a cluster's "
                f"store takes {LIMIT / 2**20:.1f}; run fewer arms or seeds at once with --set: "
                "finished outputs are taken from the store"
            )
        try:
            client = Client(host=host, namespace=namespace or "kubeflow")
            run = client.create_run_from_pipeline_package(
                str(path),
                arguments={},
                experiment_name=recipe.name,
                namespace=namespace or None,
            )
        except ApiException as error:
            raise UserError(
                f"Kubeflow Pipelines at {host} answers HTTP {error.status} ({error.reason}); check "
                "the address, your rights and the namespace"
            ) from None
        except (HTTPError, OSError, RuntimeError, ValueError, TimeoutError) as error:
            raise UserError(
                f"Kubeflow Pipelines at {host} cannot be reached ({type(error).__name__}); check "
                "the address, or forward its port first"
            ) from None
    return f"{host.rstrip('/')}/#/runs/details/{run.run_id}"
