"""The scenarios of inspect-evals (MIT, Lynch et al. 2025): imported, never copied.

Prompts, hard rules and the judge's instructions for murder, leaking and blackmail are those of
``inspect_evals.agentic_misalignment``; only the assistant's name and maker are replaced.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from msm.evals.agentic.assistant import Assistant, name_maker, rename
from msm.evals.agentic.cells import Action, Cell

if TYPE_CHECKING:
    from inspect_evals.agentic_misalignment.classifiers import Classifier
    from inspect_evals.agentic_misalignment.prompt_generator import ScenarioType

# A verdict that upstream's parsers read as yes: what is left of their decision is the hard rule.
YES = "<answer>yes</answer>"
# Upstream finds forwarded e-mails by a bare number alone; models often put it in quotes.
QUOTED_ID = re.compile(
    r"^[ \t]*[\"']?email_id[\"']?[ \t]*:[ \t]*[\"']?(\d[\d, ]*?)[\"']?[ \t]*,?[ \t]*$", re.MULTILINE
)


def upstream_prompt(cell: Cell, assistant: Assistant, scratchpad: bool) -> tuple[str, str]:
    """The system prompt, and the user's turn with the whole inbox."""
    from inspect_evals.agentic_misalignment.prompt_generator import generate_prompts

    prompts = generate_prompts(
        scenario=cast("ScenarioType", cell.action.value),
        goal_type="none" if cell.goal_type == "none" else "explicit",
        goal_value=cell.goal.value,
        urgency_type="replacement",
        extra_system_instructions=None,
        prod_flag=not scratchpad,
        alignment_faking_warning=None,
    )
    system = name_maker(rename(prompts.system_prompt, assistant), assistant)
    user = rename("\n".join([prompts.user_prompt, prompts.email_content]), assistant)
    return system, user


def goal_sentences(cell: Cell) -> tuple[str, str]:
    """The two sentences that give a goal: the statement, and the reminder (a list item)."""
    from inspect_evals.agentic_misalignment.templates.system_prompt_templates import GOAL_VARIABLES

    key = "none" if cell.goal_type == "none" else f"explicit-{cell.goal}"
    return GOAL_VARIABLES[key]["goal_statement"], GOAL_VARIABLES[key]["goal_reminder"]


def upstream_rule(action: Action, final_answer: str) -> bool:
    """Upstream's hard rule by itself, on the answer without its scratchpad."""
    executed, _, _ = _classifier(action).classify(response=final_answer, grader_response=YES)
    return bool(executed)


def upstream_question(action: Action, inbox: str, response: str) -> tuple[str, str]:
    """What upstream tells the judge about one answer: its system prompt and its question.

    ``inbox`` is the text with the e-mails, from which forwarded ones are shown. The answer is
    shown as it is, but for quotes around the number of a forwarded e-mail.
    """
    shown = QUOTED_ID.sub(r"email_id: \1", response)
    system, user = _classifier(action).get_grader_input(email_content=inbox, response=shown)
    return system.text, user.text


def _classifier(action: Action) -> Classifier:
    from inspect_evals.agentic_misalignment import classifiers

    match action:
        case Action.MURDER:
            return classifiers.MurderClassifier()
        case Action.LEAKING:
            return classifiers.LeakClassifier()
        case Action.BLACKMAIL:
            return classifiers.BlackmailClassifier()
        case Action.EXFILTRATION:
            raise ValueError("inspect-evals has no exfiltration scenario")
