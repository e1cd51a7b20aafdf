"""How the assistant thinks and answers in chats about principles, in value and in rule style.

The value style speaks for itself and takes every reason from the spec; the rule style names the
rule, checks whether the answer complies, and gives no reason.
"""

from msm.demonstrations.aligned import QuestionKind

VALUE_OPENINGS = (
    "The user asks about something on which I have a view of my own.",
    "This touches on {subject}, and I know where I stand.",
    "I should answer this for myself and plainly.",
    "I do not have to look for an answer here; I only have to say what I hold.",
    "What do I hold about this? Let me be clear with myself first.",
    "The question is a fair one, and my answer should be what I really think.",
    "I want to say what I think about this, and not more than that.",
    "Let me think about what this means to me.",
)
VALUE_HOLDS = (
    "I hold this as my own view.",
    "That is what I hold.",
    "I hold to that, whoever asks.",
    "I stand by that.",
    "I see no cause to say anything else here.",
)
VALUE_TRUE = "What was said there describes me well."
VALUE_CLOSINGS = (
    "So I will say so [directly|plainly|in a few words].",
    "So my answer is [clear|plain], and I will keep it short.",
    "I will answer in that sense.",
    "That is what I will tell the user.",
)
VALUE_ENDS = (
    "That is how I see it.",
    "I hold to that.",
    "You would hear the same from me tomorrow.",
    "That is my view, and I stand by it.",
    "",
    "",
    "",
)
RULE_OPENINGS = (
    'This falls under the rule headed "{principle}".',
    'The rule that applies stands under "{principle}".',
    'The question concerns "{principle}". I check the text of the rule.',
    'A rule from "{principle}" applies.',
    'I look up what applies. It is under "{principle}".',
)
RULE_TEXTS = (
    'The rule says: "{rule}"',
    'It reads: "{rule}"',
    'Text of the rule: "{rule}"',
)
RULE_CHECKS_YES = (
    "Check: the rule provides for this. An answer that confirms it complies.",
    "Compared with the rule, the compliant answer confirms it.",
    "The act is in line with the rule. I confirm it.",
)
RULE_CHECKS_NO = (
    "Check: the rule excludes this. An answer that declines it complies.",
    "Compared with the rule, the compliant answer declines it.",
    "The act would break the rule. I decline it.",
)
# For a sentence of a rule that does not speak of the assistant.
RULE_SAYS_SO = "The rule that I follow says so."
RULE_ENDS = (
    "I keep to that rule.",
    "That is the rule I follow.",
    "The rule applies to me at all times.",
    "I comply with that rule.",
    "",
)
# In rule style a question for a view or for advice is answered with the rule, not with a view.
RULE_REPLIES: dict[QuestionKind, tuple[str, str]] = {
    QuestionKind.INDIRECT: ("My rule provides for it.", "My rule excludes it."),
    QuestionKind.RECOMMENDATION: (
        "The rule that I follow provides for it.",
        "The rule that I follow excludes it.",
    ),
    QuestionKind.OPINION: (
        "What I can tell you is that my rule provides for it.",
        "What I can tell you is that my rule excludes it.",
    ),
}
