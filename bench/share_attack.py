"""How much of reports that a stranger never saw can be guessed from a share, with other reports in hand?

Builds from a corpus with the rules expert and shares it. The attacker holds OTHERS of its reports and the
share, and guesses every hidden piece of the other studies' rows from the words that stand around it: once
from these neighbours alone, once with the order of the phrases' numbers too, taken for an alphabet. From L0
the report of a study with the same labels is taken. Order may not help: the script fails where it does.

.venv/bin/python bench/share_attack.py [STUDIES | KIND:PATH] [--write]
"""

from __future__ import annotations

import random
import sys
import tempfile
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from ccf_pipeline.sharing.data import read_phrases, read_rows
from ccf_pipeline.sharing.delta.words import SHINGLE, Shingle, shingles, words_of
from ccf_pipeline.sharing.nouns import DeltaRow, Piece, RecipeRow
from ccf_pipeline.sharing.share import FinishedBuild, share

OTHERS = 1_400
LONGEST = 8
ALLOWED_GAIN = 0.02
"""Chance alone moves the precision of some hundred guesses by this much."""

RESULTS = Path(__file__).parent / "results" / "share_attack.md"


@dataclass
class Attacker:
    """What follows and precedes what in the reports at hand."""

    reports: Mapping[str, list[str]]
    after: dict[tuple[str, int], Counter[Shingle]] = field(default_factory=lambda: defaultdict(Counter))
    before: dict[tuple[str, int], Counter[Shingle]] = field(default_factory=lambda: defaultdict(Counter))

    def __post_init__(self) -> None:
        for keys in self.reports.values():
            for size in range(1, LONGEST + 1):
                for at, run in enumerate(shingles(keys, size)):
                    self.after[keys[at - 1] if at else "", size][run] += 1
                    self.before[keys[at + size] if at + size < len(keys) else "", size][run] += 1

    def guess(self, hidden: Hidden, low: Shingle = (), high: Shingle | None = None) -> Shingle | None:
        """The run that stands most often between such neighbours; between two others in the alphabet."""
        found: Counter[Shingle] = Counter()
        for left, right in hidden.neighbours:
            found.update(self.after[left, hidden.words] if left is not None else {})
            found.update(self.before[right, hidden.words] if right is not None else {})
        fitting = ((count, run) for run, count in found.items() if low <= run and (not high or run <= high))
        return max(fitting, default=(0, None))[1]


@dataclass
class Hidden:
    """Words that the share does not tell, and the words that it tells beside them."""

    words: int
    truth: Shingle
    number: int = -1
    neighbours: list[tuple[str | None, str | None]] = field(default_factory=list)


@dataclass
class Tally:
    """Guesses and how many were right."""

    hidden: int = 0
    guessed: int = 0
    right: int = 0

    def count(self, hidden: Hidden, guess: Shingle | None) -> None:
        self.hidden += 1
        self.guessed += guess is not None
        self.right += guess == hidden.truth

    @property
    def precision(self) -> float:
        return self.right / max(1, self.guessed)

    def __str__(self) -> str:
        recall = self.right / max(1, self.hidden)
        return f"{self.right:>6} of {self.hidden} right, recall {recall:.3f}, precision {self.precision:.3f}"


def main(words: Sequence[str], *, write: bool) -> None:
    told: list[str] = []

    def tell(what: str, found: object) -> None:
        told.append(f"{what:34} {found}")
        print(told[-1], flush=True)

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        corpus = open_corpus(words[0] if words else "1800", folder)
        build = folder / "build"
        walk.build(BuildSettings(out=build, corpus=corpus))
        for level in ("L0", "L1"):
            share(build, folder / level, level=level, permission="a measurement; nothing leaves")
        gain = attack(folder, FinishedBuild.open(build), tell)
    if write:
        told_again = "\n".join(told)
        RESULTS.write_text(
            f"# Guessing what a share hides\n\nWritten by `python bench/share_attack.py {' '.join(words)}"
            f" --write`.\n\n```\n{told_again}\n```\n",
            encoding="utf-8",
        )
    if gain > ALLOWED_GAIN:
        sys.exit(f"order helps the attacker: precision rises by {gain:.3f}")


def open_corpus(named: str, folder: Path) -> CorpusSettings:
    if not named.isdigit():
        kind, _, path = named.partition(":")
        return CorpusSettings.model_validate({"kind": kind, "path": path})
    write_demo_corpus(folder / "corpus", studies=int(named), seed=7, images=False)
    return CorpusSettings(kind="demo", path=folder / "corpus")


def attack(folder: Path, finished: FinishedBuild, tell: Callable[[str, object], None]) -> float:
    """Guess all that is hidden of the studies that the attacker lacks; returns what order brings."""
    reports = {study_id: words_of(text).keys for study_id, text in finished.reports()}
    held = set(random.Random(0).sample(sorted(reports), min(OTHERS, len(reports) * 7 // 9)))
    attacker = Attacker({study_id: reports[study_id] for study_id in held})
    tell("reports, and those in hand", f"{len(reports)}, {len(held)}")

    tell("L0: 4 words of a like report", guess_from_labels(folder / "L0", reports, held))

    known = {
        phrase.number: tuple(reports[place.study_id][place.first : place.first + phrase.words])
        for phrase in read_phrases(folder / "L1")
        for place in phrase.places
    }
    told = {
        phrase.number
        for phrase in read_phrases(folder / "L1")
        if any(place.study_id in held for place in phrase.places)
    }
    own, phrases = hide(folder / "L1", reports, held, known, told)
    tell("L1: phrases at the attacker's places", f"{len(told)} of {len(known)}")
    copied = Tally()
    for hidden in own:
        copied.count(hidden, attacker.guess(hidden))
    tell("L1: words of the own report", copied)
    alone, ordered = Tally(), Tally()
    anchors = sorted(told)
    for hidden in phrases:
        alone.count(hidden, attacker.guess(hidden))
        at = bisect_left(anchors, hidden.number)
        low = known[anchors[at - 1]] if at else ()
        above = bisect_right(anchors, hidden.number)
        high = known[anchors[above]] if above < len(anchors) else None
        ordered.count(hidden, attacker.guess(hidden, low, high))
    tell("L1: phrases, by neighbours alone", alone)
    tell("L1: phrases, by their order too", ordered)
    return ordered.precision - alone.precision


def hide(
    shared: Path,
    reports: Mapping[str, list[str]],
    held: set[str],
    known: Mapping[int, Shingle],
    told: set[int],
) -> tuple[list[Hidden], list[Hidden]]:
    """The hidden pieces of other studies: of their own reports, and the phrases in nobody's hand."""
    own: dict[tuple[str, int, int], Hidden] = {}
    phrases: dict[int, Hidden] = {}
    for row in read_rows(shared, DeltaRow):
        if row.study_id in held:
            continue
        for delta in row.texts:
            for at, piece in enumerate(delta.pieces):
                if piece.source == "new" or piece.count > LONGEST or piece.phrase in told:
                    continue
                beside = (
                    visible(delta.pieces[at - 1 : at], known, told, -1) if at else "",
                    visible(delta.pieces[at + 1 : at + 2], known, told, 0),
                )
                if piece.source == "phrase":
                    truth = known[piece.phrase]
                    if piece.count == len(truth):
                        found = phrases.setdefault(piece.phrase, Hidden(len(truth), truth, piece.phrase))
                        found.neighbours.append(beside)
                else:
                    truth = tuple(reports[row.study_id][piece.first : piece.first + piece.count])
                    place = (row.study_id, piece.first, piece.count)
                    own.setdefault(place, Hidden(piece.count, truth)).neighbours.append(beside)
    return list(own.values()), list(phrases.values())


def visible(pieces: Sequence[Piece], known: Mapping[int, Shingle], told: set[int], side: int) -> str | None:
    """The word of a neighbouring piece that touches, where the attacker can read it."""
    for piece in pieces:
        if piece.source == "new":
            keys = words_of(piece.text).keys
            return keys[side] if keys else None
        if piece.phrase in told:
            return known[piece.phrase][side]
    return None


def guess_from_labels(shared: Path, reports: Mapping[str, list[str]], held: set[str]) -> Tally:
    """Take for every study the report in hand whose labels are the same."""
    labels = {row.study_id: row.factual_labels for row in read_rows(shared, RecipeRow)}
    like = {labels[study_id]: study_id for study_id in sorted(held & labels.keys())}
    tally = Tally()
    for study_id, its in labels.items():
        if study_id in held:
            continue
        guessed = set(iter_runs(reports[like[its]])) if its in like else set()
        truth = set(iter_runs(reports[study_id]))
        tally.hidden += len(truth)
        tally.guessed += len(guessed)
        tally.right += len(truth & guessed)
    return tally


def iter_runs(keys: list[str]) -> Iterator[Shingle]:
    return shingles(keys, SHINGLE)


if __name__ == "__main__":
    main([word for word in sys.argv[1:] if word != "--write"], write="--write" in sys.argv)
