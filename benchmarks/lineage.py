"""``msm lineage`` on a graph of 1,000 records: from the disk, and with the index in memory.

    python benchmarks/lineage.py [--records N] [--repeats N]

The graph is that of one experiment: arms by seeds, each with plan, documents, corpus, chats, two
phases of training and three measurements, all read by one report. The records are as large as real
ones (config, environment, thirty files each). Seconds are the best of several: ``command``
is `msm lineage REF` in a process of its own, its pages dropped from the cache before; ``cold``
reads all records and gathers, pages dropped too; ``warm`` gathers from an index in memory; the rest
is what one form takes on top. Processor time stands beside it, as other work on the machine
stretches the seconds. The aim is 1 second for the command.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from msm.execution import Execution
from msm.identity import digest_value
from msm.lineage.as_json import lineage_json
from msm.lineage.find import find
from msm.lineage.gather import gather
from msm.lineage.in_toto import statement_lines
from msm.lineage.index import open_index
from msm.lineage.open_lineage import event_lines
from msm.lineage.page import write_page
from msm.lineage.tree import plain
from msm.record import (
    FileRecord,
    InputRecord,
    Outcome,
    Record,
    code_state,
    compute_identity,
    environment_state,
)

AIM = 1.0
PER_ARM = 9  # records of one arm and seed
FILES = 30
EXPERIMENT = "graph"


class Graph:
    """Writes records of made-up outputs; their files are not there, only their digests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0
        self.environment = {**environment_state(), "execution": Execution().recorded()}
        self.spec = self._given("specs/spec.md")
        self.suite = self._given("evals/items.yaml")
        self.student = self._given("student")

    def add(self, stage: str, name: str, inputs: dict[str, InputRecord]) -> InputRecord:
        """One record; returns it as an input of others."""
        config = {"name": name, "settings": {f"setting_{n}": n * 0.5 for n in range(40)}}
        digests = {role: item.digest for role, item in inputs.items()}
        identity = compute_identity(stage, 1, config, digests)
        files = {
            f"part-{n:05}.jsonl": FileRecord(1000 + n, digest_value([identity, n]))
            for n in range(FILES)
        }
        digest = digest_value({file: entry.sha256 for file, entry in files.items()})
        record = Record(
            stage=stage,
            stage_version=1,
            identity=identity,
            digest=digest,
            config=config,
            inputs=inputs,
            files=files,
            seed=1,
            outcome=Outcome(rows_in=10, rows_out=9, dropped={"near duplicate": 1}, tokens=1000),
            started="2026-01-01T00:00:00+00:00",
            seconds=1.5,
            code=code_state(),
            environment=self.environment,
        )
        folder = self.root / "outputs" / EXPERIMENT / stage / name
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(record.to_json(), encoding="utf-8")
        self.count += 1
        return InputRecord(str(folder), digest, identity)

    def arm(self, name: str) -> dict[str, InputRecord]:
        """All records of an arm with one seed; returns its measurements."""
        spec, suite, student = self.spec, self.suite, self.student
        plan = self.add("plan", name, {"spec": spec})
        documents = self.add("write", name, {"spec": spec, "plan": plan})
        corpus = self.add("curate", name, {"documents": documents, "suite": suite})
        chats = self.add("demonstrate", name, {"spec": spec, "suite": suite})
        first = self.add("train", f"documents-{name}", {"corpus": corpus, "student": student})
        read = {"checkpoint": first, "chats-aligned": chats, "student": student}
        checkpoint = self.add("train", name, read)
        asked = {"checkpoint": checkpoint, "student": student, "suite": suite}
        return {
            f"{kind}{name}": self.add("evaluate", f"{kind}{name}", {**asked, "prompts": spec})
            for kind in ("", "agentic.", "capability.")
        }

    def _given(self, name: str) -> InputRecord:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(name, encoding="utf-8")
        return InputRecord(str(self.root / name), digest_value(name), None)


def make_graph(root: Path, records: int) -> tuple[int, str]:
    """A workspace of about so many records; returns how many, and the report's identity."""
    graph = Graph(root)
    read: dict[str, InputRecord] = {}
    for number in range(round((records - 1) / PER_ARM)):
        read |= graph.arm(f"arm-{number}-s1")
    report = graph.add("report", EXPERIMENT, read)
    assert report.identity is not None
    return graph.count, report.identity


def drop_pages(root: Path) -> None:
    """Make the next reading of every record come from the disk."""
    for path in root.rglob("record.json"):
        with path.open("rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def best(
    call: Callable[[], object], repeats: int, before: Callable[[], None]
) -> tuple[float, float]:
    """The least seconds of several calls, and the least processor seconds, children included."""
    seconds, processor = [], []
    for _ in range(repeats):
        before()
        started, used = time.perf_counter(), _processor()
        call()
        seconds.append(time.perf_counter() - started)
        processor.append(_processor() - used)
    return min(seconds), min(processor)


def _processor() -> float:
    return sum(os.times()[:4])


def main() -> None:
    """Make the graph, and time each form on it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        count, identity = make_graph(root, options.records)
        index = open_index(root)
        found = find(identity, root)
        lineage, target = found.lineage, found.target
        command = [sys.executable, "-m", "msm", "lineage", identity, "--workspace", name]
        size = sum(path.stat().st_size for path in root.rglob("record.json"))
        print(
            f"{count} records, {size / 1e6:.1f} MB; {len(lineage.nodes)} nodes, "
            f"{len(lineage.edges)} connections; best of {options.repeats}"
        )

        def show(what: str, call: Callable[[], object], cold: bool = False) -> tuple[float, float]:
            before = (lambda: drop_pages(root)) if cold else (lambda: None)
            seconds, processor = best(call, options.repeats, before)
            print(f"{what:<40} {seconds:8.3f} s {processor:8.2f} s")
            return seconds, processor

        print(f"{'':<40} {'seconds':>10} {'processor':>10}")
        seconds, processor = show(
            "command, pages dropped",
            lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True),
            cold=True,
        )
        show("cold: read all records, gather", lambda: find(identity, root), cold=True)
        show("warm: gather from an index in memory", lambda: gather(identity, index))
        show("tree", lambda: plain(lineage))
        show("JSON", lambda: lineage_json(lineage, target))
        show("page", lambda: write_page(lineage, target, root / "page.html"))
        show("OpenLineage events", lambda: list(event_lines(lineage)))
        show("in-toto statements", lambda: list(statement_lines(lineage)))
        told = [
            f"{'met' if found < AIM else 'missed'} by {what}"
            for what, found in (("the clock", seconds), ("processor time", processor))
        ]
        print(f"aim {AIM:.1f} s for the command: {', '.join(told)}")


if __name__ == "__main__":
    main()
