"""``figures.json``: every figure of a report, by name, with the scores that it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from msm.errors import UserError

FIGURES = "figures.json"
MAIN = "main"  # the role of the figures that a report is read for


@dataclass(frozen=True)
class Figure:
    """One figure of a report.

    ``key`` is its path: ``SUITE/ARM/SPEC/MEASURE`` (without SPEC for an arm that reads none), where
    the word pairs are the suite ``word-pairs`` with the measure ``axis frame``; else
    ``contrasts/…``, ``comparisons/…`` or ``scaling/…``. ``role`` is ``main``, ``detail`` or
    ``health``. ``estimate``, ``low`` and ``high`` are in ``unit``, None where there is none; ``n``
    counts what ``counted`` says. ``sources`` are input roles of the report.
    """

    key: str
    role: str
    unit: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    counted: str
    seeds: tuple[int, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Origins:
    """All figures by key, and the identity of each input role that one of them comes from."""

    figures: Mapping[str, Figure]
    identities: Mapping[str, str]


def write_origins(figures: Iterable[Figure], identities: Mapping[str, str], out: Path) -> None:
    """Write ``figures.json``. A figure whose key another one has gets a number."""
    named: dict[str, Figure] = {}
    for figure in figures:
        key, number = figure.key, 2
        while key in named:
            key, number = f"{figure.key}-{number}", number + 1
        named[key] = figure
    used = {role for figure in named.values() for role in figure.sources}
    content = {
        "identities": {role: identities[role] for role in sorted(used)},
        "figures": {
            key: {name: value for name, value in asdict(figure).items() if name != "key"}
            for key, figure in named.items()
        },
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (out / FIGURES).write_text(f"{text}\n", encoding="utf-8")


def read_origins(report: Path) -> Origins:
    """Read a report's ``figures.json``.

    Raises:
        UserError: it has none, as reports of earlier versions, or one of another form.
    """
    path = report / FIGURES
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        figures = {
            key: Figure(
                key=key,
                **{**item, "seeds": tuple(item["seeds"]), "sources": tuple(item["sources"])},
            )
            for key, item in raw["figures"].items()
        }
        return Origins(figures, dict(raw["identities"]))
    except FileNotFoundError:
        raise UserError(
            f"{report} does not say where its figures come from: an earlier version made it; "
            "make it again with --replace"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be read ({error}); make the report again") from None
