"""The component ``curate``; a corpus that is mixed reads two that are curated."""

from kfp.dsl import Artifact, Dataset, Output

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def curate(
    recipe: str,
    files: str,
    name: str,
    out: Output[Dataset],
    **inputs: Artifact,
) -> None:
    """Filter, deduplicate and decontaminate documents."""
    import json

    from msm.component import run_task

    paths = {role: artifact.path for role, artifact in inputs.items()}
    made = run_task(
        recipe, **json.loads(files), stage="curate", name=name, inputs=paths, out=out.path
    )
    out.metadata.update(display_name=f"curate/{name}", **made)
