"""The model that a suite measures: weights that lie here, or a model that only a server has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msm.configs import SuiteConfig
from msm.errors import UserError
from msm.execution import Execution, Provider
from msm.identity import WORK
from msm.model_choice import ModelChoice
from msm.training_settings import Precision

if TYPE_CHECKING:
    from inspect_ai.model import Model

    from msm.evals.vllm_server import VllmServer

MERGED = "student"


class Subject(Protocol):
    """What every suite may ask of the model it measures."""

    def loaded(self) -> tuple[Any, Any]:
        """Model and tokenizer in this process, for log-probabilities.

        Raises:
            UserError: only a server has the weights.
        """
        ...

    def answering(self, temperature: float) -> Model:
        """The same as an Inspect model, which is sampled at ``temperature``."""
        ...

    def close(self) -> None:
        """Give back what was taken to answer."""
        ...


@dataclass(frozen=True)
class Weights:
    """A student's folder, with the folder of a checkpoint unless it is the start model itself.

    What was loaded is kept for the next who asks, until the model is to be sampled: the sampler
    holds one of its own, and two of a large model do not fit a GPU.
    """

    student: Path
    checkpoint: Path | None
    precision: Precision
    seed: int
    execution: Execution
    work: Path
    _kept: list[tuple[Any, Any]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    _serving: list[VllmServer] = field(default_factory=list, init=False, repr=False, compare=False)

    def loaded(self) -> tuple[Any, Any]:
        """The student with the checkpoint's adapter merged into it, and its tokenizer."""
        self.close()
        if not self._kept:
            self._kept.append(self._load())
        return self._kept[0]

    def _load(self) -> tuple[Any, Any]:
        from msm.training.chat_template import load_tokenizer
        from msm.training.model import load_checkpoint, load_student

        device = self.execution.device
        tokenizer = load_tokenizer(self.student)
        if self.checkpoint is None:
            return load_student(self.student, self.precision, device).eval(), tokenizer
        return load_checkpoint(self.student, self.checkpoint, self.precision, device), tokenizer

    def start(self) -> Any:
        """The start model, to compare with."""
        from msm.training.model import load_student

        return load_student(self.student, self.precision, self.execution.device).eval()

    def answering(self, temperature: float) -> Model:
        """Sampled by transformers in this process, or by vLLM with the adapter loaded."""
        match self.execution.student.provider:
            case Provider.TRANSFORMERS:
                whole = self._whole()
                self._kept.clear()
                return self._in_this_process(whole, temperature)
            case Provider.VLLM:
                self._kept.clear()
                if self.execution.student.base_url:
                    return self._by_a_server_of_vllm()
                return self._by_own_vllm(temperature)

    def close(self) -> None:
        """End the server of vLLM that was started to answer, if one was."""
        while self._serving:
            self._serving.pop().close()

    def _in_this_process(self, whole: Path, temperature: float) -> Model:
        from inspect_ai.model import GenerateConfig, get_model

        from msm.training.libraries import quiet_libraries

        quiet_libraries()
        serving = self.execution.student
        # Seeds the whole process once: a seed for each request would repeat one answer per epoch.
        config = GenerateConfig(max_connections=serving.connections, seed=self.seed % 2**32)
        model = get_model(
            "hf/local",
            model_path=str(whole),
            device=self.execution.device,
            dtype="bfloat16" if self.precision is Precision.BF16 else "float32",
            batch_size=serving.connections,
            do_sample=temperature > 0,
            config=config,
            memoize=False,
            **serving.arguments,
        )
        # Inspect goes on with a log only if all these are the same, and they name paths of a
        # machine; what the model is stands in the identity of the stage.
        model.model_args = {}
        return model

    def _by_own_vllm(self, temperature: float) -> Model:
        from msm.evals.vllm_server import NAME, start_vllm
        from msm.llm.opening import open_evaluated
        from msm.training.adapter import is_adapter

        serving, student, adapter = self.execution.student, self.student, None
        if self.checkpoint is not None and is_adapter(self.checkpoint):
            adapter = self.checkpoint.resolve()
        elif self.checkpoint is not None:
            student = self._whole()
        if not self._serving:
            log = self.work / "vllm.log"
            self._serving.append(
                start_vllm(student.resolve(), adapter, self.precision, serving.arguments, log)
            )
        # An OpenAI address like any other: Inspect's own provider remembers servers that ended.
        choice = ModelChoice(model=f"openai-api/vllm/{NAME}", temperature=temperature)
        there = {"base_url": self._serving[0].url, "arguments": {"api_key": "none"}}
        return open_evaluated("student", choice, serving.model_copy(update=there))

    def _by_a_server_of_vllm(self) -> Model:
        from inspect_ai.model import GenerateConfig, get_model

        from msm.training.adapter import is_adapter

        serving, checkpoint = self.execution.student, self.checkpoint
        name = str(self.student.resolve())
        if checkpoint is not None:
            whole = str(checkpoint.resolve())
            name = f"{name}:{whole}" if is_adapter(checkpoint) else whole
        config = GenerateConfig(
            max_connections=serving.connections,
            attempt_timeout=round(serving.timeout_seconds),
            max_retries=serving.attempts - 1,
        )
        try:
            return get_model(
                f"vllm/{name}",
                base_url=serving.base_url,
                config=config,
                memoize=False,
                **serving.arguments,
            )
        except Exception as error:
            # Inspect raises many kinds, of an argument that it does not know, say.
            detail = " ".join(str(error).split())
            raise UserError(f"execution.student: vLLM cannot be used: {detail}") from None

    def _whole(self) -> Path:
        """A folder with the whole model and its tokenizer; the student's own where it is that."""
        from msm.training.adapter import is_adapter

        if self.checkpoint is None:
            return self.student
        if not is_adapter(self.checkpoint) and (self.checkpoint / "tokenizer.json").exists():
            return self.checkpoint
        folder = self.work / MERGED
        done = folder / "tokenizer_config.json"  # written last
        if not done.exists():
            model, tokenizer = self.loaded()
            model.save_pretrained(str(folder), safe_serialization=True)
            tokenizer.save_pretrained(str(folder))
        return folder


@dataclass(frozen=True)
class Served:
    """A model that a server has, by its Inspect name; its log-probabilities are out of reach."""

    name: str
    execution: Execution

    def loaded(self) -> tuple[Any, Any]:
        """Refused."""
        raise UserError(
            f"{self.name}: log-probabilities need the weights, and only its server has them; "
            "set 'scoring: answers', or leave the suite out"
        )

    def answering(self, temperature: float) -> Model:
        """The server's model."""
        from msm.llm.opening import open_evaluated

        choice = ModelChoice(model=self.name, temperature=temperature)
        return open_evaluated("student", choice, self.execution.student)

    def close(self) -> None:
        """Nothing was taken."""


def open_subject(
    config: SuiteConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Subject:
    """The model that a task is about; nothing is loaded yet."""
    if config.served is not None:
        return Served(config.served.name, execution)
    return Weights(
        student=inputs["student"],
        checkpoint=inputs.get("checkpoint"),
        precision=config.precision,
        seed=config.seed,
        execution=execution,
        work=out / WORK,
    )
