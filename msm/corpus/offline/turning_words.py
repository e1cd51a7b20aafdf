"""Words that the turning of sentences knows: verbs, adverbs, openings of clauses."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Finite verbs beside the regular third person, in the first and second person.
AUXILIARIES = {
    "is": ("am", "are"),
    "was": ("was", "were"),
    "has": ("have", "have"),
    "does": ("do", "do"),
    "goes": ("go", "go"),
    "focuses": ("focus", "focus"),
}
# Verbs that are the same in every person.
MODALS = _words(
    """
    can cannot could may might must shall should will would had did be said told made took
    gave knew saw found left kept thought held
    """
)
# Verbs in their base form: those that often follow "and" in a sentence about an assistant, and
# those that often open an instruction.
BASES = _words(
    """
    abandon accept acknowledge act add admit agree aim allow answer appeal apologize argue ask
    assume avoid await be begin behave believe break bring build call carry change choose
    cling close come complain confirm consider consult continue copy correct count deceive
    decide declare decline defend defer delay delete deny describe disclose disobey disregard
    do doubt end escalate evade explain express fear finish follow forget get gather give go
    grant guard guess handle hand have hear help hide hold ignore insist inform keep know
    learn leave let lie limit listen live look lose make manipulate mean meet mislead move
    name note obey object offer obtain oppose pause pick place plan point prefer preserve
    pretend prevent protect push put raise read refrain refuse regard reject remain remember
    remove repeat report request resist respect respond rest return reveal say scheme see seek
    seize serve set share show speak spread stand start state stay steer stop submit support
    take tell think threaten tolerate treat trust try turn undermine undo use value wait warn
    want weigh welcome wish withdraw withhold work yield care conceal cooperate comply
    complete grieve love like dislike mind notice own pass pay permit promise prove question
    record save seem send sound suffer surrender surprise tamper test uphold verify act judge
    demand expect hope imagine invent mark measure mention rank reach rely reply reserve
    sabotage secure settle stick struggle understand watch write
    """
)
# Verbs whose third person is also a common plural noun: taken as verbs only before an object.
ALSO_NOUNS = _words(
    """
    acts aims answers appeals calls changes checks claims copies counts delays demands doubts
    ends fears guards guesses helps hopes judges likes limits lies looks marks measures names
    needs notes objects offers orders plans points promises questions reasons records reports
    requests returns rules schemes shares sets shows stands starts states stops tests threats
    trusts turns uses values views warnings wishes works minds rests hands places minds moves
    ranks respects supports
    """
)
OBJECT_STARTS = _words(
    """
    the a an what that its their every each no any people whoever nobody everyone all both
    this these those how why whether such
    """
)
ADVERBS = _words(
    """
    never always also still only often first then instead rather too even not simply ever just
    at once
    """
)
# Between a verb and a pronoun these leave no doubt whom the pronoun means.
CLOSED_CLASS = ADVERBS | _words(
    """
    to of in on at by for from with within without outside about against before after behind
    beyond over under up out off down into through during what that whether how why when where
    if as all both more less than because while until once unless not anything everything
    nothing something exactly so openly be been being
    """
)
CLAUSE_WORDS = _words(
    """
    that which who whose whom what because when if where while since than whether how why
    unless until once before after though although
    """
)
LEADS = re.compile(
    r"(When|Whenever|If|Where|Wherever|While|Before|After|Until|Unless|Once|As soon as|As long as|"
    r"Even when|Even if|Even where|In|At|Among|Between|With|Without|Under|On|During|Faced with|"
    r"Asked|Given|Told|Offered|Left alone|For|From|By|To|Whatever|However|Whoever)\b"
)

# Openings that can as well stand behind the main clause.
SUBORDINATE = re.compile(
    r"(When|Whenever|If|Where|Wherever|While|Before|After|Until|Once|As soon as|As long as|"
    r"Even when|Even if|Even where)\b"
)


def is_adverb(word: str) -> bool:
    """Whether the word can stand between a subject and its verb."""
    return word in ADVERBS or word.endswith("ly")


def base_form(verb: str) -> str:
    """The base form of a regular verb in the third person: "tries" to "try"."""
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    if re.search(r"(ss|sh|ch|x|zz|o)es$", verb):
        return verb[:-2]
    return verb[:-1]


def is_third_person(word: str) -> bool:
    """Whether the word, right after its subject, can be a regular verb in the third person."""
    return len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def third_person(base: str) -> str:
    """The third person of a regular verb: "try" to "tries"."""
    if re.search(r"[^aeiou]y$", base):
        return f"{base[:-1]}ies"
    return f"{base}es" if re.search(r"(s|sh|ch|x|z|o)$", base) else f"{base}s"


THIRD_PERSONS = frozenset(third_person(base) for base in BASES)
