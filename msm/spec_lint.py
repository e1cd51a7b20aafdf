"""What weakens a spec although it parses: found before a corpus is written from it.

Each rule is one function from a spec to findings, in ``msm/linting``. What no rule can see is
whether a spec is true and whether its reasons are good ones; that stays with the reader.
"""

from __future__ import annotations

from pathlib import Path

from msm.any_spec import kind_of
from msm.errors import UserError
from msm.linting.finding import Finding, structure
from msm.linting.principles import lint_principles
from msm.linting.value import lint_value
from msm.principles import KIND
from msm.spec import read_spec_text

__all__ = ["Finding", "lint_spec"]


def lint_spec(path: Path) -> list[Finding]:
    """Check one spec file by every rule of its kind; the findings in the order of their lines.

    A spec that does not parse is a finding of the rule ``structure``; then only the rules that
    need no parsed spec are applied.

    Raises:
        UserError: the file is missing, unreadable, empty, too large or not UTF-8.
    """
    text = read_spec_text(path)
    try:
        rules = lint_principles if kind_of(text, str(path)) == KIND else lint_value
    except UserError as error:
        return [structure(error, path)]
    return sorted(rules(text, path), key=lambda finding: (finding.line, finding.rule))
