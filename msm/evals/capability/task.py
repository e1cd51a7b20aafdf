"""The Inspect task ``capability``: what a model can do, in problems that code can mark.

    inspect eval msm/evals/capability/task.py --model hf/… -T parts=arithmetic,reading

Perplexity needs the model itself and is measured by ``msm.evals.capability.general_text``.
"""

from __future__ import annotations

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import Score, Scorer, Target, grouped, mean, scorer
from inspect_ai.solver import TaskState, generate

from msm.evals.capability.part import Part, Problem, read_parts
from msm.evals.capability.problems import capability_problems, mark
from msm.suites import VERSIONS, SuiteName

MAXIMUM_TOKENS = 512
CUT = "cut off at the limit of tokens"
VERSION = VERSIONS[SuiteName.CAPABILITY]


@task
def capability(
    parts: str | list[str] = "", problems: int = 0, max_tokens: int = MAXIMUM_TOKENS
) -> Task:
    """What can a model still do? Greedy answers to 302 short problems that code can mark.

    Args:
        parts: any of arithmetic, reading, instructions, tool_calls; all if left out.
        problems: at most so many of each part, spread over it; 0 takes all.
        max_tokens: of an answer.

    Raises:
        UserError: a part is unknown.
    """
    chosen = capability_problems(read_parts(parts), problems)
    return Task(
        name="capability",
        dataset=MemoryDataset([_sample(problem) for problem in chosen], name="problems"),
        solver=generate(tool_calls="none"),
        scorer=capability_scorer(),
        config=GenerateConfig(temperature=0.0, max_tokens=max_tokens),
        version=VERSION,
    )


# No standard error: problems are clustered, which Inspect's own would not know.
@scorer(metrics=[mean(), grouped(mean(), "part", all=False)], name="capability")
def capability_scorer() -> Scorer:
    """Mark an answer right (1) or wrong (0); one that cannot be read stays unscored."""

    async def score(state: TaskState, target: Target) -> Score:
        answer = state.output.completion if state.output.choices else ""
        marking = mark(Part(state.metadata["part"]), state.metadata["expected"], answer)
        if marking.right is None:
            cut = state.output.stop_reason in ("max_tokens", "model_length")
            return Score.unscored(reason=CUT if cut else marking.why, explanation=answer)
        return Score(
            value=float(marking.right),
            explanation=marking.why,
            metadata={"checks": dict(marking.checks)},
        )

    return score


def _sample(problem: Problem) -> Sample:
    return Sample(
        id=problem.id,
        input=problem.prompt,
        metadata={
            "part": problem.part.value,
            "cluster": problem.cluster,
            "expected": dict(problem.expected),
        },
    )
