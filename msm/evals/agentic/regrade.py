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
    from msm.evals.agentic.scorer import agentic_scorer
    from msm.evals.grade_again import grade_again

    if out.suffix != ".eval":
        raise UserError(f"{out}: a graded log ends in .eval")
    if out.exists():
        raise UserError(f"{out}: exists already; name another file, or remove it")
    read_rows(log)
    return grade_again(log, agentic_scorer(judge, judge_attempts), out)
