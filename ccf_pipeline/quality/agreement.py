"""Summarise the judgements of readers: how plausible a data set looked, and how far they agreed."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import get_args

from ccf_pipeline.quality.figures import Rate
from ccf_pipeline.quality.rates import rate, rounded
from ccf_pipeline.records import Judgement, Noun, Opinion, ReasonCount

OPINIONS: tuple[str, ...] = get_args(Opinion)


class ReadRow(Noun):
    """A line of the reader study: how often reports of a kind were found plausible; unsure counts as not."""

    what: str
    plausible: Rate
    implausible: int
    unsure: int


class Agreement(Noun):
    """Return how far two readers agree beyond chance on the reports that both judged (Cohen's kappa)."""

    readers: tuple[str, str]
    both_judged: int
    same: Rate
    kappa: float | None


class ReaderStudy(Noun):
    """Everything the readers said, in figures; `kappa_of_all` is Fleiss', over reports all of them judged."""

    readers: tuple[ReasonCount, ...]
    rows: tuple[ReadRow, ...]
    agreements: tuple[Agreement, ...]
    kappa_of_all: float | None
    reasons: tuple[ReasonCount, ...]


def reader_study(judgements: Sequence[Judgement]) -> ReaderStudy:
    """Figures of the judgements that hold: one per reader, mode and report."""
    by_reader: dict[str, dict[str, str]] = defaultdict(dict)
    for one in judgements:
        by_reader[one.reader][f"{one.mode} {one.record_id}"] = one.opinion
    pairs = itertools.combinations(sorted(by_reader), 2)
    reasons = Counter(reason for one in judgements for reason in one.reasons)
    return ReaderStudy(
        readers=_rank_counts(Counter(one.reader for one in judgements)),
        rows=tuple(_iter_read_rows(judgements)),
        agreements=tuple(_compute_agreement((a, b), by_reader[a], by_reader[b]) for a, b in pairs),
        kappa_of_all=fleiss_kappa(_count_judgements(by_reader)),
        reasons=_rank_counts(reasons),
    )


def plausible_records(judgements: Iterable[Judgement]) -> frozenset[str]:
    """The counterfactuals that more readers found plausible than implausible; unsure is neither."""
    score: Counter[str] = Counter()
    weight = {"plausible": 1, "implausible": -1}
    for one in judgements:
        if one.shown == "counterfactual":
            score[one.record_id] += weight.get(one.opinion, 0)
    return frozenset(record for record, sum_ in score.items() if sum_ > 0)


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Agreement of two readers beyond chance; None where there is nothing to agree on."""
    if not pairs:
        return None
    total = len(pairs)
    seen = sum(one == other for one, other in pairs) / total
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(ones[opinion] * others[opinion] for opinion in OPINIONS) / total**2
    return None if chance == 1 else rounded((seen - chance) / (1 - chance))


def fleiss_kappa(table: Sequence[Counter[str]]) -> float | None:
    """Agreement of several readers beyond chance; each row counts the opinions on one report."""
    readers = table[0].total() if table else 0
    if readers < 2:
        return None
    total = len(table) * readers
    chance = sum((sum(row[opinion] for row in table) / total) ** 2 for opinion in OPINIONS)
    pairs = readers * (readers - 1)
    seen = sum(sum(n * (n - 1) for n in row.values()) / pairs for row in table) / len(table)
    return None if chance == 1 else rounded((seen - chance) / (1 - chance))


def _iter_read_rows(judgements: Sequence[Judgement]) -> Iterable[ReadRow]:
    def row(what: str, some: Sequence[Judgement]) -> ReadRow:
        opinions = Counter(one.opinion for one in some)
        return ReadRow(
            what=what,
            plausible=rate(opinions["plausible"], len(some)),
            implausible=opinions["implausible"],
            unsure=opinions["unsure"],
        )

    for mode, shown in sorted({(one.mode, one.shown) for one in judgements}):
        yield row(
            f"{shown}, {mode.replace('_', ' ')}",
            [one for one in judgements if (one.mode, one.shown) == (mode, shown)],
        )
    made = [one for one in judgements if one.shown == "counterfactual"]
    for direction in sorted({one.direction for one in made}):
        yield row(f"direction {direction}", [one for one in made if one.direction == direction])
    for target in sorted({one.target for one in made}):
        yield row(target, [one for one in made if one.target == target])


def _compute_agreement(readers: tuple[str, str], one: dict[str, str], other: dict[str, str]) -> Agreement:
    pairs = [(one[report], other[report]) for report in sorted(one.keys() & other.keys())]
    same = sum(first == second for first, second in pairs)
    return Agreement(
        readers=readers, both_judged=len(pairs), same=rate(same, len(pairs)), kappa=cohen_kappa(pairs)
    )


def _count_judgements(by_reader: dict[str, dict[str, str]]) -> list[Counter[str]]:
    if len(by_reader) < 2:
        return []
    shared = set.intersection(*(set(said) for said in by_reader.values()))
    return [Counter(said[report] for said in by_reader.values()) for report in sorted(shared)]


def _rank_counts(counts: Counter[str]) -> tuple[ReasonCount, ...]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(ReasonCount(reason=reason, count=count) for reason, count in ordered)
