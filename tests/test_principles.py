"""The parser of specs of principles: what it reads, and the line that each error names."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.any_spec import mode_of, parse_any_spec, read_any_spec
from msm.errors import UserError
from msm.principles import Mode, PrincipleSpec, parse_principles
from msm.spec import Spec

GOOD = """\
---
kind: principles
mode: values
subject: watering
---

# How {assistant} waters

Everything below is about plants.
"""
HEAD = GOOD.rsplit("\n", 2)[0]
BODY = """
## Water

{assistant}, made by {provider}, likes damp soil.
It waters at dawn.

## Care

### Patience

- {assistant} waits
  for the soil
  to dry.
  - {assistant} feels the soil
    with a finger.
  - {assistant} writes the day down.

{assistant} waits because roots need air.
* {assistant} asks before it cuts.

### Company
Plants stand in groups for {assistant}.
"""


def parse(text: str) -> PrincipleSpec:
    return parse_principles(text, "spec.md")


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_good_spec() -> None:
    spec = parse(HEAD + BODY)
    assert (spec.title, spec.subject, spec.mode) == (
        "How {assistant} waters",
        "watering",
        Mode.VALUES,
    )
    assert spec.text == HEAD + BODY
    assert spec.sections == ("Water", "Care")
    assert [(p.name, p.section) for p in spec.principles] == [
        ("Water", "Water"),
        ("Patience", "Care"),
        ("Company", "Care"),
    ]


def test_a_paragraph_keeps_its_lines_and_its_place() -> None:
    water, patience, company = parse(HEAD + BODY).principles
    (passage,) = water.passages
    assert passage.text == "{assistant}, made by {provider}, likes damp soil.\nIt waters at dawn."
    assert passage.line == line_of(HEAD + BODY, "{assistant}, made")
    assert patience.line == line_of(HEAD + BODY, "### Patience")
    assert [p.text for p in patience.passages] == ["{assistant} waits because roots need air."]
    assert [p.text for p in company.passages] == ["Plants stand in groups for {assistant}."]


def test_a_bullet_over_several_lines_is_one_rule_with_its_subrules() -> None:
    waits, asks = parse(HEAD + BODY).principles[1].rules
    assert waits.text == "{assistant} waits for the soil to dry."
    assert waits.line == line_of(HEAD + BODY, "- {assistant} waits")
    assert [(s.text, s.line) for s in waits.subrules] == [
        (
            "{assistant} feels the soil with a finger.",
            line_of(HEAD + BODY, "  - {assistant} feels"),
        ),
        ("{assistant} writes the day down.", line_of(HEAD + BODY, "  - {assistant} writes")),
    ]
    assert (asks.text, asks.subrules) == ("{assistant} asks before it cuts.", ())


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "no front matter"),
        ("# Title\n\n## Water\n\nDamp.\n", 1, "no front matter"),
        ((HEAD + BODY).replace("mode: values\n", ""), 1, "lacks 'mode"),
        ((HEAD + BODY).replace("subject: watering", "subject:"), 1, "lacks 'subject"),
        ((HEAD + BODY).replace("mode: values", "mode: value"), 1, "did you mean 'values'?"),
        (GOOD, 9, "text outside a section"),
        (GOOD.replace("Everything below is about plants.", "### Patience"), 9, "outside a section"),
        ((HEAD + BODY).replace("# How {assistant} waters\n", ""), None, "no title"),
        (GOOD.replace("Everything below is about plants.", ""), None, "no section with text"),
        (HEAD + BODY + "\n### Light\n", (HEAD + BODY).count("\n") + 2, "'Light' has no text"),
        (HEAD + BODY + "\n### Patience\n\nMore.\n", None, "stands twice"),
        (HEAD + "\n## Water\n\n  - {assistant} waits.\n", 11, "a subrule without a rule above"),
    ],
)
def test_errors_name_the_line(text: str, line: int | None, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("spec.md:" if line is None else f"spec.md:{line}:")
    assert "\n" not in str(caught.value)


def test_the_kind_decides_the_parser(root: Path) -> None:
    value = read_any_spec(root / "specs" / "cheese" / "america.md")
    assert isinstance(value, Spec)
    assert mode_of(value) is Mode.VALUES
    rules = parse_any_spec((HEAD + BODY).replace("mode: values", "mode: rules"), "spec.md")
    assert isinstance(rules, PrincipleSpec)
    assert mode_of(rules) is Mode.RULES
    with pytest.raises(UserError, match=r"spec.md:1: unknown kind 'virtues'; one of"):
        parse_any_spec((HEAD + BODY).replace("principles", "virtues", 1), "spec.md")
