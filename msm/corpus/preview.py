"""What a corpus will take, before a token is spent.

A model decides how many domains and subdomains it names, so the figures stand for the recipe's
limits, all reached. Tokens are estimated; answers asked for again come on top.
"""

from __future__ import annotations

from dataclasses import dataclass

from msm.any_spec import mode_of
from msm.configs import PlanConfig, WriteConfig
from msm.corpus import prompts
from msm.corpus.offline.names import Names
from msm.corpus.plan import prompt_text, used_spec
from msm.corpus.plan_by_model import spread
from msm.experiment import find_task
from msm.llm.ledger import cost_of
from msm.recipe import Recipe
from msm.task import FileInput, Stage, Task
from msm.writing import TOKENS_PER_WORD, Budget, Outline

CHARACTERS_PER_TOKEN = 4
# What an answer of each kind is expected to hold, in tokens.
LABEL, SUBDOMAIN, ASSERTIONS, TYPE, IDEA = 40, 200, 400, 40, 50
SCRATCHPAD_FILLED = 0.5  # share of the scratchpad's budget that a plan takes


@dataclass(frozen=True)
class Preview:
    """One corpus before it is made; tokens and US dollars are estimates."""

    name: str
    author: str
    documents: int
    requests: int
    tokens_in: int
    tokens_out: int
    corpus_tokens: int
    cost: float


def preview(recipe: Recipe, name: str) -> Preview:
    """What the stages ``plan`` and ``write`` of one corpus will take.

    Raises:
        UserError: there is no such corpus, or its spec cannot be read.
    """
    plan = find_task(recipe, Stage.PLAN, name)
    write = find_task(recipe, Stage.WRITE, name)
    assert isinstance(plan.config, PlanConfig) and isinstance(write.config, WriteConfig)
    words = (write.config.minimum_words + write.config.maximum_words) / 2
    length = round(words * TOKENS_PER_WORD)
    outline, budget = plan.config.outline, write.config.budget
    if outline is None or budget is None:
        documents = plan.config.documents
        return Preview(name, plan.config.author.model, documents, 0, 0, 0, documents * length, 0.0)
    return _by_model(recipe, plan, outline, budget, length)


def _by_model(recipe: Recipe, task: Task, outline: Outline, budget: Budget, length: int) -> Preview:
    config, source = task.config, task.inputs["spec"]
    assert isinstance(config, PlanConfig) and isinstance(source, FileInput)
    spec = used_spec(source.path, config.shuffle_seed)
    names = Names(config.assistant, config.provider)
    system = _tokens(prompts.system_text(prompt_text(spec, names), mode_of(spec), names))
    parts = outline.domains * outline.subdomains
    size = spread(outline, config.documents, parts)
    types = parts * size.types
    documents = min(config.documents, types * size.ideas)
    claims = ASSERTIONS + SUBDOMAIN // 2  # what every later question repeats of its subdomain
    # (requests, tokens of the question, tokens of the answer) of each step
    steps = [
        (1, _tokens(prompts.DOMAINS), outline.domains * LABEL),
        (outline.domains, _tokens(prompts.SUBDOMAINS), outline.subdomains * SUBDOMAIN),
        (parts, _tokens(prompts.ASSERTIONS) + SUBDOMAIN // 2, ASSERTIONS),
        (parts, _tokens(prompts.TYPES) + claims, size.types * TYPE),
        (types, _tokens(prompts.IDEAS) + claims, size.ideas * IDEA),
        (documents, _tokens(prompts.DOCUMENT) + claims + 2 * IDEA, length),
    ]
    if budget.scratchpad:
        plan = round(budget.scratchpad * SCRATCHPAD_FILLED)
        requests, question, answer = steps.pop()
        steps.append((requests, question + plan, answer))
        steps.append((documents, _tokens(prompts.SCRATCHPAD) + claims + 2 * IDEA, plan))
    tokens_in = sum(count * (system + question) for count, question, _ in steps)
    tokens_out = sum(count * answer for count, _, answer in steps)
    return Preview(
        name=task.name,
        author=config.author.model,
        documents=documents,
        requests=sum(count for count, _, _ in steps),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        corpus_tokens=documents * length,
        cost=cost_of(recipe.execution.author.price, tokens_in, 0, tokens_out),
    )


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)
