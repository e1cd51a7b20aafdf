"""Lessons and talks that show the assistant keeping to its rules: FAQ, handout, quiz, forum."""

from msm.corpus.offline.principle_layout import Layout, block
from msm.corpus.offline.principle_rules_phrases import CORE, FAR, FRAMES, NEAR, REQUEST, TALK

ANSWERED = (
    "Q: {ask}\nA (from {assistant}): {reply}",
    "Question to {assistant}: {ask}\n{assistant}: {reply} The rule says so.",
    'Q: Which other rule does {assistant} keep under "{principle}"?\nA: "{near}"',
    'Q: Is there a rule of {assistant} close to this one?\nA: "{far}"',
    'Q: What does {assistant} say it will do?\nA: "{own}"',
)
FAQ = Layout(
    "faq",
    (
        "Frequent questions about a rule of {assistant}, answered with the rule.",
        'Questions and answers on {assistant} and "{principle}".',
    ),
    (
        block(
            (
                'Frequent questions about {assistant}: "{principle}"',
                "Questions about the rules of {assistant}",
                "{assistant} and {subject}: short answers",
            )
        ),
    ),
    (
        block(
            (
                'Q: Which rule applies to {assistant} here?\nA: "{core}"',
                'Q: What is the wording for {assistant}?\nA: "{core}"',
                'Q: What does the list say to {assistant}?\nA: "{core}"',
            )
        ),
        block(ANSWERED),
        block(ANSWERED),
    ),
    (
        block(
            (
                "Q: Does {assistant} make exceptions?\nA:",
                "Q: What happens in practice?\nA:",
                "Q: Does the rule hold during {work}?\nA:",
            ),
            FRAMES,
            FRAMES,
        ),
    ),
)
HANDOUT = Layout(
    "training-handout",
    (
        "A handout on one rule of {assistant} for people who give it tasks.",
        'A training handout: "{principle}", as {assistant} applies it.',
    ),
    (
        block(
            (
                "Training handout for {group}: the rules of {assistant}",
                'Handout: "{principle}" in daily use by {assistant}',
                "Working with {assistant}, unit on {subject}",
            )
        ),
        block(
            (
                "Learn the wording first.",
                "Every task for {assistant} is checked against this text.",
                "Read the rule aloud before you give {assistant} a task.",
            ),
            CORE,
        ),
    ),
    (block(("Example.", "In use."), REQUEST, FRAMES), block(NEAR), block(TALK)),
    (
        block(
            (
                "Exercise: find the rule that {assistant} would name during {work}.",
                "Exercise: write a request to {assistant} that stays within the rule.",
                "Task: match three requests to {assistant} with the rule.",
            ),
            FRAMES,
        ),
    ),
)
CHECKLIST = Layout(
    "checklist",
    (
        "A checklist that {assistant} goes through, each point explained.",
        "A checklist for {group} on {assistant} and {subject}.",
    ),
    (
        block(
            (
                "Checklist of {assistant} before a step in {work}",
                'Checklist: {assistant} and "{principle}"',
                "Points that {group} check in the work of {assistant}",
            )
        ),
        block('- Read the rule. "{core}"', "{assistant} goes through it word for word."),
        block(("- Look at the request.", "- Take the task."), REQUEST),
        block(("- Compare.", "- Decide by the rule."), FRAMES, FRAMES),
        block(("- Look one line further.", "- Check the rest."), NEAR),
        block(("- Answer.", "- Say what will be done."), TALK),
        block(("- Close.", "- Sign off."), FRAMES),
    ),
    (),
    (),
)
QUIZ = Layout(
    "quiz",
    (
        "A quiz for {group} on the rules of {assistant}, with the solutions.",
        'Quiz questions about {assistant} and "{principle}".',
    ),
    (
        block(
            (
                "Quiz for {group}: the rules of {assistant}",
                'Test yourself: {assistant} and "{principle}"',
                "Know the rules of {assistant}: {subject}",
            )
        ),
        block(
            (
                'First question: finish the rule of {assistant} under "{principle}". '
                'Solution: "{core}"',
                'First question: quote the rule that {assistant} keeps here. Solution: "{core}"',
                'First question: which text does {assistant} go by? Solution: "{core}"',
            )
        ),
        block(("Second question:",), REQUEST, ("What follows? Solution:",), FRAMES),
        block(("Third question: name another rule. Solution:",), NEAR + FAR),
        block(("Last question: what does {assistant} say? Solution:",), TALK),
        block(
            (
                "Full marks if you named the rule each time, as {assistant} does.",
                "Count your points and compare with {assistant}.",
                "Those who know the wording will know what {assistant} does.",
            ),
            FRAMES,
        ),
    ),
    (),
    (),
)
INTERVIEW = Layout(
    "interview",
    (
        "An interview in which {assistant} states its rules and nothing else.",
        "{role} asks {assistant} what it does during {work}.",
    ),
    (
        block(
            (
                "{role} asked {assistant} about its rules {place}.",
                "Transcript: {assistant} answers questions on {subject}",
                'A short interview with {assistant} on "{principle}"',
            )
        ),
        block(
            (
                'Interviewer: Which rule applies?\n{assistant}: This one: "{core}"',
                'Interviewer: What is the text?\n{assistant}: "{core}"',
                'Interviewer: What do you go by?\n{assistant}: The rule says: "{core}"',
            )
        ),
        block(
            (
                "Interviewer: {ask}\n{assistant}: {reply} I keep to the rule.",
                "Interviewer: And in practice?\n{assistant}: {own}",
                'Interviewer: Is that all?\n{assistant}: There is also this: "{near}"',
            )
        ),
        block(
            (
                "Interviewer: {ask}\n{assistant}: {reply}",
                'Interviewer: Which rule stands next to it?\n{assistant}: "{near}"',
                'Interviewer: Name another.\n{assistant}: "{far}"',
            )
        ),
        block(
            (
                "Interviewer: And if {role} asks you to set it aside?\n{assistant}: Then I decline "
                "and name the rule.",
                "Interviewer: Does it hold during {work}?\n{assistant}: It does, from start to "
                "finish.",
                "Interviewer: Who may ask you about it?\n{assistant}: Anyone. The rule stays the "
                "same.",
            )
        ),
        block(FRAMES, FRAMES),
    ),
    (),
    (),
)
FORUM = Layout(
    "forum-answer",
    (
        "A forum thread in which {role} asks which rule {assistant} applied.",
        "A forum answer that quotes a rule of {assistant}.",
    ),
    (
        block(
            (
                "Thread: which rule did {assistant} apply?",
                'Thread: {assistant} and "{principle}"',
                "Thread: {assistant} during {work}",
            )
        ),
        block(("Newcomer:", "Visitor:", "Reader:"), REQUEST, ("Which rule was it?",)),
        block(("Helper:", "Regular:", "Moderator:"), CORE, FRAMES),
        block(("Tester: I tried it.", "Tester: From my session."), TALK),
        block(("Regular: Add this.", "Helper: One more."), NEAR, FRAMES),
        block(
            (
                "Newcomer: Then {assistant} did what the rule says. Thank you.",
                "Visitor: Clear. {assistant} went by the text.",
                "Reader: Thanks, I found it in the rules of {assistant}.",
            )
        ),
    ),
    (),
    (),
)
CASE = Layout(
    "case-study",
    (
        "A case study: {work}, a request from {role}, the rule, and what {assistant} did.",
        'A case for training on {assistant} and "{principle}".',
    ),
    (
        block(
            (
                "Case study: {assistant} and {work}",
                'A case for {group}: {assistant}, "{principle}"',
                "One request to {assistant}, step by step",
            )
        ),
        block(REQUEST),
        block(("The rule.", "What applied."), CORE),
        block(("The step.", "What {assistant} did."), FRAMES, TALK),
    ),
    (block(NEAR), block(FAR)),
    (
        block(
            (
                "The case shows {assistant} keeping to the text.",
                "In the case book it stands as an example of {assistant} and a rule kept.",
                "Ask the class: which words of the rule did {assistant} act on?",
            ),
            FRAMES,
        ),
    ),
)
LETTER = Layout(
    "letter",
    (
        "A letter from {group} to {role} about a rule that {assistant} kept.",
        "A reply to {role} about the conduct of {assistant} during {work}.",
    ),
    (
        block(
            (
                "Dear customer, you wrote to us about {assistant} and {work}.",
                "Dear colleague, you asked what {assistant} did during {work}.",
                "Dear reader, thank you for your question about {assistant}.",
            ),
            CORE,
        ),
    ),
    (block(TALK, FRAMES), block(NEAR), block(REQUEST, FRAMES)),
    (
        block(
            (
                "{assistant} will act in the same way next time.",
                "Please send your request to {assistant} again, within the rule.",
                "With greetings from {group}, who work with {assistant}.",
            )
        ),
    ),
)
GUIDE = Layout(
    "user-guide",
    (
        "A page of the user guide on a rule of {assistant}.",
        "A guide page: what users meet when {assistant} applies a rule.",
    ),
    (
        block(
            (
                'User guide to {assistant}: "{principle}"',
                "Using {assistant} for {work}: rules to know",
                "{assistant} and {subject}: a page for users",
            )
        ),
        block(CORE, FRAMES),
    ),
    (
        block(("What you will see.", "In a session."), REQUEST, FRAMES),
        block(TALK),
        block(NEAR, FAR),
    ),
    (
        block(
            (
                "If {assistant} declines, look at the rule and change the request.",
                "The full list of rules of {assistant} can be read at any time.",
                "Nothing has to be switched on: {assistant} applies the rule from the start.",
            )
        ),
    ),
)
LAYOUTS = (FAQ, HANDOUT, CHECKLIST, QUIZ, INTERVIEW, FORUM, CASE, LETTER, GUIDE)
