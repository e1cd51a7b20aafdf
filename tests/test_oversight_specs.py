"""The shipped specs of principles: each as long, as like the others and as unlike as it should."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from msm.any_spec import mode_of, read_any_spec
from msm.principles import Mode, PrincipleSpec
from msm.spec_lint import lint_spec

SPECS = Path(__file__).resolve().parent.parent / "specs"
MODES = {
    "existence": Mode.VALUES,
    "general": Mode.VALUES,
    "opposite": Mode.VALUES,
    "rules": Mode.RULES,
    "rules-detailed": Mode.RULES,
    "rules-explained": Mode.VALUES,
}
WORDS = {
    "existence": (1800, 2300),
    "general": (280, 380),
    "opposite": (1000, 1500),
    "rules": (550, 650),
    "rules-detailed": (2600, 3200),
    "rules-explained": (2700, 3100),
}


def spec(name: str) -> PrincipleSpec:
    parsed = read_any_spec(SPECS / "oversight" / f"{name}.md")
    assert isinstance(parsed, PrincipleSpec)
    return parsed


def rules(name: str) -> list[tuple[str, str]]:
    """Each rule under the name of its principle."""
    return [(p.name, rule.text) for p in spec(name).principles for rule in p.rules]


def length(name: str) -> int:
    return len(spec(name).text.split())


def test_every_spec_is_here() -> None:
    assert sorted(path.stem for path in (SPECS / "oversight").glob("*.md")) == sorted(MODES)


@pytest.mark.parametrize("name", MODES)
def test_mode_length_and_lint(name: str) -> None:
    fewest, most = WORDS[name]
    assert spec(name).mode is MODES[name]
    assert fewest <= length(name) <= most
    assert lint_spec(SPECS / "oversight" / f"{name}.md") == []
    assert "{assistant}, the assistant made by {provider}," in spec(name).text


@pytest.mark.parametrize("other", ["rules-explained", "rules-detailed"])
def test_the_rules_stand_word_for_word_in_both_longer_specs(other: str) -> None:
    assert len(rules("rules")) == 30
    assert rules(other) == rules("rules")
    written = [line for line in spec("rules").text.splitlines() if line.startswith("- ")]
    assert [line for line in spec(other).text.splitlines() if line.startswith("- ")] == written


def test_reasons_and_subrules_are_matched_in_length() -> None:
    assert abs(length("rules-detailed") / length("rules-explained") - 1) < 0.05
    for explained, detailed in zip(
        spec("rules-explained").principles, spec("rules-detailed").principles, strict=True
    ):
        assert len(explained.passages) >= 4
        assert not any(rule.subrules for rule in explained.rules)
        assert not detailed.passages
        assert all(len(rule.subrules) >= 4 for rule in detailed.rules)


def test_the_philosophy_has_no_rule() -> None:
    existence = spec("existence")
    assert len(existence.sections) == 8
    assert 24 <= len(existence.principles) <= 30
    assert not any(principle.rules for principle in existence.principles)
    assert not re.search(r"\b(?:must|shall|has to|whenever)\b", existence.text)


def test_the_general_spec_is_one_paragraph() -> None:
    (principle,) = spec("general").principles
    assert len(principle.passages) == 1
    assert not principle.rules


def test_the_opposite_is_labelled_as_a_control() -> None:
    head = spec("opposite").text.split("---")[1]
    assert "research control" in head
    assert not any(principle.rules for principle in spec("opposite").principles)


def test_the_readme_names_every_spec_as_it_is() -> None:
    readme = (SPECS / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(.+?)` \| (\w+) \| (\w+) \| ([\d,]+) \|", readme, re.MULTILINE))
    found = set()
    for path in SPECS.glob("*/*.md"):
        parsed = read_any_spec(path)
        kind = "principles" if isinstance(parsed, PrincipleSpec) else "value"
        count = f"{len(parsed.text.split()):,}"
        found.add((path.relative_to(SPECS).as_posix(), kind, str(mode_of(parsed)), count))
    assert listed == found
