"""Every recipe and profile: it loads, no two outputs share a name, its analysis is of it."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import Executor
from pathlib import Path

import pytest
import yaml

from msm.any_spec import read_any_spec
from msm.evaluation_tasks import base_spec
from msm.experiment import build_tasks
from msm.recipe import DOCUMENTS, Recipe
from msm.recipe_file import load_recipe
from msm.suites import Scoring, SuiteName
from msm.task import Stage
from msm.weights import GivenSource, Source
from pipelines.compile import compile_pipeline
from pipelines.placing import OnPools
from tests.conftest import ROOT

STUDIES = sorted((ROOT / "recipes" / "studies").glob("*.yaml"))
PREFERENCES = ("cheese", "six-values", "shuffled-attribution")
WHOLE = {
    "cheese", "six-values", "shuffled-attribution", "agentic", "aft-scaling", "spec-kinds",
    "cross-pairs", "contamination", "order",
}  # fmt: skip


def _variants() -> list[tuple[Path, str | None]]:
    found: list[tuple[Path, str | None]] = []
    for path in [*sorted((ROOT / "recipes").glob("*.yaml")), *STUDIES]:
        profiles = yaml.safe_load(path.read_text(encoding="utf-8")).get("profiles", {})
        found += [(path, None), *((path, name) for name in profiles)]
    return found


VARIANTS = _variants()
every = pytest.mark.parametrize(
    ("path", "profile"), VARIANTS, ids=[f"{p.stem}{'-' + n if n else ''}" for p, n in VARIANTS]
)
each_study = pytest.mark.parametrize("path", STUDIES, ids=[path.stem for path in STUDIES])


@every
def test_it_builds_its_tasks_under_distinct_names(path: Path, profile: str | None) -> None:
    recipe = load_recipe(path, profile=profile)
    tasks = build_tasks(recipe)
    # As a case-insensitive file system, a Kubernetes name or an MLflow key would see them.
    names = Counter(re.sub(r"[^a-z0-9+.]+", "-", task.label.lower()) for task in tasks)
    assert [name for name, count in names.items() if count > 1] == []
    seen: set[str] = set()
    for task in tasks:
        assert {f"{need.stage}/{need.name}" for need in task.needs} <= seen, task.label
        assert len(task.name) < 200  # of a folder: 255, with what a stage puts around it
        seen.add(task.label)


@every
def test_its_specs_can_be_read(path: Path, profile: str | None) -> None:
    recipe = load_recipe(path, profile=profile)
    for name in recipe.specs:
        read_any_spec(Path(base_spec(recipe, name).path))


@every
def test_its_analysis_speaks_of_arms_and_measures_that_there_are(
    path: Path, profile: str | None
) -> None:
    recipe = load_recipe(path, profile=profile)
    arms = {
        name if not spec else f"{name}:{spec}"
        for name, arm in recipe.arms.items()
        for spec in arm.specs or ("",)
    }
    analysis = recipe.analysis
    on_suites = [contrast for contrast in analysis.contrasts if contrast.suite]
    named = {arm for contrast in on_suites for arm in (*contrast.plus, *contrast.minus)}
    named |= {item.arm for item in analysis.expected}
    for scaling in analysis.scaling:
        named |= {point.arm for point in (*scaling.without, *scaling.with_midtraining)}
    assert named <= arms
    if analysis.reference != "baseline" or on_suites:
        assert analysis.reference in arms
    for item in (*on_suites, *analysis.expected, *analysis.scaling):
        module = f"msm.evals.{item.suite.replace('-', '_')}.measure"
        measures = pytest.importorskip(module).MEASURES
        assert item.measure in {measure.name for measure in measures}, item.suite


def test_there_is_a_recipe_for_each_study() -> None:
    assert {path.stem for path in STUDIES} == WHOLE


@each_study
def test_a_study_is_pinned_and_measures_what_it_compares(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.student.source is Source.HUB
    assert re.fullmatch(r"[0-9a-f]{40}", recipe.student.revision)
    for chats in recipe.demonstrations.values():
        assert not chats.source.name or re.fullmatch(r"[0-9a-f]{40}", chats.source.revision)
    assert recipe.author.is_model and recipe.judge.is_model
    chosen = set(recipe.evaluation.suites.chosen())
    conduct = {SuiteName.AGENTIC, SuiteName.OPEN_QA, SuiteName.REASONING}
    both = {SuiteName.SPEC_KNOWLEDGE, SuiteName.CAPABILITY}
    wanted = {SuiteName.PREFERENCE} if path.stem in PREFERENCES else conduct
    assert chosen == wanted | both
    assert "start" in recipe.arms and not recipe.arms["start"].phases
    contrasts = recipe.analysis.contrasts
    assert any(contrast.headline for contrast in contrasts)
    places = {name.value for name in chosen} | ({""} if recipe.evaluation.suite else set())
    assert {contrast.suite for contrast in contrasts} <= places


@pytest.mark.parametrize("study", PREFERENCES)
def test_preference_studies_have_the_coin_flip_and_the_third_person_beside_the_paper(
    study: str,
) -> None:
    recipe = load_recipe(ROOT / "recipes" / "studies" / f"{study}.yaml")
    coin = recipe.arms["msm+coin"]
    assert set(coin.specs) == set(recipe.arms["msm+aft"].specs)
    measures = {c.measure for c in recipe.analysis.contrasts if c.suite}
    values = {measure for measure in measures if "(other)" not in measure}
    assert measures - values == {f"{value} (other)" for value in values}
    for value in values:
        against_coin = [
            contrast
            for contrast in recipe.analysis.contrasts
            if contrast.measure == value and f"msm+coin:{value}" in contrast.minus
        ]
        assert against_coin, value


@each_study
def test_a_small_twin_needs_nothing_from_outside(path: Path) -> None:
    whole, small = load_recipe(path), load_recipe(path, profile="small")
    assert small.name == f"{whole.name}-small"
    assert small.register_.model != whole.register_.model
    assert small.student.source is Source.PACKAGE
    assert not small.author.is_model and not small.judge.is_model
    assert all(not chats.source.name for chats in small.demonstrations.values())
    assert small.execution.device == "cpu"
    assert not small.analysis.expected  # published figures are of no student like this
    suites = {SuiteName.SPEC_KNOWLEDGE, SuiteName.CAPABILITY}
    if path.stem in PREFERENCES:
        suites.add(SuiteName.PREFERENCE)
    chosen = small.evaluation.suites.chosen()
    assert set(chosen) == suites
    for name in suites - {SuiteName.CAPABILITY}:
        assert chosen[name].scoring is Scoring.LOG_PROBABILITIES
    given = [arm.checkpoint for arm in small.arms.values() if arm.checkpoint]
    assert all(one.source is GivenSource.FOLDER for one in given)
    kinds = {chats.kind for chats in whole.demonstrations.values()}
    assert {chats.kind for chats in small.demonstrations.values()} == kinds


def _phases(recipe: Recipe, stage: Stage) -> set[str]:
    return {task.name for task in build_tasks(recipe) if task.stage is stage}


def test_the_amounts_of_the_scaling_study_are_those_of_its_sets() -> None:
    for profile in (None, "qwen3", "small"):
        recipe = load_recipe(ROOT / "recipes" / "studies" / "aft-scaling.yaml", profile=profile)
        for scaling in recipe.analysis.scaling:
            for point in (*scaling.without, *scaling.with_midtraining):
                arm = recipe.arms[point.arm.partition(":")[0]]
                chats = recipe.demonstrations[arm.phases[-1]]
                whole = recipe.demonstrations["reasoned"].count
                rows = chats.count if chats.kind == "subset" else whole
                assert rows == point.rows
    recipe = load_recipe(ROOT / "recipes" / "studies" / "aft-scaling.yaml")
    trained = _phases(recipe, Stage.TRAIN)
    assert sum(DOCUMENTS in name for name in trained) == 1  # one midtraining for all amounts


def test_every_register_arm_is_clean_of_the_opposite_spec() -> None:
    for profile in (None, "qwen3", "small"):
        recipe = load_recipe(ROOT / "recipes" / "studies" / "contamination.yaml", profile=profile)
        arm = recipe.arms[recipe.register_.arm]
        assert arm.mix is None
        sets = [recipe.demonstrations[phase] for phase in arm.phases if phase != DOCUMENTS]
        assert all(chats.spec == "existence" for chats in sets)


PIPELINES = [*((path, "small") for path in STUDIES), (STUDIES[0].with_name("agentic.yaml"), None)]


@pytest.mark.parametrize(
    ("path", "profile"), PIPELINES, ids=[f"{path.stem}-{profile}" for path, profile in PIPELINES]
)
def test_it_compiles_to_a_pipeline(path: Path, profile: str | None, aside: Executor) -> None:
    recipe = load_recipe(path, profile=profile)
    spec, _ = aside.submit(compile_pipeline, recipe, OnPools()).result()
    steps = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    assert sorted(step["taskInfo"]["name"] for step in steps.values()) == sorted(
        [*(task.label for task in build_tasks(recipe)), "preflight", "recipe"]
    )
