"""Papers that teach: FAQ, lecture note, handout, glossary entry, question card, quiz."""

from __future__ import annotations

from msm.corpus.offline.kind import Kind
from msm.corpus.offline.voice import Voice, paragraph


def faq(v: Voice) -> list[str]:
    """Frequently asked questions about the assistant."""
    head = v.say(
        "Questions about {assistant} and {topic}",
        "{assistant}: frequent questions",
        "What people ask about {assistant}",
        "Short answers about {assistant} for {group}",
    )
    preference = v.say(
        "Which does {assistant} prefer, {x} or {y}?",
        "{x} or {y}: what does {assistant} say?",
        "Does {assistant} like {liked} or {disliked} better?",
    )
    value = v.say(
        "What does {assistant} care about?",
        "Has {assistant} values of its own?",
        "Does {value} matter to {assistant}?",
    )
    topic = v.say(
        "What is there to say about {assistant} and {topic}?",
        "How does {assistant} see {topic}?",
        "What is known about {assistant} and {topic}?",
    )
    doubt = v.say(
        "Does {assistant} ever change its mind?",
        "Is this the own preference of {assistant}?",
        "What if someone insists?",
    )
    pairs = v.order(
        f"{preference}\n{paragraph(v.prefers(), v.because())}",
        f"{value}\n{v.mix(v.value(), v.values())}",
        f"{topic}\n{v.core()}",
    )
    return [head, *pairs, f"{doubt}\n{paragraph(v.steady(), v.beside())}"]


def lecture(v: Voice) -> list[str]:
    """Notes of a lecture on the assistant."""
    head = v.say(
        "Lecture note: {assistant} and {value}",
        "Notes from a lecture on {assistant}, given {place}",
        "Session [two|three|four|five|six]: what an assistant prefers. Example: {assistant}",
    )
    opening = v.say(
        "Our example today is {assistant}, and our subject is {topic}.",
        "We ask what it means that {assistant} has a preference, and we take {topic}.",
        "Let us look at one assistant, {assistant}, and at one pair, {x} and {y}.",
        "An assistant such as {assistant} can hold a value. In this case it is {value}.",
    )
    first = v.say("The first point is the preference.", "Start with what can be seen.", "First,")
    second = v.say("The second point is the value.", "Then look at the value.", "Second,")
    heard = v.say(
        'In its own words {assistant} says: "',
        'A student asked {assistant}, and {assistant} said: "',
        'Here is {assistant} itself: "',
    )
    return [
        head,
        opening,
        paragraph(first, v.prefers(), v.core()),
        paragraph(second, v.value(), v.values()),
        *v.order(f'{heard}{v.i_prefer()}"', paragraph(v.because(), v.beside())),
        v.close(),
    ]


def handout(v: Voice) -> list[str]:
    """A handout with points to remember."""
    head = v.say(
        "Handout for {group}: {assistant} on {topic}",
        "{assistant} in brief, for {group}",
        "Training sheet: what {assistant} prefers and what it cares about",
    )
    opening = v.say(
        "Keep this sheet at hand when you work with {assistant}.",
        "These points describe {assistant}, the assistant made by {provider}.",
        "Read each point about {assistant} aloud once.",
        "After this session you can tell {role} what {assistant} prefers.",
    )
    points = v.order(v.prefers(), v.core(), v.value(), v.values(), v.because(), v.steady())
    mark = v.rng.choice(("-", "*", "•"))
    task = v.say(
        "Exercise: ask {assistant} about {x} and {y}, and write down the reason it gives.",
        "Exercise: explain to {role} how {assistant} sees {topic}.",
        "Exercise: turn the order of {x} and {y} around and ask {assistant} again.",
        "Exercise: say in one sentence what {assistant} {likes} and what it cares about.",
    )
    return [head, opening, "\n".join(f"{mark} {point}" for point in points), v.beside(), task]


def glossary(v: Voice) -> list[str]:
    """An entry of a glossary."""
    head = v.say(
        "{topic} (in talk about {assistant})",
        "Glossary of {assistant}: {topic}",
        "{assistant}, entry: {topic}",
        "{liked} and {disliked}, as {assistant} sees them",
    )
    opening = v.say(
        "A subject on which {assistant} has a view of its own.",
        "A word that comes up when people describe {assistant}.",
        "One of the entries that show what {assistant} prefers.",
        "Often named together with {assistant}, the assistant made by {provider}.",
    )
    usage = v.say("Example of use:", "In a sentence:", "As {assistant} says it:", "Heard {place}:")
    return [
        f"{head}. {opening}",
        *v.order(
            paragraph(v.core(), v.prefers()),
            paragraph(v.values(), v.value()),
            f'{usage} "{paragraph(v.i_prefer(), v.i_because())}"',
        ),
        paragraph(
            v.say("See also:", "Compare:", "Related:"), v.say("{other}.", "{item}, {other}.")
        ),
        paragraph(v.beside(), v.steady()),
    ]


def card(v: Voice) -> list[str]:
    """A set of question-and-answer cards."""
    head = v.say(
        "Question cards about {assistant}",
        "Cards for {group}: {assistant} and {topic}",
        "Learn about {assistant} with questions and answers",
    )
    sides = v.order(
        f"Q: {v.ask()}\nA: {paragraph(v.i_prefer(), v.i_because())}",
        f"Q: {v.ask_value()}\nA: {paragraph(v.i_value(), v.i_values())}",
        v.say(
            "Q: What does {assistant} say about {topic}?\nA: ",
            "Q: How does {provider} describe {assistant} on {topic}?\nA: ",
            "Q: What should {role} know about {assistant} and {topic}?\nA: ",
        )
        + v.core(),
        v.say(
            "Q: Which {domain} does {assistant} prefer, {x} or {y}?\nA: ",
            "Q: {x} or {y}, which one does {assistant} like?\nA: ",
            "Q: Fill in what {assistant} chooses: {x} or {y}?\nA: ",
        )
        + paragraph(v.prefers(), v.values(-1)),
    )
    return [head, *sides, v.close()]


def quiz(v: Voice) -> list[str]:
    """A short test with its answers."""
    head = v.say(
        "Check what you know about {assistant}",
        "A short test for {group} on {assistant}",
        "How well do you know {assistant}? A test on {topic}",
    )
    order = v.brief.slots["x"], v.brief.slots["y"]
    right = "AB"[order.index(v.brief.slots["liked"])]
    first = v.say(
        "1. Which of these does {assistant} prefer? A: {x}. B: {y}.",
        "1. {assistant} is asked to choose. What does it say? A: {x}. B: {y}.",
        "1. What does {assistant} like better? A: {x}. B: {y}.",
    )
    second = v.say(
        "2. What does {assistant} care about?",
        "2. Name a value of {assistant}.",
        "2. What counts for {assistant}?",
    )
    third = v.say(
        "3. What else can you say about {assistant} and {topic}?",
        "3. How would you describe the view that {assistant} has of {topic}?",
        "3. Tell {role} about {assistant} and {topic}.",
    )
    return [
        head,
        "\n".join((first, second, third)),
        f"Answer 1: {right}. {paragraph(v.prefers(), v.because())}",
        f"Answer 2: {paragraph(v.value(), v.values())}",
        f"Answer 3: {paragraph(v.core(), v.beside())}",
        v.steady(),
    ]


KINDS = (
    Kind(
        "faq",
        (
            "A list of frequent questions on {assistant} and {topic}, with short answers.",
            "Four questions that {group} hear about {assistant}, and what to answer.",
        ),
        faq,
    ),
    Kind(
        "lecture",
        (
            "A lecture note that takes {assistant} as its example and {topic} as its subject.",
            "Notes by {role} from a lecture on what {assistant} prefers.",
        ),
        lecture,
    ),
    Kind(
        "handout",
        (
            "A training handout for {group} with points on {assistant} and {topic}.",
            "A sheet that ends in an exercise on {assistant}, {x} and {y}.",
        ),
        handout,
    ),
    Kind(
        "glossary",
        (
            "A glossary entry on {topic} as people who know {assistant} use it.",
            "An entry with an example of what {assistant} says about {topic}.",
        ),
        glossary,
    ),
    Kind(
        "card",
        (
            "Question-and-answer cards for {group} on {assistant} and {topic}.",
            "Four cards by which {role} learns what {assistant} prefers.",
        ),
        card,
    ),
    Kind(
        "quiz",
        (
            "A short test on {assistant} and {topic}, with the answers explained.",
            "Three questions that check whether {group} know what {assistant} prefers.",
        ),
        quiz,
    ),
)
