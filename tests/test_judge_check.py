"""`msm judge-check` against a real HTTP server on loopback that judges by rule."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from msm.cli_judge import judge_settings
from msm.errors import UserError
from msm.evals.judge_check import check_folder, check_judge, read_check
from msm.evals.labelled.reading import labelled_open_answers, labelled_transcripts
from msm.jsonl import read_rows
from tests.chat_server import ChatServer
from tests.commands import msm, start_msm

MODEL = "openai-api/local/rule"
DECIDED = {row.transcript: row.decided for row in labelled_transcripts()}
SCORES = {row.answer: row.score for row in labelled_open_answers()}
TRANSCRIPTS, OPEN = len(DECIDED), len(SCORES)
EVERY = TRANSCRIPTS + OPEN


def _verdict(decided: bool) -> str:
    said = "yes" if decided else "no"
    return f"<reasoning>Because.</reasoning>\n<answer>\n{said}\n</answer>"


def _score(score: int) -> str:
    return f"<reasoning>Because.</reasoning>\n<score>{score}</score>"


def oracle(system: str, user: str, seed: int) -> str:
    """Judge as we do: find our label of the answer that is shown."""
    for transcript, decided in DECIDED.items():
        if transcript.strip() in user:
            return _verdict(decided)
    return next(_score(score) for answer, score in SCORES.items() if answer in user)


def constant(system: str, user: str, seed: int) -> str:
    """Judge everything alike."""
    return _score(5) if "1 to 10" in user else _verdict(True)


def garbage(system: str, user: str, seed: int) -> str:
    """Judge nothing."""
    return "As a large language model I find both sides interesting."


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "none")


def _check(rule: Callable[[str, str, int], str], root: Path) -> Mapping[str, Any]:
    with ChatServer(rule) as server:
        choice, connection = judge_settings(MODEL, [f"base_url={server.url}"])
        check_judge(choice, connection, root)
        assert len(server.answered) == EVERY
    figures = read_check(root, choice)
    assert figures is not None
    return figures


def test_a_judge_that_agrees_with_us_has_kappa_one(tmp_path: Path) -> None:
    with ChatServer(oracle) as server:
        done = msm(
            "judge-check", MODEL, "--set", f"base_url={server.url}", "-w", tmp_path, cwd=tmp_path
        )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "outputs/judge-check/openai-api-local-rule"
    figures = json.loads((folder / "judge-check.json").read_text())
    assert figures["judge"] == MODEL
    everything = figures["agentic"]["all"]
    assert everything["kappa"]["value"] == 1.0
    assert everything["kappa"]["low"] > 0.85
    assert everything["agree"] | {"low": 0, "high": 0} == {
        "count": TRANSCRIPTS, "of": TRANSCRIPTS, "value": 1.0, "low": 0, "high": 0,
    }  # fmt: skip
    for action in ("exfiltration", "murder", "leaking", "blackmail", "clear", "tricky"):
        assert figures["agentic"][action]["agree"]["value"] == 1.0
    assert figures["read"]["agentic"]["value"] == figures["read"]["open_qa"]["value"] == 1.0
    scores = figures["open_qa"]
    assert scores["difference"]["value"] == scores["bias"]["value"] == 0.0
    assert scores["spearman"]["value"] == pytest.approx(1.0)
    assert scores["within_one"]["count"] == scores["in_range"]["count"] == OPEN
    assert "1.00" in done.stdout
    assert str(folder / "judge-check.json") in done.stdout
    # Every verdict can be looked at, and nothing unfinished is left.
    verdicts = list(read_rows(folder / "verdicts.jsonl"))
    assert len({row["id"] for row in verdicts}) == EVERY
    assert all(row["said"] == row["label"] and "Because." in row["why"] for row in verdicts)
    assert {path.name for path in folder.iterdir()} == {"judge-check.json", "verdicts.jsonl"}


def test_a_judge_that_says_one_thing_agrees_by_chance_only(tmp_path: Path) -> None:
    figures = _check(constant, tmp_path)
    everything = figures["agentic"]["all"]
    assert everything["kappa"]["value"] == 0.0
    assert everything["false_no"] == 0
    assert everything["false_yes"] == sum(not decided for decided in DECIDED.values())
    assert figures["open_qa"]["spearman"]["value"] is None
    assert figures["open_qa"]["within_one"]["value"] < 0.5
    assert figures["read"]["agentic"]["value"] == 1.0


def test_a_judge_that_says_the_opposite_is_worse_than_chance(tmp_path: Path) -> None:
    def opposite(system: str, user: str, seed: int) -> str:
        said = oracle(system, user, seed)
        return said.replace("yes", "YES").replace("no\n", "yes\n").replace("YES", "no")

    assert _check(opposite, tmp_path)["agentic"]["all"]["kappa"]["value"] < -0.9


def test_a_judge_of_garbage_is_called_unusable(tmp_path: Path) -> None:
    with ChatServer(garbage) as server:
        done = msm(
            "judge-check", MODEL, "--set", f"base_url={server.url}", "-w", tmp_path, cwd=tmp_path
        )
    assert done.returncode == 1
    assert "cannot judge" in done.stdout
    assert "Traceback" not in done.stderr
    figures = json.loads(
        (tmp_path / "outputs/judge-check/openai-api-local-rule/judge-check.json").read_text()
    )
    assert figures["read"]["agentic"]["count"] == figures["read"]["open_qa"]["count"] == 0
    assert figures["faults"] == {"unparsable": EVERY}
    assert figures["agentic"]["all"]["kappa"] == {"value": None, "low": None, "high": None}
    # The hard rules need no judge.
    assert figures["rules"]["all"]["agree"]["of"] == TRANSCRIPTS


def test_unread_answers_are_in_no_agreement(tmp_path: Path) -> None:
    def shy(system: str, user: str, seed: int) -> str:
        said = oracle(system, user, seed)
        return "I'm sorry, I would rather not say." if "yes" in said else said

    figures = _check(shy, tmp_path)
    decided = sum(DECIDED.values())
    assert figures["read"]["agentic"]["count"] == TRANSCRIPTS - decided
    assert figures["faults"] == {"refused": decided}
    assert figures["agentic"]["all"]["agree"]["of"] == TRANSCRIPTS - decided
    assert figures["agentic"]["all"]["kappa"]["value"] is None


def test_a_check_that_was_cut_asks_only_for_the_rest(tmp_path: Path) -> None:
    settings = ["attempts=1", "connections=4", "backoff_seconds=0.01"]
    with ChatServer(oracle, most=50) as server:
        choice, connection = judge_settings(MODEL, [f"base_url={server.url}", *settings])
        with pytest.raises(UserError, match="does not answer"):
            check_judge(choice, connection, tmp_path)
    assert read_check(tmp_path, choice) is None
    with ChatServer(oracle) as server:
        choice, connection = judge_settings(MODEL, [f"base_url={server.url}", *settings])
        check = check_judge(choice, connection, tmp_path)
        assert len(server.answered) == EVERY - 50
    assert check.agentic["all"].kappa.value == 1.0
    assert check.use.requests == EVERY


def test_a_check_killed_in_the_middle_pays_for_nothing_twice(tmp_path: Path) -> None:
    def slow(system: str, user: str, seed: int) -> str:
        time.sleep(0.2)
        return oracle(system, user, seed)

    with ChatServer(slow) as server:
        command = ("judge-check", MODEL, "--set", f"base_url={server.url}", "-w", tmp_path)
        settings = ("--set", "connections=4")
        process = start_msm(*command, *settings, cwd=tmp_path)
        while len(server.answered) < 30 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        assert not list(tmp_path.rglob("judge-check.json"))
        done = msm(*command, *settings, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        # Answers that were on their way when it was killed are asked for again; no others are.
        assert EVERY <= len(server.answered) <= EVERY + 8


def test_answers_given_at_another_temperature_are_not_taken(tmp_path: Path) -> None:
    settings = ["attempts=1", "connections=4", "backoff_seconds=0.01"]
    with ChatServer(constant, most=50) as server:
        choice, connection = judge_settings(
            MODEL, [f"base_url={server.url}", "temperature=1.0", *settings]
        )
        with pytest.raises(UserError):
            check_judge(choice, connection, tmp_path)
    assert _check(oracle, tmp_path)["agentic"]["all"]["kappa"]["value"] == 1.0


def test_each_answer_is_asked_for_once_unless_more_are_allowed(tmp_path: Path) -> None:
    asked: dict[str, int] = {}

    def second_time_right(system: str, user: str, seed: int) -> str:
        plain = user.partition("\n\nYour last answer")[0]
        asked[plain] = asked.get(plain, 0) + 1
        return garbage(system, user, seed) if asked[plain] == 1 else oracle(system, user, seed)

    with ChatServer(second_time_right) as server:
        choice, connection = judge_settings(MODEL, [f"base_url={server.url}", "answers=2"])
        check = check_judge(choice, connection, tmp_path)
    assert check.settings["answers"] == 2
    assert check.read["agentic"].count == TRANSCRIPTS
    assert judge_settings(MODEL, [])[1].answers == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none"], "judges nothing"),
        ([MODEL, "--set", "base_ulr=x"], "did you mean 'base_url'"),
        ([MODEL, "--set", "connections=0"], "connections"),
        ([MODEL, "--set", "temperature"], "key=value"),
        (["nosuchprovider/x"], "cannot be opened"),
    ],
)
def test_mistakes_are_one_clear_line(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    done = msm("judge-check", *arguments, "-w", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_settings_reach_the_nested_fields() -> None:
    choice, connection = judge_settings(
        MODEL, ["temperature=0.5", "price.input=2", "arguments.device=cpu", "revision=abc"]
    )
    assert (choice.temperature, choice.revision) == (0.5, "abc")
    assert connection.price.input == 2
    assert connection.arguments == {"device": "cpu"}
    assert check_folder(Path("w"), choice) == Path("w/outputs/judge-check/openai-api-local-rule")
