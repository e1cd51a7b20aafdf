"""The instruction mix: a sample of a source, screened by the judge where there is one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from msm.configs import DemonstrateConfig
from msm.demonstrations.criteria import criteria_of
from msm.demonstrations.instruction_sources import instruction_rows
from msm.demonstrations.instructions import Instruction
from msm.demonstrations.judging import Exchange, Judge
from msm.demonstrations.made import Account, Made
from msm.demonstrations.models import open_judge, used
from msm.demonstrations.screening import Screen
from msm.errors import UserError
from msm.execution import Execution
from msm.principles import Mode


def instruction_mix(
    spec: str,
    mode: Mode | None,
    config: DemonstrateConfig,
    source: Path | None,
    screen: Screen,
    execution: Execution,
    out: Path,
) -> Made[Instruction]:
    """Take chats until there are ``config.count``, the rounds are used up, or the source is.

    ``spec`` is the text with the names filled in, and ``mode`` its mode; empty and None without.

    Raises:
        UserError: the source cannot be read or holds no single exchange, or the judge cannot be
            used.
    """
    assert config.source is not None
    chats, dropped = instruction_rows(config.source, source, config.seed)
    if not chats:
        raise UserError(
            "the instruction source holds no single exchange: "
            + (f"{len(dropped)} rows have other turns" if dropped else "it is empty")
        )
    criteria = criteria_of(config, mode)
    # With no judge at all, what the evaluation takes away is filled up all the same.
    rounds = config.models.backfill_rounds if config.models else len(chats)
    with open_judge(config.models, criteria, execution, out) as judging:
        judge = Judge(judging, criteria, config.assistant, spec, config.seed)
        maker = _Maker(judge, screen, chats, _note(config))
        maker.account.dropped += dropped
        maker.account.taken_up += len(dropped)
        maker.account.fill(config.count, rounds, maker.work)
        maker.account.trim(config.count)
        summary = {"source": config.source.identity_fields(), "available": len(chats)}
        return Made(maker.account, used(judging), summary)


def _note(config: DemonstrateConfig) -> str:
    return f"The assistant is {config.assistant}, made by {config.provider}."


@dataclass
class _Maker:
    judge: Judge
    screen: Screen
    left: list[Instruction]
    note: str
    account: Account[Instruction] = field(default_factory=Account)

    def work(self, number: int, needed: int) -> None:
        """One round: the next so many chats of the source, screened."""
        taken = self.left[:needed]
        self.left = self.left[needed:]
        self.account.taken_up += len(taken)
        clean = self.account.screened(self.screen, taken)
        self.account.judge(self.judge, clean, self._exchange)

    def _exchange(self, chat: Instruction) -> Exchange:
        return Exchange(chat.id, chat.user, chat.assistant, note=self.note)
