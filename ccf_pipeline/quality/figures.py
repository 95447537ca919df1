"""The figures of a data set as `quality.json` holds them; a share that could not be measured is None."""

from __future__ import annotations

from typing import Literal

from ccf_pipeline.records import Direction, Noun, ReasonCount

VERSION = 2


class Rate(Noun):
    """A share of rows with Wilson's interval at 95 %."""

    hits: int
    of: int
    share: float | None
    low: float | None
    high: float | None


class NamedRate(Noun):
    """A rate of one finding, direction or reason."""

    name: str
    rate: Rate


class FlipCell(Noun):
    """The share of pairs in which one finding changed as asked, in one direction."""

    finding: str
    direction: Direction
    rate: Rate


class Flips(Noun):
    """Shares of pairs in which the planned finding changed and no other, as one judge reads both texts.

    `uncertain` are pairs in which the judge doubts the finding; they are no success.
    `collateral` is per finding: how often it comes, goes or becomes doubtful though neither plan nor graph
    asks for it. A denial that is no longer made ("lungs are clear", of lungs that are not) is no such change;
    `denials_withdrawn` counts those.
    """

    judge: str
    independent: bool
    pairs: int
    success: Rate
    uncertain: int
    directions: tuple[NamedRate, ...]
    cells: tuple[FlipCell, ...]
    collateral: tuple[NamedRate, ...]
    denials_withdrawn: Rate


class Spread(Noun):
    """The middle of a distribution and its tails."""

    median: float | None
    tenth: float | None
    ninetieth: float | None


class EditFigures(Noun):
    """The distance between the counterfactuals and their reports."""

    token_distance: Spread
    sentences_kept: Spread
    length_change: Spread
    cliffs_delta: float | None


class Preserved(Noun):
    """Mentions that have nothing to do with the change, found on both sides."""

    pairs: int
    before: int
    after: int
    shared: int
    f1: float | None


class WordingFigures(Noun):
    """Variety of the words written into the reports; the shares fall with the number of spans."""

    spans: int
    distinct_spans: float | None
    most_frequent_span: float | None
    distinct_words: float | None
    distinct_word_pairs: float | None


class DuplicateFigures(Noun):
    """Reports nearly the same as that of another study; `made` are those whose originals were not."""

    pairs: int
    factual: Rate
    counterfactual: Rate
    made: Rate


class Violations(Noun):
    """Verdicts on the bare texts by the graph, without the plan they were written to."""

    pairs: int
    hard: int
    by_code: tuple[ReasonCount, ...]


class RelationUse(Noun):
    """Uses of a relation of the graph: a sign that came with its finding, or a concept that gave way."""

    source: str
    target: str
    relation: str
    count: int


class Leakage(Noun):
    """Shares of texts that give the answer away before the diagnosis line."""

    wrapper_in_reasoning: Rate
    chosen_names_answer_first: Rate
    rejected_names_answer_first: Rate
    prompts: int


class FindingBalance(Noun):
    """Counts of one finding: on either side, gained and lost."""

    finding: str
    chosen: int
    rejected: int
    gained: int
    lost: int


class BalanceCell(Noun):
    """Count of pairs in which one finding replaces another; `lost` is "" where none is replaced."""

    lost: str
    target: str
    direction: Direction
    count: int


class Balance(Noun):
    """The mix of findings on both sides, and its association with the side."""

    directions: tuple[ReasonCount, ...]
    cells: tuple[BalanceCell, ...]
    findings: tuple[FindingBalance, ...]
    chi_square: float | None
    cramers_v: float | None


class AttemptYield(Noun):
    """The share of accepted answers of one attempt."""

    attempt: int
    rate: Rate


class Yield(Noun):
    """Counts of studies, plans, answers and tokens."""

    studies_read: int
    studies_skipped: tuple[ReasonCount, ...]
    studies_without_target: int
    studies_planned: int
    planned: int
    judged: int
    accepted: Rate
    reasons: tuple[ReasonCount, ...]
    warnings: tuple[ReasonCount, ...]
    attempts: tuple[AttemptYield, ...]
    experts: tuple[ReasonCount, ...]
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    tokens_per_accepted: float | None


class Privacy(Noun):
    """Identifiers that the counterfactual has and its report has not, and how many planted ones are found."""

    invented: Rate
    planted_found: Rate


class TellTale(Noun):
    """A word or two that one side has more often: the share of texts of each side that hold it."""

    word: str
    side: str
    chosen: float
    rejected: float
    weight: float


class ArtefactView(Noun):
    """A linear model's success at telling rejected from chosen by one view, on patients it never saw.

    Args:
        auc: 0.5 is chance.
        pairwise: how often it scores the rejected text of a pair above the chosen one.
        preference: accuracy of a model trained on pairs, without an image: the text-only baseline.
        null_high: what nineteen of twenty shuffles of the sides stay below.
    """

    view: str
    pairs: int
    auc: float | None
    pairwise: float | None
    preference: float | None
    null_mean: float | None
    null_high: float | None
    words: tuple[TellTale, ...]


class TextAlone(Noun):
    """The share of rows in which a model of one kind of feature prefers the right side, without any image.

    It learns on some patients and judges others; 0.5 is what a coin would come to.
    """

    pairs: Literal["training mix", "thinking pairs"]
    features: Literal["words", "characters", "encoder"]
    rows: int
    value: float | None


class FilmFigures(Noun):
    """Agreement of the matched films with the counterfactual texts, by their own reports.

    `planned` counts all accepted pairs by what the plan promised. The rates are of pairs that may be trained
    on with a mirror: the text and the report of its film, read again, have the same findings and the same
    side of the target, the text names no degree and no place of it that the report does not, and says
    nothing that the report contradicts.
    """

    planned: tuple[ReasonCount, ...]
    findings: Rate
    side: Rate
    degree: Rate
    place: Rate
    uncontradicted: Rate


class ModelOpinion(Noun):
    """Another model's entities: the share that it finds on both sides."""

    source: str
    pairs: int
    entity_f1: float | None


class Samples(Noun):
    """The number of rows whose texts were read again for the figures."""

    seed: int
    pairs: int
    of: int


class Figures(Noun):
    """Everything that is measured."""

    yields: Yield
    flips: tuple[Flips, ...]
    edits: EditFigures
    preserved: Preserved
    wording: WordingFigures
    duplicates: DuplicateFigures
    violations: Violations
    relations: tuple[RelationUse, ...]
    leakage: Leakage
    balance: Balance
    privacy: Privacy
    artefacts: tuple[ArtefactView, ...]
    text_alone: tuple[TextAlone, ...]
    films: FilmFigures
    models: tuple[ModelOpinion, ...] = ()
    samples: Samples


class Gate(Noun):
    """One bound that a good data set keeps; `passed` is None where there was too little to measure.

    `floor` is what reports that nobody forged come to, for a figure that cannot fall below that.
    """

    name: str
    value: float | None
    bound: float
    at_least: bool
    passed: bool | None
    why: str
    floor: float | None = None


class MadeWith(Noun):
    """Graph, program and expert of the measured build."""

    graph: str
    graph_digest: str
    code: str
    expert: str


class Quality(Noun):
    """`quality.json`: the figures of a build, and whether they are good enough."""

    version: int
    made_with: MadeWith
    figures: Figures
    gates: tuple[Gate, ...]
