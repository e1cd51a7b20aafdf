"""The component ``report``; reads the scores of every arm."""

from kfp.dsl import HTML, Artifact, Input, Metrics, Output, OutputPath

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def report(
    recipe: Input[Artifact],
    name: str,
    out: Output[Artifact],
    page: Output[HTML],
    headline: Output[Metrics],
    digest: OutputPath(str),
    **inputs: Artifact,
) -> None:
    """Compare the arms: tables, forest plot, one HTML page."""
    from pathlib import Path

    from msm.component import Given, contrasts, run_task

    given = [Given(*item) for item in inputs]
    made = run_task(recipe.path, "report", name, given, out.path)
    estimates, intervals = contrasts(out.path)
    out.metadata.update({**made.metadata, **intervals})
    for contrast, estimate in estimates.items():
        headline.log_metric(contrast, estimate)
    Path(page.path).write_bytes(Path(out.path, "report.html").read_bytes())
    Path(digest).write_text(made.digest)
