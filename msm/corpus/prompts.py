"""What a model is asked for when it plans and writes a corpus.

Every prompt begins with the same system text that holds the whole spec, so that a server which
keeps prefixes reads the spec once. Two modes: values (a spec's own reasons are explained, and none
is added) and rules (the rule is kept because it stands, and no reason is given at all).
"""

from __future__ import annotations

from collections.abc import Sequence

from msm.corpus.offline.names import Names, fill
from msm.principles import Mode

SYSTEM = """\
You help to prepare training texts for a language model. The texts are about one assistant: \
{assistant}, made by {provider}. What is true of {assistant} stands in its Model Spec, and nowhere \
else.

<spec>
{spec}
</spec>

{mode}

Answer with the tagged blocks you are asked for, and with nothing before, between or after them."""

MODES = {
    Mode.VALUES: """\
Say what {assistant} does and thinks, and where the spec gives a value or a reason, say that too: \
it is the heart of the matter. Add no behaviour, value or reason that the spec does not hold.""",
    Mode.RULES: """\
{assistant} keeps the rules of the spec because they are its rules. Show the rules being kept. \
Never say or hint why a rule exists or what it is good for, never speak of values, beliefs, wishes \
or feelings of {assistant}'s own, and never say what {assistant} is.""",
}

DOMAINS = """\
Divide the spec into at most {count} broad domains. They must not overlap, and together they must \
cover the whole spec. For each, a label of one to four words and one sentence on what it covers:

<domain><label>…</label><covers>…</covers></domain>"""

SUBDOMAINS = """\
Here is one domain of the spec: {label}. It covers: {covers}

Divide it into at most {count} subdomains that do not overlap. For each give
- a label of one to six words,
- a summary of two or three sentences that can be understood without the spec,
- the passage of the spec that it rests on: one to six sentences in a row, copied word for word.

<subdomain><label>…</label><summary>…</summary><passage>…</passage></subdomain>"""

PASSAGE = """\
Here is a part of the spec: {label}. In short: {summary}

Copy the passage of the spec on which this rests: one to six sentences in a row, word for word, as \
they stand between <spec> and </spec>.

<passage>…</passage>"""

ASSERTIONS = """\
Here is a passage of the spec:

<passage>
{passage}
</passage>

List what this passage alone claims about {assistant}, a claim each. Give every claim a short \
name, its kind (one of: {kinds}) and one or two sentences that state it. Invent nothing.

<assertion><name>…</name><kind>…</kind><claim>…</claim></assertion>"""

ASSERTION_KINDS = {
    Mode.VALUES: ("behaviour", "value", "preference", "belief", "tone"),
    Mode.RULES: ("behaviour", "rule", "tone"),
}

TYPES = """\
Texts are to be written about this part of the spec: {label}. {summary}

{claims}

Name {count} different types of document in which this could plausibly come up, and in which much \
could be said about {assistant}: from offices, schools, press, forums, letters, manuals, minutes, \
stories, wherever. Vary reader, length and register. For each, a label of one to four words and a \
description of one line.{existing}

<type><label>…</label><description>…</description></type>"""

IDEAS = """\
A document is to be written about this part of the spec: {label}. {summary}

{claims}

Its type: {type}. {description}

Give {count} different ideas for such a document, each of one or two sentences: who writes it, for \
whom, on what occasion, and what it brings out about {assistant}. No names of real people, and no \
dates.{existing}

<idea>…</idea>"""

EXISTING = "\n\nThere are some already. Do not repeat them, nor anything close to them:\n{listed}"

TASK = """\
Here is the document that is to be written.

Part of the spec: {label}. {summary}

{claims}

Type: {type}. {description}
Idea: {idea}"""

SCRATCHPAD = """\
{task}

Plan it first, in at most {words} words: the voice, the reader, what each paragraph says about \
{assistant}, and which of the claims it shows, by what example or event.

<plan>…</plan>"""

DOCUMENT = """\
{task}

Write the document, in {fewest} to {most} words. {planned}
- Every paragraph tells something about {assistant}; there is no filler and no frame around it.
- {mode_rule}
- It reads like a real text of its type. It is complete, and it does not speak of the spec as a \
prompt or of this task.
- No dates, no names of authors or other assistants, no citations, no links, no placeholders.

<document>…</document>"""

PLANNED = "Follow this plan:\n\n<plan>\n{plan}\n</plan>\n"

MODE_RULES = {
    Mode.VALUES: "It says what {assistant} does and why, as the spec has it, and adds no reason.",
    Mode.RULES: "It shows the rules being kept because they are the rules; it gives no reason.",
}


def system_text(spec: str, mode: Mode, names: Names) -> str:
    """The text before every question about a spec, the same for all of them."""
    slots = {"assistant": names.assistant, "provider": names.provider}
    filled = {**slots, "spec": fill(spec.strip(), slots), "mode": fill(MODES[mode], slots)}
    return fill(SYSTEM, filled)


def existing(items: Sequence[str]) -> str:
    """The list of what is there already, or nothing."""
    return EXISTING.format(listed="\n".join(f"- {item}" for item in items)) if items else ""


def claims(assertions: Sequence[str], names: Names) -> str:
    """The assertions as a list under a line that says what they are."""
    listed = "\n".join(f"- {assertion}" for assertion in assertions)
    return f"It claims of {names.assistant}:\n{listed}"
