"""Any kind of spec: one of a value with liked and disliked items, or one of principles."""

from __future__ import annotations

from pathlib import Path

from msm.errors import UserError
from msm.front_matter import optional_front_matter
from msm.principles import KIND, Mode, PrincipleSpec, parse_principles
from msm.spec import Spec, parse_spec, read_spec_text

AnySpec = Spec | PrincipleSpec
VALUE = "value"


def read_any_spec(path: Path) -> AnySpec:
    """Read and parse a spec file of either kind.

    Raises:
        UserError: the file is missing, empty, not UTF-8, or lacks a part; names the line.
    """
    return parse_any_spec(read_spec_text(path), str(path))


def parse_any_spec(text: str, where: str) -> AnySpec:
    """Parse a spec's text by the ``kind`` that its front matter gives (without one: a value).

    Raises:
        UserError: a part is missing or in the wrong place, or the kind is unknown.
    """
    return (
        parse_principles(text, where) if kind_of(text, where) == KIND else parse_spec(text, where)
    )


def kind_of(text: str, where: str) -> str:
    """``principles``, or ``value``, which is also the kind of a spec that names none.

    Raises:
        UserError: the kind is unknown.
    """
    kind = optional_front_matter(text)[0].get("kind", VALUE)
    if kind not in (VALUE, KIND):
        raise UserError(f"{where}:1: unknown kind '{kind}'; one of: {VALUE}, {KIND}")
    return kind


def mode_of(spec: AnySpec) -> Mode:
    """How documents treat the spec; a value's spec always gives its reasons."""
    return spec.mode if isinstance(spec, PrincipleSpec) else Mode.VALUES
