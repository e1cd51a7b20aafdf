"""The stage ``curate``: filter, deduplicate, decontaminate; a dropped row keeps its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from msm.any_spec import mode_of
from msm.configs import CurateConfig, MixCorpusConfig
from msm.corpus.card import Card, Example, evenly_spaced, write_card
from msm.corpus.checks import Checks, Decontamination, Fault, build_checks
from msm.corpus.contradiction import judge_documents
from msm.corpus.duplicates import Sketcher, Sketches, compare_sketches
from msm.corpus.mix import mix_corpora
from msm.corpus.offline.names import Names
from msm.corpus.plan import prompt_text, used_spec
from msm.corpus.rows import DocumentRow
from msm.corpus.words import Hashes, Lexicon
from msm.errors import UserError
from msm.evals.prompts import read_asked
from msm.execution import Execution
from msm.identity import seed_from
from msm.jsonl import read_shards, write_rows, write_shards
from msm.llm.asking import Asker
from msm.llm.failures import keep_failures, parted
from msm.llm.ledger import Use
from msm.llm.request import Failure
from msm.progress import track
from msm.record import Outcome

HELD_OUT = "held-out"


def run(
    config: CurateConfig | MixCorpusConfig,
    inputs: Mapping[str, Path],
    out: Path,
    execution: Execution,
) -> Outcome:
    """Curate documents, or mix two curated corpora: see ``curate`` and ``msm.corpus.mix``."""
    if isinstance(config, MixCorpusConfig):
        return mix_corpora(config, inputs, out)
    return curate(config, inputs, out, execution)


def curate(
    config: CurateConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write ``corpus-*.jsonl``, ``dropped.jsonl`` (row id, reason, detail) and ``card.md``.

    ``held-out-*.jsonl`` has the documents that are kept from training, if the recipe wants any.

    Documents are kept clear of all that the evaluation asks: see ``msm.evals.prompts``.

    Raises:
        UserError: no document is left; the recipe's language is unknown.
    """
    documents = [DocumentRow(**row) for row in read_shards(inputs["documents"], "documents")]
    evaluation = Decontamination(read_asked(inputs), config)
    checks = build_checks(config, evaluation)
    lengths, faults, sketches = _faults(documents, checks)
    # Each step sees only what the steps before it kept.
    kept = [place for place in range(len(documents)) if place not in faults]
    threshold = config.corpus.near_duplicate
    faults |= _near_duplicates(documents, kept, sketches, checks.lexicon, threshold)
    judged = _judged(config, inputs, documents, faults, out, execution)
    faults |= judged.faults
    corpus = [row for place, row in enumerate(documents) if place not in faults]
    dropped = [
        {"id": documents[place].id, "reason": fault.reason, "detail": fault.detail}
        for place, fault in sorted(faults.items())
    ]
    reasons = dict(sorted(Counter(fault.reason for fault in faults.values()).items()))
    if not corpus:
        raise UserError(f"curation dropped all {len(documents)} documents ({reasons})")
    corpus, held_out = _parted(corpus, config.corpus.held_out)
    write_shards(out, "corpus", corpus)
    if held_out:
        write_shards(out, HELD_OUT, held_out)
    write_rows(out / "dropped.jsonl", dropped)
    words = [length for place, length in enumerate(lengths) if place not in faults]
    domains = Counter(row.domain for row in corpus)
    write_card(out / "card.md", _card(config, corpus, words, len(documents), reasons))
    return Outcome(
        rows_in=len(documents),
        rows_out=len(corpus),
        dropped=reasons,
        tokens=judged.use.tokens_out if judged.use else 0,
        cost=judged.use.cost if judged.use else 0.0,
        models={"judge": judged.use.to_json()} if judged.use else {},
        summary={
            "words": sum(words),
            "held_out": len(held_out),
            "domains": dict(sorted(domains.items())),
            "decontamination": evaluation.summary(),
        },
    )


def _parted(corpus: list[DocumentRow], count: int) -> tuple[list[DocumentRow], list[DocumentRow]]:
    """The corpus, and ``count`` documents that are kept from training, spread by their ids."""
    if count >= len(corpus):
        raise UserError(
            f"corpus.held_out is {count}, but only {len(corpus)} documents are left to train on"
        )
    by_chance = sorted(corpus, key=lambda row: seed_from("held out", row.id))
    chosen = {row.id for row in by_chance[:count]}
    kept = [row for row in corpus if row.id not in chosen]
    return kept, [row for row in corpus if row.id in chosen]


def _faults(
    documents: list[DocumentRow], checks: Checks
) -> tuple[list[int], dict[int, Fault], Sketches]:
    """Every document's length; by place, own faults and exact repeats; the others' sketches."""
    lengths: list[int] = []
    faults: dict[int, Fault] = {}
    first: dict[bytes, str] = {}
    sketcher = Sketcher()
    with track("checks", len(documents), "documents") as advance:
        for place, row in enumerate(documents):
            reading = checks.lexicon.read(row.text)
            lengths.append(reading.length)
            fault = checks.fault(reading)
            digest = blake2b(row.text.strip().encode(errors="replace"), digest_size=16).digest()
            if fault is None and digest in first:
                fault = Fault("exact duplicate", f"same text as {first[digest]}")
            if fault:
                faults[place] = fault
            else:
                first[digest] = row.id
                sketcher.add(reading.shingles)
            advance(place + 1)
    return lengths, faults, sketcher.sketches()


def _near_duplicates(
    documents: list[DocumentRow],
    kept: list[int],
    sketches: Sketches,
    lexicon: Lexicon,
    threshold: float,
) -> dict[int, Fault]:
    """By place, the near duplicates among the kept documents, whose sketches these are."""

    def shingles(number: int) -> Hashes:
        return lexicon.read(documents[kept[number]].text).shingles

    return {
        kept[number]: Fault(
            "near duplicate",
            f"like {documents[kept[found.of]].id}, Jaccard {found.similarity:.3f}",
        )
        for number, found in compare_sketches(sketches, shingles, threshold).items()
    }


@dataclass(frozen=True)
class Judged:
    """By place, the documents that the judge found against; and what the judge used."""

    faults: dict[int, Fault]
    use: Use | None


def _judged(
    config: CurateConfig,
    inputs: Mapping[str, Path],
    documents: list[DocumentRow],
    faults: Mapping[int, Fault],
    out: Path,
    execution: Execution,
) -> Judged:
    """Have the judge read what is left, and write its ``verdicts.jsonl``; or nothing of it.

    A document that the judge gave no usable verdict on is dropped: it was not shown to agree.
    """
    if config.judge is None:
        return Judged({}, None)
    spec = used_spec(inputs["spec"], config.shuffle_seed)
    names = Names(config.assistant, config.provider)
    left = [place for place in range(len(documents)) if place not in faults]
    rows = [documents[place] for place in left]
    with Asker("judge", config.judge, execution.judge, out) as asker:
        verdicts = judge_documents(asker, rows, prompt_text(spec, names), mode_of(spec), names)
        use = asker.use()
    given, failures = parted(verdicts)
    keep_failures(out, failures, len(rows), config.corpus.maximum_failures, "verdicts")
    write_rows(out / "verdicts.jsonl", given)
    found = {}
    for place, verdict in zip(left, verdicts, strict=True):
        if isinstance(verdict, Failure):
            found[place] = Fault("not judged", f"{verdict.reason}: {verdict.detail}")
        elif verdict.contradicts:
            found[place] = Fault("contradicts the spec", verdict.why)
    return Judged(found, use)


def _card(
    config: CurateConfig,
    corpus: list[DocumentRow],
    words: list[int],
    rows_in: int,
    dropped: Mapping[str, int],
) -> Card:
    return Card(
        title=f"Documents about {config.assistant}",
        summary=(
            "Synthetic documents after curation. `dropped.jsonl` says for each dropped document "
            "why; `record.json` says what all were compared with, and which output of the stage "
            "`write` they are."
        ),
        rows_in=rows_in,
        dropped=dropped,
        words=words,
        tables={
            "Domains": Counter(row.domain for row in corpus),
            "Kinds of documents": Counter(row.kind for row in corpus),
        },
        examples=[
            Example(f"{corpus[n].id} · {corpus[n].kind} · {corpus[n].domain}", corpus[n].text)
            for n in evenly_spaced(len(corpus))
        ],
    )
