"""The component ``evaluate``."""

from kfp import dsl
from kfp.dsl import Artifact, Input, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    recipe: str,
    files: str,
    name: str,
    checkpoint: Input[Model],
    out: Output[Artifact],
) -> None:
    """Score a checkpoint on held-out and in-domain preferences."""
    import json

    from msm.component import run_task

    made = run_task(
        recipe,
        **json.loads(files),
        stage="evaluate",
        name=name,
        inputs={"checkpoint": checkpoint.path},
        out=out.path,
    )
    out.metadata.update(display_name=f"evaluate/{name}", **made)
