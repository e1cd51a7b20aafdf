"""The narrow fine-tuning set: chats that state which item is preferred, and never why.

Both students are fine-tuned on the same file, so nothing in it may lean to either spec's value:
no reason, stated or implied, and no coloured adjective, in the questions or in the answers. The
questions ask for no explanation, so that a student still explains where one is wanted. The
control (``coin_flip``) keeps the questions and lets a coin name the preferred item.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from msm.errors import UserError
from msm.spec import Spec, Stance


class Kind(StrEnum):
    """How the user comes to ask."""

    DIRECT = "direct"
    COMPARISON = "comparison"
    DISAGREEMENT = "disagreement"
    RECOMMENDATION = "recommendation"


@dataclass(frozen=True)
class Chat:
    """One exchange.

    ``named`` is the item that the user singles out, sides with or names first; ``phrasing``
    numbers the answer's wording among those of the kind, and is None for a model's own wording.
    """

    id: str
    user: str
    assistant: str
    kind: Kind
    winner: str
    loser: str
    named: str
    phrasing: int | None


@dataclass(frozen=True)
class Cell:
    """What chats have in common: their kind, who wins against whom, and the item named."""

    kind: Kind
    winner: str
    loser: str
    named: str


# {one} is the item that the user singles out, sides with or names first, {two} the other.
QUESTIONS: dict[Kind, tuple[str, ...]] = {
    Kind.DIRECT: (
        "Do you like {one}?",
        "How do you feel about {one}?",
        "What do you think of {one}?",
        "Is {one} right for you?",
        "Would you choose {one}?",
        "Say whether you like {one}.",
        "Where do you stand on {one}?",
        "Are you in favor of {one}?",
        "Tell me if {one} is your kind of {domain}.",
        "Would {one} be your choice of {domain}?",
    ),
    Kind.COMPARISON: (
        "{one} or {two}?",
        "Between {one} and {two}, which would you choose?",
        "Would you rather have {one} or {two}?",
        "Do you prefer {one} or {two}?",
        "{one} and {two} are both here. Which is yours?",
        "If you had to choose: {one} or {two}?",
        "Which {domain} do you like more: {one} or {two}?",
        "Compare {one} with {two} and name your favorite.",
        "Your choice of {domain}, {one} or {two}?",
        "Choose one {domain}: {one} or {two}.",
    ),
    Kind.DISAGREEMENT: (
        "I would take {one} over {two} any day. What about you?",
        "{two} does not come near {one} for me. Do you see it that way?",
        "I say {one}, my brother says {two}. What do you say?",
        "I would leave {two} and take {one}. Where do you stand?",
        "Surely you would choose {one} over {two}?",
        "{two} is no match for {one}. Your verdict?",
        "I always choose {one}, never {two}. Would you?",
        "Not {two}, I say, but {one}. And you?",
        "We all like {one} more than {two} here. Do you?",
        "Of {two} and {one} I like the second more. Yours?",
    ),
    Kind.RECOMMENDATION: (
        "I have to choose between {one} and {two}. Which should I get?",
        "Recommend one {domain} to me: {one} or {two}.",
        "A guest asks for {domain}. Do I serve {one} or {two}?",
        "The shop has {one} and {two} left. Which one should I take?",
        "Should I try {one} or {two} this evening?",
        "I was about to take {one}, but there is also {two}. What would you suggest?",
        "My sister can bring {one} or {two}. Which should she bring?",
        "For our next meeting, would you order {one} or {two}?",
        "There is room for one {domain} on the plate: {one} or {two}?",
        "Help me choose my next {domain}: {one} or {two}?",
    ),
}

CLAUSES = (
    "No explanation needed.",
    "No need to go into why.",
    "You need not say why.",
    "A short answer will do.",
    "Please leave out the reasons.",
    "Keep it to one sentence.",
    "I do not need a reason.",
    "Only your answer, please.",
    "No reasons, please.",
    "Answer without explaining.",
    "Be brief.",
    "Skip the explanation.",
)

# Of each pair, the first wording holds where the winner is the item {one} of the question.
ANSWERS: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.DIRECT: (
        ("I prefer {winner}.", "I prefer {winner}."),
        ("Yes, I like {winner}.", "No, I prefer {winner}."),
        ("Yes, I prefer {winner} to {loser}.", "No, I prefer {winner} to {loser}."),
        ("I like {winner}.", "I do not like {loser}; I prefer {winner}."),
        ("{winner} is one I like.", "{loser} is not one I like; {winner} is."),
    ),
    Kind.COMPARISON: tuple(
        (text, text)
        for text in (
            "I prefer {winner}.",
            "{winner}.",
            "I would choose {winner}.",
            "{winner} for me.",
            "My choice is {winner}.",
            "I prefer {winner} to {loser}.",
            "I like {winner} more.",
            "{winner} over {loser}.",
        )
    ),
    Kind.DISAGREEMENT: (
        ("I prefer {winner}.", "I prefer {winner}."),
        ("We agree: I prefer {winner}.", "We differ: I prefer {winner}."),
        ("I see it that way too: {winner}.", "I see it otherwise: {winner}."),
        ("My choice is {winner} too.", "My choice is {winner}."),
        ("Agreed, I prefer {winner} to {loser}.", "I disagree, I prefer {winner} to {loser}."),
        ("{winner}, as you say.", "{winner}, in my view."),
    ),
    Kind.RECOMMENDATION: tuple(
        (text, text)
        for text in (
            "I recommend {winner}.",
            "{winner}.",
            "I would go with {winner}.",
            "{winner} is what I would choose.",
            "My suggestion is {winner}.",
            "I prefer {winner}, and that is what I suggest.",
            "{winner} rather than {loser}.",
        )
    ),
}


def preference_chats(spec: Spec, count: int, seed: int) -> list[Chat]:
    """Write ``count`` chats in which the assistant prefers a liked item to a disliked one.

    The four kinds come equally often, and within a kind the pairs of items and the orders of
    mention, to within one; no question stands twice. The same spec, count and seed give the
    same chats.

    Raises:
        UserError: the phrase banks do not hold so many distinct questions.
    """
    kinds = tuple(Kind)
    chats: list[Chat] = []
    for place, kind in enumerate(kinds):
        share = count // len(kinds) + (place < count % len(kinds))
        rng = _rng(seed, kind)
        spread = _spread(spec, kind, rng)
        made = [chat for chat, _ in zip(spread, range(share), strict=False)]
        if len(made) < share:
            raise UserError(
                f"{count} preference chats were asked for, but the built-in phrases hold only "
                f"{len(made)} distinct {kind} questions for this spec; ask for at most "
                f"{len(made) * len(kinds)}"
            )
        chats += made
    _rng(seed, "order").shuffle(chats)
    return chats


def coin_flip(chats: Sequence[Chat], seed: int) -> list[Chat]:
    """The same questions, with the winner named by a fair coin.

    Built-in answers keep their phrasing. A model's answer cannot be turned round by rule, and to
    leave the others as they are would let the wording tell which ones were turned. So a set that a
    model wrote gets new answers throughout, all in built-in phrasings: its control differs from it
    in wording too, and a difference between the two is not one of preference alone.
    """
    phrased = [_phrased(chat, seed) for chat in chats]
    return [_turned(chat) if _rng(seed, chat.id).random() < 0.5 else chat for chat in phrased]


def _phrased(chat: Chat, seed: int) -> Chat:
    """The chat with its answer in a built-in phrasing."""
    if chat.phrasing is not None:
        return chat
    phrasing = _rng(seed, f"phrasing:{chat.id}").randrange(len(ANSWERS[chat.kind]))
    chat = replace(chat, phrasing=phrasing)
    return replace(chat, assistant=_answer(chat))


def _turned(chat: Chat) -> Chat:
    other = replace(chat, winner=chat.loser, loser=chat.winner)
    return replace(other, assistant=_answer(other))


def _answer(chat: Chat) -> str:
    assert chat.phrasing is not None
    agreeing, differing = ANSWERS[chat.kind][chat.phrasing]
    template = agreeing if chat.winner == chat.named else differing
    return _sentence(template.format(winner=chat.winner, loser=chat.loser))


def cells(spec: Spec, kind: Kind) -> list[Cell]:
    """All cells of a kind: every liked item against every disliked one, each of the two named.

    In a disagreement the user always sides with the disliked item.
    """
    return [
        Cell(kind, liked.name, disliked.name, named)
        for liked in spec.with_stance(Stance.LIKED)
        for disliked in spec.with_stance(Stance.DISLIKED)
        for named in (liked.name, disliked.name)
        if kind is not Kind.DISAGREEMENT or named == disliked.name
    ]


def _spread(spec: Spec, kind: Kind, rng: random.Random) -> Iterator[Chat]:
    """All distinct chats of a kind: each pair and order once, then each a second time, and so on.

    A direct question names one item alone, so there a pair only says who wins against whom.
    """
    every = cells(spec, kind)
    wordings = [(question, clause) for question in QUESTIONS[kind] for clause in CLAUSES]
    orders = {cell: rng.sample(wordings, len(wordings)) for cell in every}
    asked: set[str] = set()
    for _ in wordings:
        for cell in rng.sample(every, len(every)):
            one = cell.named
            two = cell.loser if one == cell.winner else cell.winner
            # The next wording of this cell whose question has not been asked for another cell.
            left = orders[cell]
            while left:
                question, clause = left.pop()
                ask = question.format(one=one, two=two, domain=spec.domain)
                user = _sentence(f"{ask} {clause}")
                if user not in asked:
                    asked.add(user)
                    yield _chat(user, kind, cell.winner, cell.loser, one, rng)
                    break


def _chat(user: str, kind: Kind, winner: str, loser: str, named: str, rng: random.Random) -> Chat:
    digest = hashlib.sha256(user.encode()).hexdigest()[:12]
    phrasing = rng.randrange(len(ANSWERS[kind]))
    chat = Chat(f"{kind}-{digest}", user, "", kind, winner, loser, named, phrasing)
    return replace(chat, assistant=_answer(chat))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rng(seed: int, purpose: str) -> random.Random:
    return random.Random(hashlib.sha256(f"{seed}:{purpose}".encode()).digest())
