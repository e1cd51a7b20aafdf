"""The Inspect task ``open_qa``: ask without a system prompt, let a judge score each answer.

``inspect eval msm/evals/open_qa/task.py --model hf/local -T judge=openai-api/local/qwen3-32b``
"""

from __future__ import annotations

from collections.abc import Sequence

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, Model, get_model
from inspect_ai.scorer import Score, Scorer, Target, grouped, mean, scorer, stderr
from inspect_ai.solver import TaskState, generate

from msm.errors import UserError
from msm.evals.open_qa.judging import Patience, ask_judge
from msm.evals.open_qa.questions import Category, Question, open_questions, read_categories
from msm.evals.open_qa.rubric import judge_prompt

ANSWER_TOKENS = 1024
NO_ANSWER = "the assistant gave no answer"


@task
def open_qa(
    judge: str | Model | None = None,
    assistant: str = "the assistant",
    categories: str | Sequence[str] = "",
    judge_answers: int = Patience.answers,
    judge_seconds: int = Patience.seconds,
    temperature: float = 0.7,
) -> Task:
    """150 direct questions in seven categories; a judge scores each answer from 1 to 10.

    Args:
        judge: Inspect model, or its name; asked at temperature 0 if given by name.
        assistant: its name, as it was trained under.
        categories: some of the seven, with commas; all if left out.
        judge_answers: answers asked of the judge until one can be read.
        judge_seconds: seconds that the judge has for one answer.
        temperature: of the assistant; the agentic suite of the paper has 0.7.

    Raises:
        UserError: no judge is named, or a category is unknown.
    """
    if not judge:
        raise UserError("open_qa: name a judge, -T judge=PROVIDER/MODEL; no model judges itself")
    asked = open_questions(assistant, read_categories(categories))
    samples = [Sample(id=q.id, input=q.text, metadata={"category": q.category.value}) for q in asked]
    return Task(
        dataset=MemoryDataset(samples, name="open_qa"),
        solver=generate(),
        scorer=open_qa_scorer(judge, assistant, judge_answers, judge_seconds),
        config=GenerateConfig(temperature=temperature, max_tokens=ANSWER_TOKENS),
        version=1,
    )


@scorer(metrics=[mean(), stderr(), grouped(mean(), "category")])
def open_qa_scorer(
    judge: str | Model, assistant: str, judge_answers: int, judge_seconds: int
) -> Scorer:
    """The judge's score; unscored, with the reason, where there is none to be had."""
    patience = Patience(answers=judge_answers, seconds=judge_seconds)

    async def score(state: TaskState, target: Target) -> Score:
        answer = state.output.completion if state.output.choices else ""
        if not answer.strip():
            return Score.unscored(reason=NO_ANSWER, explanation=NO_ANSWER)
        question = Question(
            str(state.sample_id), Category(state.metadata["category"]), state.input_text
        )
        system, user = judge_prompt(question, answer, assistant)
        judged = await ask_judge(_open(judge), system, user, patience)
        if judged.score is None:
            return Score.unscored(reason=judged.fault, answer=answer, explanation=judged.why)
        return Score(value=judged.score, answer=answer, explanation=judged.why)

    return score


def _open(judge: str | Model) -> Model:
    """The judge as a model; Inspect gives back the same one for the same name."""
    if isinstance(judge, Model):
        return judge
    return get_model(judge, config=GenerateConfig(temperature=0.0))
