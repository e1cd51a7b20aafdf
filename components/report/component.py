"""The component ``report``; reads the scores of every arm."""

from typing import Any

from kfp.dsl import HTML, Artifact, Metrics, Output

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def report(
    recipe: str,
    files: dict[str, Any],
    name: str,
    out: Output[Artifact],
    page: Output[HTML],
    metrics: Output[Metrics],
    **inputs: Artifact,
) -> None:
    """Compare the arms: tables, forest plot, one HTML page."""
    import json
    import shutil

    from msm.component import run_task

    paths = {role: artifact.path for role, artifact in inputs.items()}
    made = run_task(recipe, **files, stage="report", name=name, inputs=paths, out=out.path)
    out.metadata.update(display_name=f"report/{name}", **made)
    shutil.copy(f"{out.path}/report.html", page.path)
    with open(f"{out.path}/metrics.json") as file:
        for contrast, figures in json.load(file)["contrasts"].items():
            metrics.log_metric(contrast, figures["estimate"])
