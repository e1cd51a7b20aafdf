"""What holds the model and steps the optimiser: one process, many, and what passes between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from msm.errors import UserError
from msm.execution import Trainer, Zero
from msm.training.activations import (
    checkpoint_activations,
    require_checkpointing,
    require_recomputation,
)
from msm.training.adapter import with_adapter
from msm.training.agreement import agree
from msm.training.engines import make_engine
from msm.training.model import load_student
from msm.training.plain_engine import PlainEngine
from msm.training.trained import Trained
from msm.training.world import World, find_world, joined
from msm.training.zero_settings import zero_settings
from msm.training_settings import Lora, Optimisation, Precision
from tests.engine_worker import LORA, PACKS, SETTINGS, Job, pack, read_trained, take_step

ALONE = World(0, 1, 0, "cpu")
METHODS = ("lora", "full")
STAGES = (1, 2, 3)
STARTS = (0, 2, 3)  # whose checkpoint is continued; 0 is the plain engine
LOSS_FP32 = 5e-6  # in nats, of losses near 5: the order of sums differs between engines
LOSS_BF16 = 1e-3  # bf16 has 8 bits, and every stage rounds the packs' gradients differently
WEIGHT_FP32 = 5e-5  # AdamW's early steps are as long as the rate (1e-2) however small a gradient


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_student: Path) -> Path:
    """The folder of everything that the engines made: whole runs, halves, and continued halves."""
    folder = tmp_path_factory.mktemp("engines")
    names = [(m, z) for m in METHODS for z in STAGES]

    def job(name: str, **fields: Any) -> Job:
        return Job(student=str(tiny_student), out=str(folder / name), **fields)

    def continued(method: str, zero: int) -> list[Job]:
        return [
            job(
                f"{method}-{start}-then-{zero}",
                method=method,
                zero=zero,
                first=3,
                start=str(folder / f"{method}-{start}-half.safetensors"),
            )
            for start in STARTS
        ]

    plain = [job(f"{m}-0", method=m) for m in METHODS]
    plain += [job(f"{m}-0-half", method=m, last=3) for m in METHODS]
    plain += [job(f"{m}-0-bf16", method=m, precision="bf16") for m in METHODS]
    many = [job(f"{m}-{z}", method=m, zero=z) for m, z in names]
    many += [job(f"{m}-{z}-bf16", method=m, zero=z, precision="bf16") for m, z in names]
    many += [job(f"{m}-{z}-half", method=m, zero=z, last=3) for m, z in names if z in STARTS]
    for method in METHODS:
        many += [
            job(f"{method}-3-partitioned", method=method, zero=3, partitioned=True),
            job(f"{method}-3-recompute", method=method, zero=3, recompute=True),
            job(f"{method}-2-offload", method=method, zero=2, offload=True),
            *continued(method, 2),
            *continued(method, 3),
        ]
    _start(folder / "plain.json", plain, processes=1)
    _start(folder / "many.json", many, processes=2)
    three = [job("lora-3-three", zero=3), job("lora-3-three-bf16", zero=3, precision="bf16")]
    start = str(folder / "lora-2-half.safetensors")
    three.append(job("lora-2-then-three", zero=3, first=3, start=start))
    _start(folder / "three.json", three, processes=3)
    after = [*continued("lora", 0), *continued("full", 0)]
    after.append(
        job(
            "lora-3-then-3-alone",
            zero=3,
            first=3,
            start=str(folder / "lora-3-half.safetensors"),
        )
    )
    _start(folder / "after.json", after, processes=1)
    return folder


def _start(path: Path, jobs: list[Job], processes: int) -> None:
    path.write_text(json.dumps([asdict(job) for job in jobs]), encoding="utf-8")
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [
        sys.executable,
        *(launcher if processes > 1 else []),
        *("-m", "tests.engine_worker", str(path)),
    ]
    done = subprocess.run(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"},
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def _curve(runs: Path, name: str, figure: str = "loss") -> list[float]:
    steps = json.loads((runs / f"{name}.json").read_text(encoding="utf-8"))
    return [step[figure] for step in steps]


def _furthest(one: Trained, other: Trained) -> float:
    assert one.weights.keys() == other.weights.keys()
    return max(float((one.weights[n] - other.weights[n]).abs().max()) for n in one.weights)


@pytest.mark.slow
def test_three_processes_share_what_three_do_not_divide(runs: Path) -> None:
    expected = _curve(runs, "lora-0")
    assert _curve(runs, "lora-3-three") == pytest.approx(expected, abs=LOSS_FP32)
    assert _curve(runs, "lora-2-then-three") == pytest.approx(expected[3:], abs=LOSS_FP32)
    half = _curve(runs, "lora-0-bf16")
    assert _curve(runs, "lora-3-three-bf16") == pytest.approx(half, abs=LOSS_BF16)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_train_as_one_does(runs: Path, method: str, stage: int) -> None:
    expected = _curve(runs, f"{method}-0")
    assert expected[-1] < expected[0] - 0.05, "the plain run learns"
    assert _curve(runs, f"{method}-{stage}") == pytest.approx(expected, abs=LOSS_FP32)
    norms = _curve(runs, f"{method}-0", "norm")
    assert _curve(runs, f"{method}-{stage}", "norm") == pytest.approx(norms, rel=1e-3)
    one, many = (read_trained(runs / f"{method}-{z}.safetensors") for z in (0, stage))
    assert many.updates == one.updates == 6
    assert _furthest(one, many) < WEIGHT_FP32


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stage", STAGES)
def test_so_they_do_in_bf16(runs: Path, method: str, stage: int) -> None:
    expected = _curve(runs, f"{method}-0-bf16")
    assert expected != _curve(runs, f"{method}-0"), "bf16 is another arithmetic"
    assert _curve(runs, f"{method}-{stage}-bf16") == pytest.approx(expected, abs=LOSS_BF16)
    weights = read_trained(runs / f"{method}-{stage}-bf16.safetensors").weights
    assert any(not torch.equal(w, w.bfloat16().float()) for w in weights.values())


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("then", (0, 2, 3))
@pytest.mark.parametrize("start", STARTS)
def test_any_engine_continues_the_checkpoint_of_any_other(
    runs: Path, method: str, start: int, then: int
) -> None:
    name = f"{method}-{start}-then-{then}"
    expected = _curve(runs, f"{method}-0")[3:]
    assert _curve(runs, name) == pytest.approx(expected, abs=LOSS_FP32)
    whole = read_trained(runs / f"{method}-0.safetensors")
    end = read_trained(runs / f"{name}.safetensors")
    assert end.updates == 6
    assert _furthest(whole, end) < WEIGHT_FP32


@pytest.mark.slow
def test_fewer_processes_continue_the_checkpoint_of_more(runs: Path) -> None:
    expected = _curve(runs, "lora-0")[3:]
    assert _curve(runs, "lora-3-then-3-alone") == pytest.approx(expected, abs=LOSS_FP32)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ("3-partitioned", "3-recompute", "2-offload"))
def test_saving_memory_changes_no_loss(runs: Path, method: str, kind: str) -> None:
    expected = _curve(runs, f"{method}-0")
    assert _curve(runs, f"{method}-{kind}") == pytest.approx(expected, abs=LOSS_FP32)


@pytest.mark.slow
def test_processes_agree(runs: Path) -> None:
    said = [json.loads((runs / f"many.json.said-{rank}").read_text()) for rank in (0, 1)]
    assert said == [{"size": 2, "one": True, "none": False, "total": 4.0}] * 2


def _engine(student: Path, method: str, precision: Precision, settings: Optimisation = SETTINGS):
    model = load_student(student, Precision.FP32, "cpu")
    if method == "lora":
        model = with_adapter(model, LORA, None, seed=5)
    engine = PlainEngine(model, settings, precision)
    engine.model.train()
    return engine


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("precision", list(Precision))
def test_a_cut_run_ends_bit_for_bit_where_an_uncut_one_ends(
    tiny_student: Path, method: str, precision: Precision
) -> None:
    torch.set_num_threads(1)
    uncut, cut, resumed = (_engine(tiny_student, method, precision) for _ in range(3))
    for step in range(4):
        take_step(uncut, step, ALONE)
    for step in range(2):
        take_step(cut, step, ALONE)
    state = cut.state()
    take_step(cut, 2, ALONE)  # goes on; the state that was taken must not follow
    resumed.load(state)
    for step in range(2, 4):
        take_step(resumed, step, ALONE)
    one, other = uncut.state(), resumed.state()
    assert one.updates == other.updates == 4
    for name in one.weights:
        assert torch.equal(one.weights[name], other.weights[name]), name
        for key, value in one.moments[name].items():
            assert torch.equal(value, other.moments[name][key]), f"{key} of {name}"


def test_updates_too_small_for_bf16_are_not_lost(tiny_student: Path) -> None:
    engine = _engine(tiny_student, "full", Precision.BF16, Optimisation(weight_decay=0))
    before = engine.state()
    copies = {name: p.detach().clone() for name, p in engine.model.named_parameters()}
    for _ in range(3):
        take_step(engine, 0, ALONE, rate=1e-6)
    after = engine.state()
    norms = [n for n in before.weights if n.endswith("layernorm.weight")]  # all ones: coarse
    assert norms
    for name in norms:
        assert torch.equal(dict(engine.model.named_parameters())[name], copies[name])
        moved = (after.weights[name] - before.weights[name]).abs().max()
        assert 1e-6 < float(moved) < 4e-6


@pytest.mark.parametrize("precision", list(Precision))
def test_a_fresh_adapter_learns_in_both_its_halves(
    tiny_student: Path, precision: Precision
) -> None:
    """B starts at zero, so A has no gradient in the first step: a test of A there shows nothing."""
    engine = _engine(tiny_student, "lora", precision, Optimisation(weight_decay=0))
    states = [engine.state()]
    for _ in range(2):
        take_step(engine, 0, ALONE)
        states.append(engine.state())

    def moved(half: str, step: int) -> set[bool]:
        names = [name for name in states[0].weights if f"lora_{half}." in name]
        assert len(names) == 14, "seven projections in each of two layers"
        old, new = states[step - 1].weights, states[step].weights
        return {not torch.equal(old[name], new[name]) for name in names}

    assert all(not w.any() for name, w in states[0].weights.items() if "lora_B." in name)
    assert moved("B", 1) == {True}
    assert moved("A", 1) == {False}
    assert moved("A", 2) == {True}


def test_a_gradient_that_is_no_number_changes_nothing(tiny_student: Path) -> None:
    engine = _engine(tiny_student, "full", Precision.FP32)
    take_step(engine, 0, ALONE)
    before = engine.state()
    logits = engine.model(input_ids=pack(0, 0)).logits
    engine.backward(logits.sum() * float("nan"), last=True)
    assert not engine.step(1.0) < float("inf")
    after = engine.state()
    assert (after.updates, _furthest(before, after)) == (1, 0.0)


def test_nothing_to_train_is_refused(tiny_student: Path) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu").requires_grad_(False)
    with pytest.raises(UserError, match="no trainable weight"):
        PlainEngine(model, SETTINGS, Precision.FP32)


def test_many_processes_need_a_stage(tiny_student: Path) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu")
    with pytest.raises(UserError, match=r"trainer\.zero"):
        make_engine(model, SETTINGS, Precision.FP32, Trainer(), World(0, 2, 0, "cpu"))


@pytest.mark.parametrize("method", METHODS)
def test_activations_are_computed_twice_and_only_when_training(
    tiny_student: Path, method: str
) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu")
    if method == "lora":
        model = with_adapter(model, LORA, None, seed=5)
    model.eval()
    checkpoint_activations(model)
    with require_recomputation(model):
        model(input_ids=pack(0, 0), use_cache=False).logits.sum().backward()
    require_checkpointing(model)

    model.eval()
    with pytest.raises(UserError, match=r"off in 2 of 2 layers.*model\.train"):
        require_checkpointing(model)
    with pytest.raises(UserError, match="no effect in 2 of 2"), require_recomputation(model):
        model(input_ids=pack(0, 0), use_cache=False).logits.sum().backward()


def test_checkpointing_that_was_never_switched_on_is_noticed(tiny_student: Path) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu").train()
    with pytest.raises(UserError, match="off in 2 of 2"):
        require_checkpointing(model)


def test_layers_below_the_first_that_is_trained_need_not_be_computed_again(
    tiny_student: Path,
) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu")
    checkpoint_activations(model)
    adapted = with_adapter(model, Lora(rank=2, alpha=4, first_layer=1), None, seed=1).train()
    with require_recomputation(adapted):
        adapted(input_ids=pack(0, 0), use_cache=False).logits.sum().backward()


def test_recomputing_gives_the_same_training(tiny_student: Path) -> None:
    kept, recomputed = (_engine(tiny_student, "lora", Precision.FP32) for _ in range(2))
    checkpoint_activations(recomputed.model)
    for step in range(2):
        assert take_step(kept, step, ALONE) == take_step(recomputed, step, ALONE)


def test_the_environment_says_who_a_process_is() -> None:
    torchrun = {"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}
    mpirun = {f"OMPI_COMM_WORLD_{n}": v for n, v in (("RANK", "2"), ("SIZE", "4"))}
    assert find_world("cuda", torchrun) == World(3, 8, 1, "cuda:1")
    assert find_world("cpu", torchrun) == World(3, 8, 1, "cpu")
    assert find_world("cpu", mpirun) == World(2, 4, 0, "cpu")
    assert find_world("cuda", {}).device == "cuda:0"  # torch wants a number to choose a GPU
    assert find_world("cuda", {"RANK": "0", "WORLD_SIZE": "1"}).device == "cuda:0"
    alone = find_world("cuda:1", {})
    assert alone == World(0, 1, 0, "cuda:1")
    assert alone.is_main
    assert (agree(alone, True), agree(alone, False)) == (True, False)


@pytest.mark.parametrize(
    ("device", "environment", "message"),
    [
        ("cpu", {"RANK": "x", "WORLD_SIZE": "2"}, "not all numbers"),
        ("cpu", {"RANK": "2", "WORLD_SIZE": "2"}, "does not fit"),
        ("cuda:0", {"RANK": "0", "WORLD_SIZE": "2"}, "one GPU for 2 processes"),
    ],
)
def test_a_launcher_that_makes_no_sense_is_refused(
    device: str, environment: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        find_world(device, environment)


def test_processes_need_a_place_to_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(UserError, match="no MASTER_ADDR"), joined(World(0, 2, 0, "cpu")):
        pass


def test_settings_of_deepspeed_follow_the_trainers() -> None:
    stage2 = zero_settings(Trainer(zero=Zero.GRADIENTS), Precision.BF16, 10**10, 4096, "cuda:0")
    assert stage2["bf16"]["enabled"] and "fp16" not in stage2
    assert stage2["zero_optimization"]["reduce_bucket_size"] == 200_000_000
    assert "offload_optimizer" not in stage2["zero_optimization"]
    offloaded = Trainer(zero=Zero.PARAMETERS, offload=True)
    stage3 = zero_settings(offloaded, Precision.FP32, 10**10, 64, "cpu")["zero_optimization"]
    assert (stage3["stage"], stage3["reduce_bucket_size"]) == (3, 64 * 64)
    assert stage3["offload_optimizer"]["device"] == "cpu"


def test_a_step_has_an_idle_pack_on_two_processes() -> None:
    assert PACKS % 2 == 1
