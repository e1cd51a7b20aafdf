"""Profiles: one recipe, and the twins that its sections turn it into."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.errors import UserError
from msm.recipe_file import load_recipe
from tests.commands import msm
from tests.test_recipe import MINIMAL

PROFILES = """
profiles:
  small:
    extends: parts/shared.yaml
    arms: {msm+aft: null}
    training: {lora: {rank: 2}}
    register: {arm: aft, model: m-small}
    seeds: [3]
  wide: {training: {lora: {rank: 128}}}
"""
SHARED = """
corpus: {documents: 7}
training: {lora: {rank: 1, alpha: 4}}
specs: {one: {path: shared.md}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe of two profiles, one of which takes what another file shares."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "shared.yaml").write_text(SHARED)
    path = tmp_path / "recipe.yaml"
    path.write_text(MINIMAL + PROFILES)
    return path


def test_without_a_profile_its_sections_say_nothing(recipe: Path) -> None:
    plain = load_recipe(recipe)
    assert plain.name == "small"
    assert set(plain.arms) == {"aft", "msm+aft"}
    assert plain.training.lora.rank == 64


def test_a_profile_is_laid_over_the_recipe_and_has_a_name_of_its_own(recipe: Path) -> None:
    small = load_recipe(recipe, profile="small")
    assert small.name == "small-small"
    assert (small.seeds, small.corpus.documents) == ((3,), 7)
    assert (small.training.lora.rank, small.training.lora.alpha) == (2, 4)
    assert load_recipe(recipe, profile="wide").name == "small-wide"


def test_null_takes_a_key_away(recipe: Path) -> None:
    assert set(load_recipe(recipe, profile="small").arms) == {"aft"}


def test_paths_are_relative_to_the_file_that_names_them(recipe: Path) -> None:
    small = load_recipe(recipe, profile="small")
    assert small.specs["one"].path == str(recipe.parent / "parts" / "shared.md")
    assert small.specs["two"].path == str(recipe.parent / "two.md")


def test_overrides_win_over_the_profile(recipe: Path) -> None:
    assert load_recipe(recipe, ["training.lora.rank=9"], "small").training.lora.rank == 9


def test_a_recipe_brings_its_profiles_to_those_that_extend_it(recipe: Path) -> None:
    child = recipe.with_name("child.yaml")
    child.write_text("extends: recipe.yaml\nname: child\nprofiles: {small: {seeds: [4]}}\n")
    small = load_recipe(child, profile="small")
    assert (small.name, small.seeds, small.corpus.documents) == ("child-small", (4,), 7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((PROFILES, ""), "has no profile 'smal'; it has none"),
        (("", ""), "has no profile 'smal'; it has: small, wide"),
        ((PROFILES, "profiles: [small]"), "'profiles' is to map names to keys"),
        (("  wide: {", "  smal: {name: x, "), "profile 'smal' takes no 'name'"),
        (("  wide: {training", "  smal: {trainin"), "did you mean 'training'?"),
    ],
)
def test_a_mistake_in_profiles_is_named_in_one_line(
    recipe: Path, change: tuple[str, str], message: str
) -> None:
    recipe.write_text((MINIMAL + PROFILES).replace(*change))
    with pytest.raises(UserError) as error:
        load_recipe(recipe, profile="smal")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "command",
    [
        ("run",),
        ("status",),
        ("plan", "--preview"),
        ("plan", "one-s1"),
        ("write", "one-s1"),
        ("curate", "one-s1"),
        ("demonstrate", "instruction-s1"),
        ("train", "aft-s1"),
        ("evaluate", "aft-s1"),
        ("evaluate", "--plan"),
        ("report", "small"),
        ("register", "small"),
    ],
)
def test_every_command_that_takes_a_recipe_takes_a_profile(
    recipe: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    name, *rest = command
    done = msm(name, recipe, *rest, "--profile", "smal", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"msm: recipe {recipe} has no profile 'smal'; it has: small, wide\n"
    assert not (tmp_path / "outputs").exists()
