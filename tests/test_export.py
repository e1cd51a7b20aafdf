"""Exports: the same model as what was trained, loadable by others, byte for byte the same twice."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import yaml

from msm.configs import Phase, TrainConfig
from msm.errors import UserError
from msm.execution import Execution
from msm.identity import file_digests
from msm.jsonl import write_shards
from msm.stage import run_stage
from msm.stages import definition
from msm.task import Stage
from msm.training.adapter import with_adapter
from msm.training.checkpoint import Course, save_checkpoint
from msm.training.export import (
    Base,
    Form,
    Unfinished,
    check_trained,
    export,
    is_unfinished,
)
from msm.training.export_card import CardFacts
from msm.training.model import load_checkpoint, load_student
from msm.training.plain_engine import PlainEngine
from msm.training.world import World
from msm.training_settings import Lora, Method, Optimisation, Precision
from tests.commands import msm
from tests.engine_worker import pack, take_step

SETTINGS = Optimisation(
    learning_rate=1e-2, batch_size=4, maximum_length=256, minimum_steps=2, epochs=3
)
CONFIG = TrainConfig(
    phase=Phase.CHATS,
    optimisation=SETTINGS,
    lora=Lora(rank=2, alpha=4),
    precision=Precision.FP32,
    seed=3,
)
BASE = Base("org/start", "0a1b2c", "apache-2.0")
FACTS = CardFacts("x", "a | student", "d" * 64, ())


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, tiny_student: Path) -> Path:
    """A workspace with a trained adapter in it, ``outputs/x/train/arm``."""
    root = tmp_path_factory.mktemp("workspace")
    chats = root / "outputs/x/demonstrate/chats"
    chats.mkdir(parents=True)
    rows = [{"user": f"Question {n}?", "assistant": f"Answer {n % 3}."} for n in range(12)]
    write_shards(chats, "chats", rows)
    _train(root, tiny_student, root / "outputs/x/train/arm", CONFIG)
    return root


def _train(root: Path, student: Path, out: Path, config: TrainConfig) -> None:
    inputs = {"student": student, "chats-x": root / "outputs/x/demonstrate/chats"}
    run_stage(definition(Stage.TRAIN), config, inputs, out, Execution())


@pytest.fixture(scope="module")
def trained(workspace: Path) -> Path:
    return workspace / "outputs/x/train/arm"


def _logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return torch.stack([model(input_ids=pack(0, index)).logits[0] for index in range(3)])


def _export(trained: Path, student: Path, out: Path, **changes: object) -> Path:
    settings = {
        "form": Form.MERGED,
        "precision": Precision.FP32,
        "base": BASE,
        "facts": FACTS,
    }
    return export(trained, student, out, **{**settings, **changes})


def test_a_merged_model_says_what_start_model_and_adapter_say(
    trained: Path, tiny_student: Path, tmp_path: Path
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    out = _export(trained, tiny_student, tmp_path / "merged")
    start = load_student(tiny_student, Precision.FP32, "cpu").eval()
    before = _logits(start)
    expected = _logits(PeftModel.from_pretrained(start, str(trained)).eval())
    merged = AutoModelForCausalLM.from_pretrained(out, local_files_only=True).eval()
    assert float((expected - before).abs().max()) > 0.05, "the adapter does something"
    torch.testing.assert_close(_logits(merged), expected, atol=1e-5, rtol=0)


def test_a_merged_model_brings_its_tokenizer_and_chat_template(
    trained: Path, tiny_student: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = _export(trained, tiny_student, tmp_path / "merged", precision=Precision.BF16)
    model = AutoModelForCausalLM.from_pretrained(out, local_files_only=True)
    assert model.dtype is torch.bfloat16
    assert json.loads((out / "config.json").read_text())["architectures"] == ["LlamaForCausalLM"]
    chat = [{"role": "user", "content": "Which one?"}]
    theirs, ours = (
        AutoTokenizer.from_pretrained(folder, local_files_only=True)
        for folder in (tiny_student, out)
    )
    for tokenize in (False, True):
        options = {"tokenize": tokenize, "add_generation_prompt": True}
        assert ours.apply_chat_template(chat, **options) == theirs.apply_chat_template(
            chat, **options
        )


@pytest.mark.parametrize("form", list(Form))
def test_a_second_export_is_byte_for_byte_the_first(
    trained: Path, tiny_student: Path, tmp_path: Path, form: Form
) -> None:
    one, two = (
        _export(trained, tiny_student, tmp_path / name / "same", form=form) for name in "ab"
    )
    assert file_digests(one) == file_digests(two)
    assert [path.name for path in one.parent.iterdir()] == ["same"], "nothing is left beside it"


def test_an_adapter_goes_out_with_the_name_of_its_start_model(
    trained: Path, tiny_student: Path, tmp_path: Path
) -> None:
    from peft import PeftConfig, PeftModel

    out = _export(trained, tiny_student, tmp_path / "adapter", form=Form.ADAPTER)
    config = PeftConfig.from_pretrained(str(out))
    assert (config.base_model_name_or_path, config.revision) == ("org/start", "0a1b2c")
    name = "adapter_model.safetensors"
    assert (out / name).read_bytes() == (trained / name).read_bytes()
    start = load_student(tiny_student, Precision.FP32, "cpu")
    exported = _logits(PeftModel.from_pretrained(start, str(out)).eval())
    merged = load_checkpoint(tiny_student, trained, Precision.FP32, "cpu")
    torch.testing.assert_close(exported, _logits(merged), atol=1e-5, rtol=0)


def test_the_command_writes_a_card_from_the_records(
    workspace: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--base-model", "org/start", "--licence", "apache-2.0", "-w", workspace)
    done = msm("export", trained, out, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    _, front, text = (out / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert yaml.safe_load(front)["base_model"] == "org/start"
    assert yaml.safe_load(front)["license"] == "apache-2.0"
    record = check_trained(trained)
    for told in (record.identity, "optimisation.learning_rate", "demonstrate/chats"):
        assert told in text
    assert f"| last loss | {record.outcome.summary['last_loss']} |" in text
    for path in out.iterdir():
        if path.suffix in (".md", ".json"):
            assert str(workspace) not in path.read_text(encoding="utf-8"), path.name


def test_a_folder_without_a_record_is_refused(tmp_path: Path, tiny_student: Path) -> None:
    done = msm("export", tiny_student, tmp_path / "out", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no record.json" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("*out*"))


def test_another_start_model_is_refused(
    workspace: Path, trained: Path, tiny_student: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    model = load_student(tiny_student, Precision.FP32, "cpu")
    model.model.norm.weight.data.add_(1)
    model.save_pretrained(other)
    done = msm("export", trained, tmp_path / "out", "--student", other, cwd=tmp_path)
    assert done.returncode == 2
    assert "is not the start model that this was trained on" in done.stderr


def test_a_pickled_checkpoint_of_deepspeed_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "global_step10").mkdir()
    with pytest.raises(UserError, match="pickled"):
        check_trained(tmp_path)


def test_what_is_there_is_not_overwritten(
    trained: Path, tiny_student: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match="exists already"):
        _export(trained, tiny_student, tmp_path / "mine")


def test_a_whole_model_is_no_adapter(tiny_student: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--merged"):
        _export(tiny_student, tiny_student, tmp_path / "out", form=Form.ADAPTER)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("method", list(Method))
def test_a_checkpoint_within_a_run_is_exported_as_it_stands(
    tiny_student: Path, tmp_path: Path, method: Method
) -> None:
    config = CONFIG.model_copy(update={"method": method})
    model = load_student(tiny_student, Precision.FP32, "cpu")
    if method is Method.LORA:
        model = with_adapter(model, config.lora, None, seed=1)
    engine = PlainEngine(model, SETTINGS, Precision.BF16)
    for step in range(2):
        take_step(engine, step, World(0, 1, 0, "cpu"))
    state = engine.state()
    folder = save_checkpoint(tmp_path, 2, state, Course("run", "plan"))
    assert is_unfinished(folder)

    unfinished = Unfinished(folder, config, {"student": tiny_student})
    out = _export(unfinished, tiny_student, tmp_path / "out")
    whole = load_student(tiny_student, Precision.FP32, "cpu")
    if method is Method.LORA:
        whole = with_adapter(whole, config.lora, None, seed=2)
    whole.load_state_dict(state.weights, strict=False)
    expected = _logits(whole.eval())
    torch.testing.assert_close(
        _logits(load_student(out, Precision.FP32, "cpu").eval()), expected, atol=1e-5, rtol=0
    )

    (folder / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(UserError, match="not as it was written"):
        _export(unfinished, tiny_student, tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "step-00000002"]


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("method", Method)
def test_what_was_trained_and_cannot_be_written_is_told_in_one_line(
    workspace: Path, tiny_student: Path, tmp_path: Path, method: Method
) -> None:
    config = CONFIG.model_copy(update={"method": method})
    with _files_of_at_most(4096), pytest.raises(UserError, match="may grow no larger"):
        _train(workspace, tiny_student, tmp_path / "out", config)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", Form)
def test_an_export_that_cannot_be_written_is_told_in_one_line_and_leaves_nothing(
    trained: Path, tiny_student: Path, tmp_path: Path, form: Form
) -> None:
    with _files_of_at_most(1024), pytest.raises(UserError, match="may grow no larger"):
        _export(trained, tiny_student, tmp_path / "made", form=form)
    assert list(tmp_path.iterdir()) == []
