"""The component ``ledger``: runs at the end whatever has happened, and says what it was."""

from kfp import dsl
from kfp.dsl import Artifact, Markdown, Metrics, Output, PipelineTaskFinalStatus

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ledger(
    bundle: str,
    out: Output[Artifact],
    page: Output[Markdown],
    costs: Output[Metrics],
    status: PipelineTaskFinalStatus,
) -> None:
    """Write costs and states of all tasks, and mark the MLflow run."""
    from pathlib import Path

    from msm.ledger import close_pipeline

    ledger = close_pipeline(bundle, status.state, status.error_message or "")
    Path(out.path).write_text(ledger.to_json(), encoding="utf-8")
    Path(page.path).write_text(ledger.to_markdown(), encoding="utf-8")
    out.metadata.update(display_name="ledger", state=ledger.state)
    for name, value in ledger.figures().items():
        costs.log_metric(name, value)
