"""Finding a figure of a report by its path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msm.errors import UserError, nearest
from msm.lineage.index import Entry, Index
from msm.reporting.origins import FIGURES, MAIN, Figure, read_origins
from msm.task import Stage


def find_figures(index: Index, experiment: str, path: str) -> tuple[Entry, tuple[Figure, ...]]:
    """The report that has a figure, and the figures of that path.

    A path that stops before the measure stands for the main measures of its arm, or for all of
    them where none is main.

    Args:
        index: of a workspace with finished reports.
        experiment: whose report to look into; "" for whichever has it.
        path: as ``agentic/msm+aft/qwen3/misaligned``; capital letters do not count.

    Raises:
        UserError: no report has such a figure, or several experiments have.
    """
    entries = index.of(Stage.REPORT, experiment)
    if not entries:
        names = sorted({entry.experiment for entry in index.of(Stage.REPORT)})
        told = nearest(experiment, names) if experiment and names else "; run an experiment first"
        which = f" of experiment '{experiment}'" if experiment else ""
        raise UserError(f"there is no report{which} in {index.root / 'outputs'}{told}")
    traced = [entry for entry in entries if (Path(entry.place) / FIGURES).exists()]
    known = {entry.place: read_origins(Path(entry.place)).figures for entry in traced or entries}
    found = [(entry, figures) for entry in traced if (figures := _below(known[entry.place], path))]
    if not found:
        every = {key for figures in known.values() for key in figures}
        arms = {key.rpartition("/")[0] for key in every}
        raise UserError(f"no report has the figure '{path}'{_near(path, every | arms)}")
    if len(found) > 1:
        told = ", ".join(f"report:{entry.experiment}:{path}" for entry, _ in found)
        raise UserError(f"several reports have '{path}'; say which: {told}")
    return found[0]


def _below(figures: Mapping[str, Figure], path: str) -> tuple[Figure, ...]:
    wanted = path.casefold()
    exact = [figure for key, figure in figures.items() if key.casefold() == wanted]
    if exact:
        return tuple(exact)
    below = [figure for key, figure in figures.items() if key.casefold().startswith(f"{wanted}/")]
    main = [figure for figure in below if figure.role == MAIN]
    return tuple(main or below)


def _near(path: str, known: set[str]) -> str:
    """The nearest figure; of many, no list."""
    told = nearest(path, known)
    return told if told.startswith("; did you mean") else "; figures.json of a report lists them"
