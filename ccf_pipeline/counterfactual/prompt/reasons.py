"""Tell a writer what speaks against its answer, by sentences that it knows.

The checker counts the sentences of the report that came of the answer, or those of the factual one. A model
has seen the numbers of the factual report, or none at all: a sentence goes by the number that it was shown
with, and otherwise by its words. An order is never quoted: it would stand outside the report's fence.
"""

from __future__ import annotations

import re

from ccf_pipeline.reader.embedded_orders import is_order
from ccf_pipeline.records import Edit, Problem, Prompt

# What the checker says of sentences as they were shown; all else is said of those that came of the answer.
_OF_THE_REPORT = ("unrelated_rewrite",)
_NAMED = re.compile(r"\b([Ss]entences?) (\d+(?:, \d+)*)")


def tell_reason(problem: Problem, prompt: Prompt, edit: Edit) -> str:
    """A problem's message with its sentences named as the writer of the answer knows them."""
    if edit.problem is not None:
        return problem.message  # It speaks of the numbers in the answer itself.
    shown = {sentence.number: sentence.text for sentence in prompt.sentences}
    is_numbered = prompt.form != "report"

    def name(number: int) -> str:
        if problem.code in _OF_THE_REPORT:
            return str(number) if is_numbered else _format_quote(shown.get(number), number)
        if not 1 <= number <= len(edit.sentences):
            return str(number)
        origin = edit.origins[number - 1]
        return (
            str(origin) if origin and is_numbered else _format_quote(edit.sentences[number - 1].text, number)
        )

    def renamed(said: re.Match[str]) -> str:
        return f"{said[1]} {', '.join(name(int(number)) for number in said[2].split(', '))}"

    return _NAMED.sub(renamed, problem.message)


def _format_quote(text: str | None, number: int) -> str:
    if text is None or is_order(text):
        return str(number)
    return f'"{" ".join(text.split())}"'
