"""The component ``curate``; a corpus that is mixed reads two that are curated."""

from kfp.dsl import Artifact, Dataset, Input, Output, OutputPath

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def curate(
    recipe: Input[Artifact],
    name: str,
    out: Output[Dataset],
    digest: OutputPath(str),
    **inputs: Artifact,
) -> None:
    """Filter, deduplicate and decontaminate documents."""
    from pathlib import Path

    from msm.component import Given, run_task

    given = [Given(*item) for item in inputs]
    made = run_task(recipe.path, "curate", name, given, out.path)
    out.metadata.update(made.metadata)
    Path(digest).write_text(made.digest)
