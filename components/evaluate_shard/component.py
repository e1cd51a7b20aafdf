"""The component ``evaluate_shard``: a share of what ``evaluate`` samples of a judged suite."""

from kfp.dsl import Artifact, Input, Output

from components.image import IMAGE
from components.wide import wide_component


@wide_component(base_image=IMAGE, install_kfp_package=False)
def evaluate_shard(
    recipe: Input[Artifact],
    name: str,
    shard: int,
    samples: Output[Artifact],
    **inputs: Artifact,
) -> None:
    """Sample a share of a suite's items and have them graded."""
    from pathlib import Path

    from msm.component import Given, run_shard

    given = [Given(*item) for item in inputs]
    number = run_shard(recipe.path, "evaluate", name, given, shard)
    Path(samples.path).write_text(f"{number}\n", encoding="utf-8")
    samples.metadata.update(display_name=f"evaluate/{name} {shard}", samples=number)
