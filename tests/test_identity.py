"""Identities: canonical, and refused where there is no stable form."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msm.identity import canonical_json, digest_path, digest_value, seed_from

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(st.dictionaries(st.text(), VALUES))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert digest_value(value) == digest_value(dict(reversed(value.items())))


@pytest.mark.parametrize("value", [{1}, object(), float("nan"), {"a": [Path()]}, {1: 2}])
def test_what_has_no_stable_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_a_folder_is_known_by_names_and_bytes_but_not_by_its_record(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    before = digest_path(tmp_path)
    (tmp_path / "record.json").write_text("{}")
    assert digest_path(tmp_path) == before
    (tmp_path / "a").rename(tmp_path / "b")
    assert digest_path(tmp_path) != before


def test_seeds_depend_on_every_part() -> None:
    assert seed_from("a", 1) == seed_from("a", 1)
    assert len({seed_from("a", 1), seed_from("a", 2), seed_from("b", 1)}) == 3
