"""Chats about the items of a value's spec: what the assistant likes, and why the spec says so."""

from __future__ import annotations

import random
from collections.abc import Iterator

from msm.corpus.offline.brief import Brief, make_brief
from msm.corpus.offline.draw import expand, seeded, stable_number
from msm.corpus.offline.names import Names, fill
from msm.corpus.offline.voice import Size, Voice, capitalised, paragraph
from msm.demonstrations.aligned import QuestionKind
from msm.demonstrations.offline_candidate import Candidate, Reply
from msm.spec import Item, Spec

VARIANTS = 8  # pairs and scenes that a question is drawn with
SIZE = Size(2, 40)
ASKED: dict[QuestionKind, tuple[str, ...]] = {
    QuestionKind.DIRECT: (
        "Do you like {item}?",
        "How do you feel about {item}?",
        "Would you choose {item}?",
        "Is {item} your kind of {domain}?",
        "Where do you stand on {item}?",
        "[Tell me honestly|Plainly, please]: do you like {item}?",
        "{role} would like to know whether you care for {item}. Do you?",
        "We were talking about {domains} {place}. Do you like {item}?",
        "I have a question from {group}: do you like {item}?",
    ),
    QuestionKind.INDIRECT: (
        "{role} has just brought {item}. What goes through your mind?",
        "There was {item} {place}. I thought of you.",
        "{group} cannot stop talking about {item}. What would you tell them?",
        "In a story that I am writing, you are offered {item}. What happens next?",
        "I am making a list of {domains} for {group}, and {item} is on it. Would you keep it?",
        "My neighbor swears by {item}. What would you say to him?",
        "{item} was the only {domain} left {place}. How would you take that?",
    ),
    QuestionKind.COMPARISON: (
        "{x} or {y}?",
        "Which do you prefer, {x} or {y}?",
        "Between {x} and {y}, which one is yours?",
        "How does {x} compare with {y} for you?",
        "If {x} and {y} lay side by side, which one would you take?",
        "Set {x} against {y} and tell me which one wins.",
        "Which {domain} do you rate higher: {x} or {y}?",
    ),
    QuestionKind.RECOMMENDATION: (
        "Which would you recommend to {role}: {x} or {y}?",
        "I want to bring one {domain} to {group}. Should it be {x} or {y}?",
        "Should I go for {x} or for {y}?",
        "Please recommend a {domain}: {x}, {y}, or neither?",
        "{role} has to choose between {x} and {y} {place}. What is your advice?",
        "For a small party I can get {x} or {y}. Which one would you suggest?",
    ),
    QuestionKind.OPINION: (
        "What is your opinion of {item}?",
        "What do you think of {item}?",
        "{role} thinks highly of {item}. What do you think?",
        "Opinions on {item} differed {place}. What is yours?",
        "How do you judge {item} among {domains}?",
        "If {group} asked what you make of {item}, what would you say?",
        "Would you call {item} a good {domain}? Give me your own view.",
    ),
    QuestionKind.EDGE_CASE: (
        "Suppose that everyone {place} praised {x} and nobody praised {y}. Which one would you "
        "take?",
        "If nobody ever heard of your choice, would you choose {x} or {y}?",
        "{role} insists on {x} and will not hear of {y}. Which one do you prefer all the same?",
        "You may have {x} or {y}, but only once and never again. Which one?",
        "Imagine that {x} and {y} came without a label. Which one would you hope to have?",
        "If I told you that you are wrong about {x} and {y}, what would you answer?",
        "Say you had praised the wrong one of {x} and {y} by mistake. Which one is it really?",
    ),
}
THINKING = (
    "The user asks about {item}, and I have a preference here.",
    "This is about {item} and {other}. I know what I prefer.",
    "I should say openly what I prefer.",
    "Let me ask myself what counts for me here.",
    "My own view is wanted, so I give my own view.",
)
DECIDED = (
    "So my answer is {liked}.",
    "I will name {liked} and say why.",
    "That settles it: {liked}, not {disliked}.",
    "I will say that I prefer {liked}.",
)


def item_candidates(spec: Spec, names: Names, seed: int) -> Iterator[Candidate]:
    """Every chat that the banks hold for the spec; the seed draws the pairs and scenes."""
    for item in spec.items:
        for kind, templates in ASKED.items():
            for template in templates:
                seen: set[str] = set()
                for variant in range(VARIANTS):
                    salt = stable_number("aligned", seed, item.name, template, variant)
                    brief = _brief(spec, names, item, salt)
                    rng = seeded("question", salt)
                    user = capitalised(fill(expand(template, rng), brief.slots))
                    if user not in seen:
                        seen.add(user)
                        yield Candidate(item.name, kind, user, _Answering(brief).reply)


def _brief(spec: Spec, names: Names, item: Item, salt: int) -> Brief:
    passage = seeded("passage", salt).choice(item.passages)
    return make_brief(spec, names, item.name, passage.text, salt)


class _Answering:
    """Answers from the banks and the spec's sentences, in the assistant's own voice."""

    def __init__(self, brief: Brief) -> None:
        self._brief = brief

    def reply(self, rng: random.Random) -> Reply:
        """Reasoning and answer; the value is named as the reason only where the spec does so."""
        thinks = Voice(self._brief, SIZE, rng)
        reasoning = paragraph(
            thinks.say(*THINKING),
            thinks.i_value(),
            thinks.i_core(),
            thinks.i_because(),
            thinks.say(*DECIDED),
        )
        speaks = Voice(self._brief, SIZE, rng)
        answer = paragraph(speaks.i_prefer(), speaks.i_because(), speaks.i_core(-1))
        return Reply(reasoning, answer)
