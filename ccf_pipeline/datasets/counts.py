"""Count what a data set holds while it is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ccf_pipeline.datasets.formats import StudyPairs
from ccf_pipeline.datasets.formats.select import has_mirror, lines_of
from ccf_pipeline.records import ReasonCount, Record, Spend
from ccf_pipeline.settings import PriceSettings


@dataclass
class Spent:
    """The cost of one model's answers, over all attempts."""

    judged: int = 0
    accepted: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0

    def add(self, record: Record) -> None:
        self.judged += 1
        self.accepted += record.accepted
        self.tokens_in += record.tokens_in
        self.tokens_cached += record.tokens_cached
        self.tokens_out += record.tokens_out

    def at(self, prices: PriceSettings) -> float:
        """Return the price of the tokens."""
        return prices.cost_of(
            Spend(tokens_in=self.tokens_in, tokens_cached=self.tokens_cached, tokens_out=self.tokens_out)
        )


@dataclass
class SideSums:
    """Sums of the words and of the diseases named on both sides of the mix's pairs."""

    pairs: int = 0
    chosen_words: int = 0
    rejected_words: int = 0
    chosen_diseases: int = 0
    rejected_diseases: int = 0

    def add(self, record: Record) -> None:
        self.pairs += 1
        self.chosen_words += len((record.chosen_text or record.factual_text).split())
        self.rejected_words += len(record.counterfactual_text.split())
        chosen, rejected = lines_of(record)
        self.chosen_diseases += len(chosen)
        self.rejected_diseases += len(rejected)


FILMS = (
    "no film at all",
    "shows the target, other findings differ",
    "same findings, and nothing contradicts",
    "same side and degree of the target, too",
    "same place of the target, too",
)
"""The levels of agreement between a matched film and the counterfactual text, the lowest first."""


def film_of(record: Record) -> str:
    """Return how close the matched film of a record is."""
    if record.matched_image is None:
        return FILMS[0]
    if not has_mirror(record, "labels"):
        return FILMS[1]
    if not has_mirror(record, "attributes"):
        return FILMS[2]
    return FILMS[4 if "place" in record.matched_image.agrees else 3]


@dataclass
class Tally:
    """Counts over every judged record of a build."""

    accepted: int = 0
    rejected: int = 0
    directions: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    judged_at: Counter[int] = field(default_factory=Counter)
    accepted_at: Counter[int] = field(default_factory=Counter)
    spent: dict[tuple[str, str, str], Spent] = field(default_factory=dict)
    sides: SideSums = field(default_factory=SideSums)
    films: Counter[str] = field(default_factory=Counter)
    uses: Counter[str] = field(default_factory=Counter)
    with_chosen_text: int = 0

    def add_study(self, study: StudyPairs) -> None:
        """Count the records of one study, and which of them are trained on."""
        for record in study.all_records:
            self.add(record)
        for record in study.mirrored:
            self.sides.add(record)
        self.uses.update({"mirrored": len(study.mirrored), "unmirrored": len(study.unmirrored)})
        self.uses.update(study.left_out)

    def add(self, record: Record) -> None:
        self.judged_at.update(range(1, record.attempt + 1))
        self.spent.setdefault((record.expert, record.model, record.strategy), Spent()).add(record)
        if not record.accepted:
            self.rejected += 1
            self.reasons.update({problem.code for problem in record.problems if problem.level == "block"})
            return
        self.accepted += 1
        self.accepted_at[record.attempt] += 1
        self.directions[record.direction] += 1
        self.targets[record.target] += 1
        self.splits[record.split] += 1
        self.cells[record.target, record.direction, record.split] += 1
        self.films[film_of(record)] += 1
        self.with_chosen_text += record.chosen_text is not None


def ranked(counts: Counter[str]) -> tuple[ReasonCount, ...]:
    """The most frequent first, and by name where they are even."""
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(ReasonCount(reason=reason, count=count) for reason, count in ordered)
