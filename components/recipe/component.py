"""The component ``recipe``: what all tasks read, handed over once and not to each of them."""

from kfp import dsl
from kfp.dsl import Artifact, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def recipe(bundle: str, out: Output[Artifact]) -> None:
    """Write the recipe and its files down for the tasks."""
    from pathlib import Path

    Path(out.path).write_text(bundle, encoding="utf-8")
    out.metadata["display_name"] = "recipe"
