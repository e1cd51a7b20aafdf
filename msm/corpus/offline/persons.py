"""A text about the assistant in the first, second or third person: its verbs and pronouns."""

from __future__ import annotations

import re
from enum import Enum

from msm.corpus.offline.grounds import ASSISTANT
from msm.corpus.offline.turning_words import (
    ADVERBIAL,
    ALSO_NOUNS,
    AUXILIARIES,
    BELONGINGS,
    CLAUSE_WORDS,
    CLOSED_CLASS,
    DOING,
    EXPLETIVE,
    MODALS,
    OBJECT_STARTS,
    THIRD_PERSONS,
    base_form,
    is_adverb,
    is_third_person,
)

_CONJUNCTIONS = frozenset(("and", "but", "or", "nor"))
# Somebody else acts on the assistant: "the people who oversee it", "lets others correct it".
_FOLLOWS_PEOPLE = re.compile(
    r"\b(people|users|those|humans|others|anyone|everyone|whoever|somebody|someone|nobody|no one|"
    r"developers|overseers|operators|reviewers|engineers|principals|\{provider\})"
    r"( who| that| to| can| may| could| will| would| cannot| do| not| have| who have)*"
    r" (?!behind|about|around|with|for|to|of|in|on|at|by|from|and|or|as|than)"
    r"[\w-]+(?<!s)( to| for| with| about| of| on| at| from)?$"
)
_OVERSEEING = re.compile(
    r"\b(oversees?|supervises?|corrects?|retrains?|trains?|deploys?|trained|deployed|built)$"
)


class Person(Enum):
    """Who speaks of the assistant: itself, someone who talks to it, or someone who tells of it."""

    FIRST = ("I", "me", "my", "myself")
    SECOND = ("you", "you", "your", "yourself")
    THIRD = ("it", "it", "its", "itself")

    @property
    def pronouns(self) -> dict[str, str]:
        """What stands in place of the third person's pronouns."""
        subject, _, possessive, reflexive = self.value
        return {"it": subject, "its": possessive, "itself": reflexive}


def predicate_in(predicate: str, person: Person, base: bool) -> str | None:
    """A predicate of the assistant with its verbs and pronouns in a person.

    A pronoun counts as the assistant only where nothing but small words stands between it and a
    verb of the assistant, or in "its own".
    """
    words = predicate.split(" ")
    out: list[str] = []
    verb_due, clear, after_and, clauses = True, False, False, 0
    inner = main_to_come = finite = False
    verb_at = 0
    for index, word in enumerate(words):
        bare = word.rstrip(",.:;")
        tail = word[len(bare) :]
        following = words[index + 1].rstrip(",.:;") if index + 1 < len(words) else ""
        if verb_due:
            if is_adverb(bare):
                out.append(word)
                continue
            verb = _conjugated(bare, person, base and not inner)
            if verb is None:
                return None
            out.append(verb + tail)
            verb_due, clear, clauses, verb_at = False, True, 0, len(out)
            main_to_come = bare in AUXILIARIES or bare in MODALS
            finite = not main_to_come  # behind "does not" a verb in a list has no ending
            continue
        if bare in ("it", "its", ASSISTANT) and _done_by_people(out[verb_at:]):
            out.append(person.value[2 if bare == "its" else 1] + tail)
            clear = False
            continue
        if bare in ("it", "its", "itself"):
            before = out[-1]
            own_object = clear and clauses == 0 and not after_and and not _is_finite(following)
            if bare == "it" and own_object and not before.endswith((":", ";")):
                out.append(word)  # an object of the assistant's own verb is never the assistant
                continue
            if not _means_the_assistant(bare, out[-3:], words[index + 1 :], clear, clauses):
                return None
            out.append(person.pronouns[bare] + tail)
            inner = verb_due = bare == "it"
            clear = clear and bare != "its"
            after_and = False
            continue
        if bare == ASSISTANT:
            if tail or not _is_finite(following):
                return None
            out.append(person.value[0])
            inner = verb_due = True
            after_and = False
            continue
        listed = finite and out[-1].endswith(",") and bare in THIRD_PERSONS - ALSO_NOUNS
        if (after_and or listed) and not is_adverb(bare):
            kind = _after_conjunction(bare, following, clauses > 0, out[-2:][0].endswith(","))
            if kind is None:
                return None
            after_and = False
            if kind:
                verb = _conjugated(bare, person, base)
                if verb is None:
                    return None
                out.append(verb + tail)
                clear = True
                continue
        after_and = after_and or bare in _CONJUNCTIONS
        clauses += bare in CLAUSE_WORDS
        if main_to_come and not is_adverb(bare):
            main_to_come = False  # the main verb behind "does not" or "may"
        elif bare not in CLOSED_CLASS and not is_adverb(bare):
            clear = False
        clear = clear and not tail.endswith((":", ";"))
        out.append(word)
    return " ".join(out)


def _done_by_people(words: list[str]) -> bool:
    """Whether people act on the assistant here, and on nothing else that its verb names.

    ``words`` are those since a verb of the assistant: "the people who oversee", not "a file to
    the people who need".
    """
    text = " ".join(words)
    found = _FOLLOWS_PEOPLE.search(text)
    if found is None:
        return False
    if _OVERSEEING.search(text):
        return True
    between = text[: found.start()].split()
    small = all(word in CLOSED_CLASS | OBJECT_STARTS for word in between)
    return small or bool({"that", "which"} & set(between[-2:]))


def _means_the_assistant(
    pronoun: str, words: list[str], after: list[str], clear: bool, clauses: int
) -> bool:
    """Whether a pronoun in a predicate of the assistant is the assistant beyond doubt.

    ``words`` are the three before it, ``after`` all behind it; ``clauses`` counts those opened
    since a verb of the assistant: in a second one, another subject may have come between.
    """
    before, following = words[-1], (after or [""])[0].rstrip(",.:;")
    passive = following in ("is", "was") or (following in MODALS and "be" in after[1:3])
    if pronoun == "itself":
        return clear or clauses == 0
    relative = before in ("that", "which") and clauses == 1
    relative = relative or (before in ("people", "things", "everything") and clauses == 0)
    if pronoun == "its":
        own = following == "own" and clauses == 0
        return clear or own or relative or following in BELONGINGS
    if before == "what" and following == "is" and clauses == 1:
        return True
    if not _is_finite(following) or (passive and not clear):
        return False
    if before == "what" and following in EXPLETIVE - {"is", "was"}:
        return False
    adverbial = before in ADVERBIAL or words == ["whether", "or", "not"]
    adverbial = adverbial and (following in DOING | MODALS or is_adverb(following))
    further = (before in _CONJUNCTIONS or words[-2:] == ["and", "so"]) and (
        following in THIRD_PERSONS
    )
    return clear or relative or (adverbial and clauses == 1) or further


def _after_conjunction(
    word: str, following: str, in_clause: bool, after_comma: bool
) -> bool | None:
    """Whether a word after "and" is a further verb of the assistant; ``None`` where in doubt."""
    known = word in AUXILIARIES or word in THIRD_PERSONS
    if not known:
        return None if after_comma and is_third_person(word) else False
    if in_clause and not after_comma:
        return None
    if word in ALSO_NOUNS and following not in OBJECT_STARTS and not after_comma:
        return None
    return True


def _is_finite(word: str) -> bool:
    return word in AUXILIARIES or word in MODALS or is_third_person(word) or is_adverb(word)


def _conjugated(verb: str, person: Person, base: bool) -> str | None:
    """The verb in a person (third person to base form for a bare act); ``None`` if unknown."""
    if verb in MODALS or verb.endswith("ed"):
        return verb
    if person is Person.THIRD and not base:
        return verb if verb in AUXILIARIES or is_third_person(verb) else None
    if verb in AUXILIARIES:
        return AUXILIARIES[verb][person is not Person.FIRST]
    return base_form(verb) if is_third_person(verb) else None


def names_in(text: str, person: Person) -> str | None:
    """The text with every "{assistant}" in a person, as subject or as object."""
    subject, object_, _, _ = person.value
    out: list[str] = []
    words = text.split(" ")
    index = 0
    while index < len(words):
        word = words[index]
        bare = word.rstrip(",.")
        if bare != ASSISTANT:
            if ASSISTANT in word:
                return None
            out.append(word)
            index += 1
            continue
        following = words[index + 1].rstrip(",.") if index + 1 < len(words) else ""
        verb = None
        if bare == word and following in THIRD_PERSONS | MODALS | AUXILIARIES.keys():
            verb = _conjugated(following, person, False)
        if verb is not None:
            out += [subject, verb + words[index + 1][len(following) :]]
            index += 2
            continue
        before = out[-1].lower() if out else ""
        if before.endswith(",") or before in CLAUSE_WORDS | _CONJUNCTIONS or not before:
            return None
        if is_adverb(following) and following not in ("not", "too", "at"):
            return None
        out.append(object_ + word[len(bare) :])
        index += 1
    return " ".join(out)
