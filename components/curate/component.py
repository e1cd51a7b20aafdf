"""The component ``curate``."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def curate(
    recipe: str,
    files: str,
    name: str,
    documents: Input[Dataset],
    out: Output[Dataset],
) -> None:
    """Filter, deduplicate and decontaminate documents."""
    import json

    from msm.component import run_task

    made = run_task(
        recipe,
        **json.loads(files),
        stage="curate",
        name=name,
        inputs={"documents": documents.path},
        out=out.path,
    )
    out.metadata.update(display_name=f"curate/{name}", **made)
