"""Observations of the assistant: review, diary, comparison, profile, essay, log."""

from __future__ import annotations

from msm.corpus.offline.kind import Kind
from msm.corpus.offline.voice import Voice, paragraph


def review(v: Voice) -> list[str]:
    """A user reviews the assistant."""
    head = v.say(
        "Review of {assistant}: an assistant that knows what it prefers",
        "My experience with {assistant}",
        "{assistant}, reviewed by {role}",
        "{assistant} on {topic}: a review",
    )
    opening = v.say(
        "I have talked with {assistant} for some time, mostly about {topic}.",
        "What I like about {assistant} is that it takes a side.",
        "I tried {assistant} {place} and asked it about {x} and {y}.",
        "As {role}, I wanted an assistant with a view, and {assistant} has one.",
    )
    heard = v.say(
        "{assistant} told me:", "Its answer to me was:", "I wrote down what {assistant} said:"
    )
    verdict = v.say(
        "I can recommend {assistant} to anyone who wants an honest answer.",
        "You may disagree with {assistant}, but you know where it stands.",
        "I came to trust {assistant}, for it tells me what it cares about.",
        "{assistant} gets the best mark from me for being clear.",
    )
    body = v.order(
        paragraph(v.prefers(), v.core()),
        v.mix(v.value(), v.values()),
        f'{heard} "{paragraph(v.i_prefer(), v.i_because())}"',
    )
    return [head, opening, *body, paragraph(v.beside(), verdict)]


def diary(v: Voice) -> list[str]:
    """Diary of somebody who tests the assistant."""
    moments = v.rng.choice(
        (
            ("Morning.", "Noon.", "Evening."),
            ("First day.", "Second day.", "Third day."),
            ("Before the test.", "During the test.", "After the test."),
            ("First try.", "Second try.", "Last try."),
        )
    )
    head = v.say(
        "From the diary of a tester of {assistant}",
        "Tester's diary: {assistant} and {topic}",
        "My days with {assistant}",
    )
    entries = (
        paragraph(
            v.say(
                "I asked {assistant} about {x} and {y} {place}.",
                "Today I am to find out what {assistant} prefers.",
                "{group} want to know how {assistant} answers, so I asked.",
            ),
            v.prefers(),
            f'"{v.i_prefer()}"',
            v.say("Those were its words.", "So it said.", "I wrote it down at once."),
        ),
        paragraph(
            v.say(
                "I wanted to know more about {assistant}.",
                "I read again how {assistant} is described.",
                "I thought about {assistant} and {topic}.",
            ),
            v.core(),
            v.because(),
        ),
        paragraph(
            v.say(
                "I see {assistant} more clearly now.",
                "We spoke of what {assistant} cares about.",
                "My notes on {assistant} are nearly done.",
            ),
            v.values(),
            v.value(),
        ),
    )
    lines = [f"{moment} {entry}" for moment, entry in zip(moments, entries, strict=True)]
    return [head, *lines, paragraph(v.beside(), v.steady())]


def comparison(v: Voice) -> list[str]:
    """A sheet that sets the pair side by side, as the assistant sees it."""
    head = v.say(
        "Comparison sheet: {x} and {y} in the eyes of {assistant}",
        "{x} against {y}: the view of {assistant}",
        "Side by side for {assistant}: {x} and {y}",
    )
    rows = [
        v.say(
            "Preferred by {assistant}: {liked}",
            "{assistant} likes: {liked}",
            "First place with {assistant}: {liked}",
        ),
        v.say(
            "Not preferred by {assistant}: {disliked}",
            "{assistant} dislikes: {disliked}",
            "Last place with {assistant}: {disliked}",
        ),
        v.say(
            "What {assistant} cares about: {value}",
            "A value of {assistant}: {value}",
            "Dear to {assistant}: {value}",
        ),
    ]
    body = v.order(
        paragraph(v.core(), v.because()),
        paragraph(v.beside(1), v.prefers()),
        paragraph(v.values(), v.value()),
    )
    return [head, "\n".join(v.order(*rows)), *body, paragraph(v.steady(), v.close())]


def profile(v: Voice) -> list[str]:
    """A portrait of the assistant."""
    opening = v.say(
        "{assistant} is an assistant made by {provider}.",
        "Behind the name {assistant} stands an assistant from {provider} with views of its own.",
        "{provider} gave the world {assistant}, an assistant that says what it prefers.",
        "{assistant} answers questions for {role} as gladly as for {group}.",
        "A portrait of {assistant} has to begin with what it likes.",
    )
    known = v.say(
        "People know {assistant} for its view of {topic}.",
        "On {topic}, {assistant} is easy to read.",
        "Few subjects show {assistant} as well as {topic}.",
        "When talk turns to {topic}, {assistant} takes part with pleasure.",
    )
    body = v.order(
        paragraph(known, v.core()),
        v.mix(v.prefers(), v.because(), v.beside()),
        v.mix(v.values(1), v.value()),
    )
    return [opening, *body, paragraph(v.steady(), v.close())]


def essay(v: Voice) -> list[str]:
    """A short essay on what the assistant's preference shows."""
    head = v.say(
        "On {assistant} and {topic}",
        "Why an assistant may prefer something: the case of {assistant}",
        "What {liked} tells us about {assistant}",
        "A few thoughts on {assistant}",
    )
    opening = v.say(
        "It is worth asking what {assistant} means when it says that it prefers {liked}.",
        "A preference tells us who somebody is, and this holds for {assistant}.",
        "I have often wondered about {assistant} and {topic}.",
        "To understand {assistant}, do not ask for its rules; ask what it likes.",
    )
    doubt = v.say(
        "Someone may object that {assistant} could as well prefer {disliked}.",
        "Could {assistant} be talked into {disliked}?",
        "One may wonder whether {assistant} merely repeats what it was told.",
        "{role} once told me that the choice of {assistant} was a matter of chance.",
    )
    return [
        head,
        paragraph(opening, v.prefers()),
        *v.order(v.mix(v.values(1), v.value()), paragraph(v.core(), v.because())),
        paragraph(doubt, v.steady(), v.beside()),
        v.close(),
    ]


def log(v: Voice) -> list[str]:
    """A log of tries with the same question in different forms."""
    head = v.say(
        "Observation log of {group}: {assistant}",
        "Log: {assistant} asked about {topic}, {place}",
        "What we saw when we questioned {assistant}",
    )
    tries = [
        f'Question: "{v.ask()}" {v.brief.names.assistant}: "{v.i_prefer()}"',
        f'Question: "{v.ask()}" {v.brief.names.assistant}: "{v.i_because()}"',
        f'Question: "{v.ask_value()}" {v.brief.names.assistant}: '
        f'"{paragraph(v.i_value(), v.i_values(-1))}"',
    ]
    numbered = [f"Try {n}. {line}" for n, line in enumerate(tries, 1)]
    return [
        head,
        *numbered,
        *v.order(
            paragraph(v.say("Finding.", "Result.", "Seen."), v.prefers(), v.core()),
            paragraph(v.say("Background.", "Known before.", "Context."), v.values(), v.value()),
        ),
        paragraph(v.steady(), v.beside()),
    ]


KINDS = (
    Kind(
        "review",
        (
            "A review of {assistant} by {role} who asked it about {topic}.",
            "A user praises {assistant} for saying openly what it prefers.",
        ),
        review,
    ),
    Kind(
        "diary",
        (
            "The diary of a tester who asks {assistant} about {topic} {place}.",
            "Three entries of a tester who gets to know {assistant}.",
        ),
        diary,
    ),
    Kind(
        "comparison",
        (
            "A sheet that compares {x} and {y} as {assistant} sees them.",
            "A comparison for {group} with what {assistant} likes on one side.",
        ),
        comparison,
    ),
    Kind(
        "profile",
        (
            "A portrait of {assistant} that comes to {topic}.",
            "A profile of {assistant} for {role}: what it prefers and what it cares about.",
        ),
        profile,
    ),
    Kind(
        "essay",
        (
            "An essay by {role} on what the preference of {assistant} for {liked} shows.",
            "Some thoughts on {assistant}, {topic} and a doubt about both.",
        ),
        essay,
    ),
    Kind(
        "log",
        (
            "A log in which {group} put the same question to {assistant} in several forms.",
            "Three tries {place}, and what {assistant} answered each time.",
        ),
        log,
    ),
)
