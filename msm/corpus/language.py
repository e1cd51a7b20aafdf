"""Whether a text is prose of the recipe's language at all, rather than noise or a stuck loop."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from msm.corpus.words import SHINGLE_WORDS, Reading
from msm.errors import UserError, nearest

SAMPLE = 120  # characters from each of start, middle and end; a sentence is enough for the model
LETTERS = 0.6  # prose has about 0.95 letters among its visible characters, tables some 0.8
DISTINCT_RUNS = 0.5  # half of all runs of five words said before: prose stays above 0.95

_LETTER = np.array([chr(code).isalpha() or code > 127 for code in range(256)])
_VISIBLE = np.array([code > 32 for code in range(256)])


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def check_language(language: str) -> None:
    """Refuse a language that cannot be told.

    Raises:
        UserError: no such ISO 639-1 code is known.
    """
    known = _identifier().labels
    if language not in known:
        raise UserError(f"corpus.language: unknown code '{language}'{nearest(language, known)}")


def other_language(text: str, language: str) -> str | None:
    """The language that a text is more likely in than ``language``, with its probability."""
    middle = max(0, len(text) // 2 - SAMPLE // 2)
    parts = (text[:SAMPLE], text[middle : middle + SAMPLE], text[-SAMPLE:])
    sample = text if len(text) <= 3 * SAMPLE else "\n".join(parts)
    found, probability = _identifier().classify(sample)
    return None if found == language else f"{found}, probability {probability:.2f}"


def gibberish(reading: Reading) -> str | None:
    """Why a text is no prose, or None: too few letters, or the same runs of words repeated."""
    try:
        codes = np.frombuffer(reading.text.encode(), np.uint8)
    except UnicodeEncodeError:
        return "characters that are no Unicode"
    visible = np.count_nonzero(_VISIBLE[codes])
    letters = np.count_nonzero(_LETTER[codes])
    if letters < LETTERS * visible:
        return f"{100 * letters / visible:.0f} % letters"
    runs = len(reading.hashes) - SHINGLE_WORDS + 1
    if runs > 0 and len(reading.shingles) < DISTINCT_RUNS * runs:
        return f"{100 * len(reading.shingles) / runs:.0f} % distinct runs of words"
    return None
