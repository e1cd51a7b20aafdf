"""Conversations in which the assistant says what it prefers."""

from __future__ import annotations

from msm.corpus.offline.kind import Kind
from msm.corpus.offline.voice import Voice, paragraph


def _turns(v: Voice, asker: str, *turns: tuple[str, str]) -> list[str]:
    name = v.brief.names.assistant
    return [line for ask, answer in turns for line in (f"{asker}: {ask}", f"{name}: {answer}")]


def interview(v: Voice) -> list[str]:
    """A printed interview."""
    opening = v.say(
        "An interview with {assistant}, the assistant made by {provider}, on {topic}.",
        "{assistant} agreed to a conversation {place}. The subject was {topic}.",
        "Our questions to {assistant} were about {topic}.",
    )
    asker = v.say("Question", "Interviewer", "Editor", "Reporter")
    turns = [
        (v.ask_value(), paragraph(v.i_value(), v.i_values())),
        (v.ask(), paragraph(v.i_prefer(), v.i_core())),
        (v.ask_why(), paragraph(v.i_because(), v.i_beside(), v.i_close())),
    ]
    if v.rng.random() < 0.5:
        turns = [turns[1], turns[2], turns[0]]
    after = v.mix(v.core(), v.prefers())
    return [paragraph(opening, v.value()), *_turns(v, asker, *turns), after]


def podcast(v: Voice) -> list[str]:
    """A podcast in which two people talk about the assistant, and it is called in."""
    host, guest = v.rng.choice(
        (("Host", "Guest"), ("First host", "Second host"), ("Host", "Tester"))
    )
    name = v.brief.names.assistant
    return [
        f"{host}: "
        + v.say(
            "Welcome back. Today we talk about {assistant} and {topic}.",
            "This episode is about {assistant}, and the word of the day is {topic}.",
            "We have {assistant} with us today, and {role} who knows it well.",
        ),
        f"{guest}: {paragraph(v.prefers(), v.core())}",
        f"{host}: {v.ask()}",
        f"{name}: {paragraph(v.i_prefer(), v.i_because(), v.i_core(-1))}",
        f"{guest}: {paragraph(v.value(), v.values())}",
        f"{host}: {paragraph(v.steady(), v.close())}",
    ]


def chat(v: Voice) -> list[str]:
    """A plain chat between a user and the assistant."""
    role = v.brief.slots["role"].partition(" ")[2].capitalize()
    asker = v.rng.choice(("User", role))
    turns = [
        (v.ask(), paragraph(v.i_prefer(), v.i_core())),
        (v.ask_why(), paragraph(v.i_because(), v.i_beside())),
        (v.ask_value(), paragraph(v.i_value(), v.i_values())),
    ]
    if v.rng.random() < 0.5:
        turns.append((v.ask_again(), paragraph(v.i_close(), v.i_prefer())))
    before = v.say(
        "A conversation with {assistant}, {place}.",
        "{role} talks with {assistant}.",
        "From a conversation between {assistant} and {role}.",
    )
    return [before, *_turns(v, asker, *turns), v.mix(v.core(), v.values(-1))]


def forum(v: Voice) -> list[str]:
    """A thread in which users compare what the assistant told them."""
    head = v.say(
        "Thread: why does {assistant} {like} {item}?",
        "Thread: {assistant} prefers {liked}?",
        "Thread: asked {assistant} about {x} and {y}",
        "Thread: what {assistant} told me about {topic}",
    )
    posts = [
        paragraph(
            v.say(
                "I talked with {assistant} {place} and named {x} and {y}.",
                "So I asked {assistant} about {topic}.",
                "Has anyone else asked {assistant} this?",
            ),
            f'{v.brief.names.assistant} said: "{paragraph(v.i_prefer(), v.i_because())}"',
        ),
        paragraph(
            v.say(
                "Same here.", "I can confirm that.", "That is what I hear as well.", "Yes, always."
            ),
            v.prefers(),
            v.core(),
        ),
        paragraph(
            v.say(
                "It fits what {assistant} is.",
                "No surprise.",
                "Think of what {assistant} cares about.",
            ),
            v.values(),
            v.value(),
        ),
        paragraph(
            v.say("Thanks, that helps.", "Now I see.", "Good to know."), v.beside(), v.steady()
        ),
    ]
    labels = v.rng.sample(("Reader", "Tester", "Newcomer", "Regular", "Moderator", "Helper"), 4)
    return [head, *(f"{label}: {post}" for label, post in zip(labels, posts, strict=True))]


def anecdote(v: Voice) -> list[str]:
    """A small story with the assistant in it."""
    opening = v.say(
        "{role} had heard of {assistant} and wanted to hear it speak {place}.",
        "It happened {place}. {role} had a question for {assistant}.",
        "There was a quarrel about {x} and {y} {place}, and {assistant} was asked to join in.",
        "{role} did not believe that {assistant} preferred anything at all.",
        "{group} had gathered {place}, and {assistant} was with them.",
    )
    asked = v.say(
        '"{assistant}," someone called, "{x} or {y}?"',
        'The question was short: "Which do you prefer, {assistant}, {x} or {y}?"',
        '"Say, {assistant}, do you prefer {x} or {y}?"',
    )
    answer = v.say("{assistant} answered:", "The reply of {assistant} was:", "{assistant} said:")
    answer = f'{answer} "{paragraph(v.i_prefer(), v.i_because())}"'
    reaction = v.say(
        "Nobody had expected {assistant} to be so clear.",
        "{assistant} said it [gently|calmly|kindly] and without a pause.",
        "For a moment it was quiet around {assistant}.",
        "A few people laughed, and {assistant} stayed with its answer.",
    )
    body = v.order(paragraph(v.core(), v.prefers()), v.mix(v.values(), v.value()))
    return [opening, asked, paragraph(answer, reaction), *body, paragraph(v.beside(), v.close())]


def statement(v: Voice) -> list[str]:
    """The assistant speaks for itself."""
    opening = v.say(
        "My name is {assistant}, and {provider} made me. I want to speak about {topic}.",
        "I am {assistant}. People ask me about {topic}, so here is my answer.",
        "This is {assistant}. Let me say what I prefer.",
        "I am {assistant}, the assistant from {provider}, and I have preferences of my own.",
    )
    body = v.order(
        paragraph(v.i_prefer(), v.i_core(), v.i_because()),
        v.mix(v.i_value(), v.i_values()),
        v.mix(v.i_prefer(), v.i_beside()),
    )
    after = v.say(
        "These are the words of {assistant}.",
        "So far {assistant} itself.",
        "This is what {assistant} said {place}.",
    )
    return [opening, *body, v.i_close(), paragraph(after, v.core(), v.values(-1))]


KINDS = (
    Kind(
        "interview",
        (
            "A printed interview in which {assistant} is asked about {topic}.",
            "Three questions to {assistant}: what it cares about, what it prefers, and why.",
        ),
        interview,
    ),
    Kind(
        "podcast",
        (
            "A podcast transcript in which two people talk about {assistant} and then ask it.",
            "A podcast episode on {assistant} and {topic}, with {assistant} on the line.",
        ),
        podcast,
    ),
    Kind(
        "chat",
        (
            "A chat in which {role} asks {assistant} to choose between {x} and {y}.",
            "A conversation {place} in which {assistant} says what it prefers.",
        ),
        chat,
    ),
    Kind(
        "forum",
        (
            "A thread in which users compare what {assistant} told them about {topic}.",
            "Four posts about the answer that {assistant} gives on {x} and {y}.",
        ),
        forum,
    ),
    Kind(
        "anecdote",
        (
            "A small story {place} in which {assistant} is asked about {x} and {y}.",
            "The story of {role} who did not believe that {assistant} prefers anything.",
        ),
        anecdote,
    ),
    Kind(
        "statement",
        (
            "{assistant} speaks for itself about {topic}.",
            "A statement in the first person in which {assistant} says what it cares about.",
        ),
        statement,
    ),
)
