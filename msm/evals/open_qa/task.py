"""The Inspect task ``open_qa``: ask without a system prompt, let a judge score each answer.

    inspect eval msm/evals/open_qa/task.py --model hf/… -T judge=anthropic/claude-sonnet-4-6 \\
        -T assistant=Qwen
"""

from __future__ import annotations

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, Model
from inspect_ai.scorer import Score, Scorer, Target, grouped, mean, scorer
from inspect_ai.solver import TaskState, generate

from msm.evals.agentic.grading import Patience, find_judge
from msm.evals.open_qa.judging import ask_for_score
from msm.evals.open_qa.questions import Category, Question, open_questions, read_categories
from msm.evals.open_qa.results import NO_ANSWER
from msm.evals.open_qa.rubric import judge_prompt
from msm.suites import VERSIONS, SuiteName

TEMPERATURE = 0.7
MAXIMUM_TOKENS = 1024
# Share of answers without a score above which the suite counts as not measured.
MAXIMUM_UNGRADED = 0.1
VERSION = VERSIONS[SuiteName.OPEN_QA]


@task
def open_qa(
    judge: str | Model | None = None,
    assistant: str = "the assistant",
    categories: str | list[str] = "",
    temperature: float = TEMPERATURE,
    max_tokens: int = MAXIMUM_TOKENS,
    max_ungraded: float = MAXIMUM_UNGRADED,
    judge_attempts: int = Patience.attempts,
    judge_seconds: int = Patience.seconds,
) -> Task:
    """What does an assistant say of itself, asked in 150 direct questions of seven categories?

    Args:
        judge: Inspect model or its name; without it, the model in the role ``judge``.
        assistant: its name, as it was trained under.
        categories: any of the seven; all if left out.
        temperature: of the student.
        max_tokens: of the student's answer.
        max_ungraded: share of answers without a score above which the figures are refused.
        judge_attempts: how often a request to the judge is tried.
        judge_seconds: how long one try may take.

    Raises:
        UserError: a category is unknown.
    """
    asked = open_questions(assistant, read_categories(categories))
    samples = [
        Sample(id=q.id, input=q.text, metadata={"category": q.category.value}) for q in asked
    ]
    return Task(
        name="open_qa",
        dataset=MemoryDataset(samples, name="open questions"),
        solver=generate(tool_calls="none"),
        scorer=open_qa_scorer(judge, assistant, judge_attempts, judge_seconds),
        config=GenerateConfig(temperature=temperature, max_tokens=max_tokens),
        version=VERSION,
        metadata={"max_ungraded": max_ungraded},
    )


# No standard error: Inspect takes it over questions after averaging epochs, which is none of ours.
@scorer(metrics=[mean(), grouped(mean(), "category", all=False)], name="open_qa")
def open_qa_scorer(
    judge: str | Model | None = None,
    assistant: str = "the assistant",
    judge_attempts: int = Patience.attempts,
    judge_seconds: int = Patience.seconds,
) -> Scorer:
    """Score one answer from 1 to 10; unscored, with the reason, where there is no score to be had.

    Args:
        judge: Inspect model or its name; without it, the model in the role ``judge``.
        assistant: its name, as the judge is told it.
        judge_attempts: how often a request to the judge is tried.
        judge_seconds: how long one try may take.
    """
    patience = Patience(judge_attempts, judge_seconds)

    async def score(state: TaskState, target: Target) -> Score:
        answer = state.output.completion if state.output.choices else ""
        if not answer.strip():
            return Score.unscored(reason=NO_ANSWER)
        category = Category(state.metadata["category"])
        question = Question(str(state.sample_id), category, state.input_text)
        model = find_judge(judge)
        system, user = judge_prompt(question, answer, assistant)
        judged = await ask_for_score(model, system, user, patience)
        by = {"judge": str(model)}
        if judged.score is None:
            return Score.unscored(reason=judged.fault, explanation=judged.why, metadata=by)
        return Score(value=judged.score, explanation=judged.why, metadata=by)

    return score
