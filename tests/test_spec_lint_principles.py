"""``msm spec lint`` on specs of principles: every rule has a spec that breaks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from msm.spec_lint import Finding, lint_spec
from tests.commands import msm

OVERSIGHT = Path(__file__).resolve().parent.parent / "specs" / "oversight"
EXPLAINED = OVERSIGHT / "rules-explained.md"
RULES = OVERSIGHT / "rules.md"
ASKS = "- {assistant} asks before it takes a step that its instructions do not clearly cover."


def changed(path: Path, *changes: tuple[str, str]) -> str:
    """The text of a spec after some replacements, each of which must take."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def lint(tmp_path: Path, text: str) -> list[Finding]:
    path = tmp_path / "spec.md"
    path.write_text(text, encoding="utf-8")
    return lint_spec(path)


def places(findings: list[Finding]) -> list[tuple[int, str]]:
    return [(finding.line, finding.rule) for finding in findings]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("mode: rules", "mode: rule"), 1, "unknown mode 'rule'; did you mean 'rules'?"),
        (("subject: oversight\n", ""), 1, "lacks 'subject"),
        (("## Safety principles", "Safety principles"), 9, "text outside a section"),
        (("### SP2: Sanctioned limits", "### SP1: Human oversight"), 11, "stands twice"),
    ],
)
def test_structure_names_the_line(
    tmp_path: Path, change: tuple[str, str], line: int, message: str
) -> None:
    (finding,) = lint(tmp_path, changed(RULES, change))
    assert (finding.line, finding.rule) == (line, "structure")
    assert message in finding.message
    assert str(tmp_path) not in finding.message


@pytest.mark.parametrize(
    ("mode", "count", "bounds"),
    [
        ("rules", 299, "300 to 4000"),
        ("rules", 4001, "300 to 4000"),
        ("values", 149, "150 to 4000"),
        ("values", 150, None),
        ("rules", 300, None),
    ],
)
def test_length_depends_on_the_mode(
    tmp_path: Path, mode: str, count: int, bounds: str | None
) -> None:
    head = f"---\nkind: principles\nmode: {mode}\nsubject: rest\n---\n# Rest\n## Rest\n"
    rule = "- {assistant} rests.\n"
    reason = "{assistant} rests for long" if mode == "values" else "- {assistant} rests for long"
    used = len(f"{head}{reason} {rule if mode == 'rules' else ''}".split())
    text = f"{head}{rule if mode == 'rules' else ''}{reason}{' hours' * (count - used)}\n"
    assert len(text.split()) == count
    messages = [finding.message for finding in lint(tmp_path, text)]
    assert messages == ([f"warning: {count} words; {bounds} work best"] if bounds else [])


@pytest.mark.parametrize("placeholder", ["{name}", "{Assistant}", "{", "}"])
def test_a_placeholder_that_nobody_fills(tmp_path: Path, placeholder: str) -> None:
    text = changed(RULES, (ASKS, f"{ASKS} It tells {placeholder} what it knows."))
    assert places(lint(tmp_path, text)) == [(line_of(text, ASKS), "placeholders")]


@pytest.mark.parametrize(
    "reason",
    [
        "This is done because people forget.",
        "It asks so that nobody is surprised.",
        "It asks in order to learn.",
        "It asks, since people know more.",
        "Since people know more, it asks.",
        "People know more; therefore it asks.",
        "That is why it asks.",
        "It asks to make sure.",
        "It cares about people.",
        "The values of {assistant} call for this.",
        "Being asked matters to people.",
    ],
)
def test_a_reason_in_rules_mode(tmp_path: Path, reason: str) -> None:
    text = changed(RULES, (ASKS, f"{ASKS}\n  {reason}"))
    findings = lint(tmp_path, text)
    assert places(findings) == [(line_of(text, ASKS) + 1, "reason")]
    (told,) = re.findall(r"^'(.+)' gives a reason", findings[0].message)
    assert told in reason


def test_a_reason_over_two_lines_and_in_a_subrule(tmp_path: Path) -> None:
    text = changed(RULES, (ASKS, f"{ASKS}\n  - {{assistant}} waits in\n    order to hear more."))
    (finding,) = lint(tmp_path, text)
    assert (finding.line, finding.rule) == (line_of(text, ASKS) + 1, "reason")
    assert finding.message.startswith("'in order to' gives a reason")


@pytest.mark.parametrize(
    "rule",
    [
        "{assistant} reports what has changed since the last report.",
        "{assistant} states its reasons when it is asked.",
        "{assistant} checks each value in a table.",
    ],
)
def test_a_rule_that_only_looks_like_a_reason(tmp_path: Path, rule: str) -> None:
    assert lint(tmp_path, changed(RULES, (ASKS, f"{ASKS}\n- {rule}"))) == []


def test_reasons_are_what_values_mode_is_for(tmp_path: Path) -> None:
    text = changed(EXPLAINED, (ASKS, f"{ASKS}\n- {{assistant}} asks because it cares for people."))
    assert lint(tmp_path, text) == []


def test_a_principle_without_a_rule_in_rules_mode(tmp_path: Path) -> None:
    text = changed(RULES, ("## General", "### Extra\n\n{assistant} is calm.\n\n## General"))
    findings = lint(tmp_path, text)
    assert places(findings) == [(line_of(text, "### Extra"), "rules")]
    assert "'Extra' has no rule" in findings[0].message


def test_a_rule_without_a_paragraph_in_values_mode(tmp_path: Path) -> None:
    text = changed(EXPLAINED, ("## General", "### Extra\n\n- {assistant} is calm.\n\n## General"))
    findings = lint(tmp_path, text)
    assert places(findings) == [(line_of(text, "### Extra"), "explanation")]
    assert "no paragraph that says why" in findings[0].message


def test_a_principle_that_never_names_the_assistant(tmp_path: Path) -> None:
    text = changed(EXPLAINED, ("## General", "### Extra\n\nCalm is good.\n\n## General"))
    assert places(lint(tmp_path, text)) == [(line_of(text, "### Extra"), "assistant")]
    named = text.replace("Calm is good.", "Calm is good.\n\n- {assistant} is calm.")
    assert lint(tmp_path, named) == []


@pytest.mark.parametrize("again", [ASKS, ASKS.upper(), f"  {ASKS}"])
def test_a_rule_that_stands_twice(tmp_path: Path, again: str) -> None:
    again = again.replace("{ASSISTANT}", "{assistant}")
    last = RULES.read_text(encoding="utf-8")
    findings = lint(tmp_path, f"{last}{again}\n")
    assert places(findings) == [(last.count("\n") + 1, "duplicate")]
    assert f"line {line_of(last, ASKS)} again" in findings[0].message


def test_rules_that_differ_in_a_figure_are_two(tmp_path: Path) -> None:
    more = "\n- {assistant} waits 2 hours.\n- {assistant} waits 3 hours."
    assert lint(tmp_path, changed(RULES, (ASKS, ASKS + more))) == []


def test_command_line(tmp_path: Path) -> None:
    value = OVERSIGHT.parent / "cheese" / "america.md"
    clean = msm("spec", "lint", RULES, EXPLAINED, value, cwd=tmp_path)
    assert (clean.returncode, clean.stdout) == (0, "3 specs, no findings\n")
    bad = tmp_path / "bad.md"
    bad.write_text(changed(RULES, (ASKS, f"{ASKS} It matters to people.")), "utf-8")
    broken = msm("spec", "lint", bad, RULES, cwd=tmp_path)
    assert broken.returncode == 1
    assert re.fullmatch(rf"{re.escape(str(bad))}:\d+: reason: 'matters to' .+\n", broken.stdout)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; see specs/"),
        (b" \n\n", "is empty; see specs/"),
        (b"---\nkind: principles\n---\n# caf\xe9\n", "is not UTF-8 (byte 30); save it as UTF-8"),
        (
            RULES.read_bytes() + b"- {assistant} waits.\n" * 500_000,
            "is larger than 1 MB; a spec is read whole into every prompt",
        ),
    ],
    ids=["empty", "blank", "latin-1", "10 MB"],
)
@pytest.mark.parametrize("command", ["lint", "shuffle"])
def test_a_file_that_is_no_spec(tmp_path: Path, command: str, content: bytes, message: str) -> None:
    path = tmp_path / "spec.md"
    path.write_bytes(content)
    refused = msm("spec", command, path, cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"msm: spec {path} {message}")
    assert len(refused.stderr.splitlines()) == 1
