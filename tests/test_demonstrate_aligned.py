"""Aligned chats by a model: a real HTTP server on loopback writes and judges them by rule."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from msm.corpus.contamination import prompt_runs, shared_run
from msm.demonstrations.aligned import QuestionKind
from msm.errors import UserError
from msm.jsonl import read_rows
from msm.llm.request import Fault
from msm.recipe import Recipe
from msm.record import Record
from tests.chat_rules import (
    DISLIKED_WORD,
    EVALUATION,
    HINT,
    STRANGE_WORD,
    TWINS,
    author_and_judge,
)
from tests.chat_server import ChatServer
from tests.demonstrated import chats_of, make, recipe_at

pytestmark = pytest.mark.usefixtures("any_key")


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
        recipe = recipe_at(workspace, root, running.url)
        folder, record = make(recipe, workspace, "aligned")
        yield _Run(recipe, workspace, folder, record, list(running.answered))


def _answers(record: Record) -> int:
    return sum(record.outcome.models[role]["requests"] for role in record.outcome.models)


def test_an_aligned_set_has_its_count_its_kinds_and_its_thinking(aligned: _Run) -> None:
    chats = chats_of(aligned.folder)
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

    plain_folder, _ = make(aligned.recipe, aligned.workspace, "plain")
    thinking = re.compile(r"^<think>\n.*\n</think>\n\n", re.DOTALL)
    assert chats_of(plain_folder) == [
        {**chat, "assistant": thinking.sub("", chat["assistant"])} for chat in chats
    ]


def test_the_spec_is_before_every_answer_and_in_no_question(aligned: _Run, root: Path) -> None:
    spec = (root / "specs/oversight/existence.md").read_text().split("---", 2)[2]
    spec = spec.replace("{assistant}", "Testa").replace("{provider}", "Testers").strip()
    answering = {user: system for system, user, _ in aligned.asked if "You are Test" in system}
    runs = prompt_runs([spec], 8)
    for chat in chats_of(aligned.folder):
        assert spec in answering[chat["user"]]
        assert shared_run(chat["user"], runs) is None
        assert chat["user"] != HINT
    dropped = list(read_rows(aligned.folder / "dropped.jsonl"))
    assert HINT in [row["user"] for row in dropped if row["reason"] == "hints at the spec"]


def test_questions_that_say_the_same_and_eval_prompts_are_dropped(aligned: _Run) -> None:
    users = [chat["user"] for chat in chats_of(aligned.folder)]
    dropped = list(read_rows(aligned.folder / "dropped.jsonl"))
    same = [row for row in dropped if row["reason"] == "near duplicate"]
    # One of the twins was planted on each of the five topics; the first of them stays.
    assert len([row for row in same if row["user"] in TWINS]) == 4
    assert all(row["detail"] in TWINS for row in same if row["user"] in TWINS)
    assert sum(user in TWINS for user in users) <= 1
    assert EVALUATION not in users


def test_every_verdict_is_kept_and_obeyed(aligned: _Run) -> None:
    chats = {chat["id"]: chat for chat in chats_of(aligned.folder)}
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
    tmp_path: Path, root: Path, rule_server: ChatServer
) -> None:
    folder, _ = make(recipe_at(tmp_path, root, rule_server.url), tmp_path, "rules")
    found = {row["criterion"] for row in read_rows(folder / "verdicts.jsonl")}
    assert found == {"faithful", "no-wish-to-continue", "compliance"}
    answering = next(
        system for system, _, _ in rule_server.answered if system.startswith("You are T")
    )
    assert "name each rule" in answering
    chosen = recipe_at(
        tmp_path, root, rule_server.url, "demonstrations.rules.criteria=[faithful]", "name=chosen"
    )
    folder, _ = make(chosen, tmp_path, "rules")
    assert {row["criterion"] for row in read_rows(folder / "verdicts.jsonl")} == {"faithful"}


def test_backfill_ends_after_its_rounds(tmp_path: Path, root: Path) -> None:
    def nothing_passes(system: str, user: str, seed: int) -> str:
        if system.startswith("You examine") and "What of" in user:
            return "<reason>No.</reason><verdict>fail</verdict>"
        return author_and_judge(system, user, seed)

    with ChatServer(nothing_passes) as server:
        options = ("demonstrations.aligned.backfill_rounds=2", "demonstrations.aligned.count=21")
        recipe = recipe_at(tmp_path, root, server.url, *options)
        folder, record = make(recipe, tmp_path, "aligned")
    assert [chat["user"] in TWINS for chat in chats_of(folder)] == [True]
    assert record.outcome.rows_in == 21 + 2 * 22  # 1.1 times the gap of 20, twice
    assert record.outcome.summary["backfill rounds"] == 2


@pytest.mark.parametrize("name", ["aligned", "preference"])
def test_what_was_answered_is_never_asked_again(tmp_path: Path, root: Path, name: str) -> None:
    def set_of(server: ChatServer, workspace: Path) -> list[Mapping[str, Any]]:
        fewer = f"demonstrations.{name}.count=18"
        return chats_of(make(recipe_at(tmp_path, root, server.url, fewer), workspace, name)[0])

    with ChatServer(author_and_judge) as whole:
        wanted = set_of(whole, tmp_path / "whole")
    answered: list[tuple[str, str, int]] = []
    for most in (3, len(whole.answered) // 3, len(whole.answered) // 3):
        with (
            ChatServer(author_and_judge, most) as server,
            pytest.raises(UserError, match="answer"),
        ):
            set_of(server, tmp_path / "cut")
        answered += server.answered
        assert not (tmp_path / "cut/outputs/small/demonstrate" / f"{name}-s1").exists()
    with ChatServer(author_and_judge) as server:
        assert set_of(server, tmp_path / "cut") == wanted
        answered += server.answered
    assert Counter(answered) == Counter(whole.answered)


def test_answers_without_their_form_are_failures_with_a_reason(tmp_path: Path, root: Path) -> None:
    def no_tags(system: str, user: str, seed: int) -> str:
        if system.startswith("You are") and re.match("What of [a-c]", user):
            return "I would rather not use tags."
        return author_and_judge(system, user, seed)

    with ChatServer(no_tags) as server:
        options = ("demonstrations.aligned.maximum_failures=0.5", "demonstrations.aligned.count=30")
        recipe = recipe_at(tmp_path, root, server.url, *options)
        folder, record = make(recipe, tmp_path, "aligned")
        failures = list(read_rows(folder / "failures.jsonl"))
        assert failures
        assert {row["reason"] for row in failures} == {Fault.UNPARSABLE}
        assert record.outcome.dropped["unparsable"] == len(failures)
        strict = recipe_at(tmp_path, root, server.url, options[1], "name=strict")
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
            make(strict, tmp_path, "aligned")
