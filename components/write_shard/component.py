"""The component ``write_shard``: a share of what ``write`` asks its author."""

from kfp.dsl import Artifact, Input, Output

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def write_shard(
    recipe: Input[Artifact],
    name: str,
    shard: int,
    answers: Output[Artifact],
    **inputs: Artifact,
) -> None:
    """Ask the author for a share of the planned rows."""
    from pathlib import Path

    from msm.component import Given, run_shard

    given = [Given(*item) for item in inputs]
    number = run_shard(recipe.path, "write", name, given, shard)
    Path(answers.path).write_text(f"{number}\n", encoding="utf-8")
    answers.metadata.update(display_name=f"write/{name} {shard}", answers=number)
