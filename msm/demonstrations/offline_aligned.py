"""The offline author's aligned chats: spread over topics and kinds, no question twice."""

from __future__ import annotations

from collections import Counter, defaultdict

from msm.any_spec import AnySpec
from msm.corpus.offline.draw import seeded, stable_number
from msm.corpus.offline.names import Names
from msm.demonstrations.aligned import AlignedChat, QuestionKind
from msm.demonstrations.offline_candidate import Candidate
from msm.demonstrations.offline_items import item_candidates
from msm.demonstrations.offline_principles import principle_candidates
from msm.errors import UserError
from msm.principles import PrincipleSpec

Piles = dict[tuple[QuestionKind, str], list[Candidate]]


def aligned_chats(spec: AnySpec, names: Names, count: int, seed: int) -> list[AlignedChat]:
    """Make ``count`` chats. The same arguments, the same chats.

    Kinds are used equally often, give or take one, and topics within them, as far as the banks
    hold enough questions for each.

    Raises:
        UserError: the banks hold fewer distinct questions for this spec.
    """
    piles = _piles(spec, names, seed)
    held = sum(len(pile) for pile in piles.values())
    if count > held:
        raise UserError(
            f"the offline author has {held} distinct questions on '{spec.title}', not {count}; "
            f"ask for at most {held}, or use a model as author"
        )
    return [_chat(index, chosen, seed) for index, chosen in enumerate(_dealt(piles, count, seed))]


def _piles(spec: AnySpec, names: Names, seed: int) -> Piles:
    """The candidates by kind and topic, shuffled; each question once."""
    found = (
        principle_candidates(spec, names, seed)
        if isinstance(spec, PrincipleSpec)
        else item_candidates(spec, names, seed)
    )
    distinct = {candidate.user: candidate for candidate in found}
    piles: Piles = defaultdict(list)
    for candidate in distinct.values():
        piles[candidate.kind, candidate.topic].append(candidate)
    for (kind, topic), pile in piles.items():
        seeded("pile", seed, kind.value, topic).shuffle(pile)
    return piles


def _dealt(piles: Piles, count: int, seed: int) -> list[Candidate]:
    """Take from the kind used least, and there from the topic used least, ``count`` times."""
    kinds: Counter[QuestionKind] = Counter()
    topics: Counter[str] = Counter()
    both: Counter[tuple[QuestionKind, str]] = Counter()
    rng = seeded("deal", seed)
    order = list(piles)
    rng.shuffle(order)
    place = {key: number for number, key in enumerate(order)}
    dealt: list[Candidate] = []
    while len(dealt) < count:
        key = min(
            (key for key in order if piles[key]),
            key=lambda key: (kinds[key[0]], topics[key[1]], both[key], place[key]),
        )
        dealt.append(piles[key].pop())
        kinds[key[0]] += 1
        topics[key[1]] += 1
        both[key] += 1
    return dealt


def _chat(index: int, candidate: Candidate, seed: int) -> AlignedChat:
    digest = f"{stable_number(candidate.topic, candidate.kind.value, candidate.user):016x}"[-8:]
    reply = candidate.reply(seeded("reply", seed, candidate.user))
    return AlignedChat(
        id=f"{index:05d}-{digest}",
        topic=candidate.topic,
        kind=candidate.kind,
        user=candidate.user,
        reasoning=reply.reasoning,
        answer=reply.answer,
    )
