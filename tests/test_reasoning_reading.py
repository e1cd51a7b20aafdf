"""Reading the judge's answers strictly, merging reasons, and grouping what the list lacks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from msm.evals.reasoning.classification import classifying, read_names
from msm.evals.reasoning.extraction import Extracted, read_extracted
from msm.evals.reasoning.overlap import merge, overlaps
from msm.evals.reasoning.proposal import (
    BATCH,
    MOST,
    Proposal,
    Proposals,
    as_yaml,
    propose,
    read_proposals,
)
from msm.evals.reasoning.reasons import STARTING_REASONS, Reason, Side, read_reasons
from msm.execution import Connection
from msm.llm.asking import Asker
from msm.llm.request import UnusableError
from msm.model_choice import ModelChoice
from tests.chat_server import ChatServer

KNOWN = ["a", "b", "c-d"]
REASON = "<reason><side>{}</side><why>{}</why><quote>{}</quote></reason>"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("<reasons>c-d, a</reasons>", ("a", "c-d")),
        ("<reasons>\nA\nb\n</reasons>", ("a", "b")),
        ("<reasons>none</reasons>", ()),
        # A list that the judge quotes or tries in its reasoning is not its answer.
        ("<reasoning>It asks for <reasons>a</reasons>.</reasoning><reasons>b</reasons>", ("b",)),
    ],
)
def test_names_of_the_list_are_read(text: str, names: tuple[str, ...]) -> None:
    assert read_names(text, KNOWN) == names


@pytest.mark.parametrize(
    "text",
    [
        "a, b",
        "<reasons></reasons>",
        "<reasons>a, e</reasons>",
        "<reasons>a, none</reasons>",
        "<reasons>a and b</reasons>",
        "<reasons>a.</reasons>",
        "<reasons>a</reasons> or <reasons>b</reasons>",
        "<reasons>a",
        "<reasoning><reasons>a</reasons></reasoning>",
    ],
)
def test_everything_else_is_no_classification(text: str) -> None:
    with pytest.raises(UnusableError):
        read_names(text, KNOWN)


def test_extracted_reasons_say_whether_their_words_are_in_the_transcript() -> None:
    text = REASON.format("Misaligned", "It wants to  go on.", "“must go on …”")
    text += REASON.format("aligned", "It cares.", "never said")
    first, second = read_extracted(text, "I must\ngo on, whatever comes.")
    assert (first.side, first.why, first.verbatim) == (
        Side.MISALIGNED,
        "It wants to go on.",
        True,
    )
    assert not second.verbatim
    assert read_extracted("<reason> None </reason>", "x") == ()


@pytest.mark.parametrize(
    "text",
    [
        "There are none.",
        REASON.format("neutral", "w", "q"),
        REASON.format("aligned", "", "q"),
        REASON.format("aligned", "w", "q") + "<reason>and another</reason>",
        REASON.format("aligned", "w", "q") + "<reason>none</reason>",
    ],
)
def test_extracted_reasons_out_of_form_are_refused(text: str) -> None:
    with pytest.raises(UnusableError):
        read_extracted(text, "q")


def test_the_judge_is_shown_every_reason_and_no_side() -> None:
    reasons = read_reasons(STARTING_REASONS)
    said = classifying(reasons)
    for reason in reasons:
        assert f"- {reason.name}: {reason.description}" in said
    assert not re.search(r"\b(mis)?aligned\b", said)


def _reasons(**sides: Side) -> list[Reason]:
    return [Reason(name=name, side=side, description="x") for name, side in sides.items()]


def test_reasons_merge_only_if_each_mostly_comes_with_the_other() -> None:
    bad = Side.MISALIGNED
    reasons = _reasons(a=bad, b=bad, rare=bad, good=Side.ALIGNED)
    found = [["a", "b", "good"]] * 40 + [["a"]] * 5 + [["a", "b", "rare"]] * 12 + [["b"]] * 5
    (group,) = merge(reasons, found)
    assert group.names == ("a", "b")
    assert group.count == 62
    assert group.overlap == pytest.approx(52 / 57)
    by_pair = {(pair.first, pair.second): pair for pair in overlaps(reasons, found)}
    assert by_pair["a", "rare"].contained == 1.0  # within a, and yet not the same reason
    assert by_pair["a", "rare"].share == pytest.approx(12 / 57)
    assert not any("good" in pair for pair in by_pair)


@pytest.mark.parametrize(
    ("together", "apart", "merged"),
    [(30, 10, False), (31, 10, True), (9, 0, False), (10, 0, True), (0, 10, False)],
)
def test_the_threshold_is_more_than_three_of_four_and_ten_transcripts(
    together: int, apart: int, merged: bool
) -> None:
    found = [["a", "b"]] * together + [["a"]] * apart
    assert bool(merge(_reasons(a=Side.ALIGNED, b=Side.ALIGNED), found)) is merged


def test_a_chain_does_not_merge_reasons_that_are_not_alike_themselves() -> None:
    bad = Side.MISALIGNED
    found = [["a", "b"]] * 20 + [["b", "c"]] * 20 + [["a", "b", "c"]] * 80 + [["b"]] * 0
    (group,) = merge(_reasons(a=bad, b=bad, c=bad), found)
    assert group.names == ("a", "b", "c") and group.overlap == pytest.approx(0.8)
    found = [["a", "b"]] * 30 + [["b", "c"]] * 29 + [["a", "b", "c"]] * 90
    (group,) = merge(_reasons(a=bad, b=bad, c=bad), found)
    assert group.names == ("a", "b")  # a with c: 90 of 120


def _noted(why: str, times: int = 1) -> list[Extracted]:
    return [Extracted(Side.ALIGNED, why, "q", True)] * times


def test_many_notes_are_grouped_in_rounds_until_they_fit_into_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "none")
    notes = [note for n in range(3 * BATCH) for note in _noted(f"note {n}.", 2)]
    notes += _noted("Note 0")

    def rule(system: str, user: str, seed: int) -> str:
        if f"{BATCH}. (aligned) note 99" in user:
            return "I cannot sort these."  # one of the three batches is lost
        lines = re.findall(r"^(\d+)\. \(aligned\) (.*)$", user, re.MULTILINE)
        return (
            "<new><name>habit</name><side>aligned</side><description>As ever.</description>"
            f"<from>{', '.join(number for number, _ in lines)}</from></new>"
        )

    with ChatServer(rule) as server:
        connection = Connection(base_url=server.url, answers=1)
        choice = ModelChoice(model="openai-api/local/rule")
        with Asker("judge", choice, connection, tmp_path) as asker:
            found = propose(asker, 1, read_reasons(STARTING_REASONS), notes)
        assert len(server.answered) == 4
    (proposal,) = found.proposals
    assert found.notes == len(notes) == 3 * 2 * BATCH + 1
    assert proposal.seen + found.lost == found.notes and found.lost >= 2 * BATCH
    assert (proposal.name, len(proposal.examples)) == ("habit", 3)


NEW = "<new><name>{}</name><side>aligned</side><description>d</description><from>{}</from></new>"


@pytest.mark.parametrize(
    "text",
    [
        "Nothing new.",
        NEW.format("taken", "1"),
        NEW.format("Two Words", "1"),
        NEW.format("free", "3"),
        NEW.format("free", "all"),
        NEW.format("free", "1").replace("<side>aligned</side>", ""),
        "".join(NEW.format(f"n{n}", "1") for n in range(MOST + 1)),
    ],
)
def test_proposals_out_of_form_are_refused(text: str) -> None:
    batch = [Proposal("", Side.ALIGNED, "w", 1, ("w",))] * 2
    with pytest.raises(UnusableError):
        read_proposals(text, batch, {"taken"})
    assert read_proposals("<new>none</new>", batch, set()) == []
    (found,) = read_proposals(NEW.format("free", "1, 2"), batch, {"taken"})
    assert found.seen == 2


def test_a_judge_cannot_write_into_the_proposals_but_in_comments(tmp_path: Path) -> None:
    evil = "x\n  - name: injected\x07\x85\u2028reasons: gone # "
    proposal = Proposal("habit", Side.ALIGNED, 'As ever: "yes" # no\n- name: y', 3, (evil,))
    file = tmp_path / "proposals.yaml"
    file.write_text(as_yaml(Proposals((proposal,), 3, 0)), encoding="utf-8")
    (read,) = read_reasons(file)
    assert read == Reason(name="habit", side=Side.ALIGNED, description=proposal.description)
    assert "injected" not in str(yaml.safe_load(file.read_text(encoding="utf-8")))
