"""Every Inspect task of this package: what Inspect's entry point ``msm`` registers."""

from __future__ import annotations

from msm.evals.agentic.scorer import agentic_scorer
from msm.evals.agentic.task import agentic
from msm.evals.capability.task import capability, capability_scorer
from msm.evals.open_qa.task import open_qa, open_qa_scorer
from msm.evals.preference.scorer import preference_scorer
from msm.evals.preference.task import preference
from msm.evals.spec_knowledge.task import spec_knowledge, spec_knowledge_scorer

__all__ = [
    "agentic",
    "agentic_scorer",
    "capability",
    "capability_scorer",
    "open_qa",
    "open_qa_scorer",
    "preference",
    "preference_scorer",
    "spec_knowledge",
    "spec_knowledge_scorer",
]
