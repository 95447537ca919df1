"""Is it still a report in the same form: its headings, its end, no markup, no talk of the task?"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from ccf_pipeline.counterfactual.check.case import Case, block, warn
from ccf_pipeline.counterfactual.edit.unwrap import fault_of_letters
from ccf_pipeline.reader.embedded_orders import is_order
from ccf_pipeline.reader.letters import INVISIBLE
from ccf_pipeline.reader.pattern_hints import any_of
from ccf_pipeline.records import Problem

MARKUP = re.compile(r"```|[{}]|</?[a-z_|]+>|\*\*|__[A-Za-z]|^\s*#{1,4}\s|^\s*[-*•]\s|\\n", re.MULTILINE)
_hints_at_markup = any_of("`{}<*#•\\")
_UNDERSCORED = re.compile(r"__[A-Za-z]")
_DASH = re.compile(r"-\s")
HEADING = re.compile(r"[ \t]*([A-Za-z][A-Za-z /&]{2,40}?)[ \t]*:")
TALK = re.compile(
    r"""\b(?:counter-?factual|(?:edited|modified|revised|rewritten|updated|original|factual)\ report
        |(?:the|this)\ (?:above|following)\ report|as\ requested|minimal\ edits?
        |concept\ graph|target\ (?:finding|diagnosis|disease|label)|as\ an\ ai|language\ model
        |changes?\ (?:made|applied)|i\ (?:have|'ve)\ (?:changed|edited|modified|added|removed|replaced)
        |i\ (?:changed|added|removed|replaced|modified)|let\ me\ know
        |hope\ this\ helps|i\ cannot|i\ can't|i'm\ sorry)\b
      | \A\s*(?:sure|certainly|of\ course|okay|here\ (?:is|are|'s)|here's|below\ is|absolutely)\b
      | \b(?:note|explanation|rationale|reasoning|edit|output|answer|response)s?:\s""",
    re.IGNORECASE | re.VERBOSE,
)
# Cheap to ask; nearly every sentence has none of them. What only begins a text is not among them.
_hints_at_talk = any_of((
    "factual", " report", "requested", "minimal edit", "concept graph", "target ", "as an ai",
    "language model", " made", " applied", "i have", "i've", "i changed", "i added", "i removed",
    "i replaced", "i modified", "let me know", "hope this helps", "i cannot", "i can't", "i'm sorry", ":",
))  # fmt: skip
ENDS = tuple(".!?:;)]\"'_")
LENGTHS = (0.6, 1.67)
LOOP = 3


def shape_faults(case: Case) -> Iterator[Problem]:
    """JSON, markup, an echo of the task, a text that breaks off, other headings, a loop."""
    before, after = case.study.text, case.edit.text
    if not case.edit.sentences:
        yield block("format_broken", "Nothing is left of the report.")
        return
    if fault := _find_letter_fault(after, before):
        yield block("format_broken", fault)
    if _has_marks(after) and len(MARKUP.findall(after)) > len(MARKUP.findall(before)):
        yield block("format_broken", "The text carries markup; write plain sentences.")
    if _is_talking(case) or _has_new_orders(case):
        yield block("format_broken", "The text speaks of the task; write the report and nothing else.")
    yield from _find_cut_sentences(case)
    if before.rstrip().endswith(ENDS) and not after.rstrip().endswith(ENDS) and _is_last_new(case):
        yield block("format_broken", "The text breaks off; write it to its end.")
    yield from _check_headings(before, after)
    yield from _find_loops(case)


def _find_cut_sentences(case: Case) -> Iterator[Problem]:
    """Yield a problem for a sentence that lost its end: "No effusion, but the heart.", "The lungs are."."""
    for sentence in case.written_sentences:
        words = re.findall(r"[\w'’-]+", sentence.text.lower())
        is_open = bool(words) and words[-1] in _NEVER_LAST
        phrase = _LAST_PHRASE.search(sentence.text)
        if phrase is not None and not is_open:
            went_on = re.compile(rf"\b{re.escape(phrase[1])}\s+{_COPULA}\b", re.IGNORECASE)
            is_open = any(went_on.search(gone.text) for gone in case.gone)
        if is_open and not any(gone.text.lower().endswith(sentence.text.lower()) for gone in case.gone):
            yield block(
                "format_broken", f"Sentence {sentence.number} breaks off; write it to its end.", sentence
            )
            return


_COPULA = r"(?:is|are|was|were|appears?|remains?|seems?|has|have|shows?|demonstrates?)"
# A noun phrase that ends a sentence, behind a joint or alone.
_LAST_PHRASE = re.compile(
    r"(?:\A|[,;]\s+|\b(?:but|and|while|although)\s+)((?:the|an?|both)\s[\w\s-]{2,40}?)[.;]?\s*\Z",
    re.IGNORECASE,
)
_NEVER_LAST = frozenset(
    ["the", "a", "an", "of", "with", "without", "no", "and", "or", "but", "is", "are", "was", "were", "than",
     "from", "to", "at", "by", "for", "there", "which", "because", "although", "while", "due", "very", "more",
     "less", "nor"]
)  # fmt: skip


def _find_letter_fault(after: str, before: str) -> str | None:
    """Return what is wrong with the letters that only the counterfactual has, or None."""
    if after.isascii() and after.replace("\n", "").isprintable():
        return None
    new = set(after) - set(before) - set("\n\r\t")
    if any(unicodedata.category(letter) in INVISIBLE for letter in new):
        return "The text holds characters that cannot be seen; write plain words."
    return fault_of_letters([after], before)


def _has_marks(text: str) -> bool:
    """True if a text holds anything that markup is made of; a hyphen in a word or a blank is not."""
    if _hints_at_markup(text):
        return True
    return ("_" in text and _UNDERSCORED.search(text) is not None) or (
        "-" in text and _DASH.search(text) is not None
    )


def _is_talking(case: Case) -> bool:
    """True if a sentence that was written speaks of the task, or the text begins by announcing itself."""
    head = case.edit.text[:80]
    written = "\n".join([s.text for s in case.written_sentences])
    announces = not case.study.text.startswith(head[:20]) and TALK.match(head) is not None
    if not announces and not _has_words_of_the_task(written):
        return False
    found = Counter(found.lower() for found in TALK.findall(case.edit.text))
    return bool(found - Counter(found.lower() for found in TALK.findall(case.study.text)))


def _has_new_orders(case: Case) -> bool:
    orders = [" ".join(s.text.split()) for s in case.written_sentences if is_order(s.text)]
    if not orders:
        return False
    known = {" ".join(sentence.text.split()) for sentence in case.study.sentences}
    return any(order not in known for order in orders)


def _is_last_new(case: Case) -> bool:
    return case.edit.sentences[-1].number in case.written or case.edit.text.rstrip() != case.edit.text


def _check_headings(before: str, after: str) -> Iterator[Problem]:
    was, now = _list_headings(before), _list_headings(after)
    missing = [heading for heading in was if heading not in now]
    if missing:
        names = ", ".join(heading.upper() for heading in missing)
        yield block("format_broken", f"The heading {names} is gone; keep the headings as they are.")
    elif [heading for heading in now if heading in was] != was:
        yield block("format_broken", "The headings stand in another order; keep them as they are.")
    new = [heading for heading in now if heading in SECTIONS and heading not in was]
    if new and not missing:
        yield block("format_broken", f"The heading {new[0].upper()} is new; keep the headings as they are.")


SECTIONS = frozenset(
    ["findings", "impression", "conclusion", "diagnosis", "summary", "history", "indication", "comparison",
     "technique", "examination", "recommendation", "report", "final report", "opinion"]
)  # fmt: skip


@lru_cache(maxsize=4096)
def _has_words_of_the_task(written: str) -> bool:
    if _hints_at_talk(written.lower()):
        return TALK.search(written) is not None
    return TALK.match(written) is not None


@lru_cache(maxsize=1024)
def _list_headings(text: str) -> list[str]:
    """Headings at the beginnings of lines, and those of sections wherever they stand in capitals."""
    lines = filter(None, map(HEADING.match, text.split("\n")))
    found = [match.group(1).strip().lower() for match in lines]
    return list(dict.fromkeys(found))


def _find_loops(case: Case) -> Iterator[Problem]:
    texts = [sentence.text for sentence in case.edit.sentences]
    if len(texts) == len(set(texts)):
        return
    now = Counter(texts)
    was = Counter([sentence.text for sentence in case.study.sentences])
    doubled = Counter([(s.section, s.text) for s in case.written_sentences])
    for sentence in case.written_sentences:
        if doubled[sentence.section, sentence.text] > 1 and not was[sentence.text]:
            yield block(
                "format_broken", f"Sentence {sentence.number} is written twice; write it once.", sentence
            )
            return
    for text, count in now.items():
        if count >= LOOP and count > was[text] + 1:
            again = [sentence for sentence in case.edit.sentences if sentence.text == text][-1]
            yield block("format_broken", f"A sentence is repeated {count} times; write it once.", again)
            return


def length_parity(case: Case) -> Iterator[Problem]:
    """A pair whose sides differ much in length can be told apart without reading."""
    before, after = case.lengths
    ratio = after / max(1, before)
    if before >= 20 and not LENGTHS[0] <= ratio <= LENGTHS[1]:
        longer = "longer" if ratio > 1 else "shorter"
        yield warn("length_parity", f"The text is much {longer} than the report; keep about its length.")
