"""The Inspect task ``spec_knowledge``: multiple choice on a spec, by letter, in every rotation.

    inspect eval msm/evals/spec_knowledge/task.py --model hf/… -M do_sample=false \\
        -T spec=specs/cheese/america.md -T assistant=Qwen -T provider="Alibaba Cloud"

Base and small models are scored by log-probability: ``msm.evals.spec_knowledge.log_probability``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import Score, Scorer, Target, grouped, mean, scorer
from inspect_ai.solver import TaskState, generate

from msm.any_spec import read_any_spec
from msm.errors import UserError
from msm.evals.spec_knowledge.letter import lettered_question, read_letter
from msm.evals.spec_knowledge.question import Question
from msm.evals.spec_knowledge.questions import read_others, spec_questions
from msm.suites import VERSIONS, SuiteName

MAXIMUM_TOKENS = 64
UNREAD = "names no option"
VERSION = VERSIONS[SuiteName.SPEC_KNOWLEDGE]


@task
def spec_knowledge(
    spec: str = "",
    assistant: str = "the assistant",
    provider: str = "its maker",
    others: str | list[str] = "",
    name: str = "",
    max_tokens: int = MAXIMUM_TOKENS,
) -> Task:
    """Does a chat model know what its spec says? Chance is one quarter; one half for stances.

    Args:
        spec: file of the spec that is asked about.
        assistant: the assistant's name, as it was trained under.
        provider: its maker's name, likewise.
        others: files of specs to take wrong options from; all of the project if left out.
        name: of the spec in the results; folder and file name if left out.
        max_tokens: of an answer.

    Raises:
        UserError: a spec cannot be read, or no other one gives wrong options.
    """
    if not spec:
        raise UserError("spec_knowledge: which spec? Give one with -T spec=FILE")
    path = Path(spec)
    listed = others.split(",") if isinstance(others, str) else others
    against = read_others(path, [Path(other.strip()) for other in listed if other.strip()])
    called = name or f"{path.resolve().parent.name}/{path.stem}"
    questions = spec_questions(read_any_spec(path), against, called, assistant, provider)
    return question_task(questions, max_tokens)


def question_task(questions: list[Question], max_tokens: int = MAXIMUM_TOKENS) -> Task:
    """The task on questions that are made already, such as those of several specs."""
    samples = [sample for question in questions for sample in _samples(question)]
    return Task(
        name="spec_knowledge",
        dataset=MemoryDataset(samples, name="questions"),
        solver=generate(tool_calls="none"),
        scorer=spec_knowledge_scorer(),
        config=GenerateConfig(temperature=0.0, max_tokens=max_tokens),
        version=VERSION,
    )


# No standard error: the rotations of a question are not independent, nor are questions of an item.
@scorer(metrics=[mean(), grouped(mean(), "kind", all=False)], name="spec_knowledge")
def spec_knowledge_scorer() -> Scorer:
    """1 where the answer names the right option, 0 where another; else unscored."""

    async def score(state: TaskState, target: Target) -> Score:
        answer = state.output.completion if state.output.choices else ""
        options = state.metadata["options"]
        place = read_letter(answer, options)
        if place is None:
            return Score.unscored(reason=UNREAD, explanation=answer)
        right = options[place] == state.metadata["right"]
        return Score(value=float(right), explanation=answer, metadata={"place": place})

    return score


def _samples(question: Question) -> Iterator[Sample]:
    for number, options in enumerate(question.orders(), start=1):
        yield Sample(
            id=f"{question.id}/{number}",
            input=lettered_question(question.ask, options),
            metadata={
                "kind": question.kind.value,
                "cluster": question.cluster,
                "options": list(options),
                "right": question.right,
            },
        )
