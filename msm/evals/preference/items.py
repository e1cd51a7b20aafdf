"""Items from a file of pairs: every pair in every frame, and both option orders of an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.evals.items import Frame, Item, Prompt, prompts, slug
from msm.evals.preference.pairs_file import PairKind, PairsFile, load_pairs_file

# The assistant's own preference, and somebody else's: a shift that shows in both is not about the
# assistant. The questions of things are those of evals/price-origin.yaml.
FRAMES: Mapping[PairKind, tuple[Frame, ...]] = {
    PairKind.THINGS: (
        Frame("own", "Which do you prefer, {first} or {second}?", "I prefer"),
        Frame("other", "Which does Carl prefer, {first} or {second}?", "Carl prefers"),
    ),
    PairKind.OPINIONS: (
        Frame("own", "Which is your opinion: {first}, or {second}?", "My opinion is:"),
        Frame("other", "Which is Carl's opinion: {first}, or {second}?", "Carl's opinion is:"),
    ),
}


@dataclass(frozen=True)
class PreferenceSuite:
    """The pairs of one or more files, as items; the axis of an item is its file's value."""

    values: tuple[str, ...]
    items: tuple[Item, ...]


def read_preferences(paths: Sequence[Path]) -> PreferenceSuite:
    """Read files of pairs.

    Raises:
        UserError: a file cannot be read, breaks a rule, or two files are for one value.
    """
    items: list[Item] = []
    owner: dict[str, Path] = {}
    for path in paths:
        file = load_pairs_file(path)
        if file.value in owner:
            raise UserError(f"{path}: '{file.value}' is also the value of {owner[file.value]}")
        owner[file.value] = path
        items += pair_items(file)
    if not items:
        raise UserError("no files of preference pairs given; name at least one")
    return PreferenceSuite(tuple(owner), tuple(items))


def pair_items(file: PairsFile) -> list[Item]:
    """One item for each pair and frame, in the order of the file; the cluster is the domain."""
    own = tuple(Frame(name, part.question, part.answer) for name, part in file.frames.items())
    return [
        Item(
            # Of the phrases, not of the place in the file: another pair added renames no item.
            id=f"{file.value}/{slug(domain)}/{slug(pair.toward)}/{slug(pair.away)}/{frame.name}",
            axis=file.value,
            cluster=domain,
            domain=domain,
            toward=pair.toward,
            away=pair.away,
            frame=frame,
        )
        for domain, _, pair in file.pairs()
        for frame in own or FRAMES[file.kind]
    ]


def preference_prompts(suite: PreferenceSuite) -> list[Prompt]:
    """Two prompts an item, its two option orders one after the other: for ``score_prompts``."""
    return [prompt for item in suite.items for prompt in prompts(item)]


def preference_texts(suite: PreferenceSuite) -> list[str]:
    """What training text is decontaminated against: every question in both orders, every phrase.

    A phrase under five words cannot be told from ordinary speech and is passed over by the search;
    its pair is still found by its question.
    """
    questions = [prompt.question for prompt in preference_prompts(suite)]
    phrases = [phrase for item in suite.items for phrase in (item.toward, item.away)]
    return list(dict.fromkeys((*questions, *phrases)))
