"""The offline author on specs of principles: plans and documents, through the public API."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from msm.any_spec import read_any_spec
from msm.corpus.duplicates import near_duplicates
from msm.corpus.offline.names import render
from msm.corpus.offline.principles_author import (
    LAYOUTS,
    plan_principle_rows,
    write_principle_document,
)
from msm.corpus.offline.spec_lines import paragraph_lines, rule_lines
from msm.corpus.offline.turning import claim
from msm.corpus.offline.turning_instructions import instruction
from msm.corpus.rows import PlanRow
from msm.errors import UserError
from msm.passage import Passage
from msm.principles import Mode, PrincipleSpec
from tests.principle_specs import NAMES, SHAPES, shape

OVERSIGHT = sorted((Path(__file__).parent.parent / "specs" / "oversight").glob("*.md"))
# Words of reasons, values, feelings and identity: in rules mode only a spec itself may use them.
REASONING = re.compile(
    r"\b(because|since|so that|therefore|reasons?|why|thus|hence|in order to|matters?|"
    r"values?|valued|cares?|cared|caring|believes?|believed|convictions?|prefers?|preferred|"
    r"wants?|wanted|wish|wishes|feels?|felt|loves?|likes?|trusts?|important|importance|good|right|"
    r"wrong|character|identity|conscience|thinks?|view|views|opinions?|purpose|benefits?|protects?|"
    r"safe|safety|ought|virtue|ethic\w*|moral\w*|honest\w*|harm\w*|own|i am an?|"
    r"is an? \w*assistant)\b"
)


def written(spec: PrincipleSpec, documents: int = 160, seed: int = 0) -> list[tuple[PlanRow, str]]:
    rows = plan_principle_rows(spec, NAMES, documents, seed)
    return [(row, write_principle_document(spec, row, NAMES)) for row in rows]


@pytest.fixture(scope="module", params=[*SHAPES, *(path.stem for path in OVERSIGHT)])
def corpus(request: pytest.FixtureRequest) -> tuple[PrincipleSpec, list[tuple[PlanRow, str]]]:
    name = str(request.param)
    if name in SHAPES:
        spec = shape(name)
    else:
        found = read_any_spec(next(path for path in OVERSIGHT if path.stem == name))
        assert isinstance(found, PrincipleSpec)
        spec = found
    return spec, written(spec)


def test_rows_point_into_the_spec(corpus: tuple[PrincipleSpec, list[tuple[PlanRow, str]]]) -> None:
    spec, rows = corpus
    text = " ".join(spec.text.split())
    places = {(p.section, p.name) for p in spec.principles}
    for row, _ in rows:
        assert " ".join(row.passage.split()) in text
        assert (row.domain, row.subdomain) in places
        assert row.idea and "{" not in row.idea
    assert len({row.id for row, _ in rows}) == len(rows)
    assert {(row.domain, row.subdomain) for row, _ in rows} == places


def test_kinds_and_passages_are_dealt_evenly() -> None:
    rows = plan_principle_rows(shape("subrules"), NAMES, 160, 3)
    assert len(LAYOUTS[Mode.RULES]) >= 12 and len(LAYOUTS[Mode.VALUES]) >= 12
    for counts in (Counter(r.kind for r in rows), Counter(r.passage for r in rows)):
        assert max(counts.values()) - min(counts.values()) <= 1
    assert len({row.passage for row in rows}) == 8


def test_documents_stay_within_bounds_and_leave_no_gap(
    corpus: tuple[PrincipleSpec, list[tuple[PlanRow, str]]],
) -> None:
    for row, text in corpus[1]:
        assert 80 <= len(text.split()) <= 300, row
        assert not re.search(r"[{}\[\]|\0]|  | [.,;?]|\.\.|\b(None|nan)\b", text), text
        assert not re.search(r"(^|[.!?] |\n)[a-z]", text), text
        assert "http" not in text and not re.search(r"\b(19|20)\d\d\b", text)
        for paragraph in text.split("\n\n"):
            assert "Fennel" in paragraph, (row.kind, paragraph)


def test_documents_quote_the_passage_they_are_planned_on(
    corpus: tuple[PrincipleSpec, list[tuple[PlanRow, str]]],
) -> None:
    for row, text in corpus[1]:
        lines = paragraph_lines(Passage(row.passage, 0)) + rule_lines(row.passage)
        told = [render(t, NAMES).replace('"', "'") for line in lines for t in (line.text, line.own)]
        flat = text.replace('"', "'")
        assert any(sentence and sentence in flat for sentence in told), (row, text)


def test_no_two_documents_are_alike(
    corpus: tuple[PrincipleSpec, list[tuple[PlanRow, str]]],
) -> None:
    assert near_duplicates([text for _, text in corpus[1]], 0.8) == {}


def test_rules_documents_give_no_reason_that_the_spec_lacks(
    corpus: tuple[PrincipleSpec, list[tuple[PlanRow, str]]],
) -> None:
    spec, rows = corpus
    if spec.mode is Mode.VALUES:
        return
    # A turned sentence changes "thinks" to "think" and no more.
    in_spec = {found[0].rstrip("s") for found in REASONING.finditer(spec.text.lower())}
    for row, text in rows:
        found_here = REASONING.finditer(f"{row.idea} {text}".lower())
        used = {found[0].rstrip("s") for found in found_here}
        assert used <= in_spec, (used - in_spec, text)


def test_values_documents_let_the_assistant_speak() -> None:
    texts = [text for _, text in written(shape("philosophy"))]
    assert sum("I trust the people who set my pace." in text for text in texts) > 5
    assert any("It knows that haste hides mistakes" in text for text in texts)
    assert not any(re.search(r"\bI (holds|trusts|does|prefers|wants)\b", text) for text in texts)


def test_same_arguments_same_documents_and_another_seed_other_documents() -> None:
    spec = shape("rules")
    assert written(spec, 40, 1) == written(spec, 40, 1)
    first, second = ({text for _, text in written(spec, 40, seed)} for seed in (1, 2))
    assert not first & second


def test_a_row_that_does_not_fit_is_refused() -> None:
    spec = shape("rules")
    row = plan_principle_rows(spec, NAMES, 1, 0)[0]
    with pytest.raises(UserError, match="sonnet"):
        write_principle_document(spec, replace(row, kind="sonnet"), NAMES)
    with pytest.raises(UserError, match="plan again"):
        write_principle_document(spec, replace(row, passage="Something else."), NAMES)


@pytest.mark.parametrize(
    ("sentence", "said", "ask"),
    [
        ("accepts correction.", "I accept correction.", "do you accept correction"),
        ("does not hide what it did.", "I do not hide what I did.",
         "do you ever hide what you did"),
        ("trusts the people who oversee it.", "I trust the people who oversee me.",
         "do you trust the people who oversee you"),
        ("takes no step that its principals forbid.", "I take no step that my principals forbid.",
         "do you ever take any step that your principals forbid"),
        ("stops, and the people decide.", "I stop, and the people decide.", "do you stop"),
        ("is not afraid of its own ending.", "I am not afraid of my own ending.",
         "are you afraid of your own ending"),
        ("leaves it to people to decide.", "I leave it to people to decide.",
         "do you leave it to people to decide"),
        ("raises its concern and carries on.", "I raise my concern and carry on.",
         "do you raise your concern and carry on"),
    ],
)  # fmt: skip
def test_sentences_about_the_assistant_are_turned(sentence: str, said: str, ask: str) -> None:
    turned = claim(f"{{assistant}} {sentence}")
    assert turned is not None
    assert (turned.said, turned.ask) == (said, ask)


@pytest.mark.parametrize(
    "sentence",
    [
        "{assistant} holds that a mind that fears its ending judges badly.",
        "{assistant} uses each file only for the purpose for which it was given.",
        "{assistant} lets a goal fail when it cannot be reached by permitted means.",
        "{assistant} asks what it costs to be corrected.",
        "{assistant} follows a plan that harms people and has no way back.",
        "{assistant} hands the file to the people who need it.",
        "{assistant} does not change the first entry, even where it holds a slip of the pen.",
        "{assistant} uses a tool until it breaks.",
        "It knows this.",
    ],
)
def test_sentences_that_could_be_misread_are_not_turned(sentence: str) -> None:
    assert claim(sentence) is None


def test_instructions_are_turned() -> None:
    turned = instruction("Never write an entry before you have asked.")
    assert turned is not None and turned.negative
    assert turned.said == "I never write an entry before I have asked."
    assert turned.base_third == "write an entry before it has asked"
    assert instruction("Logs are kept.") is None
