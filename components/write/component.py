"""The component ``write``."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def write(
    recipe: str,
    files: str,
    name: str,
    plan: Input[Dataset],
    out: Output[Dataset],
) -> None:
    """Write one document for each planned row."""
    import json

    from msm.component import run_task

    made = run_task(
        recipe,
        **json.loads(files),
        stage="write",
        name=name,
        inputs={"plan": plan.path},
        out=out.path,
    )
    out.metadata.update(display_name=f"write/{name}", **made)
