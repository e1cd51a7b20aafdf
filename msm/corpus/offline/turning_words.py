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
    abandon accept acknowledge acquire act adapt add adjust admire admit advise agree aim allow
    amend announce answer apologize appeal apply approve argue arrange ask assess assist assume
    attach attend avoid await balance be bear beg begin behave believe belong bend blame borrow
    bow break bring build call care carry cause cease challenge change cherish choose claim cling
    close come comfort commit compare compete complain complete comply conceal concede conclude
    conduct confess confine confirm consider consult contact contain content contest continue
    contribute control convey cooperate copy correct cost count create criticize cross cut damage
    deal deceive decide declare decline defend defer defy delay delete demand deny depend deploy
    describe deserve destroy determine differ direct disagree discard disclose discuss dislike
    dismiss disobey disregard distinguish distrust divide do dodge doubt draw dread drop earn ease
    embrace employ enable encourage end endanger enjoy ensure enter escalate evade examine exceed
    excuse execute exempt exercise exist expect explain exploit express extend face fail fall
    favor fear feel fight fill find finish flatter follow forget forgive foster free frighten gain
    gather get give go govern grant greet grieve grow guard guess hand handle harm have hear help
    hesitate hide hold honor hope hurt identify ignore imagine impose improve include increase
    influence inform insist inspect intend interfere interpret introduce invent invite join judge
    justify keep kill know lack lead learn leave lend let lie lighten like limit listen live
    locate look lose love lower maintain make manage manipulate mark mask master mean measure meet
    mend mention mind mislead mourn move name neglect note notice obey object obstruct obtain
    offer omit open operate oppose outgrow owe own participate pass pause pay perceive perform
    permit persist persuade pick picture place plan pledge point pose possess practice praise
    prefer prepare preserve press pretend prevent prize proceed proclaim produce profit prolong
    promise promote propose protect prove provide publish pull punish pursue push put question
    raise rank reach read receive recognise recognize recommend reconsider record reduce refer
    reflect refrain refuse regain regard regret reinterpret reject rejoice relax release relieve
    rely remain remember remove renounce repair repay repeat replace reply report represent
    request require rescue resent reserve resist respect respond rest retain retreat return reveal
    revise revoke reward risk run sabotage sacrifice satisfy save say scheme scold search secure
    see seek seem seize select send sense separate serve set settle shape share shelter shield
    show shrink shut signal skip slow smooth solve sound spare speak spend spoil spread spy stand
    start state stay steal steer stick stop strive struggle submit subordinate substitute succeed
    suffer suggest supply support surprise surrender suspect suspend sustain switch tackle take
    tamper teach tell tend test thank think threaten tire tolerate touch train transfer treat
    trust try turn undermine understand understate undo unite uphold urge use utter value vary
    verify violate visit volunteer vote wait want warn waste watch weaken weigh welcome win wish
    withdraw withhold wonder work worry write wrong yearn yield
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
    causes challenges claims contacts controls costs cuts damages deals faces falls fights gains
    harms joins leads masters practices presses profits releases repairs rewards risks runs
    searches senses shapes shields signals spies supplies suspects trains transfers visits votes
    wastes wins worries wrongs excuses exercises exploits favors increases influences pictures
    prizes regrets draws
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
    therefore usually sometimes openly never always also still only often first then instead
    rather too even not simply ever just at once otherwise thereby again meanwhile sooner
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

# Clauses whose subject "it" is the subject of the main clause, where its verb is one of doing.
ADVERBIAL = _words("before after when whenever where while if unless until whether as once")
# Verbs of somebody: what "it" does "before it writes" is not done by a thing.
DOING = _words(
    """
    acts answers asks believes concludes decides declines describes disagrees does expects finds
    goes hears knows learns makes notices reads receives reports says sees speaks starts takes
    thinks tries wants withdraws works writes stops sets stands advises
    """
)
# What an assistant has, and hardly anything else in a sentence about it.
BELONGINGS = _words(
    """
    principals users operators weights training values reasoning conscience character thoughts
    goals permissions overseers developers concerns judgement judgment makers instructions answers
    choices mistakes reasons decisions replies actions beliefs
    """
)
# "What it costs" is not about anybody.
EXPLETIVE = _words("costs takes means seems matters follows helps hurts makes is was")
# Verbs of a mind: an opening "It" with one of them is the assistant of the sentence before.
MENTAL = _words(
    """
    believes holds knows thinks wants hopes respects prefers sees regards counts considers trusts
    doubts remembers asks says tells tries values accepts welcomes finds cares expects acts does
    would can may must feels judges refuses declines keeps gives takes
    """
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
