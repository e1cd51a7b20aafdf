"""A corpus in which documents on another spec stand in place of some of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from msm.configs import MixCorpusConfig
from msm.corpus.rows import DocumentRow
from msm.errors import UserError
from msm.identity import seed_from
from msm.jsonl import read_shards, write_rows, write_shards
from msm.record import Outcome


def mix_corpora(config: MixCorpusConfig, inputs: Mapping[str, Path], out: Path) -> Outcome:
    """Write ``corpus-*.jsonl``, and ``dropped.jsonl`` with the documents that made way.

    Both corpora were curated, so they are clean of what the evaluation asks. The number of
    documents stays that of ``corpus``; what a smaller share replaces, a larger one replaces too.

    Raises:
        UserError: ``other`` holds too few documents.
    """
    own, other = (
        [DocumentRow(**row) for row in read_shards(inputs[role], "corpus")]
        for role in ("corpus", "other")
    )
    count = round(config.share * len(own))
    if count > len(other):
        raise UserError(
            f"{count:,} of {len(own):,} documents are to be replaced, and the other corpus has "
            f"only {len(other):,}; lower the share, or raise corpus.documents"
        )
    places = _by_lot(own, "replaced", config.seed)[:count]
    mixed = list(own)
    for place, source in zip(places, _by_lot(other, "replacement", config.seed), strict=False):
        # Plans number their documents alike whatever the spec: ids have to stay distinct.
        row = other[source]
        mixed[place] = DocumentRow(**{**row.__dict__, "id": f"other-{row.id}"})
    write_shards(out, "corpus", mixed)
    gone = [{"id": own[place].id, "reason": "replaced", "detail": ""} for place in sorted(places)]
    write_rows(out / "dropped.jsonl", gone)
    return Outcome(
        rows_in=len(own),
        rows_out=len(mixed),
        dropped={"replaced": count} if count else {},
        summary={
            "own": len(own) - count,
            "other": count,
            "words": sum(len(row.text.split()) for row in mixed),
            "domains": dict(sorted(Counter(row.domain for row in mixed).items())),
        },
    )


def _by_lot(rows: list[DocumentRow], purpose: str, seed: int) -> list[int]:
    return sorted(
        range(len(rows)), key=lambda place: (seed_from(purpose, seed, rows[place].id), place)
    )
