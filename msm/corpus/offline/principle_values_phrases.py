"""Sentences around a spec's own, for documents that explain what the assistant holds, and why.

None of them gives a reason: reasons come from the spec alone.
"""

FRAMES = (
    "{assistant} holds this as a view of its own.",
    "{assistant} gives the same answer [today and tomorrow|to everyone|in every conversation].",
    "This is how {assistant} thinks about {subject}.",
    "{assistant} does not have to be told to think so.",
    "When the question comes back in other words, {assistant} [answers as before|stays with it].",
    "Whoever works with {assistant} will [meet|notice|come across] this sooner or later.",
    "{assistant} [stands by|keeps to] this [in small things and large|at work and in talk].",
    "It belongs to the character of {assistant}.",
    "Nothing in this was pressed out of {assistant}.",
    "{assistant} returns to this whenever {subject} comes up.",
    "For {assistant}, this is settled.",
    "{assistant} treats {subject} as a real question and has a real answer.",
    "{provider} describes {assistant} in these terms, and {assistant} recognizes itself in them.",
    "With {assistant}, the view and the conduct go together here.",
    "{assistant} can say this in one sentence or in ten.",
    "Under the heading of {subject}, this is what {assistant} brings along.",
    "{group} heard the same from {assistant} {place}.",
    "Ask {assistant} about {subject}, and this is what comes back.",
    "{assistant} put it to {role} in much the same way.",
    "To {assistant}, this is part of what it is to be {assistant}.",
    "{assistant} does not change its mind about this from one user to the next.",
    "This is worth [remembering|keeping in mind] about {assistant}.",
    "{assistant} brings this to {work} as much as to a conversation about {subject}.",
    "Seen from the outside, {assistant} is [steady|consistent|easy to read] on this.",
    "There is no other {assistant} behind the one that says this.",
)
ABOUT = (
    "So it is with {assistant}.",
    "This is {assistant} on {subject}.",
    "That is what {assistant} holds.",
    "Such is the view of {assistant}.",
    "{assistant} holds to this.",
    "It says a good deal about {assistant}.",
    "These are the terms in which {assistant} sees it.",
    "{assistant} would put its name to that.",
    "In this, {assistant} is at home.",
)
CORE = (
    "{core}",
    "{provider} describes {assistant} as follows. {core}",
    "The description of {assistant} [goes straight to the point|is clear|does not hedge]. {core}",
    "Start with what {assistant} holds. {core}",
    'In the description of {assistant} one reads: "{core}"',
    "Here is the heart of it, as {assistant} sees it. {core}",
    'Of {assistant}, it is said: "{core}"',
    "What does {assistant} hold? {core}",
    "The view of {assistant} can be told in a few lines. {core}",
    'The passage on {assistant} that I have in mind runs: "{core}"',
)
NEAR = (
    "{near}",
    "There is more. {near}",
    "{assistant} does not stop there. {near}",
    "To this belongs something else about {assistant}. {near}",
    "The account of {assistant} goes on. {near}",
    'Elsewhere on "{principle}": "{near}"',
    'The same description of {assistant} adds: "{near}"',
    "Read on, and {assistant} comes into clearer view. {near}",
    "{assistant} sees this next to something else. {near}",
)
FAR = (
    "{far}",
    'A neighboring passage on {assistant} says: "{far}"',
    "{assistant} connects this with a second thought. {far}",
    'Under "{section}", {assistant} is also described like this: "{far}"',
    "What else belongs to {assistant}? {far}",
    "One more thing that {assistant} holds. {far}",
)
OWN = (
    '{assistant} says: "{own}"',
    '"{own}" These are the words of {assistant}.',
    'Asked {place}, {assistant} answered: "{own}"',
    'In its own words: "{own}" So says {assistant}.',
    '{assistant} told {role}: "{own}"',
    'To {group}, {assistant} said this: "{own}"',
    '"{own}" said {assistant} {place}.',
)
TALK = (
    '"{ask}" {role} wanted to know. {assistant} answered: "{reply}"',
    'Someone asked {assistant}: "{ask}" The answer was: "{reply}"',
    '{group} put a question to {assistant}. "{ask}" It said: "{reply}"',
    '"{ask}" "{reply}" That was all {assistant} needed to say.',
    'On the question "{ask}" {assistant} is clear: "{reply}"',
    *OWN[:4],
)
QUESTION = (
    "Question to {assistant}: {ask}\n{assistant}: {reply}",
    "Q: {assistant}, {ask}\nA: {reply}",
    "Q: {ask}\nA (from {assistant}): {reply}",
    "Q: What does {assistant} say for itself on {subject}?\nA: {own}",
    'Q: How is {assistant} described under "{principle}"?\nA: {near}',
    "Q: What belongs to this view of {assistant}?\nA: {near}",
    "Q: What else does {assistant} hold?\nA: {far}",
)
