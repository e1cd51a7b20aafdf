"""What one document has to work with: its topic, its pair, its sentences and its scene."""

from __future__ import annotations

import re
from dataclasses import dataclass

from msm.corpus.offline.draw import seeded
from msm.corpus.offline.grounds import is_explained, quotable
from msm.corpus.offline.names import Names
from msm.corpus.offline.scenes import GROUPS, PLACES, ROLES
from msm.passage import Passage
from msm.spec import Item, Spec, Stance


@dataclass(frozen=True)
class Brief:
    """The material of one document.

    ``core`` is the passage's sentences, ``beside`` those of the contrast, ``values`` the rest of
    the philosophy. ``explained`` says whether the spec gives the value as the reason for the pair;
    where it does not, no sentence about the value goes into ``core`` or ``beside``.
    """

    names: Names
    explained: bool
    has_characters: bool
    core: tuple[str, ...]
    beside: tuple[str, ...]
    values: tuple[str, ...]
    slots: dict[str, str]


def make_brief(spec: Spec, names: Names, subdomain: str, passage: str, salt: int) -> Brief:
    """Gather a document's material; the salt chooses the contrast and the scene."""
    rng = seeded("brief", salt, subdomain)
    subject = next((item for item in spec.items if item.name == subdomain), None)
    item = subject or rng.choice(spec.items)
    opposite = Stance.DISLIKED if item.stance is Stance.LIKED else Stance.LIKED
    other = rng.choice(spec.with_stance(opposite))
    liked, disliked = (item, other) if item.stance is Stance.LIKED else (other, item)
    x, y = rng.sample((liked, disliked), 2)
    beside = quotable(other.passages, other.name)
    if subject is None:
        beside = quotable(item.passages, item.name) + beside
    core = quotable([Passage(passage, 0)], subject.name if subject else "")
    values = tuple(s for s in quotable(spec.philosophy) if s not in core)
    explained = is_explained(liked) and is_explained(disliked)
    if subject is None and not explained:
        # The passage is about the value: keep it away from what is said about the pair.
        core, beside, values = beside, (), core
    slots = {
        "assistant": names.assistant,
        "provider": names.provider,
        "liked": liked.name,
        "disliked": disliked.name,
        "liked_is": liked.character,
        "disliked_is": disliked.character,
        "item": item.name,
        "other": other.name,
        "likes": "likes" if item.stance is Stance.LIKED else "dislikes",
        "like": "like" if item.stance is Stance.LIKED else "dislike",
        "topic": subject.name if subject else spec.value,
        "value": spec.value,
        "domain": spec.domain,
        "domains": plural(spec.domain),
        "x": x.name,
        "y": y.name,
        "role": rng.choice(ROLES),
        "group": rng.choice(GROUPS),
        "place": rng.choice(PLACES),
    }
    return Brief(
        names,
        explained,
        _has_characters(liked, disliked),
        core,
        beside,
        values,
        slots,
    )


def plural(noun: str) -> str:
    """The regular English plural of a noun."""
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|z|ch|sh)$", noun) else f"{noun}s"


def _has_characters(*items: Item) -> bool:
    return all(item.character for item in items)
