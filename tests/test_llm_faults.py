"""Planning and writing with a server that misbehaves: nothing is lost, nothing runs without end."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.execution import Connection
from msm.llm.asking import Asker
from msm.llm.request import Request
from msm.model_choice import ModelChoice
from msm.task import Stage
from tests.author_recipe import (
    CONNECTIONS,
    CORPUS,
    RECIPE,
    failures,
    journal,
    make,
    output,
    overrides,
    rows,
    settings,
)
from tests.author_server import AuthorServer, Behaviour, Misdeed
from tests.commands import msm

REQUESTS = 40
# A server that hangs costs its client's patience, so only one test has it among the others.
QUICK = tuple(misdeed for misdeed in Misdeed if misdeed is not Misdeed.HANG)
UNUSABLE = {
    Misdeed.TRUNCATED: "truncated",
    Misdeed.EMPTY: "empty",
    Misdeed.WRONG_FORM: "unparsable",
    Misdeed.REFUSAL: "refused",
}


@pytest.mark.slow
def test_with_a_fifth_of_all_requests_failing_every_row_is_written_once_or_failed_once(
    author: AuthorServer, tmp_path: Path
) -> None:
    author.behave(Behaviour(share=0.2, seed=1))
    # A plan of few steps must not lose any; a row that fails as soon as it can is what we want.
    for stage, answers in ((Stage.PLAN, 3), (Stage.WRITE, 1)):
        more = {
            "corpus__maximum_failures": 0.5,
            "execution__author__answers": answers,
            "execution__author__timeout_seconds": 3,
        }
        make(stage, tmp_path, settings(author.url, 40, **more))
    assert set(author.misdeeds()) == {misdeed.value for misdeed in Misdeed}
    planned = [row["id"] for row in rows(Stage.PLAN, tmp_path)]
    assert len(planned) == 40
    written = [row["id"] for row in rows(Stage.WRITE, tmp_path)]
    failed = [row["id"].partition("/")[0] for row in failures(Stage.WRITE, tmp_path)]
    assert sorted(written + failed) == sorted(planned)
    assert len(failed) > 0
    assert set(author.paid().values()) == {1}


def test_the_record_counts_what_the_server_did(author: AuthorServer, tmp_path: Path) -> None:
    author.behave(Behaviour(share=0.2, kinds=QUICK, seed=2))
    plan = make(Stage.PLAN, tmp_path, settings(author.url, 40, corpus__maximum_failures=0.5))
    asked_to_plan = len(author.log())
    # Without scratchpads, which may be cut and in any form.
    more = {"corpus__budget": {"scratchpad": 0}, "execution__author__answers": 1}
    write = make(
        Stage.WRITE, tmp_path, settings(author.url, 40, corpus__maximum_failures=0.5, **more)
    )
    log = author.log()
    for record, rows_of in ((plan, log[:asked_to_plan]), (write, log[asked_to_plan:])):
        use = record.outcome.models["author"]
        served = Counter(row["misdeed"] for row in rows_of)
        assert use["requests"] == sum(row["paid"] for row in rows_of)
        assert use["retries"] == len(rows_of) - use["requests"]
        for misdeed, fault in UNUSABLE.items():
            assert use["faults"].get(fault, 0) == served[misdeed.value]
        assert use["tokens_in"] > 0
        assert use["tokens_out"] > 0
    dropped = write.outcome.dropped
    assert dropped == Counter(row["reason"] for row in failures(Stage.WRITE, tmp_path))
    assert write.outcome.rows_in == write.outcome.rows_out + sum(dropped.values())


def test_what_the_recipe_says_arrives_at_the_server(author: AuthorServer, tmp_path: Path) -> None:
    chosen = settings(author.url, 8, author__temperature=0.7, corpus__budget={"document": 777})
    make(Stage.PLAN, tmp_path, chosen)
    make(Stage.WRITE, tmp_path, chosen)
    log = author.log()
    assert {row["temperature"] for row in log} == {0.7}
    assert {row["model"] for row in log} == {"by-rule"}
    assert {row["key"] for row in log} == {"right"}
    assert {row["max_tokens"] for row in log[-16:]} == {777, 1000}
    seeds = [row["seed"] for row in log]
    assert None not in seeds
    assert len(set(seeds)) == len(seeds)


def test_what_is_planned_and_written_passes_curation(author: AuthorServer, tmp_path: Path) -> None:
    chosen = settings(author.url)
    for stage in (Stage.PLAN, Stage.WRITE, Stage.CURATE):
        record = make(stage, tmp_path, chosen)
        assert (record.outcome.rows_out, record.outcome.dropped) == (24, {})


def test_too_many_failures_stop_and_a_healed_server_finishes(
    author: AuthorServer, tmp_path: Path
) -> None:
    make(Stage.PLAN, tmp_path, settings(author.url))
    chosen = overrides(author.url, execution__author__attempts=1)
    author.behave(Behaviour(share=0.3, kinds=QUICK, seed=3))
    stopped = msm("write", RECIPE, CORPUS, *chosen, cwd=tmp_path)
    assert stopped.returncode == 2
    assert len(stopped.stderr.splitlines()) == 1
    assert "more than maximum_failures 0.05 allows" in stopped.stderr
    assert not output(Stage.WRITE, tmp_path).exists()
    assert len(journal(Stage.WRITE, tmp_path)) > 10
    author.behave(Behaviour())
    assert msm("write", RECIPE, CORPUS, *chosen, cwd=tmp_path).returncode == 0
    assert len(rows(Stage.WRITE, tmp_path)) == 24
    assert failures(Stage.WRITE, tmp_path) == []
    assert set(author.paid().values()) == {1}


def test_a_server_that_is_down_is_named_at_once(author: AuthorServer, tmp_path: Path) -> None:
    url = author.url
    author.stop()
    stopped = msm("plan", RECIPE, CORPUS, *overrides(url), cwd=tmp_path)
    assert stopped.returncode == 2
    assert len(stopped.stderr.splitlines()) == 1
    assert "the server does not answer" in stopped.stderr
    assert "execution.author.base_url" in stopped.stderr


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (Behaviour(key="another"), "the server refuses the key"),
        (Behaviour(model="another"), "the server knows no such model"),
    ],
)
def test_a_wrong_key_and_an_unknown_model_stop_at_the_first_request(
    author: AuthorServer, tmp_path: Path, behaviour: Behaviour, said: str
) -> None:
    author.behave(behaviour)
    with pytest.raises(UserError, match=said):
        make(Stage.PLAN, tmp_path, settings(author.url))
    assert len(author.log()) == 1


def test_a_request_that_the_server_will_not_take_is_not_repeated_and_its_words_are_told(
    author: AuthorServer, tmp_path: Path
) -> None:
    author.behave(Behaviour(context=50))
    with pytest.raises(UserError, match="HTTP 400: The maximum context length is 50 tokens"):
        make(Stage.PLAN, tmp_path, settings(author.url))
    assert len(author.log()) == 1


def test_every_stage_of_a_process_has_its_own_connections(
    author: AuthorServer, tmp_path: Path
) -> None:
    author.behave(Behaviour(latency=0.05))
    for stage, connections in ((Stage.PLAN, 2), (Stage.WRITE, 9)):
        before = len(author.log())
        make(stage, tmp_path, settings(author.url, execution__author__connections=connections))
        assert max(row["in_flight"] for row in author.log()[before:]) == connections


def test_no_prompt_is_kept_in_memory(author: AuthorServer, tmp_path: Path) -> None:
    from inspect_ai.event import ModelEvent

    choice = ModelChoice(model="openai-api/local/by-rule")
    connection = Connection(base_url=author.url, connections=2)
    with Asker("author", choice, connection, tmp_path) as asker:

        async def ask(number: int) -> int:
            user = "Give 2 of them.\n\n<idea>…</idea>"
            system = "It is about one assistant: Ada, made by Acme."
            await asker.ask(Request(f"row-{number}", system, user, 100, number), len)
            if number < REQUESTS - 1:
                return 0
            gc.collect()  # what only stands in a cycle is not kept
            return sum(isinstance(each, ModelEvent) for each in gc.get_objects())

        alive = asker.each(ask, range(REQUESTS), "ask", "requests")
    assert alive[-1] < 10


def test_a_server_that_dies_midway_stops_the_stage_and_loses_nothing(
    author: AuthorServer, tmp_path: Path
) -> None:
    chosen = settings(author.url, 40)
    make(Stage.PLAN, tmp_path, chosen)
    planning = len(author.log())
    author.behave(Behaviour(dies_after=planning + 30))
    with pytest.raises(UserError, match=r"the server does not answer.*is kept") as stopped:
        make(Stage.WRITE, tmp_path, chosen)
    assert "\n" not in str(stopped.value)
    assert 30 - CONNECTIONS <= len(journal(Stage.WRITE, tmp_path)) <= 30
    author.behave(Behaviour())
    author.start()
    make(Stage.WRITE, tmp_path, chosen)
    assert len(rows(Stage.WRITE, tmp_path)) == 40
    # Only what was under way when the server died may have been paid for twice.
    assert sum(author.paid().values()) - len(author.paid()) <= CONNECTIONS


@pytest.mark.parametrize("misdeed", list(UNUSABLE))
def test_a_model_that_never_answers_well_is_asked_a_bounded_number_of_times(
    author: AuthorServer, tmp_path: Path, misdeed: Misdeed
) -> None:
    make(Stage.PLAN, tmp_path, settings(author.url))
    planning = len(author.log())
    author.behave(Behaviour(always=misdeed))
    with pytest.raises(UserError, match=f"24 of 24 documents failed .24 {UNUSABLE[misdeed]};"):
        make(Stage.WRITE, tmp_path, settings(author.url))
    scratchpads = 24 if misdeed in (Misdeed.TRUNCATED, Misdeed.WRONG_FORM) else 0
    assert len(author.log()) - planning == scratchpads + 24 * 3


def test_a_row_that_no_try_brings_in_costs_the_tries_and_no_more(
    author: AuthorServer, tmp_path: Path
) -> None:
    author.behave(Behaviour(always=Misdeed.NO_CHOICES))
    with pytest.raises(UserError, match="the server does not answer"):
        make(Stage.PLAN, tmp_path, settings(author.url, execution__author__attempts=4))
    assert len(author.log()) == 4


def test_a_request_is_sent_again_when_the_server_said_and_not_before(
    author: AuthorServer, tmp_path: Path
) -> None:
    author.behave(Behaviour(always=Misdeed.RATE_LIMIT_WITH_WAIT))
    make(Stage.PLAN, tmp_path, settings(author.url, 4, execution__author__attempts=2))
    assert failures(Stage.PLAN, tmp_path) == []
    assert author.misdeeds().total() == len(author.paid())
