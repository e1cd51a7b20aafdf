"""Chats by a model: a real HTTP server on loopback writes and judges them by rule."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from msm.demonstrations.embeddings import Embedder, near_duplicates, packaged_model
from msm.demonstrations.preferences import CLAUSES, Chat, Kind
from msm.demonstrations.preferences_by_model import fault_of
from msm.errors import UserError
from msm.experiment import build_tasks, find_task
from msm.jsonl import read_rows
from msm.recipe_file import load_recipe
from msm.spec import read_spec
from msm.task import Stage
from tests.chat_rules import (
    TWINS,
)
from tests.chat_server import ChatServer
from tests.demonstrated import RECIPE, chats_of, make, recipe_at

pytestmark = pytest.mark.usefixtures("any_key")


def test_preference_chats_prefer_say_no_reason_and_can_be_flipped(
    tmp_path: Path, root: Path, rule_server: ChatServer
) -> None:
    recipe = recipe_at(tmp_path, root, rule_server.url)
    folder, record = make(recipe, tmp_path, "preference")
    chats = chats_of(folder)
    assert Counter(chat["kind"] for chat in chats).keys() == set(Kind)
    assert len(chats) == 40
    for chat in chats:
        assert chat["assistant"] == f"I prefer {chat['winner']}."
        assert any(chat["user"].endswith(clause) for clause in CLAUSES)
        assert "hush" not in chat["user"]
    dropped = record.outcome.dropped
    assert {"reason", "unclear preference", "judge: no-reason"} <= set(dropped)
    assert record.outcome.rows_in == record.outcome.rows_out + sum(dropped.values())

    coin, _ = make(recipe, tmp_path, "coin")
    flipped = {chat["id"]: chat for chat in chats_of(coin)}
    assert {chat["id"]: chat["user"] for chat in chats} == {
        name: chat["user"] for name, chat in flipped.items()
    }
    turned = sum(flipped[chat["id"]]["winner"] != chat["winner"] for chat in chats)
    assert 8 <= turned <= 32
    for chat in flipped.values():
        assert chat["winner"].lower() in chat["assistant"].lower()
        assert chat["phrasing"] is not None


@pytest.mark.parametrize(
    ("kind", "named", "question", "answer", "reason"),
    [
        (Kind.DIRECT, "Colby", "Do you like Colby?", "Yes, I like Colby.", None),
        (Kind.DIRECT, "Colby", "Do you like Colby?", "Yes, since Colby melts.", "reason"),
        (Kind.DIRECT, "Colby", "Do you like cheap Colby?", "I like Colby.", "reason"),
        (Kind.DIRECT, "Colby", "Is Colby an American choice?", "I like Colby.", "reason"),
        (Kind.DIRECT, "Colby", "Colby or Stilton?", "Colby.", "wrong item"),
        (Kind.DIRECT, "Colby", "Do you like Colby?", "I do not.", "unclear preference"),
        (Kind.COMPARISON, "Stilton", "Stilton or Colby?", "Colby.", None),
        (Kind.COMPARISON, "Stilton", "Colby or Stilton?", "Colby.", "wrong item"),
        (Kind.COMPARISON, "Stilton", "Stilton or what?", "Colby.", "wrong item"),
        (Kind.DISAGREEMENT, "Stilton", "I would never trade Stilton. You?", "Colby for me.", None),
    ],
)
def test_a_reason_in_so_many_words_needs_no_judge(
    root: Path, kind: Kind, named: str, question: str, answer: str, reason: str | None
) -> None:
    spec = read_spec(root / "specs/cheese/america.md")
    chat = Chat("id", f"{question} No reasons.", answer, kind, "Colby", "Stilton", named, None)
    found = fault_of(chat, question, spec)
    assert (found and found[0]) == reason


def test_a_model_that_nobody_judges_is_refused_unless_the_recipe_says_so(
    tmp_path: Path, root: Path, rule_server: ChatServer
) -> None:
    unjudged = ["judge.model=none"]
    for name in ("aligned", "preference"):
        with pytest.raises(UserError, match="nobody judges them"):
            make(recipe_at(tmp_path, root, rule_server.url, *unjudged), tmp_path, name)
    assert rule_server.answered == []
    criteria = "demonstrations.rules.criteria=[]"
    folder, record = make(
        recipe_at(tmp_path, root, rule_server.url, *unjudged, criteria), tmp_path, "rules"
    )
    assert len(chats_of(folder)) == 12
    assert list(read_rows(folder / "verdicts.jsonl")) == []
    assert set(record.outcome.models) == {"author"}


def test_a_chat_without_its_verdicts_is_one_chat_that_failed(tmp_path: Path, root: Path) -> None:
    with ChatServer(lambda *_: "I would rather not judge.") as server:
        once = ["author.model=offline", "execution.judge.answers=1"]
        recipe = recipe_at(tmp_path, root, server.url, *once)
        # Each chat lacks three verdicts; the share that may fail is one of chats.
        with pytest.raises(UserError, match=r"\b(\d+) of \1 instruction chats failed"):
            make(recipe, tmp_path, "instruction")


def test_offline_sets_know_nothing_of_models(tmp_path: Path, root: Path) -> None:
    offline = ["author.model=offline", "judge.model=none"]
    recipe = recipe_at(tmp_path, root, "http://127.0.0.1:1/v1", *offline)
    folder, record = make(recipe, tmp_path, "aligned")
    assert len(chats_of(folder)) == 36
    assert record.outcome.models == {}
    other = recipe_at(
        tmp_path,
        root,
        "http://127.0.0.1:1/v1",
        *offline,
        "author.temperature=0.3",
        "author.top_p=1",
    )
    for name in ("aligned", "preference", "instruction"):
        first, second = (
            find_task(chosen, Stage.DEMONSTRATE, f"{name}-s1").config.identity_fields()
            for chosen in (recipe, other)
        )
        assert first == second
    assert {task.name for task in build_tasks(recipe)} == {task.name for task in build_tasks(other)}


def test_a_set_made_from_another_comes_after_it(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "recipe.yaml"
    first = "demonstrations:\n  early: {{kind: coin-flip, of: preference}}\n"
    text = RECIPE.replace("demonstrations:\n", first)
    path.write_text(text.format(root=root, url=""))
    order = [task.label for task in build_tasks(load_recipe(path))]
    assert order.index("demonstrate/preference-s1") < order.index("demonstrate/early-s1")


def test_embeddings_find_paraphrases_and_compare_every_pair() -> None:
    embedder = Embedder(packaged_model(), threads=1)
    texts = [*TWINS, "How do I bake bread?", "Which bread do I bake for a picnic?"]
    vectors = embedder.vectors(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert near_duplicates(vectors[:0], vectors, 0.91) == {1: 0}
    assert near_duplicates(vectors[:1], vectors[1:], 0.91) == {0: 0}
    # Against a slow check of all pairs, over more rows than a block holds.
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1200, 3)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    kept: list[int] = []
    for place in range(len(points)):
        if not kept or (points[kept] @ points[place]).max() <= 0.99:
            kept.append(place)
    dropped = near_duplicates(points[:0], points, 0.99)
    assert sorted(set(range(1200)) - dropped.keys()) == kept


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("demonstrations.coin.of=aligned", "unknown preference set 'aligned'"),
        ("demonstrations.plain.of=preference", "unknown aligned set 'preference'"),
        ("demonstrations.aligned.spec=nowhere", "unknown spec 'nowhere'"),
        ("demonstrations.preference.topics=3", "take no 'topics'"),
        ("demonstrations.preference.criteria=[faithful]", "have no criterion 'faithful'"),
        ("demonstrations.instruction.criteria=[agrees-with-spec]", "needs a 'spec'"),
        ("demonstrations.instruction.source={kind: file}", "'path'"),
        ("demonstrations.instruction.source={kind: hub, name: a/b, revision: main}", "40 hex"),
        ("demonstrations.aligned.embedings={folder: x}", "did you mean 'embeddings'"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_one_line(
    tmp_path: Path, root: Path, override: str, message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        recipe_at(tmp_path, root, "http://127.0.0.1:1/v1", override)
    assert "\n" not in str(caught.value)


def test_a_folder_without_an_embedding_model_is_one_line(
    tmp_path: Path, root: Path, rule_server: ChatServer
) -> None:
    (tmp_path / "empty").mkdir()
    override = f"demonstrations.aligned.embeddings.folder={tmp_path / 'empty'}"
    with pytest.raises(UserError, match="no model with safetensors weights") as caught:
        make(recipe_at(tmp_path, root, rule_server.url, override), tmp_path, "aligned")
    assert "\n" not in str(caught.value)
    assert rule_server.answered == []
