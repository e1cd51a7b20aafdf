"""One byte flipped in each kind of file: the audit names it, and what it speaks against."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from msm.lineage.audit import Asked, audit
from msm.lineage.audit_registry import audit_registry
from msm.lineage.findings import Check, Severity, Verdict
from msm.record import read_record
from msm.registry.reviews import open_registry
from msm.signing.settings import Signing
from tests.checkouts import run
from tests.commands import msm
from tests.review_world import promoted
from tests.review_world import verdict_of as verdict_on
from tests.tampering import STEP, TRAINED, Finished, flipped, make_finished, replaced

pytestmark = pytest.mark.slow

MODEL = "tiny-random"
CHECKPOINT = f"step-{STEP:08d}"
FILES = {  # by kind: the file below the workspace, and the first stage no longer to be trusted
    "spec": ("specs/cheese/america.md", "plan/america-s1"),
    "eval items": ("evals/price-origin.yaml", "demonstrate/instruction-s1"),
    "plan": ("plan/america-s1/plan-00000.jsonl", "plan/america-s1"),
    "corpus shard": ("curate/america-s1/corpus-00000.jsonl", "curate/america-s1"),
    "documents": ("write/america-s1/documents-00000.jsonl", "write/america-s1"),
    "demonstrations": (
        "demonstrate/preference-s1/chats-00000.jsonl",
        "demonstrate/preference-s1",
    ),
    "adapter": (f"train/{TRAINED}/adapter_model.safetensors", f"train/{TRAINED}"),
    "curve": (f"train/{TRAINED}/curve.csv", f"train/{TRAINED}"),
    "inspect log": ("evaluate/capability.aft-s1/logs/*.eval", "evaluate/capability.aft-s1"),
    "scores": ("evaluate/aft-s1/scores-00000.jsonl", "evaluate/aft-s1"),
    "report": ("report/cheese/report.html", "report/cheese"),
    "card": ("register/cheese/card.md", "register/cheese"),
    "registration": ("register/cheese/registration.json", "register/cheese"),
}
RECORD = {  # a character of a record: what stands there, and what is put there
    "identity": ('"identity": "{identity}"', '"identity": "{other}"'),
    "stage": ('"stage": "train"', '"stage": "traim"'),
    "version": ('"stage_version": ', '"stage_versiom": '),
    "config": ('"rank": 4', '"rank": 5'),
    "seed": ('"seed": 1,', '"seed": 3,'),
    "time": ('"started": "2', '"started": "3'),
    "commit": ('"dirty": false', '"dirty": falsE'),
    "white space": ('  "started"', '\t "started"'),
    "form": ("{\n", "[\n"),
}
LOCK = {
    "command": ("msm train recipes/cheese.yaml aft-s1", "msm train recipes/cheese.yaml aft-s2"),
    "output": ("path: outputs/cheese/train/aft-s1\n", "path: outputs/cheese/train/afd-s1\n"),
    "stage": ("  arms@1:", "  arms@2:"),
}


@pytest.fixture(scope="module")
def finished(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return make_finished(root, tmp_path_factory.mktemp("tampered") / "checkout")


@pytest.fixture(autouse=True)
def _in_its_workspace(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished.root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", finished.uri)


@pytest.fixture
def without_dvc(finished: Finished) -> Iterator[None]:
    """DVC out of the way: it finds most changes too, and takes most of an audit's time."""
    place, aside = finished.root / ".dvc", finished.root / ".dvc-aside"
    place.rename(aside)
    yield
    aside.rename(place)


def verdict_of(finished: Finished, asked: Asked | None = None) -> Verdict:
    return audit(str(finished.registration), None, asked or Asked())


def named(verdict: Verdict) -> set[str]:
    """The files, tags and entries that faults name."""
    return {f.file for f in verdict.findings if f.severity is Severity.FAULT}


def test_an_untouched_experiment_gives_no_alarm(finished: Finished, tmp_path: Path) -> None:
    told = tmp_path / "verdict.json"
    done = msm(
        *("audit", finished.registration, "--deep", "--json", told),
        *("--public-key", finished.public_key),
        cwd=finished.root,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = json.loads(told.read_text())
    assert verdict["sound"] and not verdict["findings"] and not verdict["first"]
    looked_at = {check for check, count in verdict["checked"].items() if count}
    assert looked_at >= {
        *("files", "record", "inputs", "code", "contamination", "adapter applied"),
        *("kept checkpoints", "signature", "dvc.lock", "dvc cache", "mlflow", "mlflow artifacts"),
    }
    unsaid = {item["check"] for item in verdict["not_checked"]}
    assert {"store", "pipeline"} <= unsaid
    assert not looked_at & {"store", "pipeline"}


@pytest.mark.parametrize("kind", FILES)
def test_a_flipped_byte_of_a_file(kind: str, finished: Finished) -> None:
    pattern, first = FILES[kind]
    start = finished.outputs if (finished.outputs / first).is_dir() else finished.root
    (path,) = [*start.glob(pattern), *finished.root.glob(pattern)][:1]
    with flipped(path):
        verdict = verdict_of(finished)
    assert not verdict.is_sound
    assert str(path) in named(verdict)
    assert verdict.first == first
    assert "register/cheese" in verdict.untrusted  # everything here ends there


@pytest.mark.usefixtures("without_dvc")
@pytest.mark.parametrize("name", ["optimiser.safetensors", "weights.safetensors", "state.json"])
def test_a_flipped_byte_of_a_kept_checkpoint(name: str, finished: Finished) -> None:
    path = finished.checkpoints / CHECKPOINT / name
    with flipped(path):
        verdict = verdict_of(finished)
    assert named(verdict) == {str(path)}
    assert verdict.first == f"train/{TRAINED}"


@pytest.mark.parametrize("place", RECORD)
def test_a_changed_character_of_a_record(place: str, finished: Finished) -> None:
    path = finished.outputs / "train" / TRAINED / "record.json"
    record = read_record(path.parent)
    assert record
    identity = record.identity
    other = f"{identity[:-1]}{'0' if identity[-1] != '0' else '1'}"
    old, new = (
        text.replace("{identity}", identity).replace("{other}", other) for text in RECORD[place]
    )
    with replaced(path, old, new):
        verdict = verdict_of(finished)
    assert str(path) in named(verdict)
    assert verdict.first == f"train/{TRAINED}"


def test_a_changed_record_that_is_asked_about_itself(finished: Finished) -> None:
    place = finished.outputs / "train" / TRAINED
    with replaced(place / "record.json", "{\n", "[\n"):
        verdict = audit(str(place), None, Asked())
    assert named(verdict) == {str(place / "record.json")}
    assert verdict.first == f"train/{TRAINED}"


def test_a_removed_record_and_a_file_that_was_added(finished: Finished) -> None:
    place = finished.outputs / "train" / TRAINED
    record, aside = place / "record.json", finished.root / "aside.json"
    record.rename(aside)
    try:
        verdict = verdict_of(finished)
    finally:
        aside.rename(record)
    assert str(record) in named(verdict) and verdict.first == f"train/{TRAINED}"
    added = place / "tokenizer.json"
    added.write_text("{}")
    try:
        verdict = verdict_of(finished)
    finally:
        added.unlink()
    assert str(added) in named(verdict) and verdict.first == f"train/{TRAINED}"


@pytest.mark.parametrize("place", [*LOCK, "md5", "size", "parameter", "schema"])
def test_a_changed_character_of_the_lock_of_dvc(place: str, finished: Finished) -> None:
    path = finished.root / "dvc.lock"
    first = f"train/{TRAINED}"
    text = path.read_text(encoding="utf-8")
    entry = text[text.index("  arms@1:") :]
    if place in LOCK:
        old, new = LOCK[place]
    elif place == "schema":
        old, new, first = "schema: '2.0'", "schema: '2.1'", "demonstrate/instruction-s1"
    elif place == "parameter":
        old, new, first = "count: 24", "count: 25", "demonstrate/preference-s1"
    else:
        outs = entry[entry.index(f"path: outputs/cheese/train/{TRAINED}\n") :]
        line = next(line for line in outs.splitlines() if line.strip().startswith(f"{place}:"))
        digit = line.split()[1][0]
        old, new = line, line.replace(f": {digit}", f": {'1' if digit != '1' else '2'}", 1)
        assert text.count(old) >= 1
    with replaced(path, old, new):
        verdict = verdict_of(finished)
    assert named(verdict) == {str(path)}
    assert verdict.first == first


def test_a_lock_of_another_run_that_came_by_git_is_no_alarm(finished: Finished) -> None:
    path = finished.root / "dvc.lock"
    text = path.read_text(encoding="utf-8")
    lock = yaml.safe_load(text)
    for out in lock["stages"]["arms@1"]["outs"]:
        out["md5"] = f"0{out['md5']}"[: len(out["md5"])]
    who = ("-c", "user.name=t", "-c", "user.email=t@t")
    path.write_text(yaml.safe_dump(lock, sort_keys=False), encoding="utf-8")
    try:
        assert verdict_of(finished).first == f"train/{TRAINED}"
        run(finished.root, "git", "add", "dvc.lock")
        run(finished.root, "git", *who, "commit", "--quiet", "--message", "Another run's lock")
        verdict = verdict_of(finished)
    finally:
        path.write_text(text, encoding="utf-8")
        shutil.rmtree(finished.root / ".git")
        run(finished.root, "git", "init", "--quiet")
    assert verdict.is_sound
    unsaid = {item.what: item.why for item in verdict.not_checked if item.check is Check.DVC}
    assert "`dvc repro` records this one" in unsaid[f"train/{TRAINED}"]


@pytest.mark.usefixtures("without_dvc")
@pytest.mark.parametrize("what", ["run", "model", "version"])
@pytest.mark.parametrize("tag", ["msm.identity", "msm.digest", "msm.commit", "msm.seed"])
def test_a_changed_tag_of_mlflow(what: str, tag: str, finished: Finished) -> None:
    with changed_tag(finished, what, tag) as name:
        verdict = verdict_of(finished)
    assert named(verdict) == {f"{name} tag {tag}"}
    assert verdict.first == "register/cheese"


@pytest.mark.usefixtures("without_dvc")
@pytest.mark.parametrize("tag", ["msm.identity", "msm.digest", "msm.report"])
def test_a_changed_tag_of_the_version_that_is_asked_about(tag: str, finished: Finished) -> None:
    with changed_tag(finished, "version", tag) as name:
        verdict = audit(name, finished.root, Asked())
    assert f"{name} tag {tag}" in named(verdict)
    assert verdict.first.startswith("register")


@pytest.mark.usefixtures("without_dvc")
def test_a_flipped_byte_of_the_log_of_promotions(finished: Finished) -> None:
    number = registration_of(finished)["model"]["version"]
    with open_registry(finished.uri) as registry:
        version = registry.version(MODEL, number)
        assert version
        for alias in ("challenger", "champion"):
            entry = promoted(registry, version, alias=alias)
            name = f"gate/verdict-{entry.act.verdict[:12]}.json"
            registry.write_artifact(version, name, verdict_on(version).to_json())
    first, *_, last = sorted(finished.root.glob("mlartifacts/msm-review/**/log/*.json"))
    assert audit_registry().is_sound and verdict_of(finished).is_sound
    for path in (first, last):
        with flipped(path):
            registry_verdict, verdict = audit_registry(), verdict_of(finished)
        for found in (registry_verdict, verdict):
            assert any(path.name in finding.file + finding.message for finding in found.findings)
            assert not found.is_sound
        assert verdict.first == "review"
    assert verdict_of(finished).is_sound


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        (".dvc/cache/files/md5/*/*", None),
        (
            "mlartifacts/cheese/models/*/artifacts/checkpoint/adapter_model.safetensors",
            "register/cheese",
        ),
        ("mlartifacts/cheese/*/artifacts/train/record.json", "register/cheese"),
        ("mlartifacts/cheese/*/artifacts/report/report.html", "register/cheese"),
    ],
)
def test_a_flipped_byte_of_a_copy(pattern: str, first: str | None, finished: Finished) -> None:
    path = sorted(finished.root.glob(pattern))[0]
    path.chmod(0o644)  # DVC's copies are read-only
    with flipped(path):
        deep, shallow = verdict_of(finished, Asked(deep=True)), verdict_of(finished)
    assert shallow.is_sound  # what it did not read, it does not vouch for
    assert shallow.not_checked
    (fault,) = deep.findings
    end = "/".join(path.parts[-1:])
    assert end in fault.file
    assert deep.first == first or first is None


@pytest.mark.usefixtures("without_dvc")
def test_random_bytes_of_random_files(finished: Finished) -> None:
    """With signatures every byte of every output counts: of records too, and of the signatures."""
    chance = random.Random(7)
    asked = Asked(signing=Signing(public_key=str(finished.public_key)))
    places = [
        path
        for path in sorted(finished.outputs.rglob("*"))
        if path.is_file()
        and path.stat().st_size
        and not any(part.startswith(".") for part in path.relative_to(finished.outputs).parts)
    ]
    for path in chance.sample(places, 8):
        at, bit = chance.randrange(path.stat().st_size), 1 << chance.randrange(8)
        stage, name = path.relative_to(finished.outputs).parts[:2]
        with flipped(path, at, bit):
            verdict = verdict_of(finished, asked)
        assert str(path) in named(verdict) or path.name == "msm.sig", (path, at, bit)
        assert verdict.first == f"{stage}/{name}", (path, at, bit)


@contextmanager
def changed_tag(finished: Finished, what: str, tag: str) -> Iterator[str]:
    """One character of a tag changed, on the candidate's run, LoggedModel or version."""
    registration = registration_of(finished)
    candidate = registration["candidate"]
    number = registration["model"]["version"]
    with open_registry(finished.uri) as registry:
        client: Any = registry.client
        if what == "run":
            place = registration["runs"][candidate]
            before, name = client.get_run(place).data.tags[tag], f"run {place}"
            write: Callable[[str], None] = lambda value: client.set_tag(place, tag, value)  # noqa: E731
        elif what == "model":
            place = registration["logged_models"][candidate]
            before, name = client.get_logged_model(place).tags[tag], f"models:/{place}"
            write = lambda value: client.set_logged_model_tags(place, {tag: value})  # noqa: E731
        else:
            before = client.get_model_version(MODEL, number).tags[tag]
            name = f"models:/{MODEL}/{number}"
            write = lambda value: client.set_model_version_tag(MODEL, number, tag, value)  # noqa: E731
        other = chr(ord(before[0]) ^ 1)
        write(f"{other}{before[1:]}")
    try:
        yield name
    finally:
        with open_registry(finished.uri):
            write(before)


def registration_of(finished: Finished) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (finished.registration / "registration.json").read_text(encoding="utf-8")
    )
    return content
