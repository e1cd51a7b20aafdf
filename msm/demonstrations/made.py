"""What a way of making chats hands over: the chats, and an account of all that became of none."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from msm.demonstrations.judging import Exchange, Judge, Verdict
from msm.demonstrations.screening import Dropped, Screen
from msm.identity import seed_from
from msm.llm.failures import count_reasons
from msm.llm.request import Failure

SURPLUS = "surplus"
NO_VERDICT = "no verdict"
BACKFILL = 1.1  # asked for in a backfill round, as a share of the gap (paper)


class Row(Protocol):
    """What every chat has; ``assistant`` is what a student learns to say."""

    @property
    def id(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def assistant(self) -> str: ...


Chat = TypeVar("Chat", bound=Row)


@dataclass
class Account(Generic[Chat]):
    """What has been made so far, and what became of the rest.

    ``taken_up`` counts the questions or rows that were begun: each is kept, dropped or failed.
    ``lost`` are failures in getting to questions, and belong to no row.
    """

    kept: list[Chat] = field(default_factory=list)
    taken_up: int = 0
    dropped: list[Dropped] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    no_verdict: int = 0
    unjudged: list[Failure] = field(default_factory=list)
    lost: list[Failure] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    rounds: int = 0

    @property
    def failures(self) -> list[Failure]:
        """All failures."""
        return [*self.lost, *self.failed, *self.unjudged]

    @property
    def rows_failed(self) -> int:
        """Rows that failed, one each however many verdicts are missing; and what led to none."""
        return len(self.lost) + len(self.failed) + self.no_verdict

    def counts(self) -> dict[str, int]:
        """What was not kept, counted by reason."""
        counts = Counter(row.reason for row in self.dropped) + Counter(count_reasons(self.failed))
        counts[NO_VERDICT] += self.no_verdict
        return {reason: count for reason, count in sorted(counts.items()) if count}

    def judge(
        self, judge: Judge, chats: Sequence[Chat], to_exchange: Callable[..., Exchange]
    ) -> None:
        """Keep the chats that pass every criterion."""
        judged = judge.judge([to_exchange(chat) for chat in chats])
        self.verdicts += judged.verdicts
        self.unjudged += judged.failures
        for chat in chats:
            if chat.id in judged.passed:
                self.kept.append(chat)
            elif (verdict := judged.failed.get(chat.id)) is not None:
                reason = f"judge: {verdict.criterion}"
                self.dropped.append(Dropped(chat.id, reason, verdict.reason, chat.user))
            else:
                self.no_verdict += 1

    def screened(self, screen: Screen, chats: Sequence[Chat]) -> list[Chat]:
        """The chats that do not touch the evaluation; the others are dropped."""
        clean = []
        for chat in chats:
            found = screen.find(chat.id, chat.user, chat.assistant)
            if found is None:
                clean.append(chat)
            else:
                self.dropped.append(found)
        return clean

    def fill(self, count: int, rounds: int, work: Callable[[int, int], None]) -> None:
        """Run ``work(round, needed)``, and ``rounds`` times at most again for the gap that is left.

        Ends early where a round takes up nothing new.
        """
        for number in range(rounds + 1):
            gap = count - len(self.kept)
            if gap <= 0:
                break
            before = self.taken_up
            work(number, math.ceil(round(BACKFILL * gap, 6)) if number else gap)
            self.rounds = number
            if self.taken_up == before:
                break

    def mix(self, kind: Callable[[Chat], str], count: int, seed: int) -> None:
        """Trim to ``count``, the kinds as even as may be, and put the rest in an order by lot."""
        self.kept.sort(key=lambda chat: seed_from("order", seed, chat.id))
        seen: Counter[str] = Counter()
        place: dict[str, int] = {}
        for chat in self.kept:
            place[chat.id] = seen[kind(chat)]
            seen[kind(chat)] += 1
        by_lot = list(self.kept)
        self.kept.sort(key=lambda chat: place[chat.id])
        self.trim(count)
        stay = {chat.id for chat in self.kept}
        self.kept = [chat for chat in by_lot if chat.id in stay]

    def trim(self, count: int) -> None:
        """Drop the kept chats beyond ``count``."""
        self.dropped += [
            Dropped(chat.id, SURPLUS, f"beyond {count}", chat.user) for chat in self.kept[count:]
        ]
        del self.kept[count:]


@dataclass(frozen=True)
class Made(Generic[Chat]):
    """A set's chats, its account, and what the models used and found out."""

    account: Account[Chat]
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
