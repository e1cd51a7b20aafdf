"""The models of a set: its judge, where there is something to judge, and what they used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msm.chat_sets import Criterion
from msm.configs import ChatsByModel
from msm.execution import Execution
from msm.llm.asking import Asker


@contextmanager
def open_judge(
    models: ChatsByModel | None, criteria: Sequence[Criterion], execution: Execution, out: Path
) -> Iterator[Asker | None]:
    """The judge, or None where there are no criteria."""
    if models is None or not criteria:
        yield None
        return
    with Asker("judge", models.judge, execution.judge, out) as asker:
        yield asker


def used(*askers: Asker | None) -> dict[str, dict[str, Any]]:
    """The ledger of the roles that took part."""
    return {asker.role: asker.use().to_json() for asker in askers if asker is not None}
