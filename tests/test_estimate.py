"""Estimates of parameters, FLOPs and memory, against torch's own counts and known models."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.shapes import SHAPES
from msm.errors import UserError
from msm.execution import Zero
from msm.training.estimate import (
    Setup,
    flops_per_token,
    forward_flops,
    hardware_flops_per_token,
    hours,
    memory,
    processes_needed,
    trained_parameters,
    utilisation,
)
from msm.training.gpus import GPUS, USABLE, gpu_named, recognised
from msm.training.shape import Shape, read_shape, shape_of
from msm.training_settings import Lora, Method, Precision

LLAMA_8B, QWEN_32B = SHAPES["Llama 3.1 8B"], SHAPES["Qwen2.5 32B"]
QWEN3_TINY = {
    "model_type": "qwen3",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 300,
    "tie_word_embeddings": True,
}
GEMMA_TINY = {**QWEN3_TINY, "model_type": "gemma3_text"}
FULL = Setup(Method.FULL, Lora(), Precision.BF16, length=4096, attended=2048)
LORA = dataclasses.replace(FULL, method=Method.LORA)


@pytest.fixture(scope="module")
def llama() -> Shape:
    return shape_of(LLAMA_8B)


@pytest.fixture(scope="module")
def qwen() -> Shape:
    return shape_of(QWEN_32B)


def _model(config: dict[str, Any]) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    given = {key: value for key, value in config.items() if key != "model_type"}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(config["model_type"], **given))


def test_known_models_have_their_published_sizes(llama: Shape, qwen: Shape) -> None:
    assert llama.parameters == pytest.approx(8.03e9, rel=1e-3)
    assert qwen.parameters == pytest.approx(32.76e9, rel=1e-3)


def test_the_papers_adapter_has_its_known_size(llama: Shape) -> None:
    # rank 64 on all seven projections of Llama 3.1 8B
    assert llama.adapter(Lora()) == 167_772_160


@pytest.mark.parametrize("config", [QWEN3_TINY, GEMMA_TINY], ids=["qwen3", "gemma3"])
def test_parameters_and_adapter_are_those_that_torch_counts(config: dict[str, Any]) -> None:
    from peft import LoraConfig, get_peft_model

    shape, model = shape_of(config), _model(config)
    assert shape.parameters == sum(p.numel() for p in model.parameters())
    lora = Lora(rank=8, first_layer=1)
    layers = list(range(1, shape.layers))
    names = [each.name for each in shape.projections]
    adapted = get_peft_model(
        model, LoraConfig(r=8, target_modules=names, layers_to_transform=layers)
    )
    trainable = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert shape.adapter(lora) == trainable


def test_the_shape_is_read_from_a_students_folder(tiny_student: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(tiny_student))
    assert read_shape(tiny_student).parameters == model.num_parameters()


def test_what_is_no_dense_decoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no known model"):
        shape_of({"model_type": "not-a-model"})
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "n_layer": 1}))
    with pytest.raises(UserError, match="seven projections"):
        read_shape(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        read_shape(tmp_path / "nowhere")


def _counted(model: Any, length: int) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    tokens = torch.arange(length)[None] % 300
    with FlopCounterMode(display=False) as counter:
        model(input_ids=tokens, use_cache=False).logits.sum().backward()
    return int(counter.get_total_flops())


def test_flops_of_full_training_are_those_that_torch_counts() -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    given = {key: value for key, value in QWEN3_TINY.items() if key != "model_type"}
    config = AutoConfig.for_model("qwen3", **given)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    shape, length = shape_of(QWEN3_TINY), 128
    # torch counts the whole square of attention, so a row of twice the length by our count
    setup = dataclasses.replace(FULL, length=length, attended=2 * length)
    assert length * flops_per_token(shape, setup) == pytest.approx(_counted(model, length))


@pytest.mark.parametrize("first_layer", [0, 1, 2])
def test_flops_with_an_adapter_are_those_that_torch_counts(first_layer: int) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    given = {key: value for key, value in QWEN3_TINY.items() if key != "model_type"}
    config = AutoConfig.for_model("qwen3", **given)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    shape, length = shape_of(QWEN3_TINY), 128
    names = [each.name for each in shape.projections]
    layers = list(range(first_layer, shape.layers))
    adapted = get_peft_model(
        model, LoraConfig(r=8, target_modules=names, layers_to_transform=layers)
    )
    lora = Lora(rank=8, first_layer=first_layer)
    setup = dataclasses.replace(LORA, lora=lora, length=length, attended=2 * length)
    # The lowest adapted layer's query, key and value pass no gradient on to their input.
    lowest = [each for each in shape.projections if each.name in ("q_proj", "k_proj", "v_proj")]
    spared = 2 * sum(each.inputs * (each.outputs + lora.rank) for each in lowest)
    expected = length * (flops_per_token(shape, setup) - spared)
    assert expected == pytest.approx(_counted(adapted, length))


def test_an_adapter_takes_two_thirds_of_the_work_and_recomputing_a_third_more(
    llama: Shape,
) -> None:
    full, lora = flops_per_token(llama, FULL), flops_per_token(llama, LORA)
    assert 0.6 < lora / full < 0.75
    again = dataclasses.replace(FULL, checkpointing=True)
    head = 2 * llama.head
    assert hardware_flops_per_token(llama, again) - full == pytest.approx(
        forward_flops(llama, FULL.attended) - head
    )
    assert full == flops_per_token(llama, again)  # utilisation counts no work done twice


def test_zero_divides_what_it_says(llama: Shape) -> None:
    parts = {
        stage: memory(llama, dataclasses.replace(FULL, zero=stage), processes=8) for stage in Zero
    }
    none, one, two, three = (parts[stage] for stage in Zero)
    assert none.optimiser == llama.parameters * 12
    assert one.optimiser == none.optimiser / 8 and one.gradients == none.gradients
    assert two.gradients == none.gradients / 8 and two.weights == none.weights
    assert three.weights < none.weights / 3  # its part, and two layers whole
    offloaded = memory(llama, dataclasses.replace(FULL, zero=Zero.GRADIENTS, offload=True), 8)
    assert offloaded.optimiser == 0
    assert memory(llama, dataclasses.replace(FULL, offload=True)).optimiser > 0  # needs DeepSpeed


def test_where_a_model_fits(llama: Shape, qwen: Shape) -> None:
    adapter = dataclasses.replace(LORA, checkpointing=True)
    assert processes_needed(llama, adapter, GPUS["A100"]) == 1
    assert processes_needed(qwen, adapter, GPUS["H200"]) == 1
    full = dataclasses.replace(FULL, checkpointing=True)
    assert processes_needed(llama, full, GPUS["H100"]) is None  # 18 bytes a parameter: 145 GB
    divided = dataclasses.replace(full, zero=Zero.PARAMETERS)
    assert processes_needed(llama, divided, GPUS["H100"]) == 4
    assert processes_needed(qwen, divided, GPUS["H100"]) == 16


@pytest.mark.parametrize(
    ("method", "precision"),
    [(Method.LORA, Precision.BF16), (Method.FULL, Precision.FP32), (Method.LORA, Precision.FP32)],
)
def test_activations_are_near_to_what_autograd_keeps(method: Method, precision: Precision) -> None:
    import torch

    from msm.training.adapter import with_adapter

    config = {**LLAMA_8B, "hidden_size": 128, "intermediate_size": 448, "num_hidden_layers": 4}
    config |= {"num_attention_heads": 4, "num_key_value_heads": 1, "vocab_size": 64}
    shape, length = shape_of(config), 256
    dtype = torch.bfloat16 if precision is Precision.BF16 else torch.float32
    model = _model(config).to(dtype)
    lora = Lora(rank=8, alpha=16)
    if method is Method.LORA:
        model = with_adapter(model, lora, None, 1).to(dtype)
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = model(input_ids=torch.arange(length)[None] % 64, use_cache=False).logits
        assert logits.requires_grad
    setup = Setup(method, lora, precision, length=length, attended=length)
    assert memory(shape, setup).activations == pytest.approx(sum(kept.values()), rel=0.25)


def test_fused_kernels_let_an_adapter_of_8b_fit_where_plain_ones_do_not(llama: Shape) -> None:
    plain = dataclasses.replace(LORA, length=8192)
    fused = dataclasses.replace(plain, fused=True)
    usable = USABLE * GPUS["H100"].memory
    assert memory(llama, fused).total < usable < memory(llama, plain).total


def test_hours_follow_from_speed_and_utilisation_from_hours(llama: Shape) -> None:
    gpu, tokens = GPUS["H100"], 8_000_000
    one = hours(llama, LORA, tokens, gpu, processes=1, mfu=0.4)
    assert hours(llama, LORA, tokens, gpu, processes=4, mfu=0.4) == pytest.approx(one / 4)
    speed = tokens / (one * 3600)
    assert utilisation(llama, LORA, speed, gpu) == pytest.approx(0.4)
    assert trained_parameters(llama, LORA) < trained_parameters(llama, FULL)


def test_the_table_in_the_documentation_is_what_the_estimates_say() -> None:
    from benchmarks.gpu_table import table

    written = (Path(__file__).parents[1] / "docs" / "training.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in written


def test_gpus_are_known_by_the_drivers_name_and_the_recipes() -> None:
    found = recognised("NVIDIA H100 80GB HBM3")
    assert found is not None and found.name == "H100"
    assert recognised("NVIDIA GeForce RTX 4090") is None
    assert gpu_named("h200").memory > gpu_named("H100").memory
    with pytest.raises(UserError, match=r"execution\.trainer\.gpu: 'H10'"):
        gpu_named("H10")
