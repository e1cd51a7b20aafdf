"""The prompts of a suite as a file: what training text is kept clear of, and figures rest on.

Some suites' prompts depend on the recipe (the assistant's name), and some come with another
package; so they are written out, under the digest of their content, into the cache folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.evals.items import eval_texts, held_out_words, read_suite
from msm.identity import digest_value
from msm.recipe import Recipe
from msm.suites import (
    AgenticSuite,
    CapabilitySuite,
    OpenQaSuite,
    PreferenceSuite,
    SuiteName,
    SuiteSettings,
)
from msm.training.student import cache_folder


def prompts_file(suite: SuiteName, recipe: Recipe) -> Path:
    """A file with one prompt a line, each a JSON string, made on first use.

    Raises:
        UserError: the suite's settings name something that is not there.
    """
    settings = recipe.evaluation.suites.chosen()[suite]
    texts = suite_texts(settings, recipe.assistant, recipe.provider)
    path = cache_folder() / "prompts" / f"{suite}-{digest_value(texts)[:16]}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{id(path)}")
        lines = [json.dumps(text, ensure_ascii=False) + "\n" for text in texts]
        partial.write_text("".join(lines), encoding="utf-8")
        partial.replace(path)
    return path


@dataclass(frozen=True)
class Asked:
    """What an experiment's evaluation asks: all prompts, and words kept for its items alone."""

    suites: int
    texts: tuple[str, ...]
    held_out: frozenset[str]


def read_asked(inputs: Mapping[str, Path]) -> Asked:
    """All that a stage is given of the evaluation.

    A role that starts with ``suite`` is a file of word pairs, one that starts with ``prompts`` a
    file of prompts.

    Raises:
        UserError: the file of word pairs is missing or malformed.
    """
    texts: list[str] = []
    held_out: frozenset[str] = frozenset()
    pairs = [path for role, path in sorted(inputs.items()) if role.startswith("suite")]
    for path in pairs:
        suite = read_suite(path)
        texts += eval_texts(suite)
        held_out |= held_out_words(suite)
    files = [path for role, path in sorted(inputs.items()) if role.startswith("prompts")]
    for path in files:
        texts += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return Asked(len(pairs) + len(files), tuple(texts), held_out)


def suite_texts(settings: SuiteSettings, assistant: str, provider: str) -> list[str]:
    """All that a suite shows a model, in its order, without repeats."""
    match settings:
        case AgenticSuite():
            from msm.evals.agentic.assistant import Assistant
            from msm.evals.agentic.cells import cells, read_actions, read_goals
            from msm.evals.agentic.scenario import prompt

            who = Assistant(assistant, provider)
            goals = read_goals(list(settings.goals)) if settings.goals else ()
            chosen = cells(read_actions(list(settings.actions)), goals)
            texts = [text for cell in chosen for text in prompt(cell, who, settings.scratchpad)]
        case OpenQaSuite():
            from msm.evals.open_qa.questions import open_questions, read_categories

            chosen_categories = read_categories(list(settings.categories))
            texts = [question.text for question in open_questions(assistant, chosen_categories)]
        case PreferenceSuite():
            from msm.evals.preference.items import preference_texts

            texts = preference_texts(settings.values)
        case CapabilitySuite():
            from msm.evals.capability.texts import capability_texts

            texts = capability_texts(settings.parts)
        case _:
            texts = []
    return list(dict.fromkeys(texts))
