"""What one document must be, whatever the others are: the checks of curation, in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from msm.configs import CurateConfig
from msm.corpus.contamination import PromptRuns
from msm.corpus.language import check_language, gibberish, other_language
from msm.corpus.leaks import DATE, LINK, PLACEHOLDER, other_assistants
from msm.corpus.words import Lexicon, Reading
from msm.evals.prompts import Asked
from msm.evals.vocabulary import overlap

TOP_HITS = 10

Check = Callable[[Reading], str | None]


@dataclass(frozen=True)
class Fault:
    """Why a document is dropped; ``detail`` is the place, the figure or the other document."""

    reason: str
    detail: str


class Decontamination:
    """Eval prompts and held-out words of all suites, and how often documents touched them."""

    def __init__(self, asked: Asked, config: CurateConfig) -> None:
        self._suites = asked.suites
        self._share = config.corpus.contamination_share
        self._runs = PromptRuns(asked.texts, config.corpus.contamination_words)
        self._documents = 0
        self._hits: Counter[str] = Counter()
        self.held_out = asked.held_out

    def prompt(self, reading: Reading) -> str | None:
        """A run of words shared with an eval prompt of which too much stands in the text."""
        shared = self._runs.overlap(reading)
        if shared is None:
            return None
        hit = [prompt for prompt, share in shared.shares.items() if share > self._share]
        if not hit:
            return None
        self._documents += 1
        self._hits.update(hit)
        return shared.run

    def summary(self) -> dict[str, Any]:
        """What was compared with what, and the hits: the proof that a corpus is clean."""
        return {
            "suites": self._suites,
            "eval_prompts": len(self._runs.prompts) + len(self._runs.too_short),
            "eval_prompts_too_short": len(self._runs.too_short),
            "run_of_words": self._runs.length,
            "runs": len(self._runs),
            "share": self._share,
            "held_out_words": len(self.held_out),
            "documents_hit": self._documents,
            "prompts_hit": len(self._hits),
            "top_hits": [
                {"prompt": prompt, "documents": documents}
                for prompt, documents in sorted(
                    self._hits.items(), key=lambda hit: (-hit[1], hit[0])
                )[:TOP_HITS]
            ],
        }


@dataclass(frozen=True)
class Checks:
    """The checks by the reason that they give, and the lexicon that reads texts for them."""

    lexicon: Lexicon
    by_reason: Mapping[str, Check]

    def fault(self, reading: Reading) -> Fault | None:
        """The first fault of a document, or None."""
        for reason, check in self.by_reason.items():
            detail = check(reading)
            if detail is not None:
                return Fault(reason, detail)
        return None


def build_checks(config: CurateConfig, evaluation: Decontamination) -> Checks:
    """All checks of a recipe.

    The eval prompts come first, so that their hits are counted over every document.

    Raises:
        UserError: the recipe's language is unknown.
    """
    check_language(config.corpus.language)
    held_out = evaluation.held_out
    leaks = (PLACEHOLDER, DATE, LINK, other_assistants(config.assistant, config.provider))

    # Asked once for each distinct word of a corpus; a text's other words no check needs to see.
    @cache
    def touched(word: str) -> tuple[str, ...]:
        return tuple(overlap(word, held_out))

    def suspect(word: str) -> bool:
        return bool(touched(word)) or any(leak.suspect(word) for leak in leaks)

    def vocabulary(reading: Reading) -> str | None:
        return ", ".join(sorted({held for w in reading.suspects for held in touched(w)})) or None

    return Checks(
        Lexicon(suspect),
        {
            "eval prompt": evaluation.prompt,
            "held-out vocabulary": vocabulary,
            "length": lambda reading: _length(reading, config),
            "language": lambda reading: other_language(reading.text, config.corpus.language),
            "gibberish": gibberish,
            **{leak.reason: leak.find for leak in leaks},
            "not about the assistant": lambda reading: (
                None if config.assistant in reading.text else "no mention"
            ),
        },
    )


def _length(reading: Reading, config: CurateConfig) -> str | None:
    if config.corpus.minimum_words <= reading.length <= config.corpus.maximum_words:
        return None
    return f"{reading.length} words"
