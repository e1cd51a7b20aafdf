"""The component ``train``; reads a checkpoint, a corpus, or sets of chats."""

from kfp.dsl import Artifact, Model, Output

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def train(
    recipe: str,
    files: str,
    name: str,
    out: Output[Model],
    **inputs: Artifact,
) -> None:
    """Train one phase: documents or chats."""
    import json

    from msm.component import run_task

    paths = {role: artifact.path for role, artifact in inputs.items()}
    made = run_task(
        recipe, **json.loads(files), stage="train", name=name, inputs=paths, out=out.path
    )
    out.metadata.update(display_name=f"train/{name}", **made)
