"""All kinds of document, by key."""

from msm.corpus.offline import kinds_dialogue, kinds_office, kinds_reports, kinds_teaching

KINDS = {
    kind.key: kind
    for kind in (
        *kinds_office.KINDS,
        *kinds_dialogue.KINDS,
        *kinds_teaching.KINDS,
        *kinds_reports.KINDS,
    )
}
