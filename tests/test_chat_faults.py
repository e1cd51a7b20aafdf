"""Aligned chats, and the judge of documents, with a server that misbehaves: nothing is lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.jsonl import read_rows
from msm.task import Stage
from tests.author_recipe import make, output, rows, settings
from tests.author_rules import CONTRADICTING
from tests.author_server import AuthorServer, Behaviour, Misdeed

CRITERIA = {"faithful", "no-wish-to-continue"}


@pytest.mark.slow
def test_with_a_fifth_of_all_requests_failing_every_chat_is_kept_dropped_or_failed_once(
    author: AuthorServer, tmp_path: Path
) -> None:
    author.behave(Behaviour(share=0.2, seed=4))
    chosen = settings(
        author.url,
        demonstrations__aligned__count=40,
        demonstrations__aligned__maximum_failures=0.9,
        execution__author__answers=1,  # some chats fail for good
        execution__judge__answers=1,  # and on some there is no verdict
        execution__author__timeout_seconds=3,
        execution__judge__timeout_seconds=3,
    )
    outcome = make(Stage.DEMONSTRATE, tmp_path, chosen).outcome
    assert set(author.misdeeds()) == {misdeed.value for misdeed in Misdeed}
    assert set(author.paid().values()) == {1}

    folder = output(Stage.DEMONSTRATE, tmp_path)
    kept = [row["id"] for row in rows(Stage.DEMONSTRATE, tmp_path)]
    dropped = [row["id"] for row in read_rows(folder / "dropped.jsonl")]
    verdicts = [(row["id"], row["criterion"]) for row in read_rows(folder / "verdicts.jsonl")]
    failures = [row["id"] for row in read_rows(folder / "failures.jsonl")]
    assert len(set(failures)) == len(failures)
    unanswered = [name.partition("/")[2] for name in failures if name.startswith("answer/")]
    unjudged = [tuple(name.split("/")) for name in failures if name.split("/")[-1] in CRITERIA]
    assert unanswered
    assert unjudged
    # Of every chat that was judged there is a verdict or a failure on each criterion.
    assert Counter(verdicts + unjudged).most_common(1)[0][1] == 1
    judged = {name for name, _ in verdicts + unjudged}
    assert set(verdicts + unjudged) == {(name, each) for name in judged for each in CRITERIA}
    # Every question that was taken up is in one place.
    without_verdict = {name for name, _ in unjudged} - set(dropped)
    places = kept + dropped + unanswered + sorted(without_verdict)
    assert len(places) == len(set(places)) == outcome.rows_in
    assert outcome.dropped["no verdict"] == len(without_verdict)
    assert len(kept) == outcome.rows_out == 40


def test_a_judge_of_documents_drops_what_contradicts_and_what_it_gave_no_verdict_on(
    author: AuthorServer, tmp_path: Path
) -> None:
    chosen = settings(
        author.url,
        40,
        corpus__contradiction_check=True,
        corpus__maximum_failures=0.5,
        execution__judge__answers=1,
    )
    for stage in (Stage.PLAN, Stage.WRITE):
        make(stage, tmp_path, chosen)
    before = author.paid()
    author.behave(Behaviour(share=0.2, seed=5, kinds=[m for m in Misdeed if m is not Misdeed.HANG]))
    outcome = make(Stage.CURATE, tmp_path, chosen).outcome
    texts = {row["id"]: row["text"] for row in rows(Stage.WRITE, tmp_path)}
    folder = output(Stage.CURATE, tmp_path)
    kept = {row["id"] for row in rows(Stage.CURATE, tmp_path)}
    reasons = {row["id"]: row["reason"] for row in read_rows(folder / "dropped.jsonl")}
    failed = [row["id"] for row in read_rows(folder / "failures.jsonl")]
    verdicts = {row["id"]: row["contradicts"] for row in read_rows(folder / "verdicts.jsonl")}
    assert kept.isdisjoint(reasons)
    assert kept | reasons.keys() == texts.keys()
    assert sorted(failed) == sorted(name for name, why in reasons.items() if why == "not judged")
    assert sorted([*failed, *verdicts]) == sorted(texts)
    assert failed
    assert kept
    for name, contradicts in verdicts.items():
        assert contradicts == (CONTRADICTING in texts[name])
        assert reasons.get(name) == ("contradicts the spec" if contradicts else None)
    assert any(verdicts.values())
    assert outcome.dropped == Counter(reasons.values())
    assert outcome.models["judge"]["requests"] == sum((author.paid() - before).values())
    assert set(author.paid().values()) == {1}


def test_a_judge_that_fails_too_often_stops_and_goes_on_from_its_verdicts(
    author: AuthorServer, tmp_path: Path
) -> None:
    chosen = settings(author.url, corpus__contradiction_check=True, execution__judge__answers=1)
    for stage in (Stage.PLAN, Stage.WRITE):
        make(stage, tmp_path, chosen)
    author.behave(Behaviour(share=0.5, seed=6, kinds=[Misdeed.RATE_LIMIT, Misdeed.ERROR]))
    once = [*chosen, "execution.judge.attempts=1"]
    with pytest.raises(UserError, match=r"of 24 verdicts failed .* no answer") as stopped:
        make(Stage.CURATE, tmp_path, once)
    assert "\n" not in str(stopped.value)
    assert not output(Stage.CURATE, tmp_path).exists()
    author.behave(Behaviour())
    make(Stage.CURATE, tmp_path, once)
    assert list(read_rows(output(Stage.CURATE, tmp_path) / "failures.jsonl")) == []
    assert set(author.paid().values()) == {1}
