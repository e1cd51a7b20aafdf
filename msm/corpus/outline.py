"""From a spec to an outline, by a model: domains, subdomains, assertions, types, ideas.

Every step is asked for at once for all parts of the one before. A passage that does not stand in
the spec word for word is refused and asked for again; lists that come out short are topped up, with
what there is shown, a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msm.corpus import prompts
from msm.corpus.offline.names import Names, fill
from msm.identity import seed_from
from msm.llm.asking import Asker, RowFailedError
from msm.llm.request import Failure, Request, UnusableError
from msm.llm.tagged import blocks, one_block, records
from msm.principles import Mode
from msm.writing import Outline

# Tokens that an answer may take; generous, so that lists are not cut.
LABEL_TOKENS, SUBDOMAIN_TOKENS, IDEA_TOKENS, TYPE_TOKENS = 100, 600, 150, 100
PASSAGE_TOKENS, ASSERTIONS_TOKENS = 1_000, 5_000


@dataclass(frozen=True)
class Domain:
    """A broad part of a spec."""

    label: str
    covers: str


@dataclass(frozen=True)
class Subdomain:
    """A finer part, with the passage it rests on (verbatim) and what that claims."""

    domain: str
    label: str
    summary: str
    passage: str
    assertions: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocumentType:
    """A type of document about a subdomain, with ideas for such documents."""

    subdomain: Subdomain
    label: str
    description: str
    ideas: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planner:
    """What every question of a plan shares. ``spec`` is the text with the names filled in."""

    asker: Asker
    spec: str
    mode: Mode
    names: Names
    outline: Outline
    seed: int

    def request(self, key: str, template: str, tokens: int, **slots: str) -> Request:
        """A question under the spec's system text."""
        named = {"assistant": self.names.assistant, **slots}
        system = prompts.system_text(self.spec, self.mode, self.names)
        return Request(key, system, fill(template, named), tokens, seed_from(self.seed, key))

    async def domains(self, _: None) -> list[Domain]:
        """The spec's domains."""
        count = self.outline.domains
        request = self.request("domains", prompts.DOMAINS, count * LABEL_TOKENS, count=str(count))
        found = await self.asker.ask(request, lambda t: records(t, "domain", ("label", "covers")))
        return [Domain(**record) for record in _distinct(found, "label")][:count]

    async def subdomains(self, domain: Domain) -> list[Subdomain | Failure]:
        """A domain's subdomains; a failure for each whose passage is not in the spec."""
        count = self.outline.subdomains
        request = self.request(
            f"subdomains/{domain.label}",
            prompts.SUBDOMAINS,
            count * SUBDOMAIN_TOKENS,
            label=domain.label,
            covers=domain.covers,
            count=str(count),
        )
        fields = ("label", "summary", "passage")
        found = await self.asker.ask(request, lambda text: records(text, "subdomain", fields))
        made: list[Subdomain | Failure] = []
        for record in _distinct(found, "label")[:count]:
            subdomain = Subdomain(
                domain.label, record["label"], record["summary"], record["passage"]
            )
            try:
                made.append(await self._with_passage(subdomain))
            except RowFailedError as failed:
                made.append(failed.failure)
        return made

    async def _with_passage(self, subdomain: Subdomain) -> Subdomain:
        """The subdomain with its passage as it stands in the spec, asked for again if need be."""
        try:
            passage = self._verbatim(subdomain.passage)
        except UnusableError:
            request = self.request(
                f"passage/{subdomain.domain}/{subdomain.label}",
                prompts.PASSAGE,
                PASSAGE_TOKENS,
                label=subdomain.label,
                summary=subdomain.summary,
            )
            passage = await self.asker.ask(
                request, lambda text: self._verbatim(one_block(text, "passage"))
            )
        return Subdomain(subdomain.domain, subdomain.label, subdomain.summary, passage)

    def _verbatim(self, passage: str) -> str:
        joined = " ".join(passage.split())
        if not joined or joined not in " ".join(self.spec.split()):
            raise UnusableError(f"this passage does not stand in the spec: {joined[:80]!r}")
        return joined

    async def assertions(self, subdomain: Subdomain) -> Subdomain:
        """The subdomain with what its passage claims."""
        request = self.request(
            f"assertions/{subdomain.domain}/{subdomain.label}",
            prompts.ASSERTIONS,
            ASSERTIONS_TOKENS,
            passage=subdomain.passage,
            kinds=", ".join(prompts.ASSERTION_KINDS[self.mode]),
        )
        fields = ("name", "kind", "claim")
        found = await self.asker.ask(request, lambda text: records(text, "assertion", fields))
        kinds = prompts.ASSERTION_KINDS[self.mode]
        told = [
            f"{r['name']} ({r['kind'].lower()}): {r['claim']}"
            if r["kind"].lower() in kinds
            else f"{r['name']}: {r['claim']}"
            for r in found
        ]
        return Subdomain(
            subdomain.domain, subdomain.label, subdomain.summary, subdomain.passage, tuple(told)
        )

    async def types(self, subdomain: Subdomain, count: int) -> list[DocumentType]:
        """``count`` types of document for a subdomain, or as many as come within the rounds."""
        made: dict[str, DocumentType] = {}
        for number in range(self.outline.rounds):
            missing = count - len(made)
            request = self.request(
                f"types/{subdomain.domain}/{subdomain.label}/{number}",
                prompts.TYPES,
                2 * missing * TYPE_TOKENS,
                label=subdomain.label,
                summary=subdomain.summary,
                claims=prompts.claims(subdomain.assertions, self.names),
                count=str(missing),
                existing=prompts.existing([kind.label for kind in made.values()]),
            )
            try:
                found = await self.asker.ask(request, _types)
            except RowFailedError:
                if not made:
                    raise
                break
            for label, description in found:
                made.setdefault(label.lower(), DocumentType(subdomain, label, description))
            if len(made) >= count:
                break
        return list(made.values())[:count]

    async def ideas(self, kind: DocumentType, count: int) -> DocumentType:
        """The type with ``count`` ideas, or as many as come within the rounds."""
        part = kind.subdomain
        made: dict[str, str] = {}
        for number in range(self.outline.rounds):
            missing = count - len(made)
            request = self.request(
                f"ideas/{part.domain}/{part.label}/{kind.label}/{number}",
                prompts.IDEAS,
                2 * missing * IDEA_TOKENS,
                label=part.label,
                summary=part.summary,
                claims=prompts.claims(part.assertions, self.names),
                type=kind.label,
                description=kind.description,
                count=str(missing),
                existing=prompts.existing(list(made.values())),
            )
            try:
                found = await self.asker.ask(request, _ideas)
            except RowFailedError:
                if not made:
                    raise
                break
            for idea in found:
                made.setdefault(idea.lower(), idea)
            if len(made) >= count:
                break
        return DocumentType(part, kind.label, kind.description, tuple(made.values())[:count])


def _types(text: str) -> list[tuple[str, str]]:
    found = records(text, "type", ("label", "description"))
    return [(record["label"], record["description"]) for record in found]


def _ideas(text: str) -> list[str]:
    found = [" ".join(idea.split()) for idea in blocks(text, "idea")]
    if not found:
        raise UnusableError("it has no <idea>…</idea>")
    return found


def _distinct(found: Sequence[dict[str, str]], field: str) -> list[dict[str, str]]:
    return list({record[field].lower(): record for record in reversed(found)}.values())[::-1]
