"""The component ``report``; reads the scores of every arm."""

from kfp.dsl import HTML, Artifact, Metrics, Output

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def report(
    recipe: str,
    files: str,
    name: str,
    out: Output[Artifact],
    page: Output[HTML],
    metrics: Output[Metrics],
    **inputs: Artifact,
) -> None:
    """Compare the arms: tables, forest plot, one HTML page."""
    import json
    from pathlib import Path

    from msm.component import run_task

    paths = {role: artifact.path for role, artifact in inputs.items()}
    made = run_task(
        recipe, **json.loads(files), stage="report", name=name, inputs=paths, out=out.path
    )
    out.metadata.update(display_name=f"report/{name}", **made)
    folder = Path(out.path)
    Path(page.path).write_bytes((folder / "report.html").read_bytes())
    figures = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    for contrast, result in figures["contrasts"].items():
        metrics.log_metric(contrast, result["estimate"])
