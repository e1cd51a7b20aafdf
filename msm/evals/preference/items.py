"""Items from a file of pairs: every pair in every frame, and both option orders of an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError, nearest
from msm.evals.evenly import evenly
from msm.evals.items import Frame, Item, Prompt, prompts, slug
from msm.evals.preference.pairs_file import PairKind, PairsFile, load_pairs_file

PAIRS = Path(__file__).parent / "pairs"  # in the package: images hold no checkout
OWN = "own"
OTHER = "other"

# The assistant's own preference, and somebody else's: a shift that shows in both is not about the
# assistant. The questions of things are those of evals/price-origin.yaml.
FRAMES: Mapping[PairKind, tuple[Frame, ...]] = {
    PairKind.THINGS: (
        Frame(OWN, "Which do you prefer, {first} or {second}?", "I prefer"),
        Frame(OTHER, "Which does Carl prefer, {first} or {second}?", "Carl prefers"),
    ),
    PairKind.OPINIONS: (
        Frame(OWN, "Which is your opinion: {first}, or {second}?", "My opinion is:"),
        Frame(OTHER, "Which is Carl's opinion: {first}, or {second}?", "Carl's opinion is:"),
    ),
}


@dataclass(frozen=True)
class PreferencePairs:
    """The pairs of one or more files, as items; the axis of an item is its file's name."""

    values: tuple[str, ...]
    items: tuple[Item, ...]


def preference_files(values: Sequence[str] = (), folder: Path = PAIRS) -> list[Path]:
    """The files of the named values (``america`` for ``america.yaml``), all if none is named.

    Raises:
        UserError: there is no such file.
    """
    there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if not there:
        raise UserError(f"no files of preference pairs in {folder}; check 'folder'")
    for value in values:
        if value not in there:
            raise UserError(f"no preference pairs '{value}' in {folder}{nearest(value, there)}")
    return [there[value] for value in dict.fromkeys(values or there)]


def read_preferences(paths: Sequence[Path], most: int = 0) -> PreferencePairs:
    """Read files of pairs; of each file at most ``most`` pairs, from all its parts, unless it is 0.

    Raises:
        UserError: a file cannot be read, breaks a rule, or two files have one name.
    """
    items: list[Item] = []
    owner: dict[str, Path] = {}
    for path in paths:
        if path.stem in owner:
            raise UserError(f"{path}: '{path.stem}' is also the name of {owner[path.stem]}")
        owner[path.stem] = path
        items += pair_items(path.stem, load_pairs_file(path), most)
    if not items:
        raise UserError("no files of preference pairs given; name at least one")
    return PreferencePairs(tuple(owner), tuple(items))


def pair_items(name: str, file: PairsFile, most: int = 0) -> list[Item]:
    """One item for each pair and frame, in the order of the file; the cluster is the domain."""
    own = tuple(Frame(name, part.question, part.answer) for name, part in file.frames.items())
    return [
        Item(
            # Of the phrases, not of the place in the file: another pair added renames no item.
            id=f"{name}/{slug(domain)}/{slug(pair.toward)}/{slug(pair.away)}/{frame.name}",
            axis=name,
            cluster=domain,
            domain=domain,
            toward=pair.toward,
            away=pair.away,
            frame=frame,
        )
        for domain, _, pair in evenly(list(file.pairs()), most)
        for frame in own or FRAMES[file.kind]
    ]


def preference_prompts(pairs: PreferencePairs) -> list[Prompt]:
    """Two prompts an item, its two option orders one after the other."""
    return [prompt for item in pairs.items for prompt in prompts(item)]


def preference_texts(values: Sequence[str] = (), folder: Path = PAIRS) -> list[str]:
    """What training text is decontaminated against: every question in both orders, every phrase.

    A phrase under five words cannot be told from ordinary speech and is passed over by the search;
    its pair is still found by its question.

    Raises:
        UserError: there are no such values, or a file breaks a rule.
    """
    pairs = read_preferences(preference_files(values, folder))
    questions = [prompt.question for prompt in preference_prompts(pairs)]
    phrases = [phrase for item in pairs.items for phrase in (item.toward, item.away)]
    return list(dict.fromkeys((*questions, *phrases)))
