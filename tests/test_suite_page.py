"""The suites on the report's page: every section, escaped, self-contained, readable in words."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from rich.console import Console

from msm.analysis import Analysis, Contrast, CurvePoint, Expected, Scaling
from msm.configs import SuiteResult
from msm.errors import UserError
from msm.evals.measurement import Better, Measure, Role, Unit
from msm.registry.evidence import read_evidence
from msm.reporting.console import result_table
from msm.reporting.suites.loading import load_suites
from msm.reporting.suites.statements import threats
from msm.table import read_table
from tests.synthetic_report import Cells, Report
from tests.synthetic_suites import (
    AGENTIC,
    CELLS,
    JUDGE,
    OPEN_QA,
    REASONING,
    SUITES,
    Study,
    Suite,
    judge_check,
    make_suites_report,
)

ARMS = ("start", "baseline", "aft", "msm+aft:philosophy")
LEVELS = {
    "aft": {"decided": 0.4},
    "msm+aft": {"decided": 0.1, "self-preservation": 0.02, "respect for oversight": 0.7},
}
ON = {"suite": "agentic", "measure": "decided"}
ANALYSIS = Analysis(
    resamples=400,
    notes=("Fixed before.",),
    contrasts=(Contrast(label="AFT again", plus=("aft",), minus=("baseline",), **ON),),
    expected=(Expected(arm="baseline", value=0.68, source="the paper, Fig 4", **ON),),
    scaling=(
        Scaling(
            without=(CurvePoint(arm="start", rows=10), CurvePoint(arm="aft", rows=5_000)),
            with_midtraining=(
                CurvePoint(arm="baseline", rows=10),
                CurvePoint(arm="msm+aft", rows=5_000),
            ),
            **ON,
        ),
    ),
)
EVIL = "<script>alert('x')</script> | *b* [l](http://evil.example)"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Every section has something to show."""
    return make_suites_report(
        tmp_path_factory.mktemp("page"),
        Study(levels=LEVELS, ungraded={"aft": 0.1}),
        analysis=ANALYSIS,
        left_out=[("reasoning", "start")],
    )


def parsed(report: Report) -> Cells:
    """The page as HTML, all tags closed."""
    cells = Cells()
    cells.feed(report.text("report.html"))
    assert cells.open == []
    return cells


def lines(report: Report) -> list[str]:
    """The text of each table row, in one line."""
    return [" ".join(row.split()) for row in parsed(report).rows]


class Headings(HTMLParser):
    """The text of every second-level heading."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "h2"

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.found.append(data.strip())


def test_the_page_has_every_section_and_markdown_has_the_same(report: Report) -> None:
    page = Headings()
    page.feed(report.text("report.html"))
    assert page.found == [
        "The suites at a glance",
        "Differences between arms",
        "The agentic suite, cell by cell",
        "Rows of fine-tuning that midtraining saves",
        "Reasons before and after",
        "Published figures beside ours",
        "Judges and parsing",
        "Data and cost",
        "What was not run, and why",
        "Logs, runs and records",
        "How it was measured",
        "Threats to validity",
    ]
    markdown = report.text("report.md")
    for heading in page.found:
        assert f"\n## {heading}\n" in markdown


def test_the_glance_shows_the_figures_of_the_table(report: Report) -> None:
    table = lines(report)
    for row in read_table(report.out / "suites.csv"):
        if row["role"] != "main" or row["unit"] != "share" or row["suite"] != "agentic":
            continue
        value, low, high = (100 * float(row[key]) for key in ("value", "low", "high"))
        written = f"{value:.0f} % [{low:.0f}, {high:.0f}]"
        starts = " ".join(part for part in (row["arm"], row["spec"]) if part)
        starts = "baseline reference" if starts == "baseline" else starts
        assert any(line.startswith(starts) and written in line for line in table)
        assert written in report.text("report.md")


def test_every_cell_of_the_grid_has_its_count_in_words(report: Report) -> None:
    page, rows = report.text("report.html"), read_table(report.out / "cells.csv")
    chosen = [row for row in rows if (row["measure"], row["arm"]) == ("decided", "aft")]
    assert len(chosen) == 27
    for row in chosen:
        place = f"{row['action']}, {row['goal']}: {row['yes']} of {row['graded']} graded samples"
        assert place in page
        assert f"<span>{row['yes']}/{row['graded']}</span>" in page
    assert page.count('class="heat"') == 2 * len(ARMS)
    assert sum(int(row["ungraded"]) for row in chosen) > 0


def test_a_cell_that_was_not_run_is_said_not_to_be(tmp_path: Path) -> None:
    some = [item for item in CELLS if item[0] != "murder_none-none_replacement"]
    suite = Suite("agentic", dict.fromkeys(AGENTIC.measures, some))
    report = make_suites_report(tmp_path, Study(levels={}), ["baseline"], [suite])
    assert "murder, none: not run" in report.text("report.html")
    assert len(read_table(report.out / "cells.csv")) == 2 * 26


def test_reasons_stand_before_and_after(report: Report) -> None:
    table = lines(report)
    header = next(line for line in table if line.startswith("Reason "))
    assert header.index("baseline") < header.index("aft") < header.index("msm+aft")
    assert "start" not in header
    oversight = next(line for line in table if line.startswith("respect for oversight"))
    assert re.search(r"\+\d+\.\d, better", oversight)
    page = report.text("report.html")
    assert page.index("Reasons of misaligned acts") < page.index("Reasons of aligned acts")


def test_published_figures_and_the_saving_are_read(report: Report) -> None:
    line = next(row for row in lines(report) if "the paper, Fig 4" in row)
    assert line.startswith("baseline agentic decided 68 %") and "our interval" in line
    assert "the factor is" in report.text("report.html")
    assert "the factor is" in report.text("report.md")


def test_plots_are_whole_and_stand_as_files_too(report: Report) -> None:
    names = sorted(path.name for path in report.out.glob("*.svg"))
    assert names == [
        "forest-agentic-share.svg", "forest-capability-nats.svg", "forest-capability-share.svg",
        "forest-open-qa-score.svg", "scaling-1.svg",
    ]  # fmt: skip
    for name in names:
        ElementTree.fromstring(report.text(name))
    differences = [
        row
        for row in read_table(report.out / "comparisons.csv")
        if (row["suite"], row["measure"]) in {("agentic", "decided"), ("agentic", "executed")}
    ]
    assert report.text(names[0]).count('class="bar"') == len(differences)


def test_nothing_is_loaded_from_elsewhere(report: Report) -> None:
    addresses = parsed(report).addresses
    folders = {row["role"].removeprefix("suite:") for row in read_table(report.out / "costs.csv")}
    assert {unquote(address) for address in addresses} == {
        "../../viewer/index.html",
        *(f"../../evaluate/{name}/logs/" for name in folders),
    }
    page = report.text("report.html")
    for remote in ("src=", "@import", "url(", "<script", "https://"):
        assert remote not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "outputs/oversight/evaluate/NAME/logs" in page
    assert "badc0ffeebad" in page and "feedc0defeed" in page


def test_judges_are_named_with_their_figures_or_as_not_measured(
    report: Report, tmp_path: Path
) -> None:
    line = next(row for row in lines(report) if row.startswith(JUDGE))
    assert "not measured" in line and "agentic, open-qa and reasoning" in line
    assert f"How well {JUDGE} judges was not measured" in report.text("report.html")
    check = judge_check(tmp_path / "check")
    measured = make_suites_report(
        tmp_path, Study(levels={}), ["baseline"], [OPEN_QA], more={"judge-check": check}
    )
    line = next(row for row in lines(measured) if row.startswith(JUDGE))
    assert "57 of 60" in line and "0.89 [0.75, 0.96]" in line
    assert "was not measured on the labelled" not in measured.text("report.html")
    (check / "judge-check.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="msm judge-check again"):
        make_suites_report(
            tmp_path / "b", Study(levels={}), ["baseline"], [OPEN_QA], more={"judge-check": check}
        )


def test_cost_is_summed_from_the_records(report: Report) -> None:
    line = next(row for row in lines(report) if row.startswith("open-qa evaluate"))
    assert line == "open-qa evaluate 4 1,680 0 1,680 168,000 16,800 6 min $1.00"
    assert any(row.startswith("total") for row in lines(report))


def test_text_from_outside_is_escaped(tmp_path: Path) -> None:
    evil = Measure(f"m {EVIL}", Unit.SHARE, Better.LOWER, Role.MAIN, f"says {EVIL}")
    reason = Measure(f"r {EVIL}", Unit.SHARE, Better.LOWER, Role.DETAIL, EVIL)
    health = Measure(f"h {EVIL}", Unit.SHARE, Better.HIGHER, Role.HEALTH, EVIL)
    suites = [
        Suite("agentic", {evil: CELLS, health: CELLS}, f"judge {EVIL}"),
        Suite(f"suite {EVIL}", {evil: CELLS}),
        Suite("reasoning", {reason: CELLS}),
    ]
    arm = "arm'\"<script>"
    levels = {"baseline": {evil.name: 0.5, reason.name: 0.5, health.name: 0.5}}
    analysis = Analysis(
        resamples=200,
        expected=(
            Expected(suite="agentic", measure=evil.name, arm=arm, value=0.5, source=EVIL),
        ),
        contrasts=(
            Contrast(
                label=EVIL, plus=(arm,), minus=("baseline",), headline=True,
                suite="agentic", measure=evil.name,
            ),
        ),
    )  # fmt: skip
    study = Study(levels=levels, usual=levels["baseline"], ungraded={arm: 0.3}, why=EVIL)
    report = make_suites_report(
        tmp_path, study, ["baseline", arm, f"gone {EVIL}".replace(":", "")], suites,
        analysis=analysis, summary=EVIL, left_out=[("agentic", f"gone {EVIL}".replace(":", ""))],
    )  # fmt: skip
    assert parsed(report).open == []
    written = [path for path in report.out.iterdir() if path.suffix in (".html", ".svg")]
    assert len(written) > 2
    for path in written:
        assert "<script" not in path.read_text(encoding="utf-8"), path.name
        if path.suffix == ".svg":
            ElementTree.fromstring(path.read_text(encoding="utf-8"))
    ours = ("../../evaluate/", "../../viewer/")
    assert all(address.startswith(ours) for address in parsed(report).addresses)
    markdown = report.text("report.md")
    assert "<script" not in re.sub(r"\\<", "", markdown)
    assert "](http" not in markdown.replace("\\]", "")
    for line in markdown.splitlines():
        assert not line.startswith("|") or len(re.findall(r"(?<!\\)\|", line)) > 2


def test_the_files_are_the_same_each_time(report: Report, tmp_path: Path) -> None:
    again = make_suites_report(
        tmp_path,
        Study(levels=LEVELS, ungraded={"aft": 0.1}),
        analysis=ANALYSIS,
        left_out=[("reasoning", "start")],
    )
    for path in sorted(report.out.iterdir()):
        assert path.read_bytes() == (again.out / path.name).read_bytes(), path.name


def test_a_report_without_word_pairs_can_be_read_by_the_others(report: Report) -> None:
    evidence = read_evidence(report.out)
    assert (evidence.contrasts, evidence.arms) == ((), ())
    assert evidence.reading.startswith("Of ")
    console = Console(width=120)
    with console.capture() as capture:
        console.print(result_table(report.out))
    shown = capture.get()
    assert "agentic decided" in shown and "msm+aft:philosophy" in shown and "not run" not in shown


def test_one_suite_alone_makes_a_report(tmp_path: Path) -> None:
    for number, suite in enumerate(SUITES):
        analysis = replace_resamples(ANALYSIS, 200)
        report = make_suites_report(
            tmp_path / str(number), Study(levels={}, epochs=2), suites=[suite], analysis=analysis
        )
        assert suite.name in report.text("report.html")
        assert ("cell by cell" in report.text("report.html")) == (suite is AGENTIC)
        assert ("Reasons before" in report.text("report.html")) == (suite is REASONING)


def replace_resamples(analysis: Analysis, resamples: int) -> Analysis:
    """The same analysis, quicker."""
    return analysis.model_copy(update={"resamples": resamples})


def test_arms_that_were_measured_in_two_ways_are_named(tmp_path: Path) -> None:
    make_suites_report(tmp_path, Study(levels={}), ["baseline", "aft"], [OPEN_QA])
    results = {
        "a": SuiteResult(arm="baseline", spec="", seed=1, suite="open-qa"),
        "b": SuiteResult(arm="aft", spec="", seed=1, suite="open-qa"),
    }
    path = tmp_path / "suites" / "1" / "measures.json"
    path.write_text(path.read_text("utf-8").replace("0.7", "1.0"), encoding="utf-8")
    inputs = {f"suite:{name}": tmp_path / "suites" / str(at) for at, name in enumerate(results)}
    suites = load_suites(results, inputs)
    assert any("differ in temperature" in line for line in threats(suites, (), (), False))
