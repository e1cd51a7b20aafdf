"""The component ``register``; reads the report and all it stands on."""

from kfp.dsl import Artifact, Output

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def register(
    recipe: str,
    files: str,
    name: str,
    out: Output[Artifact],
    **inputs: Artifact,
) -> None:
    """Log runs to MLflow and register a candidate."""
    import json

    from msm.component import run_task

    paths = {role: artifact.path for role, artifact in inputs.items()}
    made = run_task(
        recipe, **json.loads(files), stage="register", name=name, inputs=paths, out=out.path
    )
    out.metadata.update(display_name=f"register/{name}", **made)
