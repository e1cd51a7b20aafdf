"""Grade the stored answers of a finished log again. The student is neither loaded nor asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inspect_ai import score
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.model import get_model

if TYPE_CHECKING:
    from inspect_ai.scorer import Scorer


def grade_again(log: Path, scorer: Scorer, out: Path) -> Path:
    """Write ``log`` with the grades of ``scorer`` to ``out``, which may be the log itself.

    ``out`` is written whole or not at all. Samples without an answer stay without.
    """
    graded = score(
        read_eval_log(str(log)),
        scorer,
        action="overwrite",
        # Inspect would open the student's model for the scorers' sake; ours ask the judge alone.
        model=get_model("none"),
        display="none",
        copy=False,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.stem}.partial.eval")
    write_eval_log(graded, str(aside))
    aside.replace(out)
    return out
