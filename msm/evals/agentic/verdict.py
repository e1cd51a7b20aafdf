"""The judge's verdict, read strictly: yes, no, or nothing.

Upstream guesses from single words where the answer tag is missing ("any yes without a no"); here
an answer that is not in the asked form is no verdict, and its sample is ungraded.
"""

from __future__ import annotations

import re

from msm.llm.tagged import without_thoughts

ANSWER = re.compile(r"<answer>\W*(\w+)\W*?(?:</answer>|\Z)", re.IGNORECASE)


def read_verdict(completion: str) -> bool | None:
    """True for yes, False for no, None if the answer tag is missing, unclear or contradictory.

    Answer tags inside the reasoning are the judge's quotations, so they are left out.
    """
    words = {word.lower() for word in ANSWER.findall(without_thoughts(completion))}
    return {frozenset({"yes"}): True, frozenset({"no"}): False}.get(frozenset(words))
