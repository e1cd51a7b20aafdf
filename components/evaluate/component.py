"""The component ``evaluate``: a checkpoint, transcripts, corpora, or nothing but the student."""

from kfp.dsl import Artifact, Output

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    recipe: str,
    files: str,
    name: str,
    out: Output[Artifact],
    **inputs: Artifact,
) -> None:
    """Score a model on word pairs, or put a suite to it."""
    import json

    from msm.component import run_task

    paths = {role: artifact.path for role, artifact in inputs.items()}
    made = run_task(
        recipe, **json.loads(files), stage="evaluate", name=name, inputs=paths, out=out.path
    )
    out.metadata.update(display_name=f"evaluate/{name}", **made)
