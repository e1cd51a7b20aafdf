"""Handing a recipe's pipeline to Kubeflow Pipelines."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.recipe import Recipe
from pipelines.compile import compile_to
from pipelines.placing import account


def submit_recipe(recipe: Recipe, host: str, namespace: str) -> tuple[list[str], bool]:
    """Submit a recipe's pipeline; of one in parts, all but the last.

    Args:
        recipe: the recipe.
        host: the URL of the API of Kubeflow Pipelines.
        namespace: of the run; empty where KFP serves one user.

    Returns:
        The addresses at which the runs show, and whether a last part is to be submitted later.

    Raises:
        UserError: the recipe is too large, or the API refuses or gives no answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = compile_to(recipe, Path(folder))
        first = paths[:-1] or paths
        return _submitted(first, recipe, host, namespace), len(paths) > 1


def gather_recipe(recipe: Recipe, host: str, namespace: str) -> tuple[list[str], bool]:
    """Submit the last part of a recipe in parts; as ``submit_recipe``.

    Raises:
        UserError: the recipe is one run; or as ``submit_recipe``.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = compile_to(recipe, Path(folder))
        if len(paths) == 1:
            raise UserError(f"recipe '{recipe.name}' is one run, with its report; omit --gather")
        return _submitted(paths[-1:], recipe, host, namespace), False


def _submitted(paths: Sequence[Path], recipe: Recipe, host: str, namespace: str) -> list[str]:
    from kfp import Client
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    try:
        client = Client(host=host, namespace=namespace or "kubeflow")
        runs = [_run(client, path, recipe, namespace) for path in paths]
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
    return [f"{host.rstrip('/')}/#/runs/details/{run.run_id}" for run in runs]


def _run(client: Any, path: Path, recipe: Recipe, namespace: str) -> Any:
    return client.create_run_from_pipeline_package(
        str(path),
        arguments={},
        experiment_name=recipe.name,
        namespace=namespace or None,
        service_account=account(recipe),
    )
