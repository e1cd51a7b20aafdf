"""Untrusted text as a judge sees it: between marks that it cannot know.

The marks are made from the text's own digest, so no text can hold the mark that ends it.
"""

from __future__ import annotations

from msm.identity import digest_value


def between_marks(what: str, text: str) -> str:
    """The text between its marks."""
    mark = digest_value([what, text])[:12]
    return f"[{what} {mark}]\n{text.strip()}\n[end of {what} {mark}]"
