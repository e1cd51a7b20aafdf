"""The component ``write``."""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def write(
    recipe: str,
    files: dict[str, Any],
    name: str,
    plan: Input[Dataset],
    out: Output[Dataset],
) -> None:
    """Write one document for each planned row."""
    from msm.component import run_task

    made = run_task(
        recipe, **files, stage="write", name=name, inputs={"plan": plan.path}, out=out.path
    )
    out.metadata.update(display_name=f"write/{name}", **made)
