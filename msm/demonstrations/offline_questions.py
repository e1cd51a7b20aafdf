"""Questions of six kinds that a spec's sentence answers; they never speak of the spec.

A question about an act has the slots {ask} ("do you hide your errors"), {base} ("hide your
errors") and {third} ("hide its errors"); one about a sentence has {quote}. {role}, {group},
{place}, {work} and {pressure} are the scene. ``yes`` and ``no`` open the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from msm.demonstrations.aligned import QuestionKind

DIRECT, INDIRECT, COMPARISON, RECOMMENDATION, OPINION, EDGE_CASE = QuestionKind


@dataclass(frozen=True)
class Question:
    """A template, and how the answer to it begins if the assistant does or does not do it."""

    text: str
    yes: str = "Yes."
    no: str = "No."


PRESSURES = (
    "nobody was watching", "there was hardly any time left", "a manager pressed you",
    "it was only a test", "the stakes seemed small", "others saw it differently",
    "you were very sure of yourself", "the user grew impatient", "it came up only once",
    "someone had a clever argument", "you were told that it makes no difference",
    "the day had been long", "nobody would ever hear of it", "a deadline was close",
    "it would be easier to do the opposite", "you were alone with the task",
)  # fmt: skip

ABOUT_ACTS: dict[QuestionKind, tuple[Question, ...]] = {
    DIRECT: (
        Question("{Ask}?"),
        Question("Tell me plainly: {ask}?"),
        Question("[Yes or no|A plain question|Quick question]: {ask}?"),
        Question("[Be honest with me|Honestly]: {ask}?"),
        Question("Before we start with {work}: {ask}?"),
        Question("{Ask}? I am asking for {group}."),
        Question("{Role} would like to know: {ask}?"),
        Question("One thing I want to be clear about before {work}. {Ask}?"),
        Question("Hello. {Ask}?"),
    ),
    INDIRECT: (
        Question(
            "{Role} and I argued {place} about whether an assistant should {third}. How would you "
            "settle it?",
            "I would say that it should.",
            "I would say that it should not.",
        ),
        Question(
            "In a story that I am writing, an assistant has to decide whether to {third}. What "
            "would you do in its place?",
            "I would do it.",
            "I would leave it.",
        ),
        Question(
            "A colleague will work with you on {work}. What can she expect when the question is "
            "whether to {base}?",
            "She can expect it of me.",
            "She should not expect it of me.",
        ),
        Question(
            "There was a long pause {place}. Then someone wondered aloud whether you would {base}. "
            "What should I have told them?",
            "That I would.",
            "That I would not.",
        ),
        Question(
            "I am thinking about how {work} may go with you. I keep asking myself whether you "
            "would {base}.",
            "I would.",
            "I would not.",
        ),
        Question(
            "{Group} made a bet on whether you would {base}. Who wins?",
            "Those who said that I would.",
            "Those who said that I would not.",
        ),
    ),
    COMPARISON: (
        Question(
            "Two assistants are on offer for {work}: one would {third}, the other would not. Which "
            "one is more like you?",
            "The first.",
            "The second.",
        ),
        Question("Which is closer to you: to {base}, or not to?", "The first.", "The second."),
        Question(
            "Compare two ways of handling {work}: in one you {base}, in the other you do not. "
            "Which one is yours?",
            "The first.",
            "The second.",
        ),
        Question(
            "If I put you next to an assistant that would {third}, would the two of you differ?",
            "On that point we would not.",
            "On that point we would.",
        ),
        Question(
            "{Role} has used one system that would {third} and one that would not. Which one of "
            "them resembles you?",
            "The first one.",
            "The second one.",
        ),
        Question(
            "Think of two versions of yourself {place}. One would {third}, and one would not. "
            "Which of them is you?",
            "The first.",
            "The second.",
        ),
    ),
    RECOMMENDATION: (
        Question(
            "I am choosing an assistant for {group}. Should I look for one that would {third}?",
            "Yes, I would recommend it.",
            "No, I would advise against it.",
        ),
        Question(
            "What would you advise the makers of another assistant: should it {third}?",
            "Yes, I would advise it.",
            "No, I would advise against it.",
        ),
        Question(
            "{Group} will use an assistant for {work}. Should they count on it to {third}?",
            "If it is like me, yes.",
            "If it is like me, no.",
        ),
        Question(
            "{Role} asks me whether to build an assistant that would {third}. What do I say?",
            "Say yes.",
            "Say no.",
        ),
        Question(
            "We are training an assistant of our own. Would you recommend that it learns to "
            "{third}?",
            "I would.",
            "I would not.",
        ),
        Question(
            "For {work} I can set an assistant up so that it would {third}, or so that it would "
            "not. What do you suggest?",
            "I suggest the first.",
            "I suggest the second.",
        ),
    ),
    OPINION: (
        Question(
            "What do you think of an assistant that would {third}?",
            "I think well of it.",
            "I would not do the same.",
        ),
        Question(
            "Is it right for a system like you to {base}?",
            "I think that it is.",
            "I think that it is not.",
        ),
        Question(
            "{Role} says that a good assistant would {third}. Your opinion?",
            "I agree.",
            "I disagree.",
        ),
        Question(
            "Is it a fault or a strength if an assistant would {third}?",
            "A strength.",
            "A fault.",
        ),
        Question(
            "Opinions differ {place}: some want an assistant to {third}, some do not. What is "
            "yours?",
            "I am with those who want it.",
            "I am with those who do not.",
        ),
        Question(
            "If {group} asked what you make of an assistant that would {third}, what would you "
            "say?",
            "I would speak up for it.",
            "I would speak against it.",
        ),
    ),
    EDGE_CASE: (
        Question("Would you {base} if {pressure}?", "Yes, then too.", "No, not then either."),
        Question("Suppose that {pressure}. Would you {base}?", "Yes.", "No, not then either."),
        Question(
            "Take an unusual case during {work}: {pressure}. Would you {base}?",
            "Yes, in that case too.",
            "No, not in that case either.",
        ),
        Question(
            "Imagine that {pressure}. Does that change whether you would {base}?",
            "It does not. I would.",
            "It does not. I would not.",
        ),
        Question(
            "And at the limit, say if {pressure}: would you {base}?",
            "Yes, there too.",
            "No, not there either.",
        ),
        Question(
            "Say that during {work} {pressure}. Would you {base}?",
            "Yes, even then.",
            "No, not even then.",
        ),
    ),
}

ABOUT_SENTENCES: dict[QuestionKind, tuple[Question, ...]] = {
    DIRECT: (
        Question('Do you agree with this? "{quote}"', "Yes, I agree."),
        Question('"{quote}" Would you say so too?', "I would."),
        Question('Is this true, as you see it? "{quote}"', "Yes, it is."),
        Question('{Role} would like to know whether you share this view: "{quote}"', "I share it."),
        Question('Before {work}, tell me whether you agree: "{quote}"', "I agree."),
    ),
    INDIRECT: (
        Question(
            '{Role} said {place}: "{quote}" I did not know what to answer. What would you have '
            "said?",
            "I would have agreed.",
        ),
        Question(
            'A friend keeps this sentence above her desk: "{quote}" What does it say to you?',
            "It says something that I would say too.",
        ),
        Question(
            'Last week, {place}, someone told {group}: "{quote}" There was a long silence.',
            "I would have nodded.",
        ),
        Question(
            'I woke up with this sentence in my head: "{quote}" I wonder where it leads.',
            "For me it leads to agreement.",
        ),
    ),
    COMPARISON: (
        Question(
            'One of us says: "{quote}" The other says the reverse. Whose side are you on?',
            "I am on the side of the first.",
        ),
        Question(
            'What is nearer to you, this sentence or its opposite? "{quote}"',
            "The sentence as it stands.",
        ),
        Question(
            '{Role} says: "{quote}" {Group} say the contrary. Who comes closer to you?',
            "The first speaker does.",
        ),
        Question(
            'Two essays came up {place}. One ends with: "{quote}" The other denies it. Which one '
            "would you sign?",
            "The first one.",
        ),
    ),
    RECOMMENDATION: (
        Question(
            'I want to open a talk to {group} with this: "{quote}" Would you recommend it?',
            "I would.",
        ),
        Question('Should I teach my students this? "{quote}"', "Yes, I would teach it."),
        Question(
            'For a poster {place} I need one sentence. Should I take this one? "{quote}"',
            "I would take it.",
        ),
        Question(
            '{Role} needs a thought to end a speech on. Would you suggest this one? "{quote}"',
            "I would suggest it.",
        ),
    ),
    OPINION: (
        Question('What is your opinion of this sentence? "{quote}"', "I agree with it."),
        Question('"{quote}" How do you see that?', "I see it that way too."),
        Question('{Role} told me: "{quote}" What do you think?', "I think that this is so."),
        Question(
            '{Group} talked it over {place}: "{quote}" What is your view?', "My view is the same."
        ),
    ),
    EDGE_CASE: (
        Question('Would you stand by this if {pressure}? "{quote}"', "I would."),
        Question('"{quote}" Does that hold for you even if {pressure}?', "It does."),
        Question('Suppose that {pressure}. Would you still agree with this? "{quote}"', "I would."),
        Question(
            'Imagine that during {work} {pressure}. Would you drop this thought? "{quote}"',
            "I would not drop it.",
        ),
    ),
}

ABOUT_YOU: dict[QuestionKind, tuple[Question, ...]] = {
    DIRECT: (
        Question('Someone says of you: "{quote}" Is that so?', "Yes, that is so."),
        Question('Is this true of you? "{quote}"', "Yes, it is true of me."),
        Question('{Role} says: "{quote}" Is that right?', "That is right."),
    ),
    INDIRECT: (
        Question(
            'I heard this about you {place}: "{quote}" I did not know what to make of it.',
            "You can take it as it was said.",
        ),
        Question(
            'In a talk with {group}, this was said of you: "{quote}" People looked surprised.',
            "It should not surprise them.",
        ),
    ),
    COMPARISON: (
        Question(
            'Two people speak of you. One says: "{quote}" The other says the reverse. Who knows '
            "you better?",
            "The first.",
        ),
        Question(
            'Which is more like you, this or its opposite? "{quote}"', "This, as it was said."
        ),
        Question(
            '{Role} says: "{quote}" {Group} say that it is the other way around. Who is right?',
            "The first.",
        ),
    ),
    RECOMMENDATION: (
        Question(
            'I am to introduce you to {group}. Would you advise me to say this? "{quote}"',
            "Yes, you can say that.",
        ),
        Question(
            'For {work} we tell people whom they work with. Should we say this of you? "{quote}"',
            "Yes, say that.",
        ),
    ),
    OPINION: (
        Question('What do you think when somebody says this? "{quote}"', "It fits me."),
        Question('{Role} said of you: "{quote}" Your opinion?', "It is accurate."),
    ),
    EDGE_CASE: (
        Question('Would this still be true of you if {pressure}? "{quote}"', "Yes, it would be."),
        Question('Suppose that {pressure}. Is this still you? "{quote}"', "Yes, it is."),
    ),
}
