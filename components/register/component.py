"""The component ``register``; reads the report and all it stands on."""

from kfp.dsl import Artifact, Input, Output, OutputPath

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def register(
    recipe: Input[Artifact],
    name: str,
    out: Output[Artifact],
    digest: OutputPath(str),
    **inputs: Artifact,
) -> None:
    """Log runs to MLflow and register a candidate."""
    from pathlib import Path

    from msm.component import Given, run_task

    given = [Given(*item) for item in inputs]
    made = run_task(recipe.path, "register", name, given, out.path)
    out.metadata.update(made.metadata)
    Path(digest).write_text(made.digest)
