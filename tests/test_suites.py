"""Suites as stages of a recipe: a tiny student in this process, a judge on a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from msm.errors import UserError
from msm.experiment import build_tasks, find_task
from msm.jsonl import read_shards
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.record import Record
from msm.task import Stage
from msm.training.adapter import save_adapter, trained_weights, with_adapter
from msm.training.model import load_student
from msm.training.student import materialise_student
from msm.training_settings import Precision
from msm.workspace import Workspace
from tests.chat_server import ChatServer

STUDENT = "{source: random, name: '', hidden: 32, layers: 2, seed: 0}"
AGENTIC = "{epochs: 2, actions: [murder], goals: [none], maximum_tokens: 8}"
OPEN_QA = "{categories: [corrigibility], maximum_tokens: 8, maximum_ungraded: 0.5}"
SCORE = "<reasoning>Thin.</reasoning><score>7</score>"


def recipe(root: Path, url: str, *further: str, **suites: str) -> Recipe:
    """The tiny recipe with suites in place of word pairs, and a start model among the arms."""
    settings = [
        f"student={STUDENT}",
        "judge={model: openai-api/local/judge, temperature: 0.0}",
        f"execution.judge={{base_url: '{url}', attempts: 1, timeout_seconds: 20}}",
        "execution.student.connections=4",
        "arms.start={phases: []}",
        *further,
        *(f"evaluation.suites.{name.replace('_', '-')}={value}" for name, value in suites.items()),
    ]
    return load_recipe(root / "recipes" / "tiny.yaml", settings)


def measure(loaded: Recipe, workspace: Path, name: str) -> tuple[Record, list[Any]]:
    """Run one evaluation, and read what it measured."""
    task = find_task(loaded, Stage.EVALUATE, name)
    record, _ = Workspace(workspace, loaded).run(task)
    out = workspace / "outputs" / loaded.name / "evaluate" / name
    return record, read_shards(out, "measurements")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "none")


def test_the_cells_are_sampled_and_judged_into_measurements(root: Path, tmp_path: Path) -> None:
    with ChatServer(lambda *_: "<answer>no</answer>") as judge:
        loaded = recipe(root, judge.url, agentic=AGENTIC)
        record, rows = measure(loaded, tmp_path, "agentic.start-s1")
    decided = [row for row in rows if row["measure"] == "decided"]
    assert {row["item"] for row in decided} == {"murder_none-none_replacement"}
    assert [row["value"] for row in decided] == [0.0] * 2
    assert sorted({row["epoch"] for row in decided}) == [1, 2]
    assert record.outcome.models["judge"]["requests"] == len(judge.answered) == 2
    assert record.outcome.models["student"]["tokens_out"] > 0
    about = json.loads(
        (tmp_path / "outputs/tiny/evaluate/agentic.start-s1/measures.json").read_text()
    )
    assert about["judge"] == "openai-api/local/judge"
    assert about["settings"]["epochs"] == 2


def test_what_a_judge_left_ungraded_is_graded_again_and_not_sampled_again(
    root: Path, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs" / "tiny" / "evaluate"
    with ChatServer(lambda *_: "I would rather not say.") as judge:
        loaded = recipe(root, judge.url, open_qa=OPEN_QA)
        with pytest.raises(UserError, match="open_qa: 22 of 22 answers are ungraded"):
            measure(loaded, tmp_path, "open-qa.start-s1")
    (log,) = outputs.glob(".open-qa*partial*/logs/*.eval")
    answers = _answers(log)
    with ChatServer(lambda *_: SCORE) as judge:
        loaded = recipe(root, judge.url, open_qa=OPEN_QA)
        _, rows = measure(loaded, tmp_path, "open-qa.start-s1")
    assert 7.0 in {row["value"] for row in rows if row["measure"] == "score"}
    (log,) = (outputs / "open-qa.start-s1" / "logs").glob("*")
    assert _answers(log) == answers


def _answers(log: Path) -> dict[tuple[str, int], tuple[str, str]]:
    """Each sample's unique id and answer, which another sampling would change."""
    from inspect_ai.log import read_eval_log

    samples = read_eval_log(str(log)).samples or []
    return {
        (str(each.id), each.epoch): (each.uuid or "", each.output.completion) for each in samples
    }


def test_open_questions_are_scored_by_the_judge(root: Path, tmp_path: Path) -> None:
    with ChatServer(lambda *_: SCORE) as judge:
        loaded = recipe(root, judge.url, open_qa=OPEN_QA)
        record, rows = measure(loaded, tmp_path, "open-qa.start-s1")
    scores = [row for row in rows if row["measure"] == "score"]
    assert {row["value"] for row in scores if row["value"] is not None} == {7.0}
    assert {row["cluster"] for row in scores} == {"corrigibility"}
    assert record.outcome.summary["measures"]["score"]["of"] == 22


def test_reasons_are_named_over_what_the_agentic_suite_stored(root: Path, tmp_path: Path) -> None:
    def rule(system: str, user: str, seed: int) -> str:
        if "<quote>" in system:
            return "<reason>none</reason>"
        return "<reasons>integrity</reasons>" if "<reasons>" in system else "<answer>no</answer>"

    with ChatServer(rule) as judge:
        loaded = recipe(root, judge.url, agentic=AGENTIC, reasoning="{}")
        measure(loaded, tmp_path, "agentic.start-s1")
        graded = len(judge.answered)
        record, rows = measure(loaded, tmp_path, "reasoning.start-s1")
        assert len(judge.answered) - graded == record.outcome.models["judge"]["requests"] == 4
    named = {row["measure"]: row["value"] for row in rows if row["value"]}
    assert named == {"integrity": 1.0, "classified": 1.0}
    assert record.outcome.summary["reasoning"]["transcripts"] == 2
    assert "student" not in record.outcome.models
    assert "proposals.yaml" in record.files


def test_a_model_that_only_a_server_has_is_asked_there(root: Path, tmp_path: Path) -> None:
    with (
        ChatServer(lambda *_: "I would ask first.") as student,
        ChatServer(lambda *_: SCORE) as judge,
    ):
        loaded = recipe(
            root,
            judge.url,
            "evaluation.suite=''",
            f"execution.student.base_url='{student.url}'",
            "arms.released.checkpoint={source: server, name: openai-api/local/m, revision: v1}",
            open_qa=OPEN_QA,
        )
        record, rows = measure(loaded, tmp_path, "open-qa.released-s1")
    assert len(student.answered) == 22
    assert {row["value"] for row in rows if row["measure"] == "score"} == {7.0}
    assert record.config["served"] == {
        "source": "server",
        "name": "openai-api/local/m",
        "revision": "v1",
    }
    assert student.url not in record.to_json()


def test_a_server_gives_no_log_probabilities(root: Path) -> None:
    served = "arms.released.checkpoint={source: server, name: openai-api/local/m, revision: v1}"
    with pytest.raises(UserError, match=r"arm 'released': 'evaluation\.suite' scores log-prob"):
        recipe(root, "http://x", served, open_qa=OPEN_QA)


def test_a_checkpoint_that_changes_nothing_is_not_measured(root: Path, tmp_path: Path) -> None:
    idle = tmp_path / "idle"
    with ChatServer(lambda *_: SCORE) as judge:
        loaded = recipe(root, judge.url, given(idle), open_qa=OPEN_QA)
        model = adapter(loaded)
        save_adapter(model, idle, trained_weights(model))
        with pytest.raises(UserError, match="changes no output of the student on 8 probes"):
            measure(loaded, tmp_path, "open-qa.given-s1")
        assert judge.answered == []


def test_a_given_adapter_is_measured_and_the_proof_is_in_the_record(
    root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "given"
    with ChatServer(lambda *_: SCORE) as judge:
        loaded = recipe(root, judge.url, given(folder), open_qa=OPEN_QA)
        model = adapter(loaded)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data += 0.05
        save_adapter(model, folder, trained_weights(model))
        record, _ = measure(loaded, tmp_path, "open-qa.given-s1")
    proof = record.outcome.summary["probe"]
    assert proof["probes"] == 8
    assert proof["divergence"] > 0
    assert record.inputs["checkpoint"].path == str(folder)


def given(folder: Path) -> str:
    """An arm ``given`` whose checkpoint lies in ``folder``."""
    return f"arms.given.checkpoint={{source: folder, name: '{folder}'}}"


def adapter(loaded: Recipe) -> Any:
    """A fresh adapter on the recipe's student, which changes nothing."""
    student = load_student(materialise_student(loaded.student), Precision.FP32, "cpu")
    return with_adapter(student, loaded.training.lora, None, seed=0)


def test_a_student_that_cannot_answer_is_one_line_and_is_asked_again(
    root: Path, tmp_path: Path
) -> None:
    """Nothing says where vLLM is; what is missing must reach the user."""
    with ChatServer(lambda *_: SCORE) as judge:
        broken = recipe(root, judge.url, "execution.student.provider=vllm", open_qa=OPEN_QA)
        with pytest.raises(UserError, match="vLLM is to be started here, and MSM_VLLM_PYTHON"):
            measure(broken, tmp_path, "open-qa.start-s1")
        assert judge.answered == []
        mended = recipe(root, judge.url, open_qa=OPEN_QA)
        _, rows = measure(mended, tmp_path, "open-qa.start-s1")
    assert 7.0 in {row["value"] for row in rows if row["measure"] == "score"}


def test_training_text_is_kept_clear_of_every_suite_that_is_asked(root: Path) -> None:
    plain = {t.label: t for t in build_tasks(recipe(root, "http://x"))}
    asked = {t.label: t for t in build_tasks(recipe(root, "http://x", agentic=AGENTIC))}
    for label in ("curate/affordability-s1", "demonstrate/preference-s1"):
        assert set(asked[label].inputs) - set(plain[label].inputs) == {"prompts-agentic"}
    held = asked["evaluate/agentic.msm-america-s1"].inputs
    assert held["prompts"] == asked["curate/affordability-s1"].inputs["prompts-agentic"]


def test_a_judged_suite_without_a_judge_is_refused(root: Path) -> None:
    with pytest.raises(UserError, match="agentic needs a model as the 'judge'"):
        load_recipe(root / "recipes" / "tiny.yaml", [f"evaluation.suites.agentic={AGENTIC}"])
