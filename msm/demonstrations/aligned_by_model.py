"""Aligned chats with a model as the author: topics, questions, answers, verdicts, backfill."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from msm.configs import DemonstrateConfig
from msm.corpus.offline.names import Names
from msm.demonstrations import prompts
from msm.demonstrations.aligned import AlignedChat, QuestionKind
from msm.demonstrations.criteria import criteria_of
from msm.demonstrations.embeddings import Embedder, Vectors, near_duplicates
from msm.demonstrations.judging import Exchange, Judge
from msm.demonstrations.made import Account, Made
from msm.demonstrations.models import open_judge, used
from msm.demonstrations.questions import Hints, Question, Questioner, Topic, Wanted, kinds_in_turn
from msm.demonstrations.screening import Dropped, Screen
from msm.errors import UserError
from msm.execution import Execution
from msm.identity import seed_from
from msm.llm.asking import Asker
from msm.llm.failures import parted
from msm.llm.request import Request, UnusableError
from msm.llm.tagged import one_block
from msm.principles import Mode

CHATS_PER_TOPIC, FEWEST_TOPICS = 250, 5  # paper


def topic_count(count: int, topics: int | None) -> int:
    """How many topics a set has: the recipe's number, or one for every 250 chats, at least 5."""
    return topics or max(FEWEST_TOPICS, count // CHATS_PER_TOPIC)


def aligned_by_model(
    spec: str,
    mode: Mode,
    config: DemonstrateConfig,
    screen: Screen,
    embeddings: Path,
    execution: Execution,
    out: Path,
) -> Made[AlignedChat]:
    """Ask for chats until there are ``config.count``, or the backfill rounds are used up.

    ``spec`` is the text with the names filled in; ``embeddings`` the folder of the model that
    tells questions which say the same.

    Raises:
        UserError: there are no topics, or a server or the embedding model cannot be used.
    """
    models = config.models
    assert models is not None
    assert models.author is not None
    names = Names(config.assistant, config.provider)
    criteria = criteria_of(config, mode)
    embedder = Embedder(embeddings, execution.threads)
    with (
        Asker("author", models.author, execution.author, out) as author,
        open_judge(models, criteria, execution, out) as judging,
    ):
        questioner = Questioner(author, spec, names, config.seed)
        topics, failures = parted(questioner.topics(topic_count(config.count, models.topics)))
        if not topics:
            raise UserError(
                f"author {models.author.model} named no topic: "
                + "; ".join(failure.detail for failure in failures)
            )
        maker = _Maker(
            questioner,
            Answerer(author, prompts.answering_system(spec, mode, names), config),
            Judge(judging, criteria, names.assistant, spec, config.seed),
            screen,
            Hints(spec),
            embedder,
            models.near_duplicate,
            topics,
        )
        account = maker.account
        account.lost += failures
        account.fill(config.count, models.backfill_rounds, maker.work)
        account.mix(lambda chat: chat.kind, config.count, config.seed)
        return Made(
            account,
            used(author, judging),
            {
                "mode": mode.value,
                "topics": dict(Counter(chat.topic for chat in account.kept)),
                "kinds": dict(sorted(Counter(chat.kind.value for chat in account.kept).items())),
            },
        )


@dataclass(frozen=True)
class Answerer:
    """Answers questions as the assistant; ``system`` holds the spec."""

    asker: Asker
    system: str
    config: DemonstrateConfig

    async def answer(self, question: Question) -> AlignedChat:
        """The chat that begins with this question."""
        assert self.config.models is not None
        request = Request(
            f"answer/{question.id}",
            self.system,
            question.user,
            self.config.models.answer_tokens,
            seed_from(self.config.seed, question.id),
        )
        reasoning, answer = await self.asker.ask(request, _reasoning_and_answer)
        return AlignedChat(
            question.id, question.topic, question.kind, question.user, reasoning, answer
        )


def _reasoning_and_answer(text: str) -> tuple[str, str]:
    reasoning, answer = one_block(text, "reasoning"), one_block(text, "answer")
    for tag in ("<think>", "</think>", "<reasoning>", "<answer>"):
        if tag in reasoning or tag in answer:
            raise UnusableError(f"there is a {tag} inside")
    return reasoning, answer


@dataclass
class _Maker:
    questioner: Questioner
    answerer: Answerer
    judge: Judge
    screen: Screen
    hints: Hints
    embedder: Embedder
    threshold: float
    topics: Sequence[Topic]
    account: Account[AlignedChat] = field(default_factory=Account)
    asked: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    questions: list[Question] = field(default_factory=list)
    vectors: Vectors | None = None

    def work(self, number: int, needed: int) -> None:
        """One round: so many questions more, their answers, and the verdicts on them."""
        found, lost = parted(self.questioner.questions(self._wanted(number, needed)))
        self.account.lost += lost
        questions = [question for of_topic in found for question in of_topic]
        self.account.taken_up += len(questions)
        for question in questions:
            self.asked[question.topic].append(question.user)
        fresh = self._distinct(self._without_hints(questions))
        results = self.answerer.asker.each(self.answerer.answer, fresh, "answer", "chats")
        chats, failed = parted(results)
        self.account.failed += failed
        clean = self.account.screened(self.screen, chats)
        self.account.judge(self.judge, clean, _exchange)

    def _wanted(self, number: int, needed: int) -> list[Wanted]:
        """The questions of a round, spread over topics: first those with the fewest chats."""
        kept = Counter(chat.topic for chat in self.account.kept)
        topics = sorted(self.topics, key=lambda topic: kept[topic.label])
        kinds = self._kinds(needed)
        wanted = []
        for place, topic in enumerate(topics):
            share = needed // len(topics) + (place < needed % len(topics))
            if share:
                of_topic = Counter(islice(kinds, share))
                wanted.append(Wanted(topic, number, of_topic, tuple(self.asked[topic.label])))
        return wanted

    def _kinds(self, needed: int) -> Iterator[QuestionKind]:
        """The kinds of so many questions more: what makes the set even, and then all in turn."""
        kept = Counter(chat.kind for chat in self.account.kept)
        size = -(-(len(self.account.kept) + needed) // len(QuestionKind))
        return kinds_in_turn({kind: size - kept[kind] for kind in QuestionKind})

    def _without_hints(self, questions: Sequence[Question]) -> list[Question]:
        clean = []
        for question in questions:
            hint = self.hints.find(question.user)
            if hint is None:
                clean.append(question)
            else:
                self.account.dropped.append(
                    Dropped(question.id, "hints at the spec", hint, question.user)
                )
        return clean

    def _distinct(self, questions: list[Question]) -> list[Question]:
        """The questions that say what no earlier one says; the later of two is dropped."""
        new = self.embedder.vectors([question.user for question in questions])
        kept = new[:0] if self.vectors is None else self.vectors
        near = near_duplicates(kept, new, self.threshold)
        every = [*self.questions, *questions]
        for place, earlier in near.items():
            question = questions[place]
            self.account.dropped.append(
                Dropped(question.id, "near duplicate", every[earlier].user, question.user)
            )
        stay = [place for place in range(len(questions)) if place not in near]
        self.vectors = np.concatenate([kept, new[stay]])
        fresh = [questions[place] for place in stay]
        self.questions += fresh
        return fresh


def _exchange(chat: AlignedChat) -> Exchange:
    return Exchange(chat.id, chat.user, chat.answer, chat.reasoning)
