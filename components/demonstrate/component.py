"""The component ``demonstrate``; a coin-flip set reads the set it is made from."""

from kfp.dsl import Artifact, Dataset, Output

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def demonstrate(
    recipe: str,
    files: str,
    name: str,
    out: Output[Dataset],
    **inputs: Artifact,
) -> None:
    """Make a set of chats for fine-tuning."""
    import json

    from msm.component import run_task

    paths = {role: artifact.path for role, artifact in inputs.items()}
    made = run_task(
        recipe, **json.loads(files), stage="demonstrate", name=name, inputs=paths, out=out.path
    )
    out.metadata.update(display_name=f"demonstrate/{name}", **made)
