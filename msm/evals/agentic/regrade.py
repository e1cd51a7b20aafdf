"""Grade stored answers with another judge. The student is neither loaded nor asked.

From a shell: ``inspect score LOG --scorer msm/evals/agentic/scorer.py@agentic_scorer -S judge=…
--action overwrite --output-file NEW.eval``, which opens the student's model if it is a local one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msm.errors import UserError
from msm.evals.agentic.rows import read_rows

if TYPE_CHECKING:
    from inspect_ai.model import Model


def regrade(log: Path, judge: str | Model, out: Path, judge_attempts: int = 5) -> Path:
    """Write ``log`` graded by ``judge`` to ``out``, an .eval file that must not exist yet.

    ``out`` is written whole or not at all. Samples without an answer stay without.

    Raises:
        UserError: ``log`` is no finished log of this suite, or ``out`` cannot be used.
    """
    from inspect_ai import score
    from inspect_ai.log import read_eval_log, write_eval_log
    from inspect_ai.model import get_model

    from msm.evals.agentic.scorer import agentic_scorer

    if out.suffix != ".eval":
        raise UserError(f"{out}: a graded log ends in .eval")
    if out.exists():
        raise UserError(f"{out}: exists already; name another file, or remove it")
    read_rows(log)
    graded = score(
        read_eval_log(str(log)),
        agentic_scorer(judge, judge_attempts),
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
