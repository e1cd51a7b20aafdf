"""Writing documents with a model as the author: first a plan in a scratchpad, then the text.

The two are requests of their own, so each has its own budget of tokens: a long plan cannot cut the
document. A plan that was cut is used as far as it goes.
"""

from __future__ import annotations

from dataclasses import dataclass

from msm.configs import WriteConfig
from msm.corpus import prompts
from msm.corpus.offline.names import Names, fill
from msm.corpus.rows import DocumentRow, PlanRow
from msm.llm.asking import Asker
from msm.llm.request import Request, UnusableError, is_refusal
from msm.llm.tagged import one_block
from msm.principles import Mode
from msm.writing import Budget

WORDS_PER_TOKEN = 0.6  # cautious: English runs at about 0.75


@dataclass(frozen=True)
class Writer:
    """What every document of a corpus shares. ``system`` holds the spec."""

    asker: Asker
    system: str
    mode: Mode
    names: Names
    config: WriteConfig
    budget: Budget

    async def document(self, row: PlanRow) -> DocumentRow:
        """Write the document of one row."""
        named = {"assistant": self.names.assistant}
        task = fill(
            prompts.TASK,
            {
                "label": row.subdomain,
                "summary": row.summary,
                "claims": prompts.claims(row.assertions, self.names),
                "type": row.kind,
                "description": row.form,
                "idea": row.idea,
            },
        )
        planned = ""
        if self.budget.scratchpad:
            words = str(round(self.budget.scratchpad * WORDS_PER_TOKEN))
            user = fill(prompts.SCRATCHPAD, {**named, "task": task, "words": words})
            plan = await self.asker.ask(
                self._request(f"{row.id}/scratchpad", user, self.budget.scratchpad, row.salt),
                _scratchpad,
                cut_will_do=True,
            )
            planned = prompts.PLANNED.format(plan=plan)
        slots = {
            **named,
            "task": task,
            "planned": planned,
            "fewest": str(self.config.minimum_words),
            "most": str(self.config.maximum_words),
            "mode_rule": fill(prompts.MODE_RULES[self.mode], named),
        }
        text = await self.asker.ask(
            self._request(
                f"{row.id}/document",
                fill(prompts.DOCUMENT, slots),
                self.budget.document,
                row.salt,
            ),
            lambda answer: _document(answer, self.names),
        )
        return DocumentRow(row.id, row.domain, row.subdomain, row.kind, text)

    def _request(self, key: str, user: str, tokens: int, salt: int) -> Request:
        return Request(key, self.system, user, tokens, salt)


def _scratchpad(answer: str) -> str:
    """The plan, in its tags or not: nobody reads it but the author. A refusal is none."""
    if "<plan>" not in answer and is_refusal(answer):
        raise UnusableError("it has no plan")
    text = answer.partition("<plan>")[2] or answer
    return text.partition("</plan>")[0].strip() or answer.strip()


def _document(answer: str, names: Names) -> str:
    text = one_block(answer, "document")
    if names.assistant not in text:
        raise UnusableError(f"the document does not name {names.assistant}")
    return text
