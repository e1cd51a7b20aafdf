"""The component ``plan``."""

from kfp import dsl
from kfp.dsl import Dataset, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def plan(recipe: str, files: str, name: str, out: Output[Dataset]) -> None:
    """Plan one row for each document to be written."""
    import json

    from msm.component import run_task

    made = run_task(recipe, **json.loads(files), stage="plan", name=name, inputs={}, out=out.path)
    out.metadata.update(display_name=f"plan/{name}", **made)
