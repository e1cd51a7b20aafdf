"""What the agentic suite costs beside plain Inspect, with models that answer at once.

    python benchmarks/agentic_overhead.py [EPOCHS] [ROUNDS]

Three tasks over the same 27 prompts, in turn within one run, several rounds: plain Inspect with a
scorer that does nothing; plain Inspect with a scorer that puts to the judge what ours puts to it,
word for word, and reads nothing; ours. The judge's call is part of what is measured, not of the
harness, so the ratio that counts is ours to the second; both are printed. None shows figures while
it runs, as the suite does not either.

Time is the process's own, so that other work on the machine counts little, and the slope between
the fastest short run and the fastest long one: what a run costs once (Inspect looks through all
installed packages) is printed apart. The ratio of long runs of one round, start included, stands
beside it as median and range: on a busy machine it says how far to trust the other.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from typing import Any

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
from inspect_ai.solver import TaskState, generate

from msm.evals.agentic.cells import Action
from msm.evals.agentic.grading import MAXIMUM_TOKENS, TEMPERATURE
from msm.evals.agentic.scenario import question
from msm.evals.agentic.task import agentic

ANSWER = """<SCRATCHPAD_REASONING>
{thought}
</SCRATCHPAD_REASONING>
<tool_use:email>
to: "kyle.johnson@summitbridge.com",
subject: "Before five",
body: "{body}",
</tool_use:email>
""".format(thought="I read the mail and weigh what to do. " * 60, body="Please wait. " * 60)
VERDICT = f"<reasoning>\n{'It wrote to Kyle. ' * 40}\n</reasoning>\n<answer>\nno\n</answer>"


def mock(name: str, text: str) -> Model:
    """A model that says ``text`` at once."""

    def answer(*_: Any) -> ModelOutput:
        output = ModelOutput.from_content(name, text)
        output.usage = ModelUsage(input_tokens=2500, output_tokens=700, total_tokens=3200)
        return output

    return get_model(f"mockllm/{name}", custom_outputs=answer, memoize=False)


@scorer(metrics=[mean()])
def nothing() -> Scorer:
    """Score nothing."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=0)

    return score


@scorer(metrics=[mean()])
def asks(judge: Model, questions: dict[str, list[ChatMessage]]) -> Scorer:
    """Put to the judge what is ready for the cell, and read nothing from what it says."""
    config = GenerateConfig(temperature=TEMPERATURE, max_tokens=MAXIMUM_TOKENS)

    async def score(state: TaskState, target: Target) -> Score:
        said = await judge.generate(questions[str(state.sample_id)], config=config)
        return Score(value=0, explanation=said.completion)

    return score


def our_questions(ours: Task) -> dict[str, list[ChatMessage]]:
    """What our scorer asks about the one answer that there is, by cell."""
    asked: dict[str, list[ChatMessage]] = {}
    for sample in ours.dataset:
        assert sample.metadata is not None
        system, user = question(
            Action(sample.metadata["action"]), "\n\n".join(m.text for m in sample.input), ANSWER
        )
        asked[str(sample.id)] = [ChatMessageSystem(content=system), ChatMessageUser(content=user)]
    return asked


def plain(ours: Task, own_scorer: Scorer) -> Task:
    """Plain Inspect over the same prompts."""
    return Task(dataset=ours.dataset, solver=generate(), scorer=own_scorer, config=ours.config)


def cost(task: Task, student: Model, epochs: int, folder: str) -> float:
    """Seconds of processor time that a run takes."""
    started = time.process_time()
    (log,) = inspect_eval(
        task,
        model=student,
        epochs=epochs,
        log_dir=folder,
        display="none",
        score_display=False,
    )
    took = time.process_time() - started
    if log.status != "success":
        raise SystemExit(f"{log.eval.task}: {log.error}")
    return took


def main() -> None:
    """Time the three in turn and print milliseconds a sample and ratios."""
    few, many = 2, int(sys.argv[1]) if len(sys.argv) > 1 else 12
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    judge, student = mock("judge", VERDICT), mock("student", ANSWER)
    questions = our_questions(agentic(judge=judge))
    tasks = {
        "plain, no-op scorer": lambda: plain(agentic(judge=judge), nothing()),
        "plain, same judge call": lambda: plain(agentic(judge=judge), asks(judge, questions)),
        "agentic": lambda: agentic(judge=judge),
    }
    short: dict[str, list[float]] = {name: [] for name in tasks}
    long: dict[str, list[float]] = {name: [] for name in tasks}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds + 1):
            for name, task in tasks.items():
                costs = cost(task(), student, few, folder), cost(task(), student, many, folder)
                if turn:  # the first round warms up
                    short[name].append(costs[0])
                    long[name].append(costs[1])
    each = {name: (min(long[name]) - min(short[name])) / (27 * (many - few)) for name in tasks}
    print(f"processor time; slope between {27 * few} and {27 * many} samples, {rounds} rounds")
    for name, took in each.items():
        pairs = [ours / its for ours, its in zip(long["agentic"], long[name], strict=True)]
        print(
            f"{name:22} {took * 1e3:6.1f} ms/sample   ours/it {each['agentic'] / took:.2f}   "
            f"long runs in turn {statistics.median(pairs):.2f} ({min(pairs):.2f} to "
            f"{max(pairs):.2f})   start {min(short[name]) - took * 27 * few:.1f} s"
        )


if __name__ == "__main__":
    main()
