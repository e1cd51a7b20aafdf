"""Recipes: defaults, overrides, and one clear line for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.errors import UserError
from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from msm.task import Stage

MINIMAL = """
name: small
assistant: A
provider: P
student: {source: random}
specs: {one: {path: one.md}, two: {path: two.md}}
demonstrations:
  preference: {kind: preference, spec: one}
  instruction: {kind: instruction}
arms:
  aft: {phases: [preference]}
  msm+aft: {phases: [documents, preference], specs: [one, two]}
evaluation: {suite: suite.yaml}
register: {model: m}
"""


def _write(folder: Path, text: str, name: str = "recipe.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(_write(tmp_path, MINIMAL))
    assert recipe.specs["one"].path == str(tmp_path / "one.md")
    assert recipe.evaluation.suite == str(tmp_path / "suite.yaml")


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    path = _write(tmp_path, MINIMAL)
    recipe = load_recipe(path, ["training.lora.rank=3", "seeds=[4, 5]"])
    assert recipe.training.lora.rank == 3
    assert recipe.seeds == (4, 5)


def test_extends_takes_what_it_does_not_name(tmp_path: Path) -> None:
    _write(tmp_path, MINIMAL)
    child = _write(tmp_path, "extends: recipe.yaml\nname: child\nseeds: [7]\n", "child.yaml")
    recipe = load_recipe(child)
    assert (recipe.name, recipe.seeds, recipe.assistant) == ("child", (7,), "A")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("assistant: A", "assistent: A"), "did you mean 'assistant'?"),
        (("{model: m}", "{model: m, arms: x}"), "did you mean 'arm'?"),
        (
            ("suite: suite.yaml", "suites: {agentic: {epoch: 3}}"),
            "unknown key 'evaluation.suites.agentic.epoch'; did you mean 'epochs'?",
        ),
        (("specs: [one, two]", "specs: [one, too]"), "unknown spec 'too'; did you mean 'two'?"),
        (("phases: [preference]", "phases: [preferences]"), "did you mean 'preference'?"),
        (("name: small", "name: Small Name"), "name"),
        (("provider: P\n", ""), "the key 'provider' is missing"),
        (("phases: [documents, preference], specs: [one, two]", "phases: [documents]"), "specs"),
        (("{source: random}", "{source: hub, name: x}"), "revision"),
    ],
)
def test_a_mistake_is_named_in_one_line(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    assert change[0] in MINIMAL
    with pytest.raises(UserError) as error:
        load_recipe(_write(tmp_path, MINIMAL.replace(*change)))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "- a\n", "a: [\n", "extends: recipe.yaml\n"])
def test_a_broken_file_is_named_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError) as error:
        load_recipe(_write(tmp_path, text))
    assert "recipe.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_malformed_override_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"write it as key\.sub=value"):
        load_recipe(_write(tmp_path, MINIMAL), ["seeds"])


def test_arms_share_the_documents_phase(tmp_path: Path, root: Path) -> None:
    tasks = build_tasks(load_recipe(root / "recipes" / "cheese.yaml"))
    trained = [task for task in tasks if task.stage is Stage.TRAIN]
    documents = [task for task in trained if "corpus" in task.inputs]
    assert len(documents) == 2  # one a spec, though three arms of each read them
    continued = [task for task in trained if "checkpoint" in task.inputs]
    assert len(continued) == 6
    chats = [task for task in trained if "corpus" not in task.inputs]
    assert all("chats-instruction" in task.inputs for task in chats)


def test_tasks_stand_behind_what_they_need(root: Path) -> None:
    seen: set[str] = set()
    for task in build_tasks(load_recipe(root / "recipes" / "cheese.yaml")):
        assert {f"{need.stage}/{need.name}" for need in task.needs} <= seen
        seen.add(task.label)
