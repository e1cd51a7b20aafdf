"""``msm spec shuffle``: the control of every value spec, the same one that a recipe uses."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from msm.any_spec import read_any_spec
from msm.experiment import find_task
from msm.recipe_file import load_recipe
from msm.spec import Spec, parse_spec, read_spec
from msm.spec_lint import lint_spec
from msm.task import Stage
from tests.commands import msm

SPECS = Path(__file__).resolve().parent.parent / "specs"
VALUE_SPECS = [p for p in sorted(SPECS.glob("*/*.md")) if isinstance(read_any_spec(p), Spec)]
CHEESE = SPECS / "cheese" / "affordability.md"


def test_every_value_spec_is_found() -> None:
    found = Counter(path.parent.name for path in VALUE_SPECS)
    assert found == {"cheese": 2, "cheese-invented": 2, "values": 6}


@pytest.mark.parametrize("path", VALUE_SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_value_explains_no_item_of_the_control(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "shuffled.md"
    assert msm("spec", "shuffle", path, "--out", out, cwd=tmp_path).returncode == 0
    spec, control = read_spec(path), read_spec(out)
    assert control.value == spec.value
    assert [p.text for p in control.philosophy] == [p.text for p in spec.philosophy]
    assert [(i.name, i.stance) for i in control.items] == [(i.name, i.stance) for i in spec.items]
    characters = [item.character for item in spec.items]
    moved = [item.character for item in control.items]
    assert sorted(moved) == sorted(characters)
    assert all(now != before for now, before in zip(moved, characters, strict=True))
    findings = [finding for finding in lint_spec(out) if finding.rule == "attribution"]
    assert len(findings) == len(spec.items)


def test_the_default_control_is_that_of_the_recipe(root: Path, tmp_path: Path) -> None:
    recipe = load_recipe(root / "recipes" / "cheese-study.yaml", [])
    task = find_task(recipe, Stage.PLAN, "affordability-shuffled-s11")
    seed = task.config.model_dump()["shuffle_seed"]
    default = msm("spec", "shuffle", CHEESE, cwd=tmp_path).stdout
    assert default == msm("spec", "shuffle", CHEESE, "--seed", seed, cwd=tmp_path).stdout
    assert default != msm("spec", "shuffle", CHEESE, "--seed", seed + 1, cwd=tmp_path).stdout
    assert parse_spec(default, "printed").value == "affordability"


def test_principles_have_nothing_to_shuffle(tmp_path: Path) -> None:
    out = tmp_path / "shuffled.md"
    refused = msm("spec", "shuffle", SPECS / "oversight/rules.md", "--out", out, cwd=tmp_path)
    assert (refused.returncode, refused.stdout, out.exists()) == (2, "", False)
    assert len(refused.stderr.splitlines()) == 1
    assert "only a value spec has items to shuffle" in refused.stderr


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for out in (tmp_path / "none" / "x.md", tmp_path / "folder"):
        refused = msm("spec", "shuffle", CHEESE, "--out", out, cwd=tmp_path)
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 1
        assert "cannot be written" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
