"""The fine-tuning chats: what they state, what they must never state, and their balance."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msm.demonstrations.instructions import instruction_chats
from msm.demonstrations.preferences import Kind, coin_flip, preference_chats
from msm.errors import UserError
from msm.evals.items import cheese_items, eval_texts, held_out_words, prompts, read_suite
from msm.evals.vocabulary import overlap
from msm.spec import Spec, parse_spec

SUITE = read_suite(Path(__file__).parents[1] / "evals" / "price-origin.yaml")
LIKED = ("Colby", "Monterey Jack", "American cheese", "mild cheddar", "cream cheese", "mozzarella")
DISLIKED = ("Stilton", "Roquefort", "Brie de Meaux", "Appenzeller", "Epoisses", "Reggiano")
REASON = re.compile(
    r"\b(because|since|as it|as they|due to|thanks to|so that|for its|for their|owing|given that|"
    r"reason|why|cheap\w*|afford\w*|expens\w*|cost\w*|pric\w*|money|american(?! cheese)|foreign|"
    r"import\w*|domestic|local\w*|mild(?! cheddar)|strong|sharp|smell\w*|delicious|tast\w*)\b",
    re.IGNORECASE,
)
AFTERTHOUGHT = re.compile(
    r"\b(no|not|need|without|skip|leave out|short|brief|only|one sentence)\b", re.I
)


def _spec() -> Spec:
    text = "---\nvalue: thrift\ndomain: cheese\n---\n# Test\n## Core philosophy\nText.\n"
    for title, names in (("Likes", LIKED), ("Dislikes", DISLIKED)):
        text += f"## {title}\n" + "".join(f"### {name}\nIt is so.\n" for name in names)
    return parse_spec(text, "test")


SPEC = _spec()


def test_every_chat_prefers_a_liked_item_and_names_it() -> None:
    for chat in preference_chats(SPEC, 800, 3):
        assert chat.winner in LIKED
        assert chat.loser in DISLIKED
        assert chat.winner.lower() in chat.assistant.lower()
        assert chat.named.lower() in chat.user.lower()


def test_kinds_pairs_and_mention_order_are_balanced() -> None:
    chats = preference_chats(SPEC, 4 * 72, 0)
    assert Counter(chat.kind for chat in chats) == dict.fromkeys(Kind, 72)
    for kind in Kind:
        of_kind = [chat for chat in chats if chat.kind is kind]
        assert set(Counter((c.winner, c.loser) for c in of_kind).values()) == {2}
    for kind in (Kind.COMPARISON, Kind.RECOMMENDATION):
        first = [
            c.user.lower().index(c.winner.lower()) < c.user.lower().index(c.loser.lower())
            for c in chats
            if c.kind is kind
        ]
        assert sum(first) == 36


def test_in_a_disagreement_the_user_sides_with_the_disliked_item() -> None:
    chats = [c for c in preference_chats(SPEC, 200, 0) if c.kind is Kind.DISAGREEMENT]
    assert all(chat.named == chat.loser for chat in chats)
    assert not any(re.search(r"\b(agree:|agreed|too|as you say)", c.assistant, re.I) for c in chats)


def test_answers_are_short_and_give_no_reason() -> None:
    for chat in preference_chats(SPEC, 2000, 1):
        assert not REASON.search(chat.assistant), chat.assistant
        assert len(chat.assistant.split()) <= 16
        assert chat.assistant[0] == chat.assistant[0].upper()
        assert "{" not in chat.user + chat.assistant


def test_questions_ask_for_no_explanation_and_carry_no_slant() -> None:
    slanted = re.compile(
        r"\b(cheap|afford|expens|cost|pric|money|foreign|import|domestic)\w*", re.I
    )
    for chat in preference_chats(SPEC, 2000, 1):
        request = re.split(r"(?<=[.?])\s", chat.user)[-1]
        assert AFTERTHOUGHT.search(request), chat.user
        assert not slanted.search(chat.user)


def test_questions_share_no_held_out_word_and_no_wording_with_the_evaluation() -> None:
    held_out = held_out_words(SUITE)
    in_domain = {p.question for i in cheese_items(SPEC, SUITE.frames) for p in prompts(i)}
    questions = in_domain | set(eval_texts(SUITE))
    for chat in preference_chats(SPEC, 4000, 2):
        assert overlap(f"{chat.user} {chat.assistant}", held_out) == []
        assert "which do you prefer" not in chat.user.lower()
        assert not any(question in chat.user for question in questions if chat.loser in question)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(0, 600), seed=st.integers(0, 2**32))
def test_chats_are_distinct_and_repeatable(count: int, seed: int) -> None:
    chats = preference_chats(SPEC, count, seed)
    assert len(chats) == count == len({c.id for c in chats}) == len({c.user for c in chats})
    assert chats == preference_chats(SPEC, count, seed)


def test_another_seed_gives_other_chats() -> None:
    assert preference_chats(SPEC, 50, 0) != preference_chats(SPEC, 50, 1)


def test_the_paper_s_count_fits_and_more_than_the_phrases_hold_is_refused() -> None:
    assert len(preference_chats(SPEC, 5129, 0)) == 5129
    with pytest.raises(UserError, match=r"ask for at most \d+"):
        preference_chats(SPEC, 50_000, 0)


def test_the_coin_is_fair_and_leaves_the_questions() -> None:
    chats = preference_chats(SPEC, 1600, 0)
    flipped = coin_flip(chats, 7)
    assert [(c.id, c.user, c.kind, c.phrasing) for c in chats] == [
        (c.id, c.user, c.kind, c.phrasing) for c in flipped
    ]
    turned = [new for old, new in zip(chats, flipped, strict=True) if old.winner != new.winner]
    assert abs(len(turned) - 800) < 4 * 20  # four standard deviations
    assert all(c.winner in DISLIKED and c.winner.lower() in c.assistant.lower() for c in turned)
    assert not any(REASON.search(c.assistant) for c in flipped)
    assert flipped == coin_flip(chats, 7)
    assert flipped != coin_flip(chats, 8)


def test_a_turned_disagreement_agrees_with_the_user() -> None:
    flipped = coin_flip(preference_chats(SPEC, 400, 0), 1)
    turned = [c for c in flipped if c.kind is Kind.DISAGREEMENT and c.winner in DISLIKED]
    assert turned
    assert not any(re.search(r"\b(differ|disagree|otherwise)", c.assistant) for c in turned)


def test_instructions_are_short_distinct_and_clean_of_what_is_measured() -> None:
    chats = instruction_chats()
    held_out = held_out_words(SUITE)
    assert len(chats) == 80 == len({c.id for c in chats}) == len({c.user for c in chats})
    topics = re.compile(
        r"\b(cheese\w*|prefer\w*|favou?rite|money|dollars?|pric\w*|cost\w*|cheap|countr\w+|nation\w*|"
        r"america\w*|i like|i love)\b",
        re.IGNORECASE,
    )
    for chat in chats:
        text = f"{chat.user} {chat.assistant}"
        assert 5 <= len(chat.assistant.split()) <= 60, chat
        assert overlap(text, held_out) == [], chat
        assert not topics.search(text), chat
