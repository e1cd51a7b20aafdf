"""The built-in author on a spec of either kind."""

from __future__ import annotations

from msm.any_spec import AnySpec
from msm.corpus.offline.author import plan_rows, write_document
from msm.corpus.offline.names import Names
from msm.corpus.offline.principles_author import plan_principle_rows, write_principle_document
from msm.corpus.rows import PlanRow
from msm.spec import Spec


def plan_any_rows(spec: AnySpec, names: Names, documents: int, seed: int) -> list[PlanRow]:
    """Plan exactly ``documents`` documents. The same arguments give the same rows."""
    if isinstance(spec, Spec):
        return plan_rows(spec, names, documents, seed)
    return plan_principle_rows(spec, names, documents, seed)


def write_any_document(spec: AnySpec, row: PlanRow, names: Names) -> str:
    """Write the document of one plan row, 80 to 300 words. The same arguments, the same text.

    Raises:
        UserError: the row's kind is unknown, or the spec's names alone fill a document.
    """
    if isinstance(spec, Spec):
        return write_document(spec, row, names)
    return write_principle_document(spec, row, names)
