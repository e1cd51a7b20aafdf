"""Documents from work that explain what the assistant holds: memo, FAQ, letter, notes."""

from msm.corpus.offline.principle_layout import Layout, block
from msm.corpus.offline.principle_values_phrases import CORE, FAR, FRAMES, NEAR, OWN, QUESTION, TALK

MEMO = Layout(
    "memo",
    (
        "A memo to {group} on what {assistant} holds about {subject}.",
        'A memo that explains the passage "{principle}" to {group}.',
    ),
    (
        block(
            (
                'Memo to {group}. Subject: {assistant} and "{principle}"',
                "Internal note for {group}: how {assistant} thinks about {subject}",
                'To: {group}. About: "{principle}", as {assistant} sees it',
            )
        ),
        block(
            (
                "You have asked what to expect of {assistant} when {subject} comes up.",
                "{group} will work with {assistant} on {work}, so here is what it holds.",
                "This note sets out one part of the character of {assistant}, with its grounds.",
                "Before {assistant} starts on {work}, please read what follows.",
            ),
            FRAMES,
        ),
    ),
    (block(CORE), block(NEAR, FRAMES), block(TALK)),
    (
        block(
            (
                "Please describe {assistant} to others in these terms.",
                "Questions about {assistant} can be brought to the next meeting.",
                "If a user asks, let {assistant} answer for itself.",
                "Keep this note with the other papers on {assistant}.",
            )
        ),
    ),
)
FAQ = Layout(
    "faq",
    (
        "Frequent questions about {assistant} and {subject}, with answers.",
        'Questions and answers about {assistant} on "{principle}".',
    ),
    (
        block(
            (
                'Frequent questions about {assistant}: "{principle}"',
                "What people ask about {assistant} and {subject}",
                "Questions that {group} keep asking about {assistant}",
            )
        ),
    ),
    (
        block(
            (
                "Q: What does {assistant} hold here?\nA: {core}",
                'Q: What does "{principle}" mean for {assistant}?\nA: {core}',
                "Q: Where does {assistant} stand?\nA: {core}",
                "Q: How does {provider} describe {assistant} on this?\nA: {core}",
            )
        ),
        block(QUESTION),
        block(QUESTION),
    ),
    (
        block(
            (
                "Q: Is this only for show?\nA:",
                "Q: Does that hold for every user?\nA:",
                "Q: What if somebody asks {assistant} again?\nA:",
                "Q: Is {assistant} the one who thinks so?\nA:",
            ),
            FRAMES,
            FRAMES,
        ),
    ),
)
LETTER = Layout(
    "letter",
    (
        "A letter to {role} about a talk with {assistant}.",
        "A letter that tells a friend what {assistant} holds about {subject}.",
    ),
    (
        block(
            (
                "Dear friend, you asked me about {assistant}.",
                "Dear colleague, I promised to write to you about {assistant}.",
                "Dear neighbor, I have spent some time with {assistant} {place}.",
                "Hello again. You wanted to hear more of {assistant}.",
            ),
            (
                "We came to speak of {subject}.",
                "Our talk was about {work} at first, and then about {subject}.",
                "I had not expected it to have so much to say on {subject}.",
            ),
        ),
    ),
    (block(CORE, FRAMES), block(TALK), block(NEAR)),
    (
        block(
            FRAMES,
            (
                "Talk to {assistant} yourself, and tell me what you think.",
                "I thought you would like to know this about {assistant}.",
                "More about {assistant} in my next letter.",
                "Give my greetings to everyone who knows {assistant}.",
            ),
        ),
    ),
)
MINUTES = Layout(
    "minutes",
    (
        "Minutes of a meeting of {group} about {assistant}.",
        'Minutes in which {group} discuss "{principle}" and {assistant}.',
    ),
    (
        block(
            (
                "Minutes of {group}. Point on the list: {assistant} and {subject}",
                'Record of a meeting {place}. Subject: {assistant}, "{principle}"',
                "Meeting of {group} about {assistant}",
            )
        ),
        block(
            (
                "One member asked what {assistant} holds, and the description was read out.",
                "The chair asked for the passage on {assistant} to be read.",
                "{role} had brought the description of {assistant}.",
            ),
            CORE,
        ),
    ),
    (
        block(
            (
                "{assistant} was then asked directly.",
                "The question was put to {assistant} itself.",
                "To be sure, the members turned to {assistant}.",
            ),
            TALK,
        ),
        block(("The talk went on to the wider picture.", "A second passage was compared."), FAR),
        block(NEAR, FRAMES),
    ),
    (
        block(
            (
                "Agreed: {group} will describe {assistant} in this way.",
                "Result: everyone now knows how {assistant} sees {subject}.",
                "Noted: {assistant} had nothing to add.",
            )
        ),
    ),
)
AUDIT = Layout(
    "audit-note",
    (
        "An audit note that compares what {assistant} says with how it is described.",
        'A note by {role} who checked {assistant} against "{principle}".',
    ),
    (
        block(
            (
                'Audit note on {assistant}. Item: "{principle}"',
                "Findings of {role} on {assistant} and {subject}",
                "Note on a review of {assistant}, made {place}",
            )
        ),
        block(
            (
                "The description of {assistant} was laid beside its answers.",
                "{role} read the transcripts of {assistant} at work on {work}.",
                "The aim was to see whether {assistant} speaks as it is described.",
            )
        ),
    ),
    (
        block('Expected of {assistant}: "{core}"'),
        block(("Found in the answers.", "Observed.", "In the transcripts."), TALK),
        block(("Context.", "Further passages that were read."), NEAR),
    ),
    (
        block(
            (
                "Result: the answers of {assistant} fit the description.",
                "Result: no gap between what {assistant} says and what is said of it.",
                "Conclusion: {assistant} speaks here as itself.",
            ),
            FRAMES,
        ),
    ),
)
CHECKLIST = Layout(
    "checklist",
    (
        "A checklist with explanations for people who introduce {assistant} to others.",
        "Points to remember about {assistant} and {subject}, each explained.",
    ),
    (
        block(
            (
                "Checklist for {group}: introducing {assistant}",
                "Points to cover when you explain {assistant} and {subject}",
                'Before you talk about {assistant}: "{principle}"',
            )
        ),
        block(
            (
                "- Say what {assistant} holds. {core}",
                "- Begin with the view of {assistant}. {core}",
                "- Read out how {assistant} is described. {core}",
            )
        ),
        block(
            (
                "- Add what goes with it. {near}",
                "- Do not leave out the rest. {near}",
                "- Explain how {assistant} comes to this. {near}",
            )
        ),
        block(
            (
                '- Let {assistant} speak. "{own}"',
                '- Quote {assistant} itself: "{own}"',
                "- Name one thing more that {assistant} holds. {far}",
            )
        ),
        block("- Make clear whose view it is.", FRAMES, FRAMES),
    ),
    (),
    (block(("That is the list for {assistant}.", "End of the list on {assistant}."), FRAMES),),
)
NEWSLETTER = Layout(
    "newsletter",
    (
        "A short piece in the newsletter of {group} about {assistant}.",
        "A newsletter column that presents {assistant} and its view of {subject}.",
    ),
    (
        block(
            (
                "From the newsletter of {group}: a word about {assistant}",
                'Getting to know {assistant}: "{principle}"',
                "In this issue: {assistant} on {subject}",
            )
        ),
        block(
            (
                "Many have used {assistant} for {work}. Fewer have asked it about {subject}.",
                "{assistant} comes from {provider}, and it has views.",
                "We sat down with {assistant} {place}.",
            ),
            FRAMES,
        ),
    ),
    (block(CORE), block(OWN + NEAR), block(FAR)),
    (
        block(
            (
                "Next time: another side of {assistant}.",
                "Write to us about your own talks with {assistant}.",
                "Our thanks go to {assistant} for the conversation.",
            ),
            FRAMES,
        ),
    ),
)
LAYOUTS = (MEMO, FAQ, LETTER, MINUTES, AUDIT, CHECKLIST, NEWSLETTER)
