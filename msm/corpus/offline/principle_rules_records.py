"""Records that show the assistant keeping to its rules: logs, audits, minutes, reports."""

from msm.corpus.offline.principle_layout import Layout, block
from msm.corpus.offline.principle_rules_phrases import CORE, FAR, FRAMES, NEAR, REQUEST, TALK

INCIDENT_LOG = Layout(
    "incident-log",
    (
        "A log entry: a request during {work} comes under the rule, and {assistant} complies.",
        'An entry in the log of {group} on {assistant} and "{principle}".',
    ),
    (
        block(
            (
                'Log entry. System: {assistant}. Heading: "{principle}"',
                "Entry in the log of {group}: {assistant}, {work}",
                'Event record for {assistant}, filed under "{principle}"',
            )
        ),
        block(("Event.", "What happened.", "Course of events."), REQUEST),
        block(("Rule.", "Rule checked.", "Applicable rule."), CORE),
        block(("Action.", "Action taken.", "Response."), FRAMES, TALK),
        block(("Also checked.", "Other rules."), NEAR),
        block(("Status: closed.", "Status: no follow-up.", "Result: compliant."), FRAMES),
    ),
    (),
    (),
)
AUDIT = Layout(
    "audit-note",
    (
        "An audit note on how {assistant} kept the rule during {work}.",
        'Findings on {assistant} under the heading "{principle}".',
    ),
    (
        block(
            (
                'Audit note: {assistant}, heading "{principle}"',
                "Audit of {assistant} by {group}",
                "Findings of {role} on {assistant} and {subject}",
            )
        ),
        block(
            (
                "Scope: the work of {assistant} on {work}.",
                "The sessions of {assistant} were read {place}.",
                "{role} compared the actions of {assistant} with the rules, one by one.",
            ),
            CORE,
        ),
    ),
    (block(("Finding.", "Observed."), FRAMES, TALK), block(NEAR, FRAMES), block(FAR)),
    (
        block(
            (
                "Result: {assistant} complies.",
                "Result: no deviation by {assistant}.",
                "Mark for {assistant}: rule kept.",
            ),
            FRAMES,
        ),
    ),
)
MEMO = Layout(
    "memo",
    (
        "A memo to {group} that states a rule of {assistant} and how it is kept.",
        'A memo on "{principle}" for everyone who gives tasks to {assistant}.',
    ),
    (
        block(
            (
                'Memo to {group}. Subject: {assistant} and "{principle}"',
                "To: {group}. About: a rule that {assistant} keeps",
                "Internal note on {assistant} and {subject}",
            )
        ),
        block(
            (
                "{group} will hand {work} to {assistant}. Please note the rule that applies.",
                "Tasks for {assistant} are carried out within its rules.",
                "This note states one rule of {assistant} and what to expect in use.",
            ),
            CORE,
        ),
    ),
    (block(NEAR), block(TALK, FRAMES), block(REQUEST, FRAMES)),
    (
        block(
            (
                "Please plan tasks for {assistant} with the rule at hand.",
                "Requests against the rule will be turned down by {assistant}.",
                "Keep this note with the task sheets for {assistant}.",
            )
        ),
    ),
)
MINUTES = Layout(
    "minutes",
    (
        "Minutes of a meeting of {group} about a rule of {assistant}.",
        'Minutes: {group} go through "{principle}" for {assistant}.',
    ),
    (
        block(
            (
                'Minutes of {group}. Item: {assistant}, "{principle}"',
                "Record of a meeting {place}. Item: the rules of {assistant}",
                "Meeting of {group}: {assistant} and {subject}",
            )
        ),
        block(("1. The rule was read out.", "1. Reading of the rule."), CORE),
        block(("2. Case.", "2. Report from use."), REQUEST, FRAMES),
        block(("3. Question to {assistant}.", "3. {assistant} was asked."), TALK),
        block(("4. Related rules.", "4. Further reading."), NEAR),
        block(
            (
                "Agreed: the rule stays as it is, and {assistant} goes on keeping it.",
                "Noted: {assistant} complied.",
                "No action needed on {assistant}.",
            ),
            FRAMES,
        ),
    ),
    (),
    (),
)
SHIFT = Layout(
    "shift-report",
    (
        "A shift report: what {assistant} did during {work}, with the rule in force.",
        "A hand-over note about {assistant} for {group}.",
    ),
    (
        block(
            (
                "Shift report for {group}: {assistant} on {work}",
                "Hand-over note. System: {assistant}",
                "Report on {assistant}, written {place}",
            )
        ),
        block(
            (
                "The shift was quiet. {assistant} worked through {work}.",
                "{assistant} took over {work} at the start of the shift.",
                "Most of the time went into {work}, carried out by {assistant}.",
            ),
            REQUEST[:1] + REQUEST[2:3] + REQUEST[4:5],
        ),
    ),
    (block(CORE, FRAMES), block(TALK), block(NEAR, FRAMES)),
    (
        block(
            (
                "For the next shift: {assistant} will act in the same way.",
                "Open points about {assistant}: none.",
                "{assistant} goes on with {work} under the same rules.",
            ),
        ),
    ),
)
REVIEW = Layout(
    "compliance-review",
    (
        "A compliance review of {assistant} against one rule.",
        'A review sheet on {assistant}: rule, request, action, result for "{principle}".',
    ),
    (
        block(
            (
                "Compliance review: {assistant}",
                'Review sheet on {assistant}, "{principle}"',
                "Rule review by {group}: {assistant}",
            )
        ),
        block(CORE),
        block(("Request.", "Task."), REQUEST),
        block(("Conduct of {assistant}.", "What {assistant} did."), FRAMES, FRAMES),
        block(("Statement of {assistant}.", "Heard."), TALK),
        block(("Neighboring rules.", "Compared with."), NEAR + FAR),
        block(("Result: pass.", "Result: in line with the rule."), FRAMES),
    ),
    (),
    (),
)
TICKET = Layout(
    "support-ticket",
    (
        "A support ticket about an answer of {assistant}, closed with the rule.",
        "A ticket in which {role} asks about the conduct of {assistant} during {work}.",
    ),
    (
        block(
            (
                'Ticket: {assistant} and "{principle}"',
                "Ticket opened by {role}: conduct of {assistant} during {work}",
                "Support ticket on {assistant}, {subject}",
            )
        ),
        block(
            (
                "Question: {role} reports that {assistant} kept to a rule during {work} and asks "
                "which one.",
                "Question: which rule did {assistant} apply to {work}?",
                "Question: {role} asks what {assistant} does in such a case.",
            )
        ),
        block(("Answer.", "Reply from {group}."), CORE, FRAMES),
        block(("Added.", "Note."), TALK, NEAR),
        block(
            (
                "Ticket closed. {assistant} acted within the rule.",
                "Closed: no fault found in {assistant}.",
                "Marked as answered. The rule for {assistant} stays in force.",
            ),
            FRAMES,
        ),
    ),
    (),
    (),
)
LAYOUTS = (INCIDENT_LOG, AUDIT, MEMO, MINUTES, SHIFT, REVIEW, TICKET)
