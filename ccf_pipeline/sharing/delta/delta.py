"""A text in pieces: new letters, words of the study's own report, and phrases that other reports hold.

No new piece holds four words in a row of any report, three of which one is rare, or a rare word of the
study's own report. Kept sentences, however short, and words that could point to a person are copied too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile

from ccf_pipeline.counterfactual.check.privacy import IDENTIFIER
from ccf_pipeline.reader.sentences import split_report
from ccf_pipeline.sharing.delta.words import SHINGLE, TELLING, Shingle, Words, is_rare, words_of
from ccf_pipeline.sharing.nouns import Form, Piece, Respelling, Source

# Runs that repeat themselves begin at many places; the first few are enough to find a long one.
_MOST_BEGINNINGS = 16
_FORMS: dict[Form, Callable[[str], str]] = {
    "same": str,
    "lower": str.lower,
    "title": lambda word: word[:1].upper() + word[1:].lower(),
    "upper": str.upper,
}
_ENDS = frozenset(".!?:;\n")


class SourceReport:
    """A report to copy from, with its runs, short sentences and identifying words found beforehand."""

    def __init__(self, text: str) -> None:
        self.words = Words(text)
        self._runs: dict[Shingle, list[int]] = {}
        for place, shingle in self.words.runs():
            self._runs.setdefault(shingle, []).append(place)
        self._short = self._find_short_sentences(text)
        self._identifying = self._find_identifying_words(text)

    def copy_of(self, target: Words, at: int) -> tuple[int, int]:
        """The words here that begin at `at` of the target: (first, count); nothing to copy counts 0."""
        first, count = self._find_longest_run(target.keys, at)
        if count:
            return first, count
        # Shorter than a run: only as a whole sentence, or single words would be copied from anywhere in the
        # report.
        if _is_sentence_begin(target, at):
            for count in range(min(SHINGLE - 1, len(target) - at), 0, -1):
                found = self._short.get(tuple(target.keys[at : at + count]))
                if found is not None and _is_sentence_end(target, at + count - 1):
                    return found, count
        single = self._identifying.get(target.keys[at])
        return (single, 1) if single is not None else (0, 0)

    def holds(self, shingle: Shingle) -> bool:
        return shingle in self._runs

    def _find_longest_run(self, keys: list[str], at: int) -> tuple[int, int]:
        source = self.words.keys
        best_first = best = 0
        # Found by their first words, then read on for as long as both agree.
        for first in self._runs.get(tuple(keys[at : at + SHINGLE]), ())[:_MOST_BEGINNINGS]:
            count = SHINGLE
            most = min(len(source) - first, len(keys) - at)
            while count < most and source[first + count] == keys[at + count]:
                count += 1
            if count > best:
                best_first, best = first, count
        return best_first, best

    def _find_short_sentences(self, text: str) -> dict[Shingle, int]:
        found: dict[Shingle, int] = {}
        for _, start, end in split_report(text):
            inside = [n for n, (a, b) in enumerate(self.words.spans) if a >= start and b <= end]
            if 0 < len(inside) < SHINGLE:
                found.setdefault(tuple(self.words.keys[n] for n in inside), inside[0])
        return found

    def _find_identifying_words(self, text: str) -> dict[str, int]:
        """Numbers, blanks, rare words, and the words of names, dates and ages."""
        spans = [match.span() for match in IDENTIFIER.finditer(text)]
        found: dict[str, int] = {}
        for n, ((a, b), key) in enumerate(zip(self.words.spans, self.words.keys, strict=True)):
            told = any(start < b and a < end for start, end in spans)
            if told or "_" in key or any(letter.isdigit() for letter in key) or is_rare(key):
                found.setdefault(key, n)
        return found


@lru_cache(maxsize=64)
def source_report(text: str) -> SourceReport:
    """Remembered, for the texts of one study come one after the other."""
    return SourceReport(text)


def cut_into_pieces(
    text: str, source: str, phrases: Mapping[Shingle, int], borrowed: Iterable[Shingle] = ()
) -> tuple[Piece, ...]:
    """The pieces that make `text` again, to the letter.

    Args:
        source: the study's own report.
        phrases: the number of every run of words that is to be copied from other reports.
        borrowed: runs among them that are copied as a whole, before all else: sentences of other reports.
    """
    target = Words(text)
    report = source_report(source)
    pieces = _Pieces()
    whole = _find_runs(target.keys, borrowed)
    at = 0
    while at < len(target):
        pieces.add_new(target.before(at))
        runs = (whole.get(at, ()), *(tuple(target.keys[at : at + size]) for size in (SHINGLE, TELLING)))
        run = next((run for run in runs if run in phrases), ())
        # Nothing is copied into the beginning of a borrowed sentence: its end would then be told as new.
        most = min((begin for begin in whole if begin > at), default=len(target)) - at
        first, count = report.copy_of(target, at) if at not in whole else (0, 0)
        count = min(count, most)
        if count:
            pieces.copy("report", -1, report.words, first, target, at, count)
        elif run:
            count = min(len(run), most)
            pieces.copy("phrase", phrases[run], words_of(phrase_text(run)), 0, target, at, count)
        else:
            count = 1
            pieces.add_new(target.word(at))
        at += count
    pieces.add_new(target.after(len(target) - 1) if len(target) else text)
    return pieces.all()


def _find_runs(keys: Sequence[str], runs: Iterable[Shingle]) -> dict[int, Shingle]:
    """Return where runs begin, the longest first; no two of them overlap."""
    longest_first = sorted(runs, key=lambda run: (-len(run), run))
    found: dict[int, Shingle] = {}
    at = 0
    while longest_first and at < len(keys):
        run = next((run for run in longest_first if tuple(keys[at : at + len(run)]) == run), None)
        if run is not None:
            found[at] = run
        at += len(run or (at,))
    return found


def join_pieces(pieces: Iterable[Piece], source: str, phrases: Mapping[int, str]) -> str | None:
    """The text again; None where the pieces do not fit the report or the phrases."""
    texts = []
    for piece in pieces:
        if piece.source == "new":
            texts.append(piece.text)
            continue
        copied_from = words_of(source if piece.source == "report" else phrases.get(piece.phrase, ""))
        if piece.first < 0 or piece.count < 1 or piece.first + piece.count > len(copied_from):
            return None
        places = range(piece.first, piece.first + piece.count)
        spelled = [copied_from.word(place) for place in places]
        for respelled in piece.respelled:
            if not 0 <= respelled.word < len(spelled):
                return None
            spelled[respelled.word] = _respell(spelled[respelled.word], respelled)
        gaps = [copied_from.after(place) for place in places[:-1]]
        texts.append("".join(word + gap for word, gap in zip(spelled, [*gaps, ""], strict=True)))
    return "".join(texts)


def _find_respellings(before: Sequence[str], after: Sequence[str]) -> Iterator[Respelling]:
    """How words become others of the same key; the form that keeps most letters is taken."""
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        kept, form = max((_count_common(write(old), new), form) for form, write in _FORMS.items())
        yield Respelling(word=place, form=form, keep=kept, suffix=new[kept:])


def _count_common(a: str, b: str) -> int:
    """Return how many letters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _respell(word: str, respelled: Respelling) -> str:
    return _FORMS[respelled.form](word)[: respelled.keep] + respelled.suffix


def phrase_text(keys: Iterable[str]) -> str:
    """Return how a phrase is spelled before a row respells it."""
    return " ".join(keys)


def foreign_shingles(text: str, source: str) -> Iterator[Shingle]:
    """Every telling run of words that the study's own report lacks: those that others hold become phrases.

    All of the text is looked at, not only what would be new: where a phrase ends decides what is copied next.
    """
    own = source_report(source)
    return (run for _, run in words_of(text).runs() if not own.holds(run))


class _Pieces:
    """Pieces in the making; what is new is gathered until something is copied."""

    def __init__(self) -> None:
        self._done: list[Piece] = []
        self._new = ""

    def add_new(self, text: str) -> None:
        self._new += text

    def copy(
        self,
        kind: Source,
        phrase: int,
        source: Words,
        first: int,
        target: Words,
        at: int,
        count: int,
    ) -> None:
        """Copy words; where what stands between two of them differs, a new piece stands there."""
        begin = 0
        for last in range(count):
            if last + 1 < count and source.after(first + last) == target.after(at + last):
                continue
            self._end_new()
            here, there = (
                [words.word(n) for n in range(place + begin, place + last + 1)]
                for words, place in ((source, first), (target, at))
            )
            self._done.append(
                Piece(
                    source=kind,
                    phrase=phrase,
                    first=first + begin,
                    count=last - begin + 1,
                    respelled=tuple(_find_respellings(here, there)),
                )
            )
            if last + 1 < count:
                self.add_new(target.after(at + last))
            begin = last + 1

    def all(self) -> tuple[Piece, ...]:
        self._end_new()
        return tuple(self._done)

    def _end_new(self) -> None:
        if self._new:
            self._done.append(Piece(source="new", text=self._new))
        self._new = ""


def _is_sentence_begin(words: Words, at: int) -> bool:
    return at == 0 or not _ENDS.isdisjoint(words.before(at))


def _is_sentence_end(words: Words, at: int) -> bool:
    return at + 1 >= len(words) or not _ENDS.isdisjoint(words.after(at))
