"""The component ``plan``."""

from kfp.dsl import Artifact, Dataset, Input, Output, OutputPath

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def plan(
    recipe: Input[Artifact],
    name: str,
    out: Output[Dataset],
    digest: OutputPath(str),
    **inputs: Artifact,
) -> None:
    """Plan one row for each document to be written."""
    from pathlib import Path

    from msm.component import Given, run_task

    given = [Given(*item) for item in inputs]
    made = run_task(recipe.path, "plan", name, given, out.path)
    out.metadata.update(made.metadata)
    Path(digest).write_text(made.digest)
