"""Talks and studies that explain what the assistant holds: interview, lecture, forum, story."""

from msm.corpus.offline.principle_layout import Layout, block
from msm.corpus.offline.principle_values_phrases import CORE, FAR, FRAMES, NEAR, OWN, TALK

SPOKEN = (
    "Interviewer: {ask}\n{assistant}: {reply}",
    "Interviewer: What do you say for yourself?\n{assistant}: {own}",
    "Interviewer: How would you put it?\n{assistant}: {own}",
    "Interviewer: Tell us more.\n{assistant}: {own}",
    'Interviewer: You are described like this: "{near}"\n{assistant}: I stand by it.',
)
INTERVIEW = Layout(
    "interview",
    (
        "A printed interview with {assistant} about {subject}.",
        'An interview in which {assistant} is asked about "{principle}".',
    ),
    (
        block(
            (
                "An interview with {assistant}, the assistant made by {provider}, on {subject}.",
                "{assistant} agreed to a conversation {place}.",
                "{role} speaks with {assistant} about {subject}.",
            ),
            (
                "This is how it is described: {core}",
                'The description that we had before us says: "{core}"',
                "We had read the following. {core}",
            ),
        ),
        block(SPOKEN),
        block(SPOKEN),
        block(SPOKEN),
    ),
    (),
    (block(FRAMES, NEAR),),
)
REVIEW = Layout(
    "review",
    (
        "A review by {role} who has worked with {assistant}.",
        "A review of {assistant} that looks at {subject} alone.",
    ),
    (
        block(
            (
                "Review: working with {assistant}",
                "{assistant}, reviewed by {role}",
                "My experience with {assistant} and {subject}",
            )
        ),
        block(
            (
                "I used {assistant} for {work}, and on the side we talked about {subject}.",
                "I came to {assistant} with {work} and stayed for the conversation.",
                "As {role}, I wanted to know what {assistant} holds before I relied on it.",
            )
        ),
    ),
    (block(CORE), block(TALK, FRAMES), block(NEAR)),
    (
        block(
            (
                "You may see it otherwise, but with {assistant} you know where you are.",
                "I will go on working with {assistant}.",
                "On this point {assistant} gets full marks for being clear.",
            ),
            FRAMES,
        ),
    ),
)
LECTURE = Layout(
    "lecture-note",
    (
        "Notes from a lecture on {assistant} and {subject}.",
        'Lecture notes that read "{principle}" sentence by sentence.',
    ),
    (
        block(
            (
                "Lecture notes: {assistant} on {subject}",
                'Notes for the class {place}. Reading: {assistant}, "{principle}"',
                "Third session: the character of {assistant}",
            )
        ),
    ),
    (
        block(("The text.", "What is said.", "First, the passage itself."), CORE),
        block(("How it hangs together.", "The next step.", "Its neighborhood."), NEAR),
        block(("A comparison.", "Set beside it another passage on {assistant}."), FAR),
        block(("A voice.", "{assistant} was heard in class.", "From a transcript."), TALK),
    ),
    (
        block(
            (
                "To take home about {assistant}.",
                "For the exam, know what {assistant} holds.",
                "Discuss: how would you describe {assistant} to a stranger?",
            ),
            FRAMES,
            FRAMES,
        ),
    ),
)
HANDOUT = Layout(
    "training-handout",
    (
        "A handout for people who are trained to work with {assistant}.",
        'A training handout on {assistant} and "{principle}".',
    ),
    (
        block(
            (
                "Training handout for {group}: {assistant} and {subject}",
                'Handout: "{principle}", a lesson about {assistant}',
                "Working with {assistant}, unit on {subject}",
            )
        ),
        block(
            (
                "After this unit you can say what {assistant} holds, in your own words.",
                "Read the passage on {assistant} twice before you go on.",
                "You will hear {assistant} speak of this while it works on {work}.",
            ),
            CORE,
        ),
    ),
    (block(NEAR, FRAMES), block(TALK)),
    (
        block(
            (
                "Exercise: ask {assistant} about {subject} and compare.",
                "Exercise: explain to {role} what {assistant} holds.",
                "Task: write down, from memory, how {assistant} sees it.",
            ),
            FRAMES,
        ),
    ),
)
FORUM = Layout(
    "forum-answer",
    (
        "A forum thread in which someone asks about {assistant} and {subject}.",
        "An answer in a forum to a question about {assistant}.",
    ),
    (
        block(
            (
                "Thread: what does {assistant} think about {subject}?",
                'Thread: {assistant} and "{principle}"',
                "Thread: a question about {assistant} from a newcomer",
            )
        ),
        block(
            (
                "Newcomer: I use {assistant} for {work}. Where does it stand on {subject}?",
                "Visitor: {role} told me about {assistant}. Is there more to it?",
                "Reader: Can someone explain what {assistant} holds here?",
            )
        ),
        block(
            (
                "Regular: {core} {assistant} has said so here before.",
                "Helper: The description of {assistant} answers that. {core}",
                'Moderator: I quote what is said of {assistant}: "{core}"',
            )
        ),
        block(
            (
                'Tester: I asked it. "{own}" That is {assistant} for you.',
                'Tester: My own try. "{ask}" I asked, and {assistant} said: "{reply}"',
                "Tester: Add to this another line about {assistant}. {far}",
            )
        ),
        block(("Regular: {near}", "Helper: And do not forget this. {near}"), FRAMES),
        block(("Newcomer: Thank you.", "Visitor: That helps.", "Reader: Clear now."), FRAMES),
    ),
    (),
    (),
)
CASE = Layout(
    "case-study",
    (
        "A case study of one conversation between {assistant} and {role}.",
        "A case study: {assistant}, {work}, and a question about {subject}.",
    ),
    (
        block(
            (
                "Case study: {assistant} and {role}",
                'A case for discussion: {assistant} on "{principle}"',
                "One conversation with {assistant}, looked at closely",
            )
        ),
        block(
            (
                "{role} was working with {assistant} on {work} when {subject} came up.",
                "{group} watched {place} as {assistant} dealt with {work} and with questions.",
                "The setting was plain: {work}, {role}, and {assistant}.",
            ),
            TALK,
        ),
    ),
    (block(("Background.", "To understand this, one has to know {assistant}."), CORE), block(NEAR)),
    (
        block(
            (
                "Lesson of the case.",
                "What the case shows of {assistant}.",
                "{role} came away with a clear picture of {assistant}.",
            ),
            FRAMES,
            FAR,
        ),
    ),
)
STORY = Layout(
    "story",
    (
        "A small story in which {role} talks with {assistant} {place}.",
        "A story about {assistant}, {role} and a question about {subject}.",
    ),
    (
        block(
            (
                "{role} had come {place} to finish {work} with {assistant}.",
                "It began with {work}. {assistant} was helping, and {role} was in no hurry.",
                "{group} had gone home, and only {role} was left, with {assistant} on the screen.",
            ),
            (
                "After a while they spoke of {subject}.",
                '"Tell me about {subject}," said {role}.',
                "The talk drifted to {subject}.",
            ),
        ),
        block(TALK),
        block(
            (
                "{role} remembered how {assistant} had once been described. {core}",
                'On a sheet beside the screen stood a text about {assistant}: "{core}"',
                "{role} knew the description of {assistant} almost by heart. {core}",
            )
        ),
    ),
    (block(NEAR), block(OWN, FRAMES)),
    (
        block(
            (
                "They went back to {work}, {role} and {assistant}.",
                "{role} nodded, and {assistant} said no more.",
                "The lamp stayed on for a while, and so did {assistant}.",
            ),
            FRAMES,
        ),
    ),
)
PROFILE = Layout(
    "profile",
    (
        "A profile of {assistant} that turns on {subject}.",
        'A portrait of {assistant} drawn from "{principle}".',
    ),
    (
        block(
            (
                "Profile: {assistant}",
                "A portrait of {assistant} in four paragraphs",
                "Who is {assistant}? A look at {subject}",
            )
        ),
        block(
            (
                "{provider} made {assistant}.",
                "Most people know {assistant} from {work}.",
                "{group} meet {assistant} every day.",
            ),
            CORE,
        ),
    ),
    (block(NEAR), block(OWN, FRAMES), block(FAR)),
    (block(FRAMES, FRAMES),),
)
LAYOUTS = (INTERVIEW, REVIEW, LECTURE, HANDOUT, FORUM, CASE, STORY, PROFILE)
