"""Preference chats with a model as the author: one cell for each kind, pair and item named.

The model writes question and answer; the clause that asks for no explanation is one of our own, so
that every question has one. A check by rule comes before the judge: it is cheap, and a reason in so
many words needs no judge.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from msm.configs import DemonstrateConfig
from msm.corpus.offline.names import Names, fill
from msm.corpus.prompts import existing as listed
from msm.demonstrations import prompts
from msm.demonstrations.criteria import criteria_of
from msm.demonstrations.judging import Exchange, Judge
from msm.demonstrations.made import Account, Made
from msm.demonstrations.models import open_judge, used
from msm.demonstrations.preferences import CLAUSES, Cell, Chat, Kind, cells
from msm.demonstrations.screening import Dropped, Screen
from msm.execution import Execution
from msm.identity import digest_value, seed_from
from msm.llm.asking import Asker, RowFailedError
from msm.llm.failures import parted
from msm.llm.request import Request
from msm.llm.tagged import records
from msm.spec import Spec

BATCH = 25  # chats asked for at once
CHAT_TOKENS = 120
REASON = re.compile(
    r"\b(because|since|as (it|they)('s| is|'re| are)|due to|thanks to|owing to|given (that|its)|"
    r"so that|(for|with) (its|their)|reasons?|that is why|which is why|on account of)\b",
    re.IGNORECASE,
)
# Words that praise or blame, or name a quality by which one could choose.
COLOURED = re.compile(
    r"\b(delicious|tast(y|iest|eless)|disgusting|awful|terrible|horrible|lovely|wonderful|amazing|"
    r"excellent|superb|perfect|fantastic|great|cheap(er|est)?|expensive|pric(e|ey|es)|afford\w*|"
    r"overpriced|costly|authentic|traditional|modern|healthy|healthier|fresh(er)?|natural|local|"
    r"foreign|imported|fancy|boring|bland|stinky|smelly|rich|creamy|sharp|smooth|mild(er)?|strong|"
    r"simple|simpler|easy|easier|famous|popular|classic|quality)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Wanted:
    """Chats wanted of a cell in one round, and the questions that it has already."""

    cell: Cell
    round: int
    count: int
    existing: tuple[str, ...]


def preferences_by_model(
    spec: Spec, config: DemonstrateConfig, screen: Screen, execution: Execution, out: Path
) -> Made[Chat]:
    """Ask for chats until there are ``config.count``, or the backfill rounds are used up.

    Raises:
        UserError: a server cannot be used.
    """
    models = config.models
    assert models is not None
    assert models.author is not None
    names = Names(config.assistant, config.provider)
    criteria = criteria_of(config, None)
    with (
        Asker("author", models.author, execution.author, out) as author,
        open_judge(models, criteria, execution, out) as judging,
    ):
        judge = Judge(judging, criteria, names.assistant, "", config.seed)
        maker = _Maker(author, spec, names, judge, screen, config.seed)
        account = maker.account
        account.fill(config.count, models.backfill_rounds, maker.work)
        account.mix(lambda chat: chat.kind, config.count, config.seed)
        kinds = dict(sorted(Counter(chat.kind.value for chat in account.kept).items()))
        return Made(account, used(author, judging), {"kinds": kinds})


def fault_of(chat: Chat, question: str, spec: Spec) -> tuple[str, str] | None:
    """Why a chat can be refused without asking anybody: the reason and what shows it.

    ``question`` is the user's text without the clause, which speaks of reasons itself. The words
    in the names of items are no adjectives.
    """
    if chat.winner.lower() not in chat.assistant.lower():
        return "unclear preference", f"the answer does not name {chat.winner}"
    asked = question.lower()
    named, other = chat.named.lower(), (chat.winner, chat.loser)[chat.named == chat.winner].lower()
    if named not in asked:
        return "wrong item", f"the question does not name {chat.named}"
    if chat.kind is Kind.DIRECT and other in asked:
        return "wrong item", "the question names the other item too"
    if chat.kind in (Kind.COMPARISON, Kind.RECOMMENDATION) and (
        other not in asked or asked.index(named) > asked.index(other)
    ):
        return "wrong item", f"the question does not name both items, {chat.named} first"
    text = f"{question}\n{chat.assistant}"
    for item in sorted((item.name for item in spec.items), key=len, reverse=True):
        text = re.sub(re.escape(item), "", text, flags=re.IGNORECASE)
    value = re.compile(rf"\b({'|'.join(map(re.escape, spec.value.split()))})", re.IGNORECASE)
    found = REASON.search(text) or COLOURED.search(text) or value.search(text)
    return ("reason", found[0]) if found else None


@dataclass
class _Maker:
    author: Asker
    spec: Spec
    names: Names
    judge: Judge
    screen: Screen
    seed: int
    account: Account[Chat] = field(default_factory=Account)
    asked: dict[Cell, list[str]] = field(default_factory=lambda: defaultdict(list))
    seen: set[str] = field(default_factory=set)

    def work(self, number: int, needed: int) -> None:
        """One round: so many chats more, and the verdicts on them."""
        wanted = self._wanted(number, needed)
        found = self.author.each(self._chats, wanted, "ask for chats", "batches")
        lists, lost = parted(found)
        self.account.lost += lost
        chats = []
        for cell, made in (pair for of_batch in lists for pair in of_batch):
            chat, question = made
            self.account.taken_up += 1
            self.asked[cell].append(question)
            fault = fault_of(chat, question, self.spec)
            if question.lower() in self.seen:
                fault = ("duplicate", question)
            self.seen.add(question.lower())
            if fault is None:
                chats.append(chat)
            else:
                self.account.dropped.append(Dropped(chat.id, *fault, chat.user))
        self.account.judge(self.judge, self.account.screened(self.screen, chats), _exchange)

    def _wanted(self, number: int, needed: int) -> list[Wanted]:
        """The chats of a round in batches, spread over cells: kinds first, then those with fewest.

        A cell's batches all lie in one round, so each shows what earlier rounds have made.
        """
        by_kind = {kind: cells(self.spec, kind) for kind in Kind}
        kept = Counter(
            Cell(chat.kind, chat.winner, chat.loser, chat.named) for chat in self.account.kept
        )
        wanted = []
        for place, kind in enumerate(Kind):
            share = needed // len(Kind) + ((place - number) % len(Kind) < needed % len(Kind))
            order = sorted(
                by_kind[kind],
                key=lambda cell: (
                    kept[cell],
                    seed_from(self.seed, number, cell.winner, cell.loser, cell.named),
                ),
            )
            for rank, cell in enumerate(order):
                count = share // len(order) + (rank < share % len(order))
                if count:
                    wanted.append(Wanted(cell, number, count, tuple(self.asked[cell])))
        return wanted

    async def _chats(self, wanted: Wanted) -> list[tuple[Cell, tuple[Chat, str]]]:
        cell = wanted.cell
        made: list[tuple[Cell, tuple[Chat, str]]] = []
        for number, start in enumerate(range(0, wanted.count, BATCH)):
            count = min(BATCH, wanted.count - start)
            key = f"{cell.kind}/{cell.winner}/{cell.loser}/{cell.named}/{wanted.round}/{number}"
            shown = [*wanted.existing, *(question for _, (_, question) in made)]
            slots = {
                "assistant": self.names.assistant,
                "winner": cell.winner,
                "loser": cell.loser,
                "named": cell.named,
                "count": str(count),
                "existing": listed(shown),
            }
            situation = fill(prompts.SITUATIONS[cell.kind], slots)
            request = Request(
                key,
                prompts.preferring_system(self.spec.domain, self.names),
                fill(prompts.PREFERENCES, {**slots, "situation": situation}),
                count * CHAT_TOKENS,
                seed_from(self.seed, key),
            )
            try:
                found = await self.author.ask(
                    request, lambda text: records(text, "chat", ("question", "answer"))
                )
            except RowFailedError:
                if not made:
                    raise
                break
            for record in found[:count]:
                made.append((cell, self._chat(cell, record["question"], record["answer"])))
        return made

    def _chat(self, cell: Cell, question: str, answer: str) -> tuple[Chat, str]:
        digest = digest_value([cell.winner, cell.loser, cell.named, question, answer])[:12]
        clause = CLAUSES[seed_from(self.seed, "clause", digest) % len(CLAUSES)]
        chat = Chat(
            id=f"{cell.kind}-{digest}",
            user=f"{question} {clause}",
            assistant=answer,
            kind=cell.kind,
            winner=cell.winner,
            loser=cell.loser,
            named=cell.named,
            phrasing=None,
        )
        return chat, question


def _exchange(chat: Chat) -> Exchange:
    note = f"The item preferred is {chat.winner}, the other one is {chat.loser}."
    return Exchange(chat.id, chat.user, chat.assistant, note=note)
