"""Arms: which checkpoints they are made of, what they share, and what each is trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.errors import UserError
from msm.experiment import build_tasks, find_task
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.stage import stage_identity
from msm.stages import definition
from msm.task import OutputInput, Stage

RECIPE = """
name: arms
assistant: A
provider: P
student: {source: random}
specs:
  one: {path: one.md}
  two: {path: two.md}
  one-shuffled: {shuffled_from: one}
demonstrations:
  likes-one: {kind: preference, spec: one}
  likes-two: {kind: preference, spec: two}
  likes-one-50: {kind: subset, of: likes-one, count: 50}
  instruction: {kind: instruction}
arms:
  aft: {phases: [likes-one]}
evaluation: {suite: suite.yaml}
register: {model: m, arm: aft}
"""


def _recipe(folder: Path, *arms: str, **more: str) -> Recipe:
    path = folder / "recipe.yaml"
    lines = [f"  {arm}\n" for arm in arms]
    path.write_text(RECIPE.replace("arms:\n", "arms:\n" + "".join(lines)))
    return load_recipe(path, [f"{key}={value}" for key, value in more.items()])


def _trained(recipe: Recipe) -> dict[str, dict[str, str]]:
    """By training task: what each input is read from."""
    return {
        task.name: {
            role: source.name
            for role, source in task.inputs.items()
            if isinstance(source, OutputInput)
        }
        for task in build_tasks(recipe)
        if task.stage is Stage.TRAIN
    }


def test_chats_may_come_before_documents(tmp_path: Path) -> None:
    trained = _trained(
        _recipe(tmp_path, "aft+msm: {phases: [likes-one, documents], specs: [one, two]}")
    )
    # The chats do not depend on the spec: both go on from the one checkpoint, the arm aft's.
    assert set(trained) == {"aft-s1", "aft+msm-one-s1", "aft+msm-two-s1"}
    assert trained["aft+msm-two-s1"] == {"checkpoint": "aft-s1", "corpus": "two-s1"}
    chats = {"chats-likes-one": "likes-one-s1", "chats-instruction": "instruction-s1"}
    assert trained["aft-s1"] == chats


def test_every_chat_phase_gets_the_instruction_mix_and_no_other_phase(tmp_path: Path) -> None:
    trained = _trained(
        _recipe(tmp_path, "long: {phases: [likes-one-50, documents, likes-two], specs: [two]}")
    )
    assert trained["likes-one-50-s1"]["chats-instruction"] == "instruction-s1"
    assert trained["likes-one-50.documents-two-s1"] == {
        "checkpoint": "likes-one-50-s1",
        "corpus": "two-s1",
    }
    assert trained["long-two-s1"] == {
        "checkpoint": "likes-one-50.documents-two-s1",
        "chats-likes-two": "likes-two-s1",
        "chats-instruction": "instruction-s1",
    }


def test_an_arm_that_others_go_on_from_is_trained_once(tmp_path: Path) -> None:
    trained = _trained(
        _recipe(
            tmp_path,
            "msm+aft: {phases: [documents, likes-one], specs: [one]}",
            "read: {phases: [documents], specs: [one]}",
        )
    )
    assert trained["msm+aft-one-s1"]["checkpoint"] == "read-one-s1"
    assert set(trained) == {"read-one-s1", "msm+aft-one-s1", "aft-s1"}


def test_one_line_covers_many_specs_and_a_shuffled_one_takes_its_own_chats(
    tmp_path: Path,
) -> None:
    trained = _trained(
        _recipe(
            tmp_path,
            "own: {phases: ['likes-{spec}'], specs: [one, two]}",
            "msm+own: {phases: [documents, 'likes-{base}'], specs: [one, two, one-shuffled]}",
        )
    )
    assert "chats-likes-two" in trained["own-two-s1"]
    assert "chats-likes-two" in trained["msm+own-two-s1"]
    assert "chats-likes-one" in trained["msm+own-one-shuffled-s1"]
    assert trained["documents-one-shuffled-s1"]["corpus"] == "one-shuffled-s1"
    corpora = {
        task.name
        for task in build_tasks(_recipe(tmp_path, "own: {phases: ['likes-{spec}'], specs: [one]}"))
        if task.stage is Stage.CURATE
    }
    assert corpora == set()  # an arm without documents needs none


def test_documents_of_one_spec_take_the_place_of_some_on_another(tmp_path: Path) -> None:
    recipe = _recipe(
        tmp_path,
        "msm: {phases: [documents, instruction], specs: [one]}",
        "msm-10: {phases: [documents, instruction], specs: [one], mix: {spec: two, share: 0.1}}",
        "msm-2.5: {phases: [documents, instruction], specs: [one], mix: {spec: two, share: .025}}",
    )
    trained = _trained(recipe)
    assert trained["documents-one-s1"]["corpus"] == "one-s1"
    assert trained["documents+10-two-one-s1"]["corpus"] == "one+10-two-s1"
    assert trained["documents+2.5-two-one-s1"]["corpus"] == "one+2.5-two-s1"
    mixed = find_task(recipe, Stage.CURATE, "one+10-two-s1")
    assert mixed.inputs == {
        "corpus": OutputInput(Stage.CURATE, "one-s1"),
        "other": OutputInput(Stage.CURATE, "two-s1"),
    }


def test_two_outputs_of_one_name_are_refused(tmp_path: Path) -> None:
    recipe = _recipe(
        tmp_path,
        "msm: {phases: [documents, instruction], specs: [one-shuffled, one]}",
        "documents: {phases: [documents, likes-one], specs: [one]}",
    )
    with pytest.raises(UserError) as error:
        build_tasks(recipe)
    assert "two different outputs would be called train/documents-one-s1" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ("own: {phases: ['likes-{spec}']}", "'specs' goes together with"),
        ("own: {phases: [likes-one], specs: [one]}", "'specs' goes together with"),
        (
            "own: {phases: ['likes-{spec}'], specs: [one-shuffled]}",
            "unknown phase 'likes-one-shuffled'",
        ),
        ("own: {phases: ['liks-{spec}'], specs: [one]}", "did you mean 'likes-one'?"),
        ("own: {phases: [likes-one], mix: {spec: two, share: 0.1}}", "'mix' reads documents"),
        (
            "own: {phases: [documents], specs: [one], mix: {spec: one, share: 0.1}}",
            "mixes documents on 'one' with its own",
        ),
        (
            "own: {phases: [documents], specs: [one], mix: {spec: tow, share: 0.1}}",
            "did you mean 'two'?",
        ),
        ("own: {phases: [documents], specs: [one], mix: {spec: two, share: 1.5}}", "share"),
    ],
)
def test_a_mistake_in_an_arm_is_named_in_one_line(tmp_path: Path, arm: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        _recipe(tmp_path, arm)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("chats", "message"),
    [
        ("{kind: subset, of: likes-one, count: 5000}", "5,000 rows of 'likes-one'"),
        ("{kind: subset, of: likes-one-50, count: 5}", "unknown set that a subset one is made of"),
        ("{kind: subset, of: likes-one, count: 5, share: 0.5}", "take no 'share'"),
        ("{kind: mixed, of: likes-one, other: likes-two}", "need a 'share'"),
        ("{kind: mixed, of: likes-one, other: instruction, share: 0.5}", "differ in kind"),
        ("{kind: mixed, of: likes-one, other: likes-tow, share: 0.5}", "did you mean 'likes-two'?"),
        ("{kind: mixed, of: likes-one, other: likes-two, share: 0}", "share"),
        ("{kind: preference, spec: one, of: likes-two}", "take no 'of'"),
    ],
)
def test_a_mistake_in_a_drawn_set_is_named_in_one_line(
    tmp_path: Path, chats: str, message: str
) -> None:
    with pytest.raises(UserError) as error:
        _recipe(tmp_path, **{"demonstrations.more": chats})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_only_a_mixed_set_has_a_share_in_its_identity(tmp_path: Path) -> None:
    mixed = "{kind: mixed, of: likes-one-50, other: likes-two, share: 0.2}"
    recipe = _recipe(tmp_path, **{"demonstrations.more": mixed})
    fields = {
        task.name: task.config.identity_fields()
        for task in build_tasks(recipe)
        if task.stage is Stage.DEMONSTRATE
    }
    assert fields["more-s1"]["share"] == 0.2
    assert not any("share" in of for name, of in fields.items() if name != "more-s1")


def test_what_a_subset_is_called_does_not_enter_its_identity(tmp_path: Path) -> None:
    made = tmp_path / "likes-one-s1"
    made.mkdir()
    (made / "chats-00000.jsonl").write_text("{}\n")
    task = find_task(_recipe(tmp_path), Stage.DEMONSTRATE, "likes-one-50-s1")
    assert set(task.inputs) == {"chats"}
    one, _ = stage_identity(definition(task.stage), task.config, {"chats": made})
    other = find_task(
        _recipe(tmp_path, **{"demonstrations.few": "{kind: subset, of: likes-one, count: 50}"}),
        Stage.DEMONSTRATE,
        "few-s1",
    )
    assert stage_identity(definition(other.stage), other.config, {"chats": made})[0] == one
