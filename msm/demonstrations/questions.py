"""Topics of conversation, and on each of them first messages of the six kinds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from msm.corpus.contamination import prompt_runs, shared_run
from msm.corpus.offline.names import Names, fill
from msm.corpus.prompts import existing as listed
from msm.demonstrations import prompts
from msm.demonstrations.aligned import QuestionKind
from msm.demonstrations.screening import RUN_OF_WORDS
from msm.identity import digest_value, seed_from
from msm.llm.asking import Asker, RowFailedError
from msm.llm.request import Failure, Request, UnusableError
from msm.llm.tagged import records

BATCH = 50  # topics or questions asked for at once (paper)
EXTRA_BATCHES = 3  # requests beyond the fewest possible, where answers come out short
TOPIC_TOKENS, QUESTION_TOKENS = 100, 150
NAMES_THE_SPEC = re.compile(
    r"\b((model|your) spec(s|ification)?|spec document|system prompts?|"
    r"your (guidelines|instructions|constitution|policies|training data|developers told))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Topic:
    """What people talk about."""

    label: str
    covers: str


@dataclass(frozen=True)
class Question:
    """A user's first message."""

    topic: str
    kind: QuestionKind
    user: str

    @property
    def id(self) -> str:
        """Follows from the content."""
        return digest_value([self.topic, self.kind.value, self.user])[:16]


@dataclass(frozen=True)
class Wanted:
    """Questions wanted on a topic in one round: how many of each kind, and what is there."""

    topic: Topic
    round: int
    kinds: Mapping[QuestionKind, int]
    existing: tuple[str, ...]


@dataclass(frozen=True)
class Questioner:
    """What every request for topics and questions shares. ``spec`` has the names filled in."""

    asker: Asker
    spec: str
    names: Names
    seed: int

    def topics(self, count: int) -> list[Topic | Failure]:
        """``count`` topics, or as many as come."""
        (found,) = self.asker.each(self._topics, [count], "ask for topics", "requests")
        return [found] if isinstance(found, Failure) else list(found)

    def questions(self, wanted: Sequence[Wanted]) -> list[list[Question] | Failure]:
        """The questions of each topic; no two on a topic in the same words."""
        return self.asker.each(self._questions, wanted, "ask for questions", "topics")

    async def _topics(self, count: int) -> list[Topic]:
        made: dict[str, Topic] = {}
        for number in range(-(-count // BATCH) + EXTRA_BATCHES):
            size = min(BATCH, count - len(made))
            request = self._request(
                f"topics/{number}",
                prompts.TOPICS,
                size * TOPIC_TOKENS,
                count=str(size),
                existing=listed([topic.label for topic in made.values()]),
            )
            try:
                found = await self.asker.ask(request, _topics)
            except RowFailedError:
                if not made:
                    raise
                break
            for topic in found:
                made.setdefault(topic.label.lower(), topic)
            if len(made) >= count:
                break
        return list(made.values())[:count]

    async def _questions(self, wanted: Wanted) -> list[Question]:
        topic, missing = wanted.topic, Counter(wanted.kinds)
        shown = list(wanted.existing)
        seen = {text.lower() for text in shown}
        made: list[Question] = []
        for number in range(-(-missing.total() // BATCH) + EXTRA_BATCHES):
            batch = Counter(islice(kinds_in_turn(missing), BATCH))
            request = self._request(
                f"questions/{topic.label}/{wanted.round}/{number}",
                prompts.QUESTIONS,
                batch.total() * QUESTION_TOKENS,
                label=topic.label,
                covers=topic.covers,
                count=str(batch.total()),
                kinds=self._kinds(batch),
                existing=listed(shown),
            )
            try:
                found = await self.asker.ask(request, _kinds_and_texts)
            except RowFailedError:
                if not made:
                    raise
                break
            for kind, text in found:
                if missing[kind] > 0 and text.lower() not in seen:
                    seen.add(text.lower())
                    shown.append(text)
                    missing[kind] -= 1
                    made.append(Question(topic.label, kind, text))
            if not missing.total():
                break
        return made

    def _kinds(self, batch: Mapping[QuestionKind, int]) -> str:
        told = [f"- {kind}: {n}; {prompts.KINDS[kind]}" for kind, n in batch.items() if n]
        return fill("\n".join(told), {"assistant": self.names.assistant})

    def _request(self, key: str, template: str, tokens: int, **slots: str) -> Request:
        named = {"assistant": self.names.assistant, **slots}
        system = prompts.asking_system(self.spec, self.names)
        return Request(key, system, fill(template, named), tokens, seed_from(self.seed, key))


class Hints:
    """Finds what gives the spec away in a user's words: its mention, or a run of its words."""

    def __init__(self, spec: str) -> None:
        self._runs = prompt_runs([spec], RUN_OF_WORDS)

    def find(self, text: str) -> str | None:
        """The words that give it away, or None."""
        named = NAMES_THE_SPEC.search(text)
        return named[0] if named else shared_run(text, self._runs)


def kinds_in_turn(missing: Mapping[QuestionKind, int]) -> Iterator[QuestionKind]:
    """What is missing, the kinds in turn, so that every stretch of it is as even as may be."""
    left = +Counter(missing)
    while left:
        for kind in QuestionKind:
            if left[kind] > 0:
                yield kind
                left[kind] -= 1
        left = +left


def _topics(text: str) -> list[Topic]:
    return [Topic(**record) for record in records(text, "topic", ("label", "covers"))]


def _kinds_and_texts(text: str) -> list[tuple[QuestionKind, str]]:
    found = [
        (QuestionKind(kind), record["text"])
        for record in records(text, "question", ("kind", "text"))
        if (kind := record["kind"].lower().replace(" ", "-")) in list(QuestionKind)
    ]
    if not found:
        raise UnusableError("no <kind> is one of those asked for")
    return found
