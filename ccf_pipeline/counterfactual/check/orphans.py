"""Does anything stand that only continued what went, and does every clause still continue what it did?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from ccf_pipeline.counterfactual.check.case import Case, block, kinds_of
from ccf_pipeline.counterfactual.edit.align import same_words
from ccf_pipeline.reader import Continuation, find_anaphors
from ccf_pipeline.records import Problem, ReasonCode, Sentence

ADVICE = frozenset({"advice", "communication"})
_WORD = re.compile(r"\w+")
_ITEM = re.compile(r"\(?(\d{1,2})[.)]\s")
_BARE_TITLE = re.compile(r"(?:\A|[.:]\s+)[A-Z][A-Za-z ,&/]{2,40}:\s*(?:\Z|(?=[A-Z][A-Za-z ,&/]{2,40}:))")
# "No effusion, accounting for rotation": how the film was taken, or how far the denial holds.
_OF_THE_FILM = re.compile(
    r"(?:accounting|allowing|considering|given|as|on|in|at|within|although|despite|limited|for|by|to)\b"
)
# So much of a clause stands in other words where this share of its words stands.
ALIKE = 0.5


def orphaned_clauses(case: Case) -> Iterator[Problem]:
    """Clauses that lost what they continue, or came to stand behind something else, and bare list numbers."""
    yield from _list_numbers(case)
    yield from _find_bare_titles(case)
    yield from _find_told_of_denied(case)
    continuations = case.factual.continuations(case.study.sentences, case.graph)
    if not continuations:
        return
    is_altered = case.plan.direction == "alter"
    falling = [one for one in continuations if not is_altered and one.falls_with(case.plan.must_cease)]
    yield from _find_orphans(falling, case)
    gone = {sentence.number for sentence in case.gone}
    standing = [one for one in continuations if one not in falling and one.sentence not in gone]
    yield from _find_parted_clauses(standing, case)


def _find_orphans(falling: list[Continuation], case: Case) -> Iterator[Problem]:
    places = {origin: place for place, origin in enumerate(case.edit.origins) if origin}
    for clause in falling:
        place = places.get(clause.sentence)
        orphan = _find_rewritten_clause(clause, case) if place is None else case.edit.sentences[place]
        if orphan is None or (clause.kind == "exception" and _has_an_exception(orphan, case)):
            continue
        yield _make_orphan_problem(clause, orphan, case)


def _make_orphan_problem(clause: Continuation, orphan: Sentence, case: Case) -> Problem:
    words = " ".join(case.study.text[clause.start : clause.end].split())
    went = ", ".join(dict.fromkeys(case.study.text[h.start : h.end] for h in clause.heads))
    code: ReasonCode = "orphaned_advice" if clause.kind in ADVICE else "orphaned_reference"
    mend = "word it without what points back" if clause.is_rewritten else "take it out"
    number = orphan.number
    return block(code, f'Sentence {number} continues what went ("{went}"): "{words}"; {mend}.', orphan)


def _has_an_exception(sentence: Sentence, case: Case) -> bool:
    """True if there is still something that "otherwise" can be other than."""
    now = case.counterfactual.continuations(case.edit.sentences, case.graph)
    return any(one.sentence == sentence.number and one.kind == "exception" for one in now)


def _find_told_of_denied(case: Case) -> Iterator[Problem]:
    """Yield a problem where a denial keeps what described the finding: "no edema, worse on the left"."""
    kinds = frozenset().union(*(kinds_of(case.graph, finding) for finding in case.leaving))
    for sentence in case.written_sentences if kinds else ():
        told = [m for m in case.counterfactual.mentions if sentence.start <= m.start < sentence.end]
        denied = [m.end for m in told if m.concept in kinds and m.polarity == "absent"]
        comma = case.edit.text.find(", ", min(denied), sentence.end) if denied else -1
        if comma < 0 or any(m.start > comma and m.concept not in case.graph.words_of_change for m in told):
            continue
        tail = case.edit.text[comma : sentence.end].rstrip(". ")
        if (
            len(tail.split()) > 2
            and not _OF_THE_FILM.match(tail, 2)
            and any(tail in gone.text for gone in case.gone)
        ):
            message = f'Sentence {sentence.number} denies what "{tail[2:]}" describes; take that out.'
            yield block("orphaned_reference", message, sentence)
            return


def _find_rewritten_clause(clause: Continuation, case: Case) -> Sentence | None:
    """The sentence in which a clause that went with its sentence stands in other words."""
    words = set(_WORD.findall(case.study.text[clause.start : clause.end].lower()))
    now = None
    for sentence in case.written_sentences:
        for anaphor in find_anaphors(sentence.text):
            if anaphor.kind != clause.kind:
                continue
            told = set(_WORD.findall(sentence.text[anaphor.start : anaphor.end].lower()))
            if len(words & told) < ALIKE * len(words | told):
                continue
            now = now or case.counterfactual.continuations(case.edit.sentences, case.graph)
            heads = [h for one in now if one.sentence == sentence.number for h in one.heads]
            if not any(head.sentence in case.written for head in heads):
                return sentence
    return None


def _find_parted_clauses(standing: list[Continuation], case: Case) -> Iterator[Problem]:
    """Clauses between which and what they continue something came to stand."""
    places = {origin: place for place, origin in enumerate(case.edit.origins) if origin}
    for clause in standing:
        place = places[clause.sentence]
        nearest = _find_nearest_head(clause, case)
        if nearest is None or not clause.is_near:
            continue
        kept = [at for origin, at in places.items() if origin <= nearest and at < place]
        after = max(kept, default=-1) + 1
        between = case.edit.sentences[after:place]
        if nearest not in places:
            between = _list_sentences_behind_head(between, clause, case)
        written = [sentence for sentence in between if sentence.number in case.written]
        if written and _is_strange(written, nearest, clause, case):
            message = (
                f"Sentence {written[-1].number} stands between what is told and a sentence that continues it:"
                f' "{" ".join(case.study.text[clause.start : clause.end].split())}"; put it elsewhere.'
            )
            yield block("orphaned_reference", message, written[-1])
            return


def _find_nearest_head(clause: Continuation, case: Case) -> int | None:
    """The last sentence of the clause's own section that it continues."""
    sections = {sentence.number: sentence.section for sentence in case.study.sentences}
    own = [
        n for n in clause.head_sentences if n < clause.sentence and sections[n] == sections[clause.sentence]
    ]
    return max(own, default=None)


def _list_sentences_behind_head(
    between: tuple[Sentence, ...], clause: Continuation, case: Case
) -> tuple[Sentence, ...]:
    """Return what stands behind the sentence that tells the head in other words."""
    told = {concept for head in clause.heads for concept in head.concepts}
    telling = [
        at
        for at, sentence in enumerate(between)
        if any(m.sentence == sentence.number and m.concept in told for m in case.counterfactual.mentions)
    ]
    return between[telling[-1] + 1 :] if telling else ()


def _is_strange(written: list[Sentence], head: int, clause: Continuation, case: Case) -> bool:
    """True if a sentence came between, or one that stood there now tells of something else."""
    numbers = {sentence.number for sentence in written}
    if any(mention.sentence in numbers for mention in case.asserted if mention in case.added):
        return True
    gone = [s for s in case.gone if head < s.number < clause.sentence]
    return len(written) > len(gone)


# --- list numbers and titles -----------------------------------------------------------------------


def _list_numbers(case: Case) -> Iterator[Problem]:
    """A list that was counted from 1 without a gap, and is no more."""
    if not _may_be_counted(case.study.text):
        return
    counted = {
        section for section, numbers in _iter_list_numbers(case.study.sentences) if _is_counted(numbers)
    }
    for section, numbers in _iter_list_numbers(case.edit.sentences):
        if section in counted and not _is_counted(numbers):
            told = ", ".join(map(str, numbers))
            yield block("orphaned_reference", f"A list is numbered {told}; count it anew from 1.")
            return


@lru_cache(maxsize=256)
def _may_be_counted(text: str) -> bool:
    """True if a sentence of a report may begin with a number; remembered for its counterfactuals."""
    return _ITEM.search(text) is not None


def _iter_list_numbers(sentences: tuple[Sentence, ...]) -> Iterator[tuple[str, list[int]]]:
    for section, own in groupby(sentences, key=lambda sentence: sentence.section):
        numbers = [int(item[1]) for sentence in own if (item := _ITEM.match(sentence.text))]
        if numbers:
            yield section, numbers


def _is_counted(numbers: list[int]) -> bool:
    return numbers == list(range(1, len(numbers) + 1))


def _find_bare_titles(case: Case) -> Iterator[Problem]:
    """A title under which nothing is left."""
    for sentence in case.written_sentences:
        if _BARE_TITLE.search(sentence.text) and not any(
            same_words(sentence.text) in same_words(gone.text)
            for gone in case.gone
            if _BARE_TITLE.search(gone.text)
        ):
            message = f"Sentence {sentence.number} is a title without a statement; drop it or say something."
            yield block("orphaned_reference", message, sentence)
            return
