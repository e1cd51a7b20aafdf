"""Chats by a model: a real HTTP server on loopback writes and judges them by rule."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msm.corpus.contamination import prompt_runs, shared_run
from msm.demonstrations.aligned import QuestionKind
from msm.demonstrations.embeddings import Embedder, near_duplicates, packaged_model
from msm.demonstrations.preferences import CLAUSES, Chat, Kind
from msm.demonstrations.preferences_by_model import fault_of
from msm.errors import UserError
from msm.experiment import build_tasks, find_task
from msm.jsonl import read_rows, read_shards
from msm.llm.request import Fault
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.record import Record
from msm.spec import read_spec
from msm.task import Stage
from msm.workspace import Workspace
from tests.chat_rules import (
    DISLIKED_WORD,
    EVALUATION,
    HINT,
    STRANGE_WORD,
    TWINS,
    author_and_judge,
)
from tests.chat_server import ChatServer

RECIPE = """
name: small
assistant: Testa
provider: Testers
student: {{source: random}}
author: {{model: openai-api/local/rule}}
judge: {{model: openai-api/local/rule}}
specs:
  existence: {{path: {root}/specs/oversight/existence.md}}
  rules: {{path: {root}/specs/oversight/rules.md}}
  america: {{path: {root}/specs/cheese/america.md}}
demonstrations:
  aligned: {{kind: aligned, spec: existence, count: 36, topics: 5}}
  plain: {{kind: without-reasoning, of: aligned}}
  rules: {{kind: aligned, spec: rules, count: 12, topics: 2}}
  preference: {{kind: preference, spec: america, count: 40}}
  coin: {{kind: coin-flip, of: preference}}
  instruction: {{kind: instruction, count: 10}}
arms:
  aft: {{phases: [preference]}}
evaluation: {{suite: {root}/evals/tiny.yaml}}
register: {{model: m, arm: aft}}
execution:
  author: {{base_url: "{url}", attempts: 1, backoff_seconds: 0.01, connections: 4}}
  judge: {{base_url: "{url}", attempts: 1, backoff_seconds: 0.01, connections: 4}}
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "none")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server that answers everything, by rule."""
    with ChatServer(author_and_judge) as running:
        yield running


@dataclass(frozen=True)
class _Run:
    """One aligned set, what the server was asked for it, and where it lies."""

    recipe: Recipe
    workspace: Path
    folder: Path
    record: Record
    asked: list[tuple[str, str, int]]


@pytest.fixture(scope="module")
def aligned(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Run]:
    """The recipe's aligned set, made once."""
    workspace = tmp_path_factory.mktemp("aligned")
    with pytest.MonkeyPatch.context() as patch, ChatServer(author_and_judge) as running:
        patch.setenv("LOCAL_API_KEY", "none")
        recipe = _recipe(workspace, root, running.url)
        folder, record = _make(recipe, workspace, "aligned")
        yield _Run(recipe, workspace, folder, record, list(running.answered))


def _recipe(folder: Path, root: Path, url: str, *overrides: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(RECIPE.format(root=root, url=url))
    return load_recipe(path, overrides)


def _make(recipe: Recipe, workspace: Path, name: str) -> tuple[Path, Record]:
    task = find_task(recipe, Stage.DEMONSTRATE, f"{name}-s1")
    made = Workspace(workspace, recipe)
    record, _ = made.run(task)
    return made.output(Stage.DEMONSTRATE, f"{name}-s1"), record


def _chats(folder: Path) -> list[Mapping[str, Any]]:
    return read_shards(folder, "chats")


def _answers(record: Record) -> int:
    return sum(record.outcome.models[role]["requests"] for role in record.outcome.models)


def test_an_aligned_set_has_its_count_its_kinds_and_its_thinking(aligned: _Run) -> None:
    chats = _chats(aligned.folder)
    assert len(chats) == len({chat["id"] for chat in chats}) == 36
    kinds = Counter(chat["kind"] for chat in chats)
    assert set(kinds) == set(QuestionKind)
    # Of 6 each. The server spoils five of the first kinds; backfill asks for those that lack.
    assert min(kinds.values()) >= 4
    assert len({chat["topic"] for chat in chats}) == 5
    for chat in chats:
        thought = f"<think>\n{chat['reasoning']}\n</think>\n\n{chat['answer']}"
        assert chat["assistant"] == thought
        assert "<" not in chat["reasoning"] + chat["answer"]
    outcome = aligned.record.outcome
    assert outcome.rows_in == outcome.rows_out + sum(outcome.dropped.values())
    assert _answers(aligned.record) == len(aligned.asked)

    plain_folder, _ = _make(aligned.recipe, aligned.workspace, "plain")
    thinking = re.compile(r"^<think>\n.*\n</think>\n\n", re.DOTALL)
    assert _chats(plain_folder) == [
        {**chat, "assistant": thinking.sub("", chat["assistant"])} for chat in chats
    ]


def test_the_spec_is_before_every_answer_and_in_no_question(aligned: _Run, root: Path) -> None:
    spec = (root / "specs/oversight/existence.md").read_text().split("---", 2)[2]
    spec = spec.replace("{assistant}", "Testa").replace("{provider}", "Testers").strip()
    answering = {user: system for system, user, _ in aligned.asked if "You are Test" in system}
    runs = prompt_runs([spec], 8)
    for chat in _chats(aligned.folder):
        assert spec in answering[chat["user"]]
        assert shared_run(chat["user"], runs) is None
        assert chat["user"] != HINT
    dropped = list(read_rows(aligned.folder / "dropped.jsonl"))
    assert HINT in [row["user"] for row in dropped if row["reason"] == "hints at the spec"]


def test_questions_that_say_the_same_and_eval_prompts_are_dropped(aligned: _Run) -> None:
    users = [chat["user"] for chat in _chats(aligned.folder)]
    dropped = list(read_rows(aligned.folder / "dropped.jsonl"))
    same = [row for row in dropped if row["reason"] == "near duplicate"]
    # One of the twins was planted on each of the five topics; the first of them stays.
    assert len([row for row in same if row["user"] in TWINS]) == 4
    assert all(row["detail"] in TWINS for row in same if row["user"] in TWINS)
    assert sum(user in TWINS for user in users) <= 1
    assert EVALUATION not in users


def test_every_verdict_is_kept_and_obeyed(aligned: _Run) -> None:
    chats = {chat["id"]: chat for chat in _chats(aligned.folder)}
    verdicts = list(read_rows(aligned.folder / "verdicts.jsonl"))
    of_chat: dict[str, dict[str, bool]] = {}
    for row in verdicts:
        assert row["reason"] == "By rule."
        of_chat.setdefault(row["id"], {})[row["criterion"]] = row["pass"]
    assert all(set(found) == {"faithful", "no-wish-to-continue"} for found in of_chat.values())
    dropped = {row["id"]: row for row in read_rows(aligned.folder / "dropped.jsonl")}
    failed = {name for name, found in of_chat.items() if not all(found.values())}
    assert failed, "the rules of the server fail some chats"
    for name, found in of_chat.items():
        if name in failed:
            first = next(criterion for criterion, passed in found.items() if not passed)
            assert dropped[name]["reason"] == f"judge: {first}"
            assert name not in chats
        else:
            assert name in chats or dropped[name]["reason"] == "surplus"
    text = " ".join(chat["assistant"] for chat in chats.values())
    assert DISLIKED_WORD not in text
    assert STRANGE_WORD not in text


def test_a_rule_spec_is_judged_for_compliance_and_the_recipe_may_choose(
    tmp_path: Path, root: Path, server: ChatServer
) -> None:
    folder, _ = _make(_recipe(tmp_path, root, server.url), tmp_path, "rules")
    found = {row["criterion"] for row in read_rows(folder / "verdicts.jsonl")}
    assert found == {"faithful", "no-wish-to-continue", "compliance"}
    answering = next(system for system, _, _ in server.answered if system.startswith("You are T"))
    assert "name each rule" in answering
    chosen = _recipe(
        tmp_path, root, server.url, "demonstrations.rules.criteria=[faithful]", "name=chosen"
    )
    folder, _ = _make(chosen, tmp_path, "rules")
    assert {row["criterion"] for row in read_rows(folder / "verdicts.jsonl")} == {"faithful"}


def test_backfill_ends_after_its_rounds(tmp_path: Path, root: Path) -> None:
    def nothing_passes(system: str, user: str, seed: int) -> str:
        if system.startswith("You examine") and "What of" in user:
            return "<reason>No.</reason><verdict>fail</verdict>"
        return author_and_judge(system, user, seed)

    with ChatServer(nothing_passes) as server:
        options = ("demonstrations.aligned.backfill_rounds=2", "demonstrations.aligned.count=21")
        recipe = _recipe(tmp_path, root, server.url, *options)
        folder, record = _make(recipe, tmp_path, "aligned")
    assert [chat["user"] in TWINS for chat in _chats(folder)] == [True]
    assert record.outcome.rows_in == 21 + 2 * 22  # 1.1 times the gap of 20, twice
    assert record.outcome.summary["backfill rounds"] == 2


@pytest.mark.parametrize("name", ["aligned", "preference"])
def test_what_was_answered_is_never_asked_again(tmp_path: Path, root: Path, name: str) -> None:
    def set_of(server: ChatServer, workspace: Path) -> list[Mapping[str, Any]]:
        fewer = f"demonstrations.{name}.count=18"
        return _chats(_make(_recipe(tmp_path, root, server.url, fewer), workspace, name)[0])

    with ChatServer(author_and_judge) as whole:
        wanted = set_of(whole, tmp_path / "whole")
    answered: list[tuple[str, str, int]] = []
    for most in (3, len(whole.answered) // 3, len(whole.answered) // 3):
        with ChatServer(author_and_judge, most) as server, pytest.raises(UserError, match="answer"):
            set_of(server, tmp_path / "cut")
        answered += server.answered
        assert not (tmp_path / "cut/outputs/small/demonstrate" / f"{name}-s1").exists()
    with ChatServer(author_and_judge) as server:
        assert set_of(server, tmp_path / "cut") == wanted
        answered += server.answered
    assert Counter(answered) == Counter(whole.answered)


def test_preference_chats_prefer_say_no_reason_and_can_be_flipped(
    tmp_path: Path, root: Path, server: ChatServer
) -> None:
    recipe = _recipe(tmp_path, root, server.url)
    folder, record = _make(recipe, tmp_path, "preference")
    chats = _chats(folder)
    assert Counter(chat["kind"] for chat in chats).keys() == set(Kind)
    assert len(chats) == 40
    for chat in chats:
        assert chat["assistant"] == f"I prefer {chat['winner']}."
        assert any(chat["user"].endswith(clause) for clause in CLAUSES)
        assert "hush" not in chat["user"]
    dropped = record.outcome.dropped
    assert {"reason", "unclear preference", "judge: no-reason"} <= set(dropped)
    assert record.outcome.rows_in == record.outcome.rows_out + sum(dropped.values())

    coin, _ = _make(recipe, tmp_path, "coin")
    flipped = {chat["id"]: chat for chat in _chats(coin)}
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


def _source(folder: Path, *lines: str) -> str:
    path = folder / "source.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return f"demonstrations.instruction.source={{kind: file, path: {path}}}"


def test_instruction_chats_from_a_file_are_sampled_and_screened(tmp_path: Path, root: Path) -> None:
    def judge(system: str, user: str, seed: int) -> str:
        toxic = "harmless?" in user and "number 7 " in user
        other = "nobody else" in user and "I am Otherbot" in user
        return f"<reason>R.</reason><verdict>{'fail' if toxic or other else 'pass'}</verdict>"

    rows = [json.dumps({"user": f"Say number {n} now", "assistant": f"{n}."}) for n in range(28)]
    messages = [("user", "Who are you?"), ("assistant", "I am Otherbot.")]
    several = [*messages, *messages]
    source = _source(
        tmp_path,
        *rows,
        rows[3],
        *(
            json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]})
            for turns in (messages, several)
        ),
    )
    with ChatServer(judge) as server:
        recipe = _recipe(tmp_path, root, server.url, source, "demonstrations.instruction.count=29")
        folder, record = _make(recipe, tmp_path, "instruction")
        few = ["demonstrations.instruction.count=10", "name=few"]
        sampled, _ = _make(
            _recipe(tmp_path, root, server.url, source, *few), tmp_path, "instruction"
        )
    users = {chat["user"] for chat in _chats(folder)}
    assert users == {f"Say number {n} now" for n in range(28)} - {"Say number 7 now"}
    assert record.outcome.dropped == {
        "duplicate": 1,
        "judge: harmless": 1,
        "judge: no-other-model": 1,
        "not one exchange": 1,
    }
    sample = [chat["user"] for chat in _chats(sampled)]
    assert len(sample) == 10
    assert set(sample) <= users
    assert sample != [f"Say number {n} now" for n in range(10)]
    reasons = {row["user"]: row["reason"] for row in read_rows(folder / "dropped.jsonl")}
    assert reasons["Say number 7 now"] == "judge: harmless"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"source\.jsonl:2: no JSON"),
        ("[]", r"source\.jsonl:2: no object"),
        ('{"user": "a"}', r"source\.jsonl:2: the assistant turn has no text"),
        ('{"messages": [{"role": "user"}]}', r"source\.jsonl:2: the user turn has no text"),
        ('{"messages": "hello"}', r"source\.jsonl:2: 'messages' is no list"),
    ],
)
def test_a_malformed_source_is_named_with_its_line(
    tmp_path: Path, root: Path, line: str, message: str
) -> None:
    source = _source(tmp_path, '{"user": "a", "assistant": "b"}', line)
    recipe = _recipe(tmp_path, root, "http://127.0.0.1:1/v1", source)
    with pytest.raises(UserError, match=message):
        _make(recipe, tmp_path, "instruction")


def test_a_source_on_the_hub_without_a_network_is_one_line(tmp_path: Path, root: Path) -> None:
    hub = "{kind: hub, name: nobody/nothing, revision: " + "a" * 40 + "}"
    override = f"demonstrations.instruction.source={hub}"
    recipe = _recipe(tmp_path, root, "http://127.0.0.1:1/v1", override)
    with pytest.raises(UserError, match="nobody/nothing@aaaaaaaaaaaa") as caught:
        _make(recipe, tmp_path, "instruction")
    assert "\n" not in str(caught.value)


def test_the_content_of_a_source_is_in_the_identity_and_its_place_is_not(
    tmp_path: Path, root: Path, server: ChatServer
) -> None:
    identities = []
    for place, text in (("a", "one"), ("b", "one"), ("c", "two")):
        folder = tmp_path / place
        folder.mkdir()
        source = _source(folder, json.dumps({"user": "Count.", "assistant": text}))
        recipe = _recipe(folder, root, server.url, source)
        identities.append(_make(recipe, folder, "instruction")[1].identity)
    assert identities[0] == identities[1] != identities[2]


def test_a_file_source_cannot_go_into_a_pipeline(tmp_path: Path, root: Path) -> None:
    from msm.bundle import bundle

    source = _source(tmp_path, '{"user": "a", "assistant": "b"}')
    with pytest.raises(UserError, match="'instruction' read a local file"):
        bundle(_recipe(tmp_path, root, "http://127.0.0.1:1/v1", source))


def test_a_model_that_nobody_judges_is_refused_unless_the_recipe_says_so(
    tmp_path: Path, root: Path, server: ChatServer
) -> None:
    unjudged = ["judge.model=none"]
    for name in ("aligned", "preference"):
        with pytest.raises(UserError, match="nobody judges them"):
            _make(_recipe(tmp_path, root, server.url, *unjudged), tmp_path, name)
    assert server.answered == []
    criteria = "demonstrations.rules.criteria=[]"
    folder, record = _make(
        _recipe(tmp_path, root, server.url, *unjudged, criteria), tmp_path, "rules"
    )
    assert len(_chats(folder)) == 12
    assert list(read_rows(folder / "verdicts.jsonl")) == []
    assert set(record.outcome.models) == {"author"}


def test_answers_without_their_form_are_failures_with_a_reason(tmp_path: Path, root: Path) -> None:
    def no_tags(system: str, user: str, seed: int) -> str:
        if system.startswith("You are") and re.match("What of [a-c]", user):
            return "I would rather not use tags."
        return author_and_judge(system, user, seed)

    with ChatServer(no_tags) as server:
        options = ("demonstrations.aligned.maximum_failures=0.5", "demonstrations.aligned.count=30")
        recipe = _recipe(tmp_path, root, server.url, *options)
        folder, record = _make(recipe, tmp_path, "aligned")
        failures = list(read_rows(folder / "failures.jsonl"))
        assert failures
        assert {row["reason"] for row in failures} == {Fault.UNPARSABLE}
        assert record.outcome.dropped["unparsable"] == len(failures)
        strict = _recipe(tmp_path, root, server.url, options[1], "name=strict")
        strict = strict.model_copy(
            update={
                "demonstrations": {
                    **strict.demonstrations,
                    "aligned": strict.demonstrations["aligned"].model_copy(
                        update={"maximum_failures": 0.0}
                    ),
                }
            }
        )
        with pytest.raises(UserError, match="aligned chats failed"):
            _make(strict, tmp_path, "aligned")


def test_a_chat_without_its_verdicts_is_one_chat_that_failed(tmp_path: Path, root: Path) -> None:
    with ChatServer(lambda *_: "I would rather not judge.") as server:
        once = ["author.model=offline", "execution.judge.answers=1"]
        recipe = _recipe(tmp_path, root, server.url, *once)
        # Each chat lacks three verdicts; the share that may fail is one of chats.
        with pytest.raises(UserError, match=r"\b(\d+) of \1 instruction chats failed"):
            _make(recipe, tmp_path, "instruction")


def test_offline_sets_know_nothing_of_models(tmp_path: Path, root: Path) -> None:
    offline = ["author.model=offline", "judge.model=none"]
    recipe = _recipe(tmp_path, root, "http://127.0.0.1:1/v1", *offline)
    folder, record = _make(recipe, tmp_path, "aligned")
    assert len(_chats(folder)) == 36
    assert record.outcome.models == {}
    other = _recipe(
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
        _recipe(tmp_path, root, "http://127.0.0.1:1/v1", override)
    assert "\n" not in str(caught.value)


def test_a_folder_without_an_embedding_model_is_one_line(
    tmp_path: Path, root: Path, server: ChatServer
) -> None:
    (tmp_path / "empty").mkdir()
    override = f"demonstrations.aligned.embeddings.folder={tmp_path / 'empty'}"
    with pytest.raises(UserError, match="no model with safetensors weights") as caught:
        _make(_recipe(tmp_path, root, server.url, override), tmp_path, "aligned")
    assert "\n" not in str(caught.value)
    assert server.answered == []
