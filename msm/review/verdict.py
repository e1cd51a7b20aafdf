"""What the gates found of one version: a result for each gate, and whether all are green."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from msm.identity import digest_value

VERDICT_TAG, DIGEST_TAG, TIME_TAG = "msm.gate.verdict", "msm.gate.digest", "msm.gate.time"
GREEN, RED = "green", "red"


@dataclass(frozen=True)
class Result:
    """One gate: its name, what it asks, what was found, and whether that is enough."""

    gate: str
    asked: str
    found: str
    green: bool


@dataclass(frozen=True)
class Verdict:
    """The results for exactly this version, with this report, under these gates."""

    model: str
    version: str
    identity: str
    digest: str
    report: str
    experiment: str
    gates: Mapping[str, Any]
    results: tuple[Result, ...]

    @property
    def is_green(self) -> bool:
        """Whether every gate is."""
        return all(result.green for result in self.results)

    @property
    def word(self) -> str:
        """``green`` or ``red``."""
        return GREEN if self.is_green else RED

    @property
    def red(self) -> tuple[str, ...]:
        """The names of the gates that are not green."""
        return tuple(result.gate for result in self.results if not result.green)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        content = asdict(self)
        return {**content, "results": [asdict(r) for r in self.results], "verdict": self.word}

    @property
    def content_digest(self) -> str:
        """SHA-256 of all of it: the log names a verdict by this."""
        return digest_value(self.to_json())

    def tags(self, time: str) -> dict[str, str]:
        """The verdict as tags of the version; shown, and never trusted."""
        return {
            VERDICT_TAG: self.word,
            DIGEST_TAG: self.content_digest,
            TIME_TAG: time,
            "msm.gate.red": ", ".join(self.red) or "none",
        }


def verdict_name(digest: str) -> str:
    """Where the verdict of a content digest lies among the artifacts of a version's run."""
    return f"gate/verdict-{digest[:12]}.json"
