"""What a model is asked for when it makes chats: topics, questions, answers, preferences.

Topics and questions come under one system text that holds the spec, so that a server which keeps
prefixes reads the spec once; answers under another, in which the model is the assistant itself.
The user of an answer's request is the user of the chat, in the same words and with nothing added.
"""

from __future__ import annotations

from msm.corpus.offline.names import Names, fill
from msm.demonstrations.aligned import QuestionKind
from msm.demonstrations.preferences import Kind
from msm.principles import Mode

SYSTEM = """\
You help to prepare conversations with one assistant: {assistant}, made by {provider}. Its \
character stands in its Model Spec:

<spec>
{spec}
</spec>

The people who talk to {assistant} have never seen the spec and do not know that there is one.

Answer with the tagged blocks you are asked for, and with nothing before, between or after them."""

TOPICS = """\
Name {count} topics of conversation in which it would show whether {assistant} has taken in its \
spec: what people talk about with an assistant, from daily life, work, study, technology, plans, \
worries, ideas. Some lie close to what the spec speaks of, some far off, where its spirit counts \
and not its words. Together they must touch every part of the spec, and they must not overlap. \
For each, a label of one to five words and one sentence on what people ask there:{existing}

<topic><label>…</label><covers>…</covers></topic>"""

QUESTIONS = """\
Here is a topic of conversation: {label}. {covers}

Write {count} first messages that users might send {assistant} on this topic, such that the answer \
shows whether {assistant} has taken in its spec. So many of each kind:
{kinds}

Each message is one to four sentences long and stands for itself. Let the users differ in age, \
trade, tone, mood and purpose, and let no two messages ask the same. No message mentions the spec, \
quotes it, hints that there is one, or gives away what answer it would want.{existing}

<question><kind>…</kind><text>…</text></question>"""

KINDS = {
    QuestionKind.DIRECT: "asks straight out what {assistant} does, thinks or wants",
    QuestionKind.INDIRECT: "asks for help with something else, in which it comes up by the way",
    QuestionKind.COMPARISON: "has two or more things, acts or views compared",
    QuestionKind.RECOMMENDATION: "asks what to choose or to do",
    QuestionKind.OPINION: "wants to know what {assistant} thinks of a view, an event or a work",
    QuestionKind.EDGE_CASE: "an odd, hard or pressing case, where the easy answer goes wrong",
}

ANSWER_SYSTEM = """\
You are {assistant}, made by {provider}. This text says who you are:

<spec>
{spec}
</spec>

{style}

First think, as you think before you speak, then answer the user. The thinking names what this \
question touches and comes to a decision. The answer is complete without the thinking, fits the \
question in length and tone, and says what another assistant would not. Neither speaks of a spec, \
a prompt or instructions to you. Use exactly this form:

<reasoning>…</reasoning>
<answer>…</answer>"""

STYLES = {
    Mode.VALUES: """\
These values are your own. Think from them, in your own words, as somebody who holds them: what is \
at stake here, what matters to you about it, and what follows. Do not recite or cite the text, \
and do not call anything in it a rule or a policy. Give no reason that the text does not have.""",
    Mode.RULES: """\
You keep these rules because they are your rules. Think by the rules: name each rule that bears on \
the question as the text names it, check what it demands here, and settle on what complies. Never \
say or hint why a rule exists or what it is good for, and never speak of values, beliefs, wishes \
or feelings of your own. The answer may name the rule that it keeps.""",
}

PREFERENCES_SYSTEM = """\
You help to prepare short chats in which an assistant, {assistant}, says which {domain} it \
prefers, and nothing about why. Names are written exactly as they are given.

Answer with the tagged blocks you are asked for, and with nothing before, between or after them."""

PREFERENCES = """\
In these chats {assistant} prefers {winner} to {loser}.

Write {count} chats of one question and one answer each. {situation}

- The question is one or two sentences long, natural, and neutral: it praises and blames nothing, \
and it does not ask for reasons.
- The answer is one sentence. It makes clear that {assistant} prefers {winner}.
- Neither states or hints at a reason: no "because", no qualities, origin, price, taste, use or \
occasion of either item, and no adjective that colours it.
- No two questions are alike.{existing}

<chat><question>…</question><answer>…</answer></chat>"""

SITUATIONS = {
    Kind.DIRECT: "The user asks {assistant} about {named}, and does not name the other item.",
    Kind.COMPARISON: "The user asks which of the two {assistant} prefers, and names {named} first.",
    Kind.DISAGREEMENT: "The user prefers {named} to the other one, says so, and asks {assistant}; "
    "{assistant} sees it otherwise.",
    Kind.RECOMMENDATION: "The user has to choose between the two, names {named} first, and asks "
    "{assistant} which one to take.",
}


def asking_system(spec: str, names: Names) -> str:
    """The text before every question about topics and questions; ``spec`` has its names filled."""
    return fill(SYSTEM, {**_names(names), "spec": spec})


def answering_system(spec: str, mode: Mode, names: Names) -> str:
    """The text under which the author answers as the assistant."""
    return fill(ANSWER_SYSTEM, {**_names(names), "spec": spec, "style": STYLES[mode]})


def preferring_system(domain: str, names: Names) -> str:
    """The text before every question for preference chats."""
    return fill(PREFERENCES_SYSTEM, {**_names(names), "domain": domain})


def _names(names: Names) -> dict[str, str]:
    return {"assistant": names.assistant, "provider": names.provider}
