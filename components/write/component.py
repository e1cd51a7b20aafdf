"""The component ``write``."""

from kfp.dsl import Artifact, Dataset, Input, Output, OutputPath

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def write(
    recipe: Input[Artifact],
    name: str,
    out: Output[Dataset],
    digest: OutputPath(str),
    **inputs: Artifact,
) -> None:
    """Write one document for each planned row."""
    from pathlib import Path

    from msm.component import Given, run_task

    given = [Given(*item) for item in inputs]
    made = run_task(recipe.path, "write", name, given, out.path)
    out.metadata.update(made.metadata)
    Path(digest).write_text(made.digest)
