"""A report that was written anew → the steps that make it from the factual one.

The steps keep what the two share in the factual report's own words and layout: line breaks, headings and
list numbers as a model writes them would tell the sides of a pair apart.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from ccf_pipeline.counterfactual.edit.align import same_words
from ccf_pipeline.counterfactual.edit.scripts import Steps
from ccf_pipeline.reader.sentences import split_report
from ccf_pipeline.records import Sentence, SentenceEdit, Study

_BOLD = re.compile(r"\*\*|^\s{0,3}#{1,4}\s+", re.MULTILINE)
_SHOWN_NUMBER = re.compile(r"(?:^|(?<=\s))\[\d{1,3}\]\s*", re.MULTILINE)
_LEAD_IN = re.compile(r"\A[^\n]{0,200}:\s*\Z")


def steps_between(study: Study, text: str) -> Steps | str:
    """The steps from a study to a report written for it; or why its sections cannot be told."""
    headings = list(dict.fromkeys(sentence.section for sentence in study.sentences))
    sections = _split_sections(_strip_markup(text, study.text), headings)
    if isinstance(sections, str):
        return sections
    steps: list[SentenceEdit] = []
    for heading in headings:
        before = [sentence for sentence in study.sentences if sentence.section == heading]
        steps += _compare_section(before, sections.get(heading, []))
    return tuple(steps)


def _strip_markup(text: str, report: str) -> str:
    """Without bold type and sentence numbers, where the report has none itself."""
    if not _BOLD.search(report):
        text = _BOLD.sub("", text)
    if not _SHOWN_NUMBER.search(report):
        text = _SHOWN_NUMBER.sub("", text)
    return text


def _split_sections(text: str, headings: list[str]) -> dict[str, list[str]] | str:
    """The sentences of a report by heading; an announcement before the first heading is left out."""
    sections: dict[str, list[str]] = {}
    for heading, start, end in split_report(text):
        sections.setdefault(heading, []).append(" ".join(text[start:end].split()))
    if "" not in headings and "" in sections:
        if len(headings) == 1 and len(sections) == 1:
            return {headings[0]: sections[""]}
        if not _LEAD_IN.match(" ".join(sections.pop(""))):
            return f"Text stands before the first heading; begin with {headings[0].upper()}:."
    new = next((heading for heading in sections if heading not in headings), None)
    if new is not None:
        return f"The heading {new.upper()} is new; keep the headings as they are."
    if not sections:
        return f"The answer is no report; begin with {headings[0].upper()}:."
    if [heading for heading in headings if heading in sections] != list(sections):
        return "The headings stand in another order; keep them as they are."
    return sections


def _compare_section(before: list[Sentence], after: list[str]) -> Iterator[SentenceEdit]:
    matcher = difflib.SequenceMatcher(
        None, [same_words(s.text) for s in before], [same_words(text) for text in after], autojunk=False
    )
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            continue
        old, new = before[a:b], after[c:d]
        if not old and a == 0:
            # Nothing stands before the first sentence to put it after.
            yield _make_step("replace", before[0].number, " ".join((*new, before[0].text)))
            continue
        for sentence, words in zip(old, new, strict=False):
            yield _make_step("replace", sentence.number, words)
        for sentence in old[len(new) :]:
            yield _make_step("drop", sentence.number)
        for words in new[len(old) :]:
            yield _make_step("insert", before[b - 1].number, words)


def _make_step(action: str, number: int, text: str = "") -> SentenceEdit:
    return SentenceEdit.model_validate({"action": action, "number": number, "text": text})
