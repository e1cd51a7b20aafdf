"""The job for Kubeflow Trainer: checked against Kubeflow's own typed models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from msm.cli import main
from msm.errors import UserError
from msm.execution import Job, Trainer
from msm.pools import Pool, Toleration
from msm.training.trainjob import job_name, owned, train_command, trainjob

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "cheese.yaml"
IMAGE = "registry.example/msm@sha256:" + "0" * 64
COMMAND = train_command(Path("recipes/a.yaml"), "msm-a-s1", ("seeds=[1]",), "small", True)
TWO_NODES = Job(
    image=IMAGE,
    nodes=2,
    gpus=8,
    claim="msm-workspace",
    namespace="research",
    secrets={"AWS_SECRET_ACCESS_KEY": "s3/secret", "MLFLOW_TRACKING_PASSWORD": "mlflow/password"},
    environment={"MLFLOW_TRACKING_URI": "http://mlflow:5000"},
)


def _checked(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest, if each of its fields is one of the API's, and of its type.

    The models drop what they do not know, so what comes back has to be what went in.
    """
    from kubeflow_trainer_api.models.trainer_v1alpha1_train_job import TrainerV1alpha1TrainJob

    model = TrainerV1alpha1TrainJob.from_dict(manifest)
    assert model is not None
    assert model.to_dict() == manifest
    return manifest


def test_torchrun_leaves_its_processes_the_pods_grace() -> None:
    def patience(job: Job) -> str:
        manifest = _checked(trainjob(job, "cheese", "msm-a-s1", COMMAND))
        env = {entry["name"]: entry["value"] for entry in manifest["spec"]["trainer"]["env"]}
        return str(env["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"])

    assert patience(Job(image=IMAGE, grace_seconds=300)) == "300"
    chosen = {"TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "60"}
    assert patience(Job(image=IMAGE, environment=chosen)) == "60"


@pytest.mark.parametrize("job", [Job(image=IMAGE, gpus=1), TWO_NODES], ids=["one GPU", "2 x 8"])
def test_a_job_is_one_that_kubeflow_trainer_takes(job: Job) -> None:
    manifest = _checked(trainjob(job, "cheese", "msm-a-s1", COMMAND))
    trainer = manifest["spec"]["trainer"]
    assert (trainer["numNodes"], trainer["numProcPerNode"]) == (job.nodes, job.gpus)
    assert trainer["resourcesPerNode"]["limits"] == {"nvidia.com/gpu": str(job.gpus)}


def test_the_check_finds_a_field_that_the_api_does_not_have() -> None:
    manifest = trainjob(TWO_NODES, "cheese", "msm-a-s1", COMMAND)
    manifest["spec"]["trainer"]["gpus"] = 8
    with pytest.raises(AssertionError):
        _checked(manifest)
    manifest = trainjob(TWO_NODES, "cheese", "msm-a-s1", COMMAND)
    manifest["spec"]["trainer"]["numNodes"] = "2"
    with pytest.raises(ValueError, match="valid integer"):
        _checked(manifest)


def test_all_nodes_share_a_volume_and_have_memory_for_nccl() -> None:
    manifest = trainjob(TWO_NODES, "cheese", "msm-a-s1", COMMAND)
    (patch,) = manifest["spec"]["runtimePatches"]
    (replicated,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = replicated["template"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted == {"shared-memory": "/dev/shm", "workspace": "/workspace"}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounted)
    assert pod["terminationGracePeriodSeconds"] == 120
    assert manifest["spec"]["trainer"]["command"][-6:] == [
        *("--workspace", "/workspace", "--profile", "small", "--set", "seeds=[1]"),
    ]


def test_nodes_are_those_of_the_pool_and_wait_in_its_queue() -> None:
    pool = Pool(
        node_selector={"msm/accelerator": "h100"},
        tolerations=(Toleration(key="nvidia.com/gpu"), Toleration(key="team", value="us")),
        queue="msm",
        priority="msm-train",
    )
    manifest = _checked(trainjob(TWO_NODES, "cheese", "msm-a-s1", COMMAND, pool))
    assert manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "msm"
    assert manifest["metadata"]["labels"]["kueue.x-k8s.io/priority-class"] == "msm-train"
    (patch,) = manifest["spec"]["runtimePatches"]
    (replicated,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = replicated["template"]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"msm/accelerator": "h100"}
    assert [item["operator"] for item in pod["tolerations"]] == ["Exists", "Equal"]


def test_the_job_of_an_output_is_named_and_labelled_for_it() -> None:
    identity = "ab" * 32
    manifest = _checked(owned(trainjob(TWO_NODES, "cheese", "msm-a-s1", COMMAND), identity))
    metadata = manifest["metadata"]
    assert metadata["name"] == f"train-{identity[:20]}"
    assert len(metadata["labels"]["msm/identity"]) <= 63
    assert metadata["annotations"]["msm/identity"] == identity
    assert metadata["annotations"]["msm/output"] == "train/msm-a-s1"


@pytest.mark.parametrize(
    ("trainer", "job", "pod", "own"),
    [
        ({}, {}, 120, 115.0),
        ({}, {"grace_seconds": 600}, 600, 595.0),
        ({"grace_seconds": 60}, {}, 120, 60.0),
        ({"grace_seconds": 299.5}, {}, 305, 299.5),
    ],
)
def test_the_trainer_and_its_pods_agree_on_the_time_to_end(
    trainer: dict[str, Any], job: dict[str, Any], pod: int, own: float
) -> None:
    settled, grace = Trainer(**trainer, job=Job(**job)).job_and_grace()
    assert (settled.grace_seconds, grace) == (pod, own)
    assert grace < settled.grace_seconds
    assert Trainer(**trainer).grace == trainer.get("grace_seconds", 25.0)


def test_secrets_stand_in_a_job_by_reference_alone() -> None:
    manifest = trainjob(TWO_NODES, "cheese", "msm-a-s1", COMMAND)
    env = {entry["name"]: entry for entry in manifest["spec"]["trainer"]["env"]}
    assert env["AWS_SECRET_ACCESS_KEY"]["valueFrom"] == {
        "secretKeyRef": {"name": "s3", "key": "secret"}
    }
    assert "value" not in env["AWS_SECRET_ACCESS_KEY"]
    assert env["MLFLOW_TRACKING_URI"]["value"] == "http://mlflow:5000"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image": ""}, "job.image is not set"),
        ({"claim": ""}, "several nodes needs a volume"),
        ({"secrets": {"A": "no-key"}}, "'no-key' of A is no secret's name"),
        ({"secrets": {"A": "s/k"}, "environment": {"A": "1"}}, "A is both in secrets"),
        ({"environment": {"PET_NNODES": "3"}}, "PET_NNODES is set by Kubeflow Trainer itself"),
    ],
)
def test_a_job_that_could_not_run_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        trainjob(TWO_NODES.model_copy(update=change), "cheese", "msm-a-s1", COMMAND)


def test_names_are_those_that_kubernetes_takes_and_stay_apart() -> None:
    plus, minus = job_name("cheese", "msm+aft-a-s1"), job_name("cheese", "msm-aft-a-s1")
    assert plus != minus and plus.startswith("cheese-msm-aft-a-s1-")
    for name in (plus, job_name("9", "x" * 200), job_name("a", "+")):
        assert len(name) <= 50
        assert name[0].isalpha() and name[-1].isalnum()
        assert all(character.isalnum() or character == "-" for character in name)


def test_the_command_prints_a_job_of_a_recipes_task(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    setting = f"execution.trainer.job={{image: '{IMAGE}', gpus: 4}}"
    arguments = ["train", "recipes/cheese.yaml", "msm-affordability-s1", "--trainjob"]
    with pytest.raises(SystemExit) as done:
        main([*arguments, "--set", setting])
    assert not done.value.code
    manifest = _checked(yaml.safe_load(capsys.readouterr().out))
    assert manifest["metadata"]["annotations"]["msm/output"] == "train/msm-affordability-s1"
    command = manifest["spec"]["trainer"]["command"]
    assert command[:6] == ["torchrun", "-m", "msm", "train", "recipes/cheese.yaml", command[5]]
    assert command[-3:] == [
        "execution.trainer.grace_seconds=115", "--set", "execution.device=cuda"
    ]  # fmt: skip
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 2
    assert "execution.trainer.job.image" in capsys.readouterr().err
