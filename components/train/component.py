"""The component ``train``; reads a checkpoint, a corpus, or sets of chats."""

from kfp.dsl import Artifact, Input, Model, Output, OutputPath

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def train(
    recipe: Input[Artifact],
    name: str,
    out: Output[Model],
    digest: OutputPath(str),
    **inputs: Artifact,
) -> None:
    """Train one phase: documents or chats."""
    from pathlib import Path

    from msm.component import Given, run_task

    given = [Given(*item) for item in inputs]
    made = run_task(recipe.path, "train", name, given, out.path)
    out.metadata.update(made.metadata)
    Path(digest).write_text(made.digest)
