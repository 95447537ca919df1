"""The records of a build: plans, seals, status and summaries."""

from __future__ import annotations

from typing import Literal

from ccf_pipeline.records.answers import Spend
from ccf_pipeline.records.corpora import ReasonCount
from ccf_pipeline.records.words import Direction, Noun


class FindingBalance(Noun):
    """The gains and losses of a finding over a plan, and what keeps the two apart.

    `studies` assert it. `most_gained` and `most_lost` are as often as the eligible changes allow at so many
    counterfactuals per study, `least_lost` is as often as they force it. `standing` is `even` when the two
    counts are within a tenth of each other, `limited` when eligibility keeps them further apart, and
    `uneven` when nothing does. `weight` is the finding's in the draw, in thousandths: above zero it is
    favoured as a target.
    """

    finding: str
    studies: int
    gained: int
    lost: int
    most_gained: int
    most_lost: int
    least_lost: int
    weight: int
    standing: Literal["even", "limited", "uneven"]
    limit: str = ""


class PlanSummary(Noun):
    """The studies of a corpus: read = planned + without target + skipped."""

    studies_read: int
    studies_planned: int
    studies_without_target: int
    studies_skipped: tuple[ReasonCount, ...]
    plans: int
    shards: int
    matched_images: int = 0
    balance: tuple[FindingBalance, ...] = ()


class ConfigSummary(Noun):
    """The rows of one dataset config, and those it had to leave out."""

    config: str
    rows: int
    left_out: tuple[ReasonCount, ...] = ()


class BuildSummary(Noun):
    """The contents of a finished build, counted from its files, not from memory."""

    plan: PlanSummary
    accepted: int
    rejected: int
    rejected_by_reason: tuple[ReasonCount, ...]
    accepted_by_direction: tuple[ReasonCount, ...]
    accepted_by_target: tuple[ReasonCount, ...]
    configs: tuple[ConfigSummary, ...]


class Seal(Noun):
    """The commit marker of a shard: counts of its rows, and the digests by which damage is found."""

    shard: int
    accepted: int
    rejected: int
    repaired: int
    rejected_by: tuple[ReasonCount, ...]
    accepted_bytes: int
    accepted_sha256: str
    rejected_bytes: int
    rejected_sha256: str


class Holder(Noun):
    """The process that works in a build folder; `since` counts seconds since 1970.

    `listens` says that SIGTERM makes it stop in good order: not every worker takes it so.
    """

    pid: int
    host: str
    since: int
    shares: bool = False
    listens: bool = False


class BuildStatus(Noun):
    """The state of a build, read beside whoever is building it.

    `estimated` counts the answers whose server did not say how many tokens it used.
    """

    state: Literal["planning", "running", "stopped", "finished", "damaged"]
    holder: Holder | None
    plans: int
    judged: int
    accepted: int
    rejected: int
    repaired: int
    rejected_by: tuple[ReasonCount, ...]
    shards: int
    shards_sealed: int
    spend: Spend
    estimated: int = 0
    taken_over: int = 0
    cost: float | None
    answers_per_second: float | None
    seconds_left: int | None


class BuildCheck(Noun):
    """The result of verifying a build: damaged files by path, and damage of the journal.

    `added` names what lies below the build's folders and is no part of it.
    `lost_answers` counts the answers that were paid for and that the journal does not hold any more.
    `audit` says what ails audit.jsonl, whose lines are sealed one by the other and cannot be made anew;
    `audit_lines` and `audit_seal`, the hash of the last line, tell it from a log that was cut short later.
    """

    finished: bool
    files: int
    damaged: tuple[str, ...]
    added: tuple[str, ...] = ()
    journal: str | None
    lost_answers: int = 0
    repaired: tuple[str, ...] = ()
    audit: str | None = None
    audit_lines: int = 0
    audit_seal: str | None = None


class RecheckSummary(Noun):
    """The changes when answers were judged again, by the reasons that came or went."""

    judged: int
    accepted: int
    newly_rejected: tuple[ReasonCount, ...]
    newly_accepted: tuple[ReasonCount, ...]
    written: bool


class ChangeCount(Noun):
    """The count of one finding lost for another; "" where one is only lost or only gained.

    A counterfactual in which several findings give way counts once for each of them.
    """

    direction: Direction
    lost: str
    target: str
    count: int


class CostForecast(Noun):
    """An estimate of what a plan would cost: `looked_at` counterfactuals stand for all of them.

    `hours` is at a stated throughput, `price` at stated prices, the second one without a prefix cache.
    """

    strategy: str
    counterfactuals: int
    looked_at: int
    repairs: int
    rewordings: int
    spend: Spend
    hours: float | None = None
    price: float | None = None
    price_without_cache: float | None = None


class PlanView(Noun):
    """A view of a plan before any expert is asked."""

    preset: str
    per_study: int
    funnel: tuple[ReasonCount, ...]
    directions: tuple[ReasonCount, ...]
    changes: tuple[ChangeCount, ...]
    balance: tuple[FindingBalance, ...]
    matched_images: int
    match_quality: float | None
    examples: tuple[str, ...]
    cost: CostForecast | None = None
