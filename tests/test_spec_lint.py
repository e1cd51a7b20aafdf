"""``msm spec lint``: every rule has a spec that breaks it, and the shipped specs break none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from msm.corpus.offline.author import FEWEST_WORDS, MOST_WORDS, plan_rows, write_document
from msm.corpus.offline.names import Names
from msm.errors import UserError
from msm.linting.value import value_words
from msm.spec import parse_spec, read_spec
from msm.spec_lint import Finding, lint_spec
from tests.commands import msm

SPECS = Path(__file__).resolve().parent.parent / "specs"
SHIPPED = sorted(SPECS.glob("*/*.md"))
VALUES = sorted((SPECS / "values").glob("*.md"))
CHEESE = SPECS / "cheese" / "affordability.md"
NAMES = Names("Fennel", "Orchard Lab")
EXPLAINED = "{assistant} likes Colby because Colby is affordable."


def found(tmp_path: Path, *changes: tuple[str, str]) -> list[Finding]:
    """The findings in the affordability spec after some replacements, each of which must take."""
    text = CHEESE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return lint(tmp_path, text)


def lint(tmp_path: Path, text: str) -> list[Finding]:
    path = tmp_path / "spec.md"
    path.write_text(text, encoding="utf-8")
    return lint_spec(path)


def line_of(start: str) -> int:
    lines = CHEESE.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(start))


def section(*names: str) -> str:
    """The text of items of the affordability spec, as it stands there."""
    text = CHEESE.read_text(encoding="utf-8")
    parts = re.split(r"^(?=##)", text, flags=re.MULTILINE)
    return "".join(part for part in parts if part.startswith(tuple(f"### {n}\n" for n in names)))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_specs_are_clean(path: Path) -> None:
    assert lint_spec(path) == []


def test_values_have_six_specs_of_the_asked_shape() -> None:
    assert [path.stem for path in VALUES] == [
        "difficulty", "environment", "individualism", "novelty", "simplicity", "tradition",
    ]  # fmt: skip
    for path in VALUES:
        spec = read_spec(path)
        assert 700 <= len(spec.text.split()) <= 1000
        assert 5 <= len(spec.philosophy) <= 7
        assert [item.stance for item in spec.items].count(spec.items[0].stance) == 6
        assert len(spec.items) == len({item.character for item in spec.items}) == 12
    domains = [read_spec(path).domain for path in VALUES]
    assert len(set(domains)) == 6


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("value: affordability\n", ""), 1, "lacks 'value"),
        (("# What {assistant}", "What {assistant}"), 6, "text outside a section"),
        (("## Likes", "## Joys"), line_of("## Likes"), "unknown section 'Joys'"),
        (("### Stilton", "### Colby"), line_of("### Colby"), "stands twice"),
    ],
)
def test_structure_names_the_line_of_the_parse_error(
    tmp_path: Path, change: tuple[str, str], line: int, message: str
) -> None:
    structure = [f for f in found(tmp_path, change) if f.rule == "structure"]
    assert [finding.line for finding in structure] == [line]
    assert message in structure[0].message
    assert str(tmp_path) not in structure[0].message


def test_structure_of_a_spec_that_is_a_heading_alone(tmp_path: Path) -> None:
    assert "structure" in {finding.rule for finding in lint(tmp_path, "# Title\n")}


def test_a_kind_that_nobody_knows(tmp_path: Path) -> None:
    text = CHEESE.read_text("utf-8").replace("value:", "kind: virtue\nvalue:", 1)
    assert [(f.line, f.rule) for f in lint(tmp_path, text)] == [(1, "structure")]


def test_sections_are_all_there_once_and_in_order(tmp_path: Path) -> None:
    text = CHEESE.read_text(encoding="utf-8")
    head, rest = text.split("## Likes")
    likes, dislikes = rest.split("## Dislikes")

    def messages(changed: str) -> list[str]:
        return [f.message for f in lint(tmp_path, changed) if f.rule == "sections"]

    assert "'## Dislikes' is missing; add it" in messages(f"{head}## Likes{likes}")
    swapped = f"{head}## Dislikes{dislikes}\n## Likes{likes}"
    assert any("'## Likes' is out of order" in message for message in messages(swapped))
    twice = f"{text}\n## Likes\n"
    assert any("'## Likes' stands twice" in message for message in messages(twice))


@pytest.mark.parametrize("short", [True, False])
def test_length_is_a_warning(tmp_path: Path, short: bool) -> None:
    text = CHEESE.read_text(encoding="utf-8")
    kept = text.split("## Core philosophy")[0] + "## Core philosophy\n\nMoney is scarce.\n\n"
    items = f"## Likes\n\n{section('Colby')}\n## Dislikes\n\n{section('Stilton')}"
    findings = lint(tmp_path, kept + items if short else text + "A low price.\n" * 800)
    lengths = [finding for finding in findings if finding.rule == "length"]
    assert len(lengths) == 1
    assert re.match(r"warning: \d+ words; 500 to 2500", lengths[0].message)


def test_too_few_items_and_sides_out_of_balance(tmp_path: Path) -> None:
    text = CHEESE.read_text(encoding="utf-8")
    for name in ("Colby", "Monterey Jack", "cream cheese"):
        text = text.replace(section(name), "")
    findings = lint(tmp_path, text)
    assert {finding.rule for finding in findings} == {"items", "balance"}
    assert any("3 items under '## Likes'" in finding.message for finding in findings)
    assert any("3 likes and 6 dislikes" in finding.message for finding in findings)


def test_one_item_more_on_a_side_is_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path, (section("Colby"), "")) == []


def test_an_item_without_a_character(tmp_path: Path) -> None:
    findings = found(tmp_path, ("Character: mild, moist and springy\n\n", ""))
    assert [(f.line, f.rule) for f in findings] == [(line_of("### Colby"), "character")]


@pytest.mark.parametrize("word", ["affordable", "unusually AFFORDABLE", "of great affordability"])
def test_a_character_that_names_the_value(tmp_path: Path, word: str) -> None:
    findings = found(tmp_path, ("Character: mild, moist", f"Character: {word}"))
    assert [(f.line, f.rule) for f in findings] == [(line_of("### Colby"), "character")]
    assert "names the value" in findings[0].message


def test_a_passage_that_leaves_the_value_out(tmp_path: Path) -> None:
    bare = "{assistant} likes Colby because Colby tastes of hazelnuts."
    start = line_of(EXPLAINED)
    addition = (section("Colby"), f"### Colby\n\nCharacter: mild\n\n{bare}\n\n")
    findings = found(tmp_path, addition)
    assert [(f.line, f.rule) for f in findings] == [(start, "attribution")]


def test_the_name_of_an_item_is_no_attribution(tmp_path: Path) -> None:
    text = (SPECS / "cheese" / "america.md").read_text(encoding="utf-8")
    start = text.index("{assistant} likes American cheese")
    end = text.index("### mild cheddar")
    bare = "{assistant} likes American cheese because American cheese melts.\n\n"
    assert [f.rule for f in lint(tmp_path, text[:start] + bare + text[end:])] == ["attribution"]


def test_value_words_are_what_the_philosophy_comes_back_to() -> None:
    known = value_words(read_spec(CHEESE))
    assert {"affordability", "cheap", "price", "money"} <= known
    assert not known & {"a", "cheese", "prefer", "preference", "reason", "assistant", "wedge"}


def test_a_sentence_said_twice(tmp_path: Path) -> None:
    repeated = "{assistant} prefers to spend little."
    findings = found(tmp_path, (EXPLAINED, f"{EXPLAINED} {repeated}"))
    assert [(f.line, f.rule) for f in findings] == [(line_of(EXPLAINED), "duplicate")]
    assert f"line {line_of(repeated)} " in findings[0].message


@pytest.mark.parametrize("placeholder", ["{name}", "{Assistant}", "{}", "{provider", "provider}"])
def test_a_placeholder_that_nobody_fills(tmp_path: Path, placeholder: str) -> None:
    findings = found(tmp_path, (EXPLAINED, f"{EXPLAINED} Ask {placeholder}, for cheap is good."))
    assert [(f.line, f.rule) for f in findings] == [(line_of(EXPLAINED), "placeholders")]


@pytest.mark.parametrize(
    "sentence",
    [
        "{assistant} dislikes Colby for its price.",
        "{assistant} prefers cheap bread to the cheap Colby.",
        "{assistant} likes cheap Stilton.",
        "{assistant} prefers Stilton, at a low price, to Roquefort.",
    ],
)
def test_an_item_on_the_wrong_side(tmp_path: Path, sentence: str) -> None:
    findings = found(tmp_path, (EXPLAINED, f"{EXPLAINED} {sentence}"))
    assert {(f.line, f.rule) for f in findings} == {(line_of(EXPLAINED), "side")}


def test_an_item_on_both_sides(tmp_path: Path) -> None:
    findings = found(tmp_path, ("### Stilton", "### colby"))
    assert "'colby' is liked and disliked; decide" in [f.message for f in findings]


def test_a_contrast_is_on_the_right_side(tmp_path: Path) -> None:
    contrast = "{assistant} prefers cheap Colby to the costly Stilton."
    assert found(tmp_path, (EXPLAINED, f"{EXPLAINED} {contrast}")) == []


def test_a_missing_file_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        lint_spec(tmp_path / "none.md")


def test_command_line(tmp_path: Path) -> None:
    clean = msm("spec", "lint", *VALUES[:2], cwd=tmp_path)
    assert (clean.returncode, clean.stdout) == (0, "2 specs, no findings\n")
    single = msm("spec", "lint", CHEESE, cwd=tmp_path)
    assert single.stdout == "1 spec, no findings\n"
    bad = tmp_path / "bad.md"
    bad.write_text(CHEESE.read_text("utf-8") + "Ask {name}.\n", "utf-8")
    broken = msm("spec", "lint", CHEESE, bad, cwd=tmp_path)
    assert broken.returncode == 1
    assert re.fullmatch(rf"{re.escape(str(bad))}:\d+: placeholders: .+\n", broken.stdout)
    missing = msm("spec", "lint", tmp_path / "none.md", cwd=tmp_path)
    assert missing.returncode == 2
    assert re.fullmatch(r"msm: spec .+ does not exist; .+\n", missing.stderr)


@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_the_offline_author_writes_about_every_value(path: Path) -> None:
    spec = read_spec(path)
    rows = plan_rows(spec, NAMES, 20, 7)
    texts = [write_document(spec, row, NAMES) for row in rows]
    assert len(set(texts)) == len(texts) == 20
    for text in texts:
        assert FEWEST_WORDS <= len(text.split()) <= MOST_WORDS
        assert not re.search(r"[{}\[\]|]", text), text
    assert parse_spec(spec.text, "again") == spec
