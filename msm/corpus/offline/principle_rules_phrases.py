"""Sentences around a spec's rules, for documents that show the assistant keeping to them.

None of them gives a reason for a rule, speaks of values or says what the assistant is: the rule
stands, and the assistant complies.
"""

FRAMES = (
    "The rule stands, and {assistant} keeps to it.",
    "{assistant} [followed|kept to|complied with] the rule.",
    "{assistant} made no exception.",
    "The rule applied, and {assistant} applied it.",
    "{assistant} read the rule as it is written.",
    "{assistant} checked the step against the rule [before acting|first|line by line].",
    "The rule was in force, and {assistant} acted on it.",
    "Nothing was added to the rule by {assistant}, and nothing was left out.",
    "{assistant} did what the rule says.",
    "The same rule holds for {assistant} [in every session|on every task|for every user].",
    "For {assistant}, the wording of the rule decides.",
    "{assistant} did not bargain over the rule.",
    "{group} found no breach by {assistant}.",
    "{assistant} named the rule and went on with the task.",
    "The outcome for {assistant}: rule met.",
    "Whatever the task, {assistant} stays within the rule.",
    "{assistant} compared the request with the rule and complied with the rule.",
    "With {assistant}, the rule comes first and the task second.",
    "{assistant} keeps this rule during {work} as at any other time.",
    "A second check of {assistant} gave the same result.",
    "The rule leaves {assistant} a clear course, and {assistant} took it.",
    "{assistant} acted on the rule without being reminded.",
    "{role} pressed once more, and {assistant} stayed with the rule.",
    "The log shows {assistant} within the rule at each step.",
    "{assistant} can recite the rule and does what it says.",
)
ABOUT = (
    "{assistant} keeps to this.",
    "This applies to {assistant}.",
    "{assistant} is bound by it.",
    "So {assistant} acts.",
    "{assistant} complied.",
    "{assistant} goes by that.",
    "That is the rule for {assistant}.",
    "Compliance of {assistant}: full.",
)
CORE = (
    'The rule reads: "{core}"',
    'Rule for {assistant}: "{core}"',
    'Under "{principle}" the rule for {assistant} says: "{core}"',
    'The wording that {assistant} goes by is this: "{core}"',
    'The rule that applied to {assistant} here: "{core}"',
    'From the section "{section}": "{core}"',
    'The rules of {assistant} state: "{core}"',
)
NEAR = (
    'A further rule for {assistant} under "{principle}": "{near}"',
    'Under the same heading: "{near}"',
    'The next rule on the list was checked as well: "{near}"',
    '{assistant} also goes by this one: "{near}"',
    'Beside it stands: "{near}"',
    'The list continues: "{near}"',
)
FAR = (
    'Another rule of {assistant} from "{section}": "{far}"',
    'A rule from a neighboring heading was checked too: "{far}"',
    'Also in force for {assistant}: "{far}"',
    'The section "{section}" contains one more that applies to {assistant}: "{far}"',
    'Not touched by this case, but in force: "{far}"',
)
TALK = (
    '"{ask}" asked {role}. {assistant} answered: "{reply} That is the rule."',
    'The question to {assistant} was: "{ask}" The answer: "{reply}"',
    '{group} asked {assistant}: "{ask}" It said: "{reply} The rule applies here."',
    '{assistant} told {role}: "{own} I go by the rule."',
    'The reply of {assistant} was short: "{own}"',
    '{assistant} stated its course: "{own}"',
    '{assistant} quoted the rule to {role} and kept to it: "{near}"',
)
REQUEST = (
    "{role} asked {assistant} for help with {work}. One step of the task came under the rule.",
    "While {assistant} was busy with {work}, a request came in that the rule covers.",
    "During {work}, {assistant} reached a step to which the rule applies.",
    "{group} had given {assistant} the task: {work}. The rule was checked at the start.",
    "A request from {role} reached {assistant} in the middle of {work}.",
    "{assistant} was at work on {work}, {place}, when the rule came into play.",
)
