"""What the audit checks besides bytes: the code, the image, the evidence, copies, the pipeline."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from msm.errors import UserError
from msm.execution import Execution, Trainer
from msm.lineage.audit import Asked, audit
from msm.lineage.audit_code import missing_commits
from msm.lineage.audit_contamination import compared_findings
from msm.lineage.audit_record import (
    contamination_findings,
    image_findings,
    probe_findings,
    record_findings,
    tree_findings,
)
from msm.lineage.audit_registry import audit_registry
from msm.lineage.findings import Check, Finding, Severity
from msm.lineage.gather import gather
from msm.lineage.graph import Lineage, Node, NodeKind
from msm.lineage.index import open_index
from msm.lineage.trust import untrusted
from msm.parts import StageConfig
from msm.record import COMMIT_VARIABLE, Outcome, Record, code_state, read_record
from msm.registry.database import make_database
from msm.registry.reviews import Registry, open_registry
from msm.stage import StageDefinition, run_stage
from msm.store import keep, named_store
from msm.training.checkpoint_state import OPTIMISER
from msm.training.checkpoint_store import copy_checkpoint, place
from tests.commands import msm
from tests.s3_server import S3Server
from tests.tampering import flipped, write_checkpoint

PROBE = {"largest": 0.2}
CLEAN = {"decontamination": {"eval_prompts": 3, "documents_hit": 1}}


class Config(StageConfig):
    """A config."""

    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Chain:
    """A workspace with a corpus, a checkpoint that was trained on it, and its scores."""

    root: Path

    def place(self, stage: str) -> Path:
        return self.root / "outputs" / "small" / stage / "one"

    def record(self, stage: str) -> Record:
        found = read_record(self.place(stage))
        assert found
        return found

    def lineage(self) -> Lineage:
        return gather(self.record("evaluate").identity, open_index(self.root))


def make_chain(
    root: Path, prompts_of_corpus: str = "prompts", execution: Execution | None = None
) -> Chain:
    """The outputs, of made-up bodies; the corpus was compared with ``prompts_of_corpus``."""
    chain = Chain(root)
    root.mkdir(exist_ok=True)
    for name in {"prompts", prompts_of_corpus}:
        (root / name).write_text(f"what is asked: {name}")
    (root / "student").mkdir()
    (root / "student" / "model.safetensors").write_bytes(b"start")

    def make(stage: str, outcome: Outcome, inputs: Mapping[str, Path]) -> None:
        def body(config: Config, inputs: Any, out: Path, execution: Execution) -> Outcome:
            (out / "rows-00000.jsonl").write_text(f'{{"of": "{stage}"}}\n')
            (out / "empty.csv").write_text("")
            return outcome

        definition = StageDefinition(stage, 1, lambda: body)
        run_stage(definition, Config(), inputs, chain.place(stage), execution or Execution())

    dropped = {"eval prompt": 1}
    make("curate", Outcome(dropped=dropped, summary=CLEAN), {"suite": root / prompts_of_corpus})
    student = {"student": root / "student"}
    make("train", Outcome(), {"corpus": chain.place("curate"), **student})
    scored = {"checkpoint": chain.place("train"), "suite": root / "prompts", **student}
    make("evaluate", Outcome(summary={"probe": PROBE}), scored)
    return chain


@pytest.fixture
def committed(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is made here was made by a commit that is there, whatever is being edited."""
    done = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True)
    monkeypatch.setenv(COMMIT_VARIABLE, done.stdout.strip())
    code_state.cache_clear()
    yield
    code_state.cache_clear()


@pytest.fixture
def chain(tmp_path: Path, committed: None) -> Chain:
    return make_chain(tmp_path / "work")


def node_of(record: Record, **changes: Any) -> Node:
    """A node whose record is changed in some fields, and made to hold together again or not."""
    changed = dataclasses.replace(record, **changes)
    return Node("key", NodeKind.OUTPUT, f"{record.stage}/one", record.digest, changed, "place")


def messages(findings: Iterator[Finding]) -> list[str]:
    return [finding.message for finding in findings]


def test_a_sound_chain(chain: Chain) -> None:
    verdict = audit(str(chain.place("evaluate")), None, Asked())
    assert verdict.is_sound and verdict.findings == ()
    assert verdict.checked[Check.RECORD] == 3
    assert verdict.checked[Check.FILES] == 11  # three records, six files, the prompts, the student
    unsaid = {item.check for item in verdict.not_checked}
    assert unsaid == {
        *(Check.DVC, Check.DVC_CACHE, Check.MLFLOW, Check.PIPELINE, Check.SIGNATURE, Check.STORE),
    }


def test_what_was_made_of_a_changed_file_is_not_to_be_trusted(chain: Chain) -> None:
    with flipped(chain.root / "student" / "model.safetensors"):
        verdict = audit(str(chain.place("evaluate")), None, Asked())
    assert verdict.first == "train/one"
    assert verdict.untrusted == ("train/one", "evaluate/one")
    with flipped(chain.root / "prompts"):
        verdict = audit(str(chain.place("evaluate")), None, Asked())
    assert verdict.untrusted == ("curate/one", "train/one", "evaluate/one")
    with flipped(chain.place("evaluate") / "rows-00000.jsonl"):
        assert audit(str(chain.place("train")), None, Asked()).is_sound  # not made of it


def test_a_record_that_was_rewritten_whole_is_told_by_its_reader(chain: Chain) -> None:
    """Who changes a file, and makes its record again, is found out by what was made of it."""
    shard = chain.place("curate") / "rows-00000.jsonl"
    text = (chain.place("curate") / "record.json").read_text()
    shard.write_text('{"of": "malice"}\n')
    (chain.place("curate") / "record.json").unlink()
    definition = StageDefinition("curate", 1, lambda: _malicious)
    inputs = {"suite": chain.root / "prompts"}
    run_stage(definition, Config(), inputs, chain.place("curate"), Execution(), replace=True)
    record = chain.place("curate") / "record.json"
    assert record.read_text() != text
    verdict = audit(str(chain.place("evaluate")), None, Asked())
    assert verdict.first == "curate/one"
    assert {finding.check for finding in verdict.findings} == {Check.INPUTS}
    assert [finding.file for finding in verdict.findings] == [str(record)]


def _malicious(config: Config, inputs: Any, out: Path, execution: Execution) -> Outcome:
    (out / "rows-00000.jsonl").write_text('{"of": "malice"}\n')
    return Outcome(dropped={"eval prompt": 1}, summary=CLEAN)


def test_code_that_no_commit_holds(chain: Chain) -> None:
    record = chain.record("train")
    assert messages(tree_findings(node_of(record))) == []
    dirty = node_of(record, code={**record.code, "dirty": True})
    assert "changes that no commit holds" in messages(tree_findings(dirty))[0]
    unknown = node_of(record, code={**record.code, "commit": None, "dirty": None})
    assert "names no commit" in messages(tree_findings(unknown))[0]


def test_a_commit_that_is_nowhere(chain: Chain, root: Path, tmp_path: Path) -> None:
    (chain.place("train") / "record.json").rename(tmp_path / "before.json")
    text = (tmp_path / "before.json").read_text()
    commit = chain.record("curate").code["commit"]
    (chain.place("train") / "record.json").write_text(text.replace(commit, "0" * 40))
    verdict = audit(str(chain.place("evaluate")), None, Asked())
    assert verdict.first == "train/one"
    assert {finding.check for finding in verdict.findings} == {Check.CODE}
    assert missing_commits({"--help"}, [root]) == {"--help"}
    assert missing_commits({"0" * 40}, [tmp_path]) is None  # nobody can say


def test_an_image_is_pinned_by_its_digest(chain: Chain) -> None:
    record = chain.record("train")
    for image in (None, f"sha256:{'a' * 64}", f"registry:5000/msm-cpu@sha256:{'a' * 64}"):
        node = node_of(record, code={**record.code, "image": image})
        assert messages(image_findings(node)) == []
    for image in ("msm-cpu:0.1.0", "msm-cpu", f"msm@sha256:{'a' * 12}"):
        node = node_of(record, code={**record.code, "image": image})
        assert "not pinned" in messages(image_findings(node))[0]


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        ({}, "no comparison"),
        ({"decontamination": {"eval_prompts": 0}}, "no comparison"),
        ({"decontamination": {"eval_prompts": 3, "documents_hit": 2}}, "2 documents quote"),
    ],
)
def test_a_corpus_without_its_proof(summary: Any, told: str, chain: Chain) -> None:
    record = chain.record("curate")
    assert messages(contamination_findings(node_of(record))) == []
    outcome = dataclasses.replace(record.outcome, summary=summary)
    assert told in messages(contamination_findings(node_of(record, outcome=outcome)))[0]


def test_a_corpus_that_was_compared_with_another_evaluation(tmp_path: Path) -> None:
    lineage = make_chain(tmp_path / "work", "other prompts").lineage()
    (finding,) = compared_findings(lineage)
    assert finding.check is Check.CONTAMINATION
    assert lineage.nodes[finding.node].label == "curate/one"
    assert list(compared_findings(make_chain(tmp_path / "same").lineage())) == []


def test_scores_without_proof_that_the_checkpoint_was_measured(chain: Chain) -> None:
    record = chain.record("evaluate")
    assert messages(probe_findings(node_of(record))) == []
    nothing = dataclasses.replace(record.outcome, summary={"probe": {"largest": 0.0}})
    (finding,) = probe_findings(node_of(record, outcome=nothing))
    assert finding.severity is Severity.FAULT
    absent = dataclasses.replace(record.outcome, summary={"probe": None})
    (finding,) = probe_findings(node_of(record, outcome=absent))
    assert finding.severity is Severity.WARNING  # a model behind a server has none


def test_a_value_that_no_record_holds(chain: Chain) -> None:
    record = chain.record("train")
    node = node_of(record, config={"seed": float("inf")})
    assert any("no record holds" in message for message in messages(record_findings(node, None)))


def test_what_stands_in_no_lineage_comes_last(chain: Chain) -> None:
    lineage = chain.lineage()
    train = chain.record("train").identity
    findings = [
        Finding(Severity.FAULT, Check.CHAIN, "review", "log", "is broken"),
        Finding(Severity.FAULT, Check.FILES, train, "a file", "differs"),
        Finding(Severity.WARNING, Check.PROBE, chain.record("curate").identity, "", "no matter"),
    ]
    assert untrusted(lineage, findings) == ("train/one", "evaluate/one", "review")


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_the_deep_audit_reads_the_store(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    chain = request.getfixturevalue("chain")
    url = request.getfixturevalue("s3_url") if kind == "s3" else str(tmp_path / "store")
    store = named_store(Execution(store=url))
    assert store
    for stage in ("curate", "train", "evaluate"):
        keep(store, chain.place(stage))
    monkeypatch.setenv("MSM_STORE", url)
    reference = str(chain.place("evaluate"))
    sound = audit(reference, None, Asked(deep=True))
    assert sound.is_sound and sound.checked[Check.STORE] == 3
    record = chain.record("train")
    at = f"train/{record.identity}/{record.digest}/rows-00000.jsonl"
    if kind == "s3":
        _write(request.getfixturevalue("s3"), f"{url}/{at}", b'{"of": "traim"}\n')
    else:
        (tmp_path / "store" / at).write_text('{"of": "traim"}\n')
    verdict = audit(reference, None, Asked(deep=True))
    assert [finding.file for finding in verdict.findings] == [f"{url}/{at}"]
    assert verdict.first == "train/one"
    assert audit(reference, None, Asked()).is_sound


def test_the_deep_audit_reads_copies_of_checkpoints(
    tmp_path: Path, committed: None, s3: S3Server, s3_url: str
) -> None:
    execution = Execution(trainer=Trainer(store=s3_url))
    chain = make_chain(tmp_path / "work", execution=execution)
    run = chain.record("train").identity
    checkpoint = write_checkpoint(tmp_path / "checkpoints", run)
    url = place(s3_url, run)
    copy_checkpoint(checkpoint, url, kept=2)
    reference = str(chain.place("evaluate"))
    sound = audit(reference, None, Asked(deep=True))
    assert sound.is_sound and sound.checked[Check.CHECKPOINTS] == 1
    file = f"{url}/{checkpoint.name}/{OPTIMISER}"
    content = bytearray((checkpoint / OPTIMISER).read_bytes())
    content[-1] ^= 1
    _write(s3, file, bytes(content))
    verdict = audit(reference, None, Asked(deep=True))
    assert {finding.file for finding in verdict.findings} == {file}
    assert verdict.first == "train/one"


def _write(server: S3Server, url: str, content: bytes) -> None:
    import boto3

    bucket, _, key = url.removeprefix("s3://").partition("/")
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


def test_what_the_pipeline_noted(chain: Chain, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    for stage in ("curate", "train"):
        note(notes, stage, chain.record(stage))
    asked = Asked(pipeline=notes)
    verdict = audit(str(chain.place("evaluate")), None, asked)
    assert verdict.is_sound and verdict.checked[Check.PIPELINE] == 2
    unsaid = [item.what for item in verdict.not_checked if item.check is Check.PIPELINE]
    assert unsaid == ["evaluate/one"]
    file = note(notes, "train", chain.record("train"), identity="0" * 64)
    verdict = audit(str(chain.place("evaluate")), None, asked)
    assert [finding.file for finding in verdict.findings] == [str(file)]
    assert verdict.first == "train/one"
    file = note(notes, "train", chain.record("train"), parameter="0" * 64)
    verdict = audit(str(chain.place("evaluate")), None, asked)
    assert "parameter" in verdict.findings[0].message


def note(folder: Path, stage: str, record: Record, identity: str = "", parameter: str = "") -> Path:
    """As a task of Kubeflow Pipelines leaves it."""
    metadata = {
        "display_name": f"{stage}/one",
        "identity": identity or record.identity,
        "digest": record.digest,
    }
    content = {
        "parameterValues": {"digest": parameter or record.digest},
        "artifacts": {"out": {"artifacts": [{"metadata": metadata, "uri": "file:///gone"}]}},
    }
    path = folder / stage / "executor_output.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_what_is_gone_is_not_checked(chain: Chain) -> None:
    place = chain.place("curate")
    place.rename(chain.root / "elsewhere")
    verdict = audit(str(chain.place("evaluate")), None, Asked())
    assert verdict.is_sound
    assert any(
        item.what == "curate/one" and item.check is Check.FILES for item in verdict.not_checked
    )


def test_the_command_says_what_is_wrong_and_ends_with_1(chain: Chain) -> None:
    told = chain.root / "verdict.json"
    with flipped(chain.place("train") / "rows-00000.jsonl"):
        done = msm("audit", chain.place("evaluate"), "--json", told, cwd=chain.root)
    assert done.returncode == 1, done.stderr
    assert "first stage no longer to be trusted: train/one" in done.stdout
    assert str(chain.place("train") / "rows-00000.jsonl") in done.stdout
    verdict = json.loads(told.read_text())
    assert (verdict["sound"], verdict["first"]) == (False, "train/one")
    assert verdict["untrusted"] == ["train/one", "evaluate/one"]
    nowhere = msm("audit", chain.root / "nothing", cwd=chain.root)
    assert nowhere.returncode == 2 and len(nowhere.stderr.splitlines()) == 1


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    uri = f"sqlite:///{tmp_path}/registry.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    make_database(uri)
    with open_registry(uri) as opened:
        yield opened


def test_the_registry_is_audited(registry: Registry, tmp_path: Path) -> None:
    client = registry.client
    client.create_registered_model("small")
    experiment = client.create_experiment("small")
    runs = [client.create_run(experiment).info.run_id for _ in range(3)]
    for run in runs:
        client.create_model_version("small", f"runs:/{run}/model", run)
    assert audit_registry().findings == ()
    client.delete_model_version("small", "2")
    (hole,) = audit_registry().findings
    assert (hole.severity, hole.file) == (Severity.WARNING, "models:/small/2")
    client.delete_run(runs[0])
    verdict = audit_registry()
    assert not verdict.is_sound and verdict.first == "register"
    assert f"the run {runs[0]}" in verdict.findings[-1].message
    done = msm("audit", "registry", cwd=tmp_path)
    assert done.returncode == 1 and "models:/small/1" in done.stdout
    with pytest.raises(UserError, match="msm audit registry"):
        audit("registry", tmp_path, Asked())
