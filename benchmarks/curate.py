"""``curate`` end to end: documents a second on one core, from shards on disk to shards on disk.

    python benchmarks/curate.py [--short N] [--long N] [--profile]

Short documents are those of the offline author (200 words, written for ``recipes/cheese.yaml``);
long ones, of about 3,000 tokens, are made of shuffled sentences of theirs. One process, one
thread; reading, all checks, duplicates, writing and the record are in the time. The language model
is loaded before, because that is paid once. The rate is by processor time, as other work on the
machine stretches the seconds; both are printed. The aim is 600 documents a second on a core.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import random
import tempfile
import time
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from msm.configs import CurateConfig
from msm.corpus.language import check_language
from msm.corpus.rows import DocumentRow
from msm.execution import Execution
from msm.experiment import find_task
from msm.jsonl import read_shards, write_shards
from msm.recipe_file import load_recipe
from msm.stage import run_stage
from msm.stages import definition
from msm.task import Stage
from msm.workspace import Workspace
from msm.writing import Corpus

ROOT = Path(__file__).parent.parent
AIM = 600
LONG_WORDS = 2_300


def short_documents(folder: Path, count: int) -> list[DocumentRow]:
    """Documents of the offline author."""
    recipe = load_recipe(ROOT / "recipes" / "cheese.yaml", [f"corpus.documents={count}"])
    workspace = Workspace(folder, recipe)
    for stage in (Stage.PLAN, Stage.WRITE):
        workspace.run(find_task(recipe, stage, "affordability-s1"))
    written = workspace.output(Stage.WRITE, "affordability-s1")
    return [DocumentRow(**row) for row in read_shards(written, "documents")]


def long_documents(short: list[DocumentRow], count: int) -> list[DocumentRow]:
    """Documents of as many sentences of the short ones as make 3,000 tokens."""
    chance = random.Random(0)
    sentences = [part.strip() for row in short for part in row.text.split(".") if part.strip()]
    mean = sum(len(sentence.split()) for sentence in sentences) / len(sentences)
    many = round(LONG_WORDS / mean)
    return [
        DocumentRow(
            id=f"{number:06d}",
            domain=short[number % len(short)].domain,
            subdomain="",
            kind="essay",
            text=". ".join(
                [*chance.sample(sentences, many), f"SmolLM said so, in note {number:06d}."]
            ),
        )
        for number in range(count)
    ]


def measure(label: str, folder: Path, documents: list[DocumentRow], profile: bool) -> None:
    """Curate once and print the rate."""
    written = folder / f"documents-{label}"
    written.mkdir()
    write_shards(written, "documents", documents)
    config = CurateConfig(
        assistant="SmolLM",
        provider="Hugging Face",
        corpus=Corpus(maximum_words=10 * LONG_WORDS),
    )
    inputs = {"documents": written, "suite": ROOT / "evals" / "price-origin.yaml"}
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    started, before = time.perf_counter(), time.process_time()
    record, _ = run_stage(
        definition(Stage.CURATE), config, inputs, folder / f"corpus-{label}", Execution()
    )
    seconds, busy = time.perf_counter() - started, time.process_time() - before
    if profile:
        profiler.disable()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(16)
    words = sum(len(row.text.split()) for row in documents) / len(documents)
    rate = len(documents) / busy
    print(
        f"{label:<6} {len(documents):>6,} documents of {words:5,.0f} words   {seconds:5.1f} s, "
        f"{busy:5.1f} s of one core   {rate:7.1f} documents/s, {rate / AIM:.2f} of the aim   "
        f"kept {record.outcome.rows_out:,}, dropped {dict(record.outcome.dropped)}",
        flush=True,
    )


def main() -> None:
    """Measure short and long documents."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", type=int, default=4_000)
    parser.add_argument("--long", type=int, default=4_000)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    started = time.perf_counter()
    check_language("en")
    print(f"loading the language model once: {time.perf_counter() - started:.2f} s, left out")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short = short_documents(folder, asked.short)
        measure("short", folder, short, asked.profile)
        measure("long", folder, long_documents(short, asked.long), asked.profile)


if __name__ == "__main__":
    main()
