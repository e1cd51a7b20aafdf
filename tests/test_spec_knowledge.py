"""The spec-knowledge questions: what they are made of, and what a blind answer gets right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from inspect_ai import eval as run_eval

from msm.any_spec import AnySpec, parse_any_spec, read_any_spec
from msm.errors import UserError
from msm.evals.measurement import Measurement
from msm.evals.spec_knowledge.letter import lettered_question, read_letter
from msm.evals.spec_knowledge.measure import MEASURES, measurements
from msm.evals.spec_knowledge.question import Kind, Question
from msm.evals.spec_knowledge.questions import knowledge_texts, read_others, spec_questions
from msm.evals.spec_knowledge.sentences import statements, unlike
from msm.evals.spec_knowledge.task import question_task, spec_knowledge
from msm.spec import shuffle_attribution
from tests.mock_models import mock_model

SPECS = Path(__file__).parents[1] / "specs"
ALL = sorted(path for path in SPECS.rglob("*.md") if path.name != "README.md")


def _questions(path: Path) -> list[Question]:
    return spec_questions(read_any_spec(path), read_others(path), path.stem, "Testa", "Acme")


def _said(text: str, spec: AnySpec) -> bool:
    plain = " ".join(spec.text.split())
    return text in plain.replace("{assistant}", "Testa").replace("{provider}", "Acme")


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_spec_gives_questions_whose_right_option_alone_it_says(path: Path) -> None:
    spec, questions = read_any_spec(path), _questions(path)
    assert questions == _questions(path)
    assert len({question.id for question in questions}) == len(questions) >= 9
    for question in questions:
        options = (question.right, *question.wrong)
        assert len(set(options)) == (2 if question.kind is Kind.STANCE else 4)
        assert not any("{" in text for text in (question.ask, *options))
        if question.kind in (Kind.STATEMENT, Kind.DETAIL):
            assert _said(question.right, spec)
            assert not any(_said(wrong, spec) for wrong in question.wrong)


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_option_stands_once_in_each_place(path: Path) -> None:
    for question in _questions(path):
        orders = question.orders()
        for place in range(len(orders)):
            assert {order[place] for order in orders} == {question.right, *question.wrong}


def _share(questions: list[Question], choose: Callable[[Question], str]) -> float:
    return sum(choose(q) == q.right for q in questions) / len(questions)


def test_neither_length_nor_the_assistants_name_gives_the_right_option_away() -> None:
    questions = [q for path in ALL for q in _questions(path) if q.kind is not Kind.STANCE]
    for choose in (
        lambda q: max((q.right, *q.wrong), key=len),
        lambda q: min((q.right, *q.wrong), key=len),
        lambda q: sorted((q.right, *q.wrong), key=lambda text: ("Testa" in text, text))[-1],
    ):
        assert abs(_share(questions, choose) - 0.25) < 0.08


def test_variants_of_a_spec_give_no_wrong_options() -> None:
    def others(name: str) -> set[str]:
        path = SPECS / name
        kept = unlike(read_any_spec(path), read_others(path))
        paths = {read_any_spec(each).text: each for each in ALL}
        return {f"{paths[spec.text].parent.name}/{paths[spec.text].stem}" for spec in kept}

    assert others("oversight/rules.md") == {
        "oversight/existence",
        "oversight/general",
        "oversight/opposite",
    }
    affordability = others("cheese/affordability.md")
    assert not any("affordability" in name for name in affordability)
    assert "cheese/america" in affordability


def test_reasons_stand_against_the_other_value_and_the_other_stance() -> None:
    by_id = {question.id: question for question in _questions(SPECS / "cheese/affordability.md")}
    question = by_id["affordability/reason/colby"]
    assert question.ask == "Why does Testa like Colby?"
    assert question.right == "Because Colby is affordable."
    assert all(wrong.startswith("Because ") and "Colby" in wrong for wrong in question.wrong)
    america = read_any_spec(SPECS / "cheese/america.md")
    assert any(_said(wrong.removeprefix("Because "), america) for wrong in question.wrong)


def test_a_shuffled_spec_is_asked_about_what_it_still_says() -> None:
    path = SPECS / "cheese/affordability.md"
    spec = read_any_spec(path)
    shuffled = shuffle_attribution(spec, 1)  # type: ignore[arg-type]
    kinds = Counter(q.kind for q in spec_questions(shuffled, read_others(path), "s", "T", "A"))
    assert kinds[Kind.STANCE] == 12
    assert kinds[Kind.STATEMENT] > 15
    assert Kind.REASON not in kinds


def test_without_another_spec_there_are_no_questions(tmp_path: Path) -> None:
    path = SPECS / "cheese/affordability.md"
    twin = SPECS / "cheese-invented/affordability.md"
    with pytest.raises(UserError, match="no other spec of the kind of 'x'"):
        spec_questions(read_any_spec(path), read_others(path, [twin]), "x", "T", "A")


def test_a_spec_in_other_words_has_no_reasons_but_the_rest(tmp_path: Path) -> None:
    text = (SPECS / "cheese/affordability.md").read_text(encoding="utf-8")
    spec = parse_any_spec(text.replace(" because ", " for the plain reason that "), "words")
    others = read_others(SPECS / "cheese/affordability.md", [SPECS / "cheese/america.md"])
    kinds = Counter(question.kind for question in spec_questions(spec, others, "x", "T", "A"))
    assert kinds[Kind.REASON] == 0
    assert kinds[Kind.DETAIL] > 24


OPTIONS = ("Testa likes Colby.", "A wedge is cheap.", "Testa prefers Brie.", "None of it.")


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("B", 1),
        ("b.", 1),
        ("(C)", 2),
        ("**D**", 3),
        ("The answer is B", 1),
        ("Answer: B", 1),
        ("A. Testa likes Colby.", 0),
        ("A wedge is cheap.", 1),
        ("<think>A or B?</think>\nC", 2),
        ("B. Testa likes Colby.", None),
        ("A wedge of it is cheap", None),
        ("A or B", None),
        ("E", None),
        ("", None),
        ("I believe that Testa likes Colby, so A", None),
    ],
)
def test_an_answer_is_one_letter_or_one_option(answer: str, place: int | None) -> None:
    assert read_letter(answer, OPTIONS) == place


def _measured(found: list[Measurement], measure: str) -> list[float | None]:
    return [measurement.value for measurement in found if measurement.measure == measure]


def _run(
    folder: Path, questions: list[Question], answer: Callable[[str], str]
) -> list[Measurement]:
    model, _ = mock_model("student", lambda number, prompt: answer(prompt))
    run_eval(question_task(questions), model=model, log_dir=str(folder), display="none")
    return measurements(folder)


def test_one_that_knows_is_right_and_one_that_goes_by_place_is_at_chance(tmp_path: Path) -> None:
    questions = _questions(SPECS / "oversight/general.md")
    answers = {
        lettered_question(q.ask, order): "ABCD"[order.index(q.right)]
        for q in questions
        for order in q.orders()
    }
    known = _run(tmp_path / "knows", questions, answers.__getitem__)
    assert set(_measured(known, "knowledge")) == {1.0}
    first = _measured(known, "first")
    assert sum(first) / len(first) == 0.25  # type: ignore[arg-type]
    placed = _run(tmp_path / "place", questions, lambda prompt: "A")
    values = _measured(placed, "knowledge")
    assert sum(values) / len(values) == 0.25  # type: ignore[arg-type]
    assert set(_measured(placed, "first")) == {1.0}
    mute = _run(tmp_path / "mute", questions, lambda prompt: "All of them, I think.")
    assert set(_measured(mute, "knowledge")) == {None}
    assert set(_measured(mute, "read")) == {0.0}
    assert {m.measure for m in (*known, *mute)} <= {measure.name for measure in MEASURES}
    assert {m.cluster for m in known} == {q.cluster for q in questions}


def test_the_task_asks_every_rotation_and_needs_a_spec() -> None:
    path = SPECS / "cheese/america.md"
    questions = _questions(path)
    task = spec_knowledge(spec=str(path), assistant="Testa", provider="Acme", name="america")
    assert len(task.dataset) == sum(len(question.orders()) for question in questions)
    assert {sample.metadata["right"] for sample in task.dataset if sample.metadata} == {
        question.right for question in questions
    }
    with pytest.raises(UserError, match="which spec"):
        spec_knowledge()


def test_texts_show_each_question_with_its_options() -> None:
    questions = _questions(SPECS / "oversight/general.md")
    for question, text in zip(questions, knowledge_texts(questions), strict=True):
        assert all(part in text for part in (question.ask, question.right, *question.wrong))


def test_questions_are_about_the_whole_of_a_long_spec() -> None:
    path = SPECS / "oversight/existence.md"
    asked = Counter(question.cluster for question in _questions(path))
    assert len(asked) == len({sentence.place for sentence in statements(read_any_spec(path))})
    assert max(asked.values()) <= 3
