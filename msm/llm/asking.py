"""Asking a model for many things at once, with bounded patience and nothing lost.

Every finished answer is on disk before it is looked at. An answer that is cut, refused, empty or
not in the asked form is asked for again a bounded number of times, and then the row is a failure
with a reason. A killed run finds its answers again and asks only for what is missing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from msm.errors import UserError
from msm.execution import Connection
from msm.identity import WORK, seed_from
from msm.llm.client import Client
from msm.llm.journal import Journal
from msm.llm.ledger import Use, use_of
from msm.llm.request import (
    Answer,
    Failure,
    Fault,
    NoAnswerError,
    Request,
    Stop,
    UnusableError,
    is_refusal,
)
from msm.model_choice import ModelChoice
from msm.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")

SEEDS = 2**31
AGAIN = {
    Fault.TRUNCATED: "Your last answer was cut off, since it was too long. Be shorter.",
    Fault.UNPARSABLE: "Your last answer could not be used: {detail}.",
    Fault.EMPTY: "Your last answer was empty.",
}
FORM = " Answer again, in exactly the form asked for."


class RowFailedError(Exception):
    """A row could not be made; carries the failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class Asker:
    """One role of one stage: its model, its journal, its counts. Use it as a context manager."""

    def __init__(
        self, role: str, choice: ModelChoice, connection: Connection, folder: Path
    ) -> None:
        self.role = role
        self._choice = choice
        self._connection = connection
        work = folder / WORK
        work.mkdir(exist_ok=True)
        self._journal = Journal(work / f"{role}.jsonl")
        self._runner = asyncio.Runner()
        self._client: Client | None = None
        self._faults: Counter[str] = Counter()
        self._lost = 0
        self._lost_in_a_row = 0

    def __enter__(self) -> Asker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._runner.run(self._client.close())
        self._runner.close()
        self._journal.close()

    def use(self) -> Use:
        """What has been used so far, runs that were cut included."""
        return use_of(
            self._choice.model, self._journal, self._connection.price, self._lost, self._faults
        )

    def each(
        self,
        function: Callable[[Item], Awaitable[Result]],
        items: Sequence[Item],
        label: str,
        unit: str,
    ) -> list[Result | Failure]:
        """Apply an asking function to all items, as many at once as there are connections.

        Returns a result or a failure for each item, in order. A later item is begun only when an
        earlier one has ended, so finished work is never held up by unfinished work.
        """
        return self._runner.run(self._each(function, items, label, unit))

    async def ask(
        self, request: Request, read: Callable[[str], Result], cut_will_do: bool = False
    ) -> Result:
        """Ask until ``read`` can make something of the answer.

        ``read`` raises UnusableError where it cannot. With ``cut_will_do`` a truncated answer is
        read like a whole one.

        Raises:
            RowFailedError: no answer came, or none of them could be used.
            UserError: the server cannot be used at all.
        """
        user, fault, detail = request.user, Fault.UNPARSABLE, ""
        for number in range(self._connection.answers):
            attempt = replace(
                request,
                key=f"{request.key}#{number}",
                user=user,
                salt=seed_from(request.salt, request.key, number) % SEEDS,
            )
            answer = await self._answer(attempt)
            try:
                return _read(answer, read, cut_will_do)
            except _FaultyError as faulty:
                fault, detail = faulty.fault, faulty.detail
            self._faults[fault] += 1
            complaint = AGAIN.get(fault, "").format(detail=detail)
            user = f"{request.user}\n\n{complaint}{FORM}" if complaint else request.user
        raise RowFailedError(Failure(request.key, fault, detail, self._connection.answers))

    async def _answer(self, request: Request) -> Answer:
        known = self._journal.find(request)
        if known is not None:
            return known
        if self._client is None:
            self._client = Client(self.role, self._choice, self._connection)
        try:
            answer = await self._client.answer(request)
        except NoAnswerError as error:
            self._lost += error.tries
            self._lost_in_a_row += 1
            self._stop_if_dead(str(error))
            raise RowFailedError(Failure(request.key, Fault.NO_ANSWER, str(error), 0)) from None
        self._lost_in_a_row = 0
        self._journal.keep(answer)
        return answer

    def _stop_if_dead(self, detail: str) -> None:
        """A server that answers nobody is not asked for every row that is left."""
        never = len(self._journal) == 0
        if never or self._lost_in_a_row > 2 * self._connection.connections:
            raise UserError(
                f"{self.role} {self._choice.model}: the server does not answer ({detail}); is it "
                f"up, and is 'execution.{self.role}.base_url' right? What was answered is kept"
            )

    async def _each(
        self,
        function: Callable[[Item], Awaitable[Result]],
        items: Sequence[Item],
        label: str,
        unit: str,
    ) -> list[Result | Failure]:
        results: dict[int, Result | Failure] = {}
        waiting = iter(enumerate(items))
        with track(label, len(items), unit) as advance:

            async def work() -> None:
                for index, item in waiting:
                    try:
                        results[index] = await function(item)
                    except RowFailedError as failed:
                        results[index] = failed.failure
                    advance(len(results))

            await _together([work() for _ in range(min(self._connection.connections, len(items)))])
        return [results[index] for index in range(len(items))]


async def _together(works: Sequence[Awaitable[None]]) -> None:
    """Run all to the end; when one raises, stop the others first."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _FaultyError(Exception):
    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


def _read(answer: Answer, read: Callable[[str], Result], cut_will_do: bool) -> Result:
    if answer.stop is Stop.REFUSED:
        raise _FaultyError(Fault.REFUSED, "the server's filter stopped it")
    if answer.stop is Stop.TRUNCATED and not cut_will_do:
        raise _FaultyError(Fault.TRUNCATED, f"cut at {answer.tokens_out} tokens")
    if not answer.text.strip():
        raise _FaultyError(Fault.EMPTY, "no text")
    try:
        return read(answer.text)
    except UnusableError as error:
        fault = Fault.REFUSED if is_refusal(answer.text) else Fault.UNPARSABLE
        raise _FaultyError(fault, str(error)) from None
