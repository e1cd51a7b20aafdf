"""Every Inspect task of this package: what Inspect's entry point ``msm`` registers."""

from __future__ import annotations

from msm.evals.agentic.scorer import agentic_scorer
from msm.evals.agentic.task import agentic

__all__ = ["agentic", "agentic_scorer"]
