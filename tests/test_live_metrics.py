"""A run's figures in MLflow while it trains: sent late or not at all, but never in the way."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from msm.execution import Execution, LiveMetrics, Trainer
from msm.parts import StageConfig
from msm.record import Outcome
from msm.registry.live import LiveLog, LiveSubject, open_live_log
from msm.stage import StageDefinition, run_stage
from msm.training.monitor import Monitor, peak_of
from tests.mlflow_server import MlflowServer
from tests.registry_world import World, all_runs, client, identity, make_world, register

SUBJECT = LiveSubject("cheese", "train/msm-affordability-s1", "0123456789abcdef")
SECONDS = 0.1


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path)
    yield server
    server.stop()


def _history(uri: str, run_id: str, key: str = "live/loss") -> list[tuple[int, float]]:
    points = client(uri).get_metric_history(run_id, key)
    return [(point.step, point.value) for point in points]


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


def test_points_of_a_server_that_is_down_are_sent_when_it_is_back(server: MlflowServer) -> None:
    log = LiveLog(server.uri, SUBJECT, SECONDS)
    for step in range(1, 601):  # two figures a step: more than one call takes
        log.put(step, {"loss": 3.0 - step / 1000, "tokens_per_second": 5.0})
    server.start()

    def found() -> list[Any]:
        experiment = client(server.uri).get_experiment_by_name("cheese")
        return client(server.uri).search_runs([experiment.experiment_id]) if experiment else []

    _until(lambda: bool(found()))
    (run,) = found()
    assert run.info.status == "RUNNING"
    _until(lambda: len(_history(server.uri, run.info.run_id)) == 600)
    server.stop()
    for step in range(601, 701):
        log.put(step, {"loss": 3.0 - step / 1000, "tokens_per_second": 5.0})
    time.sleep(5 * SECONDS)  # some sendings fail
    server.start()
    assert log.close(patience=60) == ""
    losses = _history(server.uri, run.info.run_id)
    assert [step for step, _ in losses] == list(range(1, 701))
    assert losses[-1][1] == pytest.approx(2.3)
    (run,) = found()
    assert run.info.status == "FINISHED"


def test_what_could_not_be_sent_is_said_in_one_line_without_the_password(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    log = LiveLog(f"http://me:hunter2@127.0.0.1:{port}", SUBJECT, SECONDS)
    log.put(1, {"loss": 1.0, "gradient_norm": math.inf})
    said = log.close(patience=1.0)
    assert said.startswith("1 points of live metrics could not be sent to MLflow at http://127")
    assert "hunter2" not in said and "curve.csv" in said and "\n" not in said


def test_a_server_that_never_answers_holds_nobody_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, answers nothing
        log = LiveLog(f"http://127.0.0.1:{silent.getsockname()[1]}", SUBJECT, SECONDS)
        for step in range(20_000):
            log.put(step, {"loss": 1.0})
        assert "20,000 points" in log.close(patience=0.5)


def test_a_training_that_goes_on_goes_on_in_the_same_run(tracking_uri: str) -> None:
    for first, status in ((1, "KILLED"), (4, "FINISHED")):
        log = LiveLog(tracking_uri, SUBJECT, SECONDS)
        for step in range(first, first + 3):
            log.put(step, {"loss": float(step)})
        assert log.close(status, patience=60) == ""
    (run,) = all_runs(tracking_uri)
    assert run.info.status == "FINISHED"
    assert _history(tracking_uri, run.info.run_id) == [(step, float(step)) for step in range(1, 7)]


def test_another_identity_of_the_same_output_is_another_run(tracking_uri: str) -> None:
    for digits in ("0123456789ab", "0123456789ff"):
        log = LiveLog(tracking_uri, LiveSubject("cheese", SUBJECT.output, digits), SECONDS)
        log.put(1, {"loss": 1.0})
        assert log.close(patience=60) == ""
    assert len(all_runs(tracking_uri)) == 2


def _trained_live(world: World, uri: str, name: str) -> None:
    made = identity(world.folder(f"checkpoint:{name}"))
    log = LiveLog(uri, LiveSubject("cheese", f"train/{name}", made), SECONDS)
    log.put(1, {"loss": 7.5})
    assert log.close(patience=60) == ""


def test_register_takes_the_run_that_the_training_began(
    world: World, tracking_uri: str, tmp_path: Path
) -> None:
    name = "msm-affordability-s1"
    _trained_live(world, tracking_uri, name)
    (live,) = all_runs(tracking_uri)
    done = register(world, tmp_path / "out")
    assert done["runs"][name] == live.info.run_id
    runs = all_runs(tracking_uri)
    assert len(runs) == len(world.config.results) + 1  # and the experiment's own
    run = client(tracking_uri).get_run(live.info.run_id)
    assert run.data.tags["mlflow.parentRunId"] == done["parent_run"]
    assert run.data.tags["msm.identity"] == identity(world.folder(f"checkpoint:{name}"))
    assert _history(tracking_uri, run.info.run_id) == [(1, 7.5)]
    assert [step for step, _ in _history(tracking_uri, run.info.run_id, "train/loss")] == [1, 2, 3]

    again = register(world, tmp_path / "again")
    _trained_live(world, tracking_uri, name)  # the output was removed, and made once more
    third = register(world, tmp_path / "third")
    assert again["runs"] == third["runs"] == done["runs"]
    assert len(all_runs(tracking_uri)) == len(runs)


def test_a_run_of_a_training_that_was_never_finished_is_left_alone(
    world: World, tracking_uri: str, tmp_path: Path
) -> None:
    log = LiveLog(
        tracking_uri, LiveSubject("cheese", "train/msm-affordability-s1", "f" * 12), SECONDS
    )
    assert log.close("KILLED", patience=60) == ""
    (other,) = all_runs(tracking_uri)
    assert other.info.run_id not in register(world, tmp_path / "out")["runs"].values()


def test_register_ends_runs_that_show_no_sign_of_life(
    world: World, tracking_uri: str, tmp_path: Path
) -> None:
    from msm.registry.tracker import LIVE, ensure_experiment

    started = client(tracking_uri)
    experiment = ensure_experiment(started, tracking_uri, "cheese")
    now = time.time_ns() // 1_000_000
    hour = 3_600_000
    finished = identity(world.folder("checkpoint:aft-s1"))

    def begin(output: str, made: str, hours: float, figure: float | None = None) -> str:
        tags = {"msm.output": output, LIVE: made}
        run = started.create_run(experiment, round(now - hours * hour), tags).info.run_id
        if figure is not None:
            started.log_metric(run, "live/loss", 1.0, round(now - figure * hour), 1)
        return str(run)

    taken = begin("train/aft-s1", finished, 9)  # the oldest of an output that is finished
    left = {
        begin("train/aft-s1", finished, 3): "KILLED",  # a second one of it, silent
        begin("train/other", "0" * 64, 9): "KILLED",  # never a figure
        begin("train/other", "1" * 64, 9, 7): "KILLED",  # a figure, long ago
        begin("train/other", "2" * 64, 10, 1): "RUNNING",  # the oldest, at work an hour ago
        begin("train/other", "3" * 64, 1): "RUNNING",  # just begun
    }
    done = register(world, tmp_path / "out")
    assert done["runs"]["aft-s1"] == taken
    assert {run: started.get_run(run).info.status for run in left} == left
    ended = next(iter(left))
    assert started.get_run(ended).info.end_time == round(now - 3 * hour)


def test_in_a_pipeline_the_run_lies_below_the_tasks(
    tracking_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "f00d")
    log = LiveLog(tracking_uri, SUBJECT, SECONDS)
    assert log.close(patience=60) == ""
    (run,) = all_runs(tracking_uri)
    assert run.data.tags["mlflow.parentRunId"] == run.data.tags["msm.pipeline_run"] == "f00d"


@pytest.mark.parametrize(
    ("uri", "wanted", "on"),
    [
        ("sqlite:///{}/mlflow.db", LiveMetrics.AUTO, False),
        ("sqlite:///{}/mlflow.db", LiveMetrics.ON, True),
        ("http://127.0.0.1:9", LiveMetrics.AUTO, True),
        ("http://127.0.0.1:9", LiveMetrics.OFF, False),
    ],
)
def test_it_is_on_by_itself_where_mlflow_is_a_server(
    uri: str,
    wanted: LiveMetrics,
    on: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(tmp_path))
    execution = Execution(trainer=Trainer(live_metrics=wanted)).named("cheese", "train/aft-s1")
    logs: list[LiveLog | None] = []

    def body(config: Any, inputs: Any, out: Path, execution: Execution) -> Outcome:
        logs.append(open_live_log(execution))
        return Outcome()

    made = StageDefinition("train", 1, lambda: body)
    run_stage(made, StageConfig(), {}, tmp_path / "out", execution)
    (log,) = logs
    assert (log is not None) == on
    if log is not None:
        log.close(patience=0.0)
    assert open_live_log(execution) is None  # outside a stage nothing is made


def test_the_name_in_mlflow_is_the_recipes_and_no_part_of_a_record() -> None:
    named = Execution().named("cheese", "train/aft-s1")
    assert named.trainer.run == "cheese/train/aft-s1"
    assert named.named("other", "train/x") == named
    assert named.recorded() == Execution().recorded()


def test_a_monitor_turns_steps_into_speed_and_time_left() -> None:
    put: list[tuple[int, Any]] = []
    monitor = Monitor(10, 6.0e9, 1.0e12, "cpu", lambda step, values: put.append((step, values)))
    for step in (1, 2):
        time.sleep(0.01)
        note = monitor.step(step, 2.5, 1e-4, 0.7, tokens=100)
    assert "loss 2.500" in note and "MFU" in note and "tokens/s" in note
    step, figures = put[-1]
    assert step == 2 and len(put) == 2
    assert figures["mfu"] == pytest.approx(figures["tokens_per_second"] * 6e9 / 1e12)
    per_step = 100 / figures["tokens_per_second"]
    assert figures["seconds_left"] == pytest.approx(8 * per_step)
    assert figures["memory_gb"] > 0.01
    on_cpu = Monitor(10, 6.0e9, peak_of("cpu", Trainer(gpu="H100"), 1), "cpu", None)
    assert "MFU" not in on_cpu.step(1, 2.5, 1e-4, 0.7, 100)
