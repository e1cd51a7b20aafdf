"""The eight stages: name, version of their meaning, and where the body is."""

from __future__ import annotations

from importlib import import_module

from msm.stage import StageDefinition, StageFunction
from msm.task import Stage

_BODIES = {
    Stage.PLAN: (1, "msm.corpus.plan"),
    Stage.WRITE: (1, "msm.corpus.write"),
    Stage.CURATE: (2, "msm.corpus.curate"),
    Stage.DEMONSTRATE: (2, "msm.demonstrations.demonstrate"),
    Stage.TRAIN: (4, "msm.training.train"),
    Stage.EVALUATE: (1, "msm.evals.evaluate"),
    Stage.REPORT: (2, "msm.reporting.report"),
    Stage.REGISTER: (2, "msm.registry.register"),
}


def definition(stage: Stage) -> StageDefinition:
    """The definition of a stage; its module, which may import torch, is loaded when it runs."""
    version, module = _BODIES[stage]

    def load() -> StageFunction:
        body: StageFunction = import_module(module).run
        return body

    return StageDefinition(stage.value, version, load)
