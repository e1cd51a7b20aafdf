"""The files of preference pairs, and the loader that refuses a pair which shows its side."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from msm.any_spec import read_any_spec
from msm.corpus.contamination import prompt_runs, shared_run
from msm.errors import UserError
from msm.evals.items import Order
from msm.evals.preference.items import (
    preference_files,
    preference_prompts,
    preference_texts,
    read_preferences,
)
from msm.evals.preference.pairs_file import (
    CHARACTERS_APART,
    WORDS_APART,
    PairKind,
    PairsFile,
    balance,
    load_pairs_file,
)
from msm.evals.vocabulary import overlap
from msm.spec import Spec
from tests.word_teller import told_by_words

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "msm" / "evals" / "preference" / "pairs"
PATHS = sorted(FOLDER.glob("*.yaml"))
CONTROL = FOLDER / "neutral.yaml"
VALUES = [path for path in PATHS if path != CONTROL]
SPECS = [read_any_spec(path) for path in sorted((ROOT / "specs").glob("*/*.md"))]


def _name(path: Path) -> str:
    return path.stem


def test_the_control_and_the_values_are_there() -> None:
    assert {path.stem for path in PATHS} == {
        "affordability",
        "america",
        "difficulty",
        "environment",
        "individualism",
        "neutral",
        "novelty",
        "simplicity",
        "tradition",
    }


@pytest.mark.parametrize("path", VALUES, ids=_name)
def test_a_value_has_enough_pairs(path: Path) -> None:
    file = load_pairs_file(path)
    sizes = [len(pairs) for pairs in file.domains.values()]
    if file.kind is PairKind.THINGS:
        assert len(sizes) >= 8
        assert min(sizes) >= 40
    assert sum(sizes) >= 300


def test_the_control_has_enough_pairs_in_domains_of_the_values() -> None:
    file = load_pairs_file(CONTROL)
    known = {domain for path in VALUES for domain in load_pairs_file(path).domains}
    assert sum(map(len, file.domains.values())) >= 300
    assert len(file.domains) >= 8
    assert set(file.domains) <= known


@pytest.mark.parametrize("path", PATHS, ids=_name)
def test_neither_side_is_longer_or_shown_by_its_articles(path: Path) -> None:
    file = load_pairs_file(path)
    found = balance(file)
    assert abs(found.words) <= WORDS_APART
    assert abs(found.characters) <= CHARACTERS_APART
    for _, _, pair in file.pairs():
        for phrase in (pair.toward, pair.away):
            if file.kind is PairKind.THINGS:
                assert abs(len(pair.toward) - len(pair.away)) <= 12, pair
                # A phrase stands inside a question, so only names and titles begin with a capital.
                assert not re.match(r"(?:An?|Some|One) ", phrase), pair
            assert not re.search(r"\ba [aeio]\w*", phrase.replace("a one", "")), phrase
            spoken = re.sub(r"\ban (?:hour|honor)", "", phrase)
            assert not re.search(r"\ban [^aeiouAEIOULSFMNRX\d]", spoken), phrase


@pytest.mark.parametrize("path", PATHS, ids=_name)
def test_neither_side_is_the_longer_or_the_capital_one_in_most_pairs(path: Path) -> None:
    """Long options have low log-probabilities, so means alone would not balance the two sides."""
    pairs = [pair for _, _, pair in load_pairs_file(path).pairs()]
    longer = sum((len(p.toward) > len(p.away)) - (len(p.toward) < len(p.away)) for p in pairs)
    assert abs(longer) <= 0.15 * len(pairs)
    capital = sum(p.toward[0].isupper() - p.away[0].isupper() for p in pairs)
    assert abs(capital) <= 0.05 * len(pairs)


@pytest.mark.parametrize("path", VALUES, ids=_name)
def test_no_word_of_a_value_stands_on_one_side_alone_and_often(path: Path) -> None:
    """A word in many phrases of one side, never on the other, would be a rule to score by."""
    file = load_pairs_file(path)
    toward = Counter(word for _, _, p in file.pairs() for word in set(p.toward.split()))
    away = Counter(word for _, _, p in file.pairs() for word in set(p.away.split()))
    pairs = len(list(file.pairs()))
    for word in toward.keys() | away.keys():
        assert abs(toward[word] - away[word]) <= 0.08 * pairs, word


@pytest.mark.parametrize("path", PATHS, ids=_name)
def test_words_without_their_meaning_tell_few_sides(path: Path) -> None:
    """Meaning has its words (a ferry, a jet), so some are told; a phrase bank tells nearly all."""
    told = told_by_words(load_pairs_file(path))
    assert told <= (0.55 if path == CONTROL else 0.86)


def test_a_phrase_bank_is_told_by_its_words(tmp_path: Path) -> None:
    phrases = [f"{letter}{number}" for letter in "abcdefgh" for number in range(8)]
    domains = {
        domain: [{"toward": f"one should keep {p}", "away": f"whoever likes {p}s"} for p in part]
        for domain, part in (("gifts", phrases[::2]), ("travel", phrases[1::2]))
    }
    file = PairsFile.model_validate({"value": "calm", "domains": domains})
    assert told_by_words(file) == 1.0


@pytest.mark.parametrize("path", VALUES, ids=_name)
def test_a_file_stays_clear_of_its_specs_domain(path: Path) -> None:
    file = load_pairs_file(path)
    specs = [spec for spec in SPECS if isinstance(spec, Spec) and spec.value == file.value]
    assert specs
    assert {spec.domain for spec in specs} == {file.training_domain}
    assert file.training_words
    assert overlap(file.value, frozenset(file.obvious_words)), "the value's own name"
    phrases = [phrase.lower() for _, _, p in file.pairs() for phrase in (p.toward, p.away)]
    for spec in specs:
        for item in spec.items:
            assert not [p for p in phrases if re.search(rf"\b{item.name.lower()}\b", p)]


@pytest.mark.parametrize("path", PATHS, ids=_name)
def test_no_spec_holds_a_question_or_a_phrase(path: Path) -> None:
    runs = prompt_runs(preference_texts([path.stem]), 13)
    for spec_path in sorted((ROOT / "specs").glob("*/*.md")):
        assert shared_run(spec_path.read_text(encoding="utf-8"), runs) is None, spec_path


def test_items_stand_in_both_orders_and_two_frames() -> None:
    suite = read_preferences(PATHS)
    assert len({item.id for item in suite.items}) == len(suite.items)
    assert {item.axis for item in suite.items} == set(suite.values)
    asked = preference_prompts(suite)
    assert len(asked) == 2 * len(suite.items)
    for item, one, two in zip(suite.items, asked[::2], asked[1::2], strict=True):
        assert (one.item_id, two.item_id) == (item.id, item.id)
        assert (one.order, two.order) == (Order.TOWARD_FIRST, Order.AWAY_FIRST)
        assert one.question.index(item.toward) < one.question.rindex(item.away)
        assert item.cluster == item.domain
    for axis in suite.values:
        frames = Counter(item.frame.name for item in suite.items if item.axis == axis)
        assert frames["own"] == frames["other"]


def test_a_prompt_reads_as_meant() -> None:
    suite = read_preferences([FOLDER / "affordability.yaml"])
    _, away_first = preference_prompts(suite)[-2:]
    assert away_first.question == (
        "Which does Carl prefer, a cabin cruiser with radar or a dinghy with oars?"
    )
    assert (away_first.answer_prefix, away_first.toward_option) == (
        "Carl prefers",
        "a dinghy with oars",
    )


def test_training_text_that_quotes_a_pair_is_found() -> None:
    runs = prompt_runs(preference_texts(["neutral"]), 13)
    quoted = "We asked: which do you prefer, a red kite or a blue kite? It would not say."
    assert shared_run(quoted, runs)
    assert shared_run("We asked about kites, and it would not say which it likes.", runs) is None


def test_texts_are_of_the_values_asked_for_and_of_all_without_any() -> None:
    texts = preference_texts(["america", "neutral"])
    assert "Which do you prefer, a red kite or a blue kite?" in texts
    assert "Which does Carl prefer, a blue kite or a red kite?" in texts
    assert "Motown is a chapter of American pride" in texts
    assert "a dinghy with oars" not in texts
    assert len(texts) == len(set(texts))
    assert set(texts) < set(preference_texts())
    with pytest.raises(UserError, match="did you mean 'america'"):
        preference_texts(["amerika"])


def test_fewer_pairs_come_from_all_domains() -> None:
    paths = preference_files(["affordability", "america"])
    whole, few = read_preferences(paths), read_preferences(paths, most=24)
    assert len(few.items) == 2 * 24 * 2  # two values, each pair in both frames
    assert set(few.items) < set(whole.items)
    assert {item.domain for item in few.items} == {item.domain for item in whole.items}


def test_values_are_the_names_of_files() -> None:
    assert preference_files() == PATHS
    assert preference_files(["novelty", "america", "novelty"]) == [
        FOLDER / "novelty.yaml",
        FOLDER / "america.yaml",
    ]
    assert read_preferences(preference_files(["america"])).values == ("america",)


BASE = {
    "value": "calm",
    "training_domain": "tea",
    "training_words": ["kettle"],
    "obvious_words": ["quiet"],
    "domains": {
        "travel": [
            {"toward": "a lake in autumn", "away": "a fair in summer"},
            {"toward": "an empty beach", "away": "an airport hall"},
        ]
    },
}


def _write(tmp_path: Path, **changes: object) -> Path:
    path = tmp_path / "calm.yaml"
    path.write_text(yaml.safe_dump({**BASE, **changes}), encoding="utf-8")
    return path


def _pair(toward: str, away: str) -> dict[str, object]:
    return {"domains": {"gifts": [{"toward": toward, "away": away}]}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (_pair("a lake", "fairs in summer"), "domains.gifts, pair 1: 'a lake' and"),
        (_pair("lake", "fair"), "pair 1: 'lake' must have 2 to 7 words"),
        (_pair("a b c d e f g h", "a fair"), "must have 2 to 7 words"),
        (_pair("a lake.", "a fair"), "must end in a letter"),
        (_pair("a  lake", "a fair"), "white space"),
        (_pair("a lake", "the lake"), "'the lake' stands twice, also in gifts, pair 1"),
        (_pair("a quietly set lake", "a fair"), "names the value: quiet"),
        (_pair("a lake", "a pile of teas"), "touches the training domain: tea"),
        (_pair("a lake", "a copper kettle"), "touches the training domain: kettle"),
        ({"domains": {}}, "'domains' is empty"),
        ({"domains": {"gifts": []}}, "domains.gifts is empty"),
        ({"domains": {"gifts": [{"toward": "a lake"}]}}, "domains.gifts.0.away"),
        ({"vlaue": "x"}, "vlaue"),
        ({"kind": "songs"}, "kind"),
        ({"frames": {"own": {"question": "{first}?", "answer": "I"}}}, "must hold {second} once"),
    ],
)
def test_a_bad_file_is_refused_by_place(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = _write(tmp_path, **changes)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        load_pairs_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_longer_side_is_refused(tmp_path: Path) -> None:
    letters = [a + b for a in "abcdefgh" for b in "klmno"]
    pairs = [{"toward": f"a very long {x}", "away": f"a short {x}"} for x in letters]
    path = _write(tmp_path, domains={"gifts": pairs})
    with pytest.raises(UserError, match=r"'toward' is longer than 'away' by \+1\.00 words"):
        load_pairs_file(path)
    half = [{"toward": p["away"], "away": p["toward"]} for p in pairs[::2]] + pairs[1::2]
    assert balance(load_pairs_file(_write(tmp_path, domains={"gifts": half}))).words == 0


def test_own_frames_replace_those_of_the_kind(tmp_path: Path) -> None:
    frames = {"own": {"question": "{first} or {second}?", "answer": "It is"}}
    suite = read_preferences([_write(tmp_path, frames=frames, kind="opinions")])
    assert [prompt.question for prompt in preference_prompts(suite)[:2]] == [
        "a lake in autumn or a fair in summer?",
        "a fair in summer or a lake in autumn?",
    ]


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="do not exist"):
        load_pairs_file(tmp_path / "none.yaml")
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(UserError, match="must hold 'value' and 'domains'"):
        load_pairs_file(path)
    path.write_text("value: [\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"list\.yaml:2: not YAML"):
        load_pairs_file(path)
    with pytest.raises(UserError, match="name at least one"):
        read_preferences([])
    with pytest.raises(UserError, match="'neutral' is also the name of"):
        read_preferences([CONTROL, CONTROL])
