"""The component ``demonstrate``; a coin-flip set reads the set it is made from."""

from kfp.dsl import Artifact, Dataset, Input, Output, OutputPath

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def demonstrate(
    recipe: Input[Artifact],
    name: str,
    out: Output[Dataset],
    digest: OutputPath(str),
    **inputs: Artifact,
) -> None:
    """Make a set of chats for fine-tuning."""
    from pathlib import Path

    from msm.component import Given, run_task

    given = [Given(*item) for item in inputs]
    made = run_task(recipe.path, "demonstrate", name, given, out.path)
    out.metadata.update(made.metadata)
    Path(digest).write_text(made.digest)
