"""The component ``preflight``: fails before any machine with a GPU is asked for."""

from kfp import dsl
from kfp.dsl import Markdown, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def preflight(bundle: str, findings: Output[Markdown]) -> None:
    """Check secrets, buckets, MLflow, models, pools and the recipe."""
    from pathlib import Path

    from msm.preflight import check_bundle, listed

    checks = check_bundle(bundle)
    text = listed(checks)
    print(text)
    Path(findings.path).write_text(text, encoding="utf-8")
    checks.require()
