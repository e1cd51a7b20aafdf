"""What a corpus will take, told before a token is spent; and what an experiment has cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.corpus.preview import preview
from msm.errors import UserError
from msm.recipe_file import load_recipe
from tests.commands import msm

MODEL = "author={model: anthropic/a-model}"
LONG = "corpus={documents: 100000, minimum_words: 1500, maximum_words: 2500}"
PRICE = "execution.author.price={input: 5, output: 25}"


def test_the_built_in_author_asks_nobody(root: Path) -> None:
    told = preview(load_recipe(root / "recipes" / "cheese.yaml"), "america-s1")
    assert (told.documents, told.requests, told.cost) == (160, 0, 0.0)


def test_a_model_fills_the_outline_and_costs_what_the_recipe_says(root: Path) -> None:
    recipe = load_recipe(root / "recipes" / "cheese.yaml", [MODEL, LONG, PRICE])
    told = preview(recipe, "america-s1")
    assert told.documents == 8 * 4 * 20 * 25  # domains, subdomains, types, ideas
    # One for the domains; 8 domains; 32 subdomains twice; 640 types; two for each document.
    assert told.requests == 1 + 8 + 2 * 32 + 640 + 2 * told.documents
    assert told.cost == pytest.approx((told.tokens_in * 5 + told.tokens_out * 25) / 1e6)
    assert told.tokens_out > told.corpus_tokens > told.documents * 2000


def test_fewer_documents_ask_for_fewer_types_and_ideas(root: Path) -> None:
    few = [MODEL, "corpus.documents=64"]
    told = preview(load_recipe(root / "recipes" / "cheese.yaml", few), "america-s1")
    assert told.documents == 64
    assert told.requests == 1 + 8 + 2 * 32 + 64 + 2 * 64


def test_without_a_scratchpad_a_document_is_one_request(root: Path) -> None:
    with_it = load_recipe(root / "recipes" / "cheese.yaml", [MODEL])
    without = load_recipe(
        root / "recipes" / "cheese.yaml", [MODEL, "corpus.budget={scratchpad: 0}"]
    )
    fewer = preview(with_it, "america-s1").requests - preview(without, "america-s1").requests
    assert fewer == 160


def test_a_budget_that_would_cut_documents_is_refused(root: Path) -> None:
    cut = ["corpus.maximum_words=3000", "corpus.budget={document: 2000}"]
    with pytest.raises(UserError, match=r"would cut documents of maximum_words 3000"):
        load_recipe(root / "recipes" / "cheese.yaml", cut)


def test_the_command_prints_and_makes_nothing(root: Path, tmp_path: Path) -> None:
    recipe = str(root / "recipes" / "tiny.yaml")
    done = msm("plan", recipe, "--preview", cwd=tmp_path)
    assert done.returncode == 0
    assert "america-s1" in done.stdout and "affordability-s1" in done.stdout
    assert not (tmp_path / "outputs").exists()


def test_plan_without_a_name_says_what_to_do(root: Path, tmp_path: Path) -> None:
    done = msm("plan", str(root / "recipes" / "tiny.yaml"), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("msm: which plan?")


def test_the_cost_of_an_unknown_experiment_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "outputs" / "cheese").mkdir(parents=True)
    done = msm("cost", "chese", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("did you mean 'cheese'?")
