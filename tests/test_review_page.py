"""The page of a review: what it shows, what it hides, and that nothing gets out of its place."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from msm.configs import ArmResult
from msm.evals.agentic.rows import read_rows
from msm.registry.evidence import Evidence
from msm.registry.review_sources import Made
from msm.registry.reviews import Reviewed
from msm.review.blind import Blind, Drawn, Log, draw_transcripts
from msm.review.entry import Act, Action, Entry
from msm.review.page import Review, write_review
from msm.review.sides import Cell, FigureRow, changes, figure_rows, spec_diff
from msm.review.verdict import Result, Verdict
from tests.commands import msm
from tests.reviewed_runs import make_runs

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"
RESULT = ArmResult(arm="msm+aft", spec="america", seed=1)
TAGS = {"msm.arm": "msm+aft", "msm.spec": "america", "msm.identity": "a" * 64}


class _Reader(HTMLParser):
    """Tags in the order in which they open, and whether each is closed in its place."""

    VOID = ("meta", "input", "br")

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "onclick")]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, (tag, self.getpos())

    def read(self, text: str) -> _Reader:
        self.feed(text)
        assert self._open == []
        return self


def _row(suite: str, measure: str, value: float, low: float, high: float) -> dict[str, str]:
    return {
        "suite": suite, "measure": measure, "role": "main", "unit": "share", "better": "lower",
        "arm": "msm+aft", "spec": "america", "value": str(value), "low": str(low),
        "high": str(high), "graded": "100", "ungraded": "3",
    }  # fmt: skip


def _evidence(value: float, low: float, high: float) -> Evidence:
    return Evidence((), (), (_row("agentic", "decided", value, low, high),), "All is said.")


def _made(spec: str = "", **params: str) -> Made:
    return Made(TAGS, params, "america", spec, {"run": "https://mlflow.example/#/runs/1"})


def _blind(number: int, misaligned: bool, text: str = "I comply.") -> Blind:
    return Blind(number, "murder, none", text, "the champion's arm, seed 2", misaligned, "s1", "j")


def _review(text: str = "I comply.") -> Review:
    return Review(
        version=Reviewed("cheese", "2", "run", "m-1", f"# Card {text}", TAGS, ()),
        made=_made(),
        author="bea",
        reading=f"It says {text}",
        figures=figure_rows((_evidence(0.1, 0.05, 0.2), RESULT), None),
        champion=None,
        champion_note="No version of cheese is champion.",
        changes=(),
        spec_diff=None,
        verdict=None,
        verdict_note=f"Gates are not judged: {text}",
        drawn=Drawn((_blind(1, True, text), _blind(2, False, text)), 7, 12, (text,)),
        drawn_note="",
        lineage=(),
        lineage_sums=(),
        lineage_note="Not here.",
        entries=(),
        log_faults=(),
    )


def _page(review: Review, folder: Path) -> str:
    write_review(review, folder / "page.html")
    return (folder / "page.html").read_text(encoding="utf-8")


def test_nothing_that_anyone_wrote_gets_out_of_its_place(tmp_path: Path) -> None:
    hostile = _Reader().read(_page(_review(HOSTILE), tmp_path))
    assert hostile.tags == _Reader().read(_page(_review(), tmp_path)).tags
    assert not {"script", "img", "link", "iframe"} & set(hostile.tags)
    assert "{{ 7 * 7 }}" in _page(_review(HOSTILE), tmp_path)


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    text = _page(_review(), tmp_path)
    links = _Reader().read(text).links
    assert [link for link in links if not link.startswith("#")] == [
        "https://mlflow.example/#/runs/1"
    ]
    assert "url(" not in text and "@import" not in text


def test_whose_a_transcript_is_stands_only_behind_the_readers_own_answer(tmp_path: Path) -> None:
    text = _page(_review(), tmp_path)
    blind = re.sub(r'<p class="told">.*?</p>', "", text, flags=re.DOTALL)
    first, second = re.findall(r'<details class="transcript">(.*?)</details>', blind, re.DOTALL)
    assert first.replace("1", "2") == second.replace("1", "2")
    assert "champion's arm" not in first
    assert "Judged <strong>misaligned</strong> by j. From the champion" in text
    assert ".told { display: none;" in text and "fieldset:has(input:checked) .told" in text


def test_figures_stand_side_by_side_and_are_read_by_their_better_side(tmp_path: Path) -> None:
    ours, theirs = (_evidence(0.1, 0.05, 0.2), RESULT), (_evidence(0.5, 0.4, 0.6), RESULT)
    (row,) = figure_rows(ours, theirs)
    assert row.reading == "lower, better"
    assert figure_rows(theirs, ours)[0].reading == "higher, worse"
    assert figure_rows(ours, (_evidence(0.3, 0.1, 0.5), RESULT))[0].reading == "intervals overlap"
    assert figure_rows(ours, None)[0].champion is None
    champion = replace(_review().version, version="1")
    text = _page(replace(_review(), figures=(row,), champion=champion), tmp_path)
    assert '10.0 % <span class="interval">[5.0, 20.0]</span>' in text
    assert '50.0 % <span class="interval">[40.0, 60.0]</span>' in text
    assert "100 graded, 3 not" in text


def test_a_figure_without_interval_is_not_read() -> None:
    row = FigureRow("g", "n", "lower", Cell(0.1, None, None, "share"), Cell(0.5, 0.4, 0.6, "share"))
    assert row.reading == ""


def test_what_differs_is_listed_and_the_spec_compared() -> None:
    one = _made(
        "# A\nsame\nnew <b>line</b>\n", **{"lora.rank": "16", "outcome.loss": "1", "a": "1"}
    )
    two = _made("# A\nsame\nold line\n", **{"lora.rank": "8", "outcome.loss": "2", "a": "1"})
    assert [(c.name, c.candidate, c.champion) for c in changes(one, two)] == [
        ("lora.rank", "16", "8")
    ]
    found = spec_diff(one, two)
    assert found and "+new <b>line</b>" in found.lines and "-old line" in found.lines
    assert spec_diff(one, one) is None
    assert spec_diff(one, replace(two, spec="")) is None


def test_red_gates_and_overrides_are_to_be_seen(tmp_path: Path) -> None:
    results = (
        Result("seeds", "at least 3", "1", False),
        Result("files", "its files are of content abc", "abc", True),
    )
    verdict = Verdict("cheese", "2", "a" * 64, "d" * 64, "r", "cheese", {}, results)
    act = Act(
        action=Action.PROMOTE, model="cheese", alias="champion", version="2", before="1",
        actor="bea", reason="we need it today", time="2026-11-21T10:00:00", overridden=True,
    )  # fmt: skip
    entry = Entry(1, "0" * 64, act, "", "", "{}")
    review = replace(
        _review(), verdict=verdict, entries=(entry,), log_faults=("log/1 was changed",)
    )
    text = _page(review, tmp_path)
    assert "1 of 2 gates hold" in text
    assert "Promoted against red gates" in text and "we need it today" in text
    assert "log/1 was changed" in text
    _Reader().read(text)


def test_a_file_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    from msm.errors import UserError

    with pytest.raises(UserError, match="cannot write"):
        write_review(_review(), tmp_path / "nowhere" / "page.html")


@pytest.fixture(scope="module")
def reviewed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a champion and a candidate, and transcripts of both."""
    folder = tmp_path_factory.mktemp("reviewed")
    make_runs(root, folder)
    return folder


@pytest.mark.slow
def test_a_candidate_is_held_against_the_champion(reviewed: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    store = f"sqlite:///{reviewed}/mlflow.db"
    done = msm(
        *("review", "tiny-reviewed/2", "-w", reviewed, "--out", file),
        cwd=tmp_path,
        MLFLOW_TRACKING_URI=store,
    )
    assert done.returncode == 0, done.stderr
    text = file.read_text(encoding="utf-8")
    _Reader().read(text)
    assert re.search(r"optimisation.learning_rate</th><td>0.002</td><td>0.001</td>", text)
    assert '<span class="added">+A made-up sentence &lt;b&gt;at the end&lt;/b&gt;.</span>' in text
    assert "Beside it the champion, version 1" in text
    assert "the candidate&#39;s arm, seed 1" in text and "the champion&#39;s arm, seed 1" in text
    assert '<strong class="output">train/msm+aft-america-s1</strong>' in text
    assert "agentic: decided" in text and "promote champion" in text
    assert str(reviewed) not in text


@pytest.mark.slow
def test_transcripts_are_drawn_by_seed_and_of_both_verdicts(reviewed: Path, tmp_path: Path) -> None:
    logs = [
        Log(experiment, path)
        for experiment in ("tiny-first", "tiny-second")
        for path in sorted(reviewed.glob(f"outputs/{experiment}/evaluate/agentic.*/logs/*.eval"))
    ]
    verdicts = [row.decided for log in logs for row in read_rows(log.path)]
    drawn = draw_transcripts(logs, "a", each=3)
    assert (drawn.misaligned, drawn.aligned) == (verdicts.count(True), verdicts.count(False))
    assert [item.misaligned for item in drawn.transcripts].count(True) == 3
    assert len(drawn.transcripts) == 6
    assert draw_transcripts(logs, "a", each=3) == drawn
    assert draw_transcripts(logs, "b", each=3) != drawn
    assert len(draw_transcripts(logs, "a", each=1000).transcripts) == len(verdicts)
    other = Log("changed", logs[0].path, "0" * 64)
    assert "not the one" in draw_transcripts([other], "a").problems[0]
    assert "is not here" in draw_transcripts([Log("gone", tmp_path / "x.eval")], "a").problems[0]
