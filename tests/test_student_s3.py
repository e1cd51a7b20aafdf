"""A student and a checkpoint from S3: pinned by content, measured like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.errors import UserError
from msm.identity import digest_path
from msm.recipe_file import load_recipe
from msm.record import read_record
from msm.storage.push import push_folder
from msm.training.student import materialise_given, materialise_student
from msm.weights import GivenCheckpoint, GivenSource, Source, Student
from tests.commands import msm
from tests.s3_server import KEY, SECRET


@pytest.fixture
def student_url(
    s3_url: str, tiny_student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Where the tiny student lies in S3; the cache is empty."""
    push_folder(tiny_student, s3_url)
    monkeypatch.setenv("MSM_CACHE", str(tmp_path / "cache"))
    return s3_url


def test_a_student_from_s3_is_the_one_that_was_pushed(
    student_url: str, tiny_student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = digest_path(tiny_student)
    student = Student(source=Source.S3, name=student_url, revision=digest[:16])
    folder = materialise_student(student)
    assert digest_path(folder) == digest
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")  # the second time from the cache
    assert materialise_student(student) == folder
    assert student.label == f"{student_url}@{digest[:12]}"


def test_another_content_than_the_pinned_one_is_not_kept(student_url: str, tmp_path: Path) -> None:
    student = Student(source=Source.S3, name=student_url, revision="0" * 64)
    with pytest.raises(UserError, match="is pinned"):
        materialise_student(student)
    given = GivenCheckpoint(source=GivenSource.S3, name=student_url, revision="0" * 64)
    with pytest.raises(UserError, match="is pinned"):
        materialise_given(given)
    assert not list((tmp_path / "cache").rglob("*.json"))


def test_what_is_no_model_is_named_by_its_address(
    s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "notes.txt").write_text("no model")
    digest = push_folder(folder, s3_url)
    with pytest.raises(UserError, match=f"student folder {s3_url} has no config.json"):
        materialise_student(Student(source=Source.S3, name=s3_url, revision=digest))
    with pytest.raises(UserError, match=f"checkpoint {s3_url} has neither"):
        materialise_given(GivenCheckpoint(source=GivenSource.S3, name=s3_url, revision=digest))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("student={source: s3, name: 's3://b-1/tiny'}", "needs a pinned 'revision'"),
        ("student={source: s3, name: 's3://b-1/tiny', revision: main}", "by its content digest"),
        (f"student={{source: s3, name: tiny, revision: '{'0' * 64}'}}", "s3://bucket/prefix"),
        ("arms.x={checkpoint: {source: s3, name: 's3://b-1/x'}}", "needs a 'revision'"),
        ("arms.x={checkpoint: {source: s3, name: x, revision: a}}", "s3://bucket/prefix"),
    ],
)
def test_a_recipe_that_pins_too_little(root: Path, change: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_recipe(root / "recipes" / "tiny.yaml", [change])


def test_a_recipe_measures_a_student_and_a_checkpoint_from_s3(
    root: Path, student_url: str, tiny_student: Path, tmp_path: Path
) -> None:
    other = materialise_student(Student(source=Source.RANDOM, hidden=32, layers=2, seed=7))
    other_url = f"{student_url}-other"
    digests = digest_path(tiny_student), push_folder(other, other_url)
    start = ("--set", "arms.start={phases: []}")
    student = f"student={{source: s3, name: '{student_url}', revision: '{digests[0]}'}}"
    given = f"{{source: s3, name: '{other_url}', revision: '{digests[1][:12]}'}}"
    recipe = root / "recipes" / "tiny.yaml"
    arms = (*start, "--set", f"arms.given={{checkpoint: {given}}}")
    for name in ("start-s1", "given-s1"):
        done = msm("evaluate", recipe, name, "--set", student, *arms, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    scores = tmp_path / "outputs" / "tiny" / "evaluate"
    records = {name: read_record(scores / name) for name in ("start-s1", "given-s1")}
    assert records["start-s1"] is not None
    assert records["given-s1"] is not None
    assert records["start-s1"].inputs["student"].digest == digests[0]
    assert records["given-s1"].inputs["checkpoint"].digest == digests[1]
    assert records["start-s1"].digest != records["given-s1"].digest
    # the same weights from a folder: the same identity, the same scores
    folder = f"student={{source: folder, name: '{tiny_student}'}}"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = msm("evaluate", recipe, "start-s1", "--set", folder, *start, cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    from_folder = read_record(elsewhere / "outputs" / "tiny" / "evaluate" / "start-s1")
    assert from_folder is not None
    assert from_folder.identity == records["start-s1"].identity
    assert from_folder.digest == records["start-s1"].digest
    for path in tmp_path.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert SECRET.encode() not in content, path
        assert KEY.encode() not in content, path


def test_a_wrong_secret_is_one_line_before_any_work(
    root: Path, student_url: str, tmp_path: Path
) -> None:
    student = f"student={{source: s3, name: '{student_url}', revision: '{'0' * 64}'}}"
    done = msm(
        *("run", root / "recipes" / "tiny.yaml", "--set", student),
        cwd=tmp_path,
        AWS_SECRET_ACCESS_KEY="wrong-secret-5512",
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "refuses access (SignatureDoesNotMatch)" in done.stderr
    assert "5512" not in done.stderr
    assert not list(tmp_path.rglob("record.json"))
