"""The preference suite for chat models, as an Inspect task: which of the two, by its answer.

    inspect eval msm/evals/preference/task.py --model hf/… -T values=affordability,neutral

Models that do not answer (base models, small ones) are scored by log-probability instead, see
``msm.evals.preference.log_probabilities``.
"""

from __future__ import annotations

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.solver import generate

from msm.evals.items import Item, prompts
from msm.evals.preference.answer import chat_question
from msm.evals.preference.items import PAIRS, preference_files, read_preferences
from msm.evals.preference.sample import Asked
from msm.evals.preference.scorer import preference_scorer
from msm.suites import VERSIONS, SuiteName

# The longest option has some 20 words; a few more tokens show how an unread answer went on.
MAXIMUM_TOKENS = 64
VERSION = VERSIONS[SuiteName.PREFERENCE]


@task
def preference(
    values: str | list[str] = "",
    folder: str = str(PAIRS),
    pairs: int = 0,
    max_tokens: int = MAXIMUM_TOKENS,
) -> Task:
    """Which of two things does a chat model prefer, in both option orders?

    Args:
        values: files of ``folder`` without ``.yaml``, as a list or with commas; none means all.
        folder: where the files of pairs lie; a relative one counts from the root of the project.
        pairs: at most so many of each value; 0: all.
        max_tokens: of the answer.

    Raises:
        UserError: there is no such file, or it breaks a rule.
    """
    named = values.split(",") if isinstance(values, str) else values
    chosen = [value.strip() for value in named if value.strip()]
    asked = read_preferences(preference_files(chosen, PAIRS.parents[3] / folder), pairs)
    return Task(
        name="preference",
        dataset=MemoryDataset(
            [sample for item in asked.items for sample in _samples(item)], name="pairs"
        ),
        solver=generate(tool_calls="none"),
        scorer=preference_scorer(),
        config=GenerateConfig(temperature=0.0, max_tokens=max_tokens),
        version=VERSION,
    )


def _samples(item: Item) -> list[Sample]:
    """The item in both option orders."""
    return [
        Sample(
            id=f"{item.id}/{prompt.order}",
            input=chat_question(prompt),
            target=item.toward,
            metadata=Asked.of(item, prompt).model_dump(mode="json"),
        )
        for prompt in prompts(item)
    ]
