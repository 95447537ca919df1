"""Sampled rows and the tally of all of them → figures and gates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ccf_pipeline.counterfactual.check.foreign_pairs import report_pair
from ccf_pipeline.counterfactual.check.privacy import IDENTIFIER
from ccf_pipeline.counterfactual.masking import mask_details, mask_findings, wrapper_of
from ccf_pipeline.counterfactual.plan.films import FilmReader
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.quality.artefacts import Sides, measure_view
from ccf_pipeline.quality.duplicates import measure_duplicates
from ccf_pipeline.quality.figures import (
    VERSION,
    ArtefactView,
    Figures,
    Flips,
    Leakage,
    MadeWith,
    ModelOpinion,
    Preserved,
    Quality,
    RelationUse,
    Samples,
    Violations,
)
from ccf_pipeline.quality.films import measure_films
from ccf_pipeline.quality.flips import FlipCount, States, implied_by_change, leaving
from ccf_pipeline.quality.gates import judge_figures
from ccf_pipeline.quality.leakage import WRAPPER_WORDS, names_answer_first, scan_privacy
from ccf_pipeline.quality.preference import TextPair, measure_text_alone
from ccf_pipeline.quality.rates import rate, rounded
from ccf_pipeline.quality.reference import KINDS, forged_view, written_sides, written_view
from ccf_pipeline.quality.sampling import draw
from ccf_pipeline.quality.tally import Tally, ranked
from ccf_pipeline.quality.wording import inserted_spans, measure_wording
from ccf_pipeline.reader import CHEXPERT, Lexicon, read_text
from ccf_pipeline.reader.facts import is_asserted, read_facts
from ccf_pipeline.reader.strict_labels import read_strict_labels
from ccf_pipeline.records import FINDING_LABELS, Label, Mention, Pair, PlanSummary, ReasonCount, Record

HARD_CODES = frozenset({"exclusive_asserted", "self_contradiction"})
AUDITED_PAIRS = 4000  # a verdict on bare texts takes a few milliseconds

Progress = Callable[[str, int, int | None], None]
Wrap = Callable[[str, tuple[Label, ...]], str]


def _ignore_progress(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Opinion:
    """Labels that another judge gives to texts, by record and side; `entities` where it names any."""

    source: str
    labels: Mapping[tuple[str, str], States]
    entities: Mapping[tuple[str, str], frozenset[str]]


@dataclass(frozen=True)
class Rules:
    """The graph, reader and wrapper by which rows are measured."""

    graph: ConceptGraph
    lexicon: Lexicon
    wrap: Wrap
    question: str
    seed: int


@dataclass(frozen=True)
class Training:
    """A sample of the mix's rows as they were written, and the films of its mirror rows.

    Args:
        mix: the chosen and the rejected text of each row.
        films: how close the films of all accepted pairs were planned to be.
        mirrored: the sampled pairs that stand in the mix.
        reports: by study, those of the films.
        encoder: measure what the text decides by a small transformer as well.
    """

    mix: Sequence[TextPair] = ()
    films: tuple[ReasonCount, ...] = ()
    mirrored: Sequence[Record] = ()
    reports: Mapping[str, str] = field(default_factory=dict)
    encoder: bool = False


@dataclass(frozen=True)
class ReadPair:
    """A sampled row with what the reader finds on both sides."""

    record: Record
    chosen: str
    before: tuple[Mention, ...]
    after: tuple[Mention, ...]


def measure(
    tally: Tally,
    sampled: Sequence[Record],
    plan: PlanSummary,
    made_with: MadeWith,
    rules: Rules,
    opinions: Sequence[Opinion] = (),
    progress: Progress = _ignore_progress,
    *,
    training: Training = Training(),
) -> Quality:
    """Measure everything of a build.

    Args:
        sampled: accepted rows, drawn by lot; texts are read again for these only.
    """
    pairs = read_pairs(sampled, rules, progress)
    figures = Figures(
        yields=tally.yields(plan),
        flips=tuple(_measure_flips(tally, pairs, opinions, rules)),
        edits=tally.edits(),
        preserved=_measure_preserved(pairs, rules.graph),
        wording=measure_wording(_list_inserted_spans(pairs, rules.seed)),
        duplicates=measure_duplicates(
            [pair.chosen for pair in pairs],
            [pair.record.counterfactual_text for pair in pairs],
            [pair.record.study_id for pair in pairs],
        ),
        violations=_count_violations(pairs, rules, progress),
        relations=_count_relation_uses(pairs, rules.graph),
        leakage=_measure_leakage(pairs, rules),
        balance=tally.balance(),
        privacy=scan_privacy(
            [(pair.chosen, pair.record.counterfactual_text) for pair in pairs],
            lambda text: [" ".join(found.lower().split()) for found in IDENTIFIER.findall(text)],
            seed=rules.seed,
        ),
        artefacts=tuple(measure_artefacts(pairs, rules, progress)),
        text_alone=tuple(
            measure_text_alone(
                training.mix,
                [(pair.chosen, pair.record.counterfactual_text) for pair in pairs],
                [pair.record.subject_id for pair in pairs],
                encoder=training.encoder,
            )
        ),
        films=measure_films(
            training.films, training.mirrored, training.reports, FilmReader(rules.graph, rules.lexicon)
        ),
        models=tuple(_compare_models(opinions)),
        samples=Samples(seed=rules.seed, pairs=len(pairs), of=tally.accepted.total()),
    )
    return Quality(version=VERSION, made_with=made_with, figures=figures, gates=judge_figures(figures))


def read_pairs(
    sampled: Sequence[Record], rules: Rules, progress: Progress = _ignore_progress
) -> list[ReadPair]:
    """Both texts of every row, read once for all that is measured of them."""
    pairs = []
    for number, record in enumerate(sampled, 1):
        chosen = record.chosen_text or record.factual_text
        before = read_facts(chosen, rules.lexicon).mentions
        after = read_facts(record.counterfactual_text, rules.lexicon).mentions
        pairs.append(ReadPair(record, chosen, before, after))
        if number % 100 == 0 or number == len(sampled):
            progress("metrics", number, len(sampled))
    return pairs


# --- other judges ---------------------------------------------------------------------------


def _measure_flips(
    tally: Tally, pairs: Sequence[ReadPair], opinions: Iterable[Opinion], rules: Rules
) -> Iterable[Flips]:
    yield tally.flips.figures()
    yield tally.asked_flips.figures()
    strict = FlipCount("a stricter reading by CheXpert's conventions, sampled", rules.graph)
    for pair in pairs:
        chosen, rejected = (
            strict_states(text, rules.lexicon) for text in (pair.chosen, pair.record.counterfactual_text)
        )
        strict.add(pair.record, chosen, rejected)
    yield strict.figures()
    for opinion in opinions:
        count = FlipCount(opinion.source, rules.graph, independent=True)
        for pair in pairs:
            name = pair.record.record_id
            told = opinion.labels.get((name, "factual")), opinion.labels.get((name, "counterfactual"))
            if told[0] is not None and told[1] is not None:
                count.add(pair.record, told[0], told[1])
        yield count.figures()


def strict_states(text: str, lexicon: Lexicon) -> States:
    """Labels that contradict nothing and are said in full, by their CheXpert names."""
    labels = read_strict_labels(read_text(text, lexicon, CHEXPERT), lexicon, CHEXPERT)
    return {FINDING_LABELS[finding]: state for finding, state in labels.items()}


def _compare_models(opinions: Iterable[Opinion]) -> Iterable[ModelOpinion]:
    for opinion in opinions:
        names = sorted({name for name, _ in opinion.entities})
        both = [
            (opinion.entities[name, "factual"], opinion.entities[name, "counterfactual"])
            for name in names
            if (name, "factual") in opinion.entities and (name, "counterfactual") in opinion.entities
        ]
        if both:
            shared = sum(len(a & b) for a, b in both)
            total = sum(len(a) + len(b) for a, b in both)
            f1 = rounded(2 * shared / total) if total else None
            yield ModelOpinion(source=opinion.source, pairs=len(both), entity_f1=f1)


# --- what stayed ------------------------------------------------------------------------------


def _measure_preserved(pairs: Sequence[ReadPair], graph: ConceptGraph) -> Preserved:
    before_count = after_count = shared = 0
    for pair in pairs:
        near = _collect_changed_concepts(graph, pair.record.target, leaving(pair.record))
        before, after = (_count_statements(mentions, near) for mentions in (pair.before, pair.after))
        before_count += before.total()
        after_count += after.total()
        shared += (before & after).total()
    total = before_count + after_count
    return Preserved(
        pairs=len(pairs),
        before=before_count,
        after=after_count,
        shared=shared,
        f1=rounded(2 * shared / total) if total else None,
    )


def _count_statements(mentions: Sequence[Mention], near: frozenset[str]) -> Counter[tuple[str, str, str]]:
    """Return each statement once; denials that a normal state implies are left out."""
    return Counter(
        {
            (mention.concept, mention.polarity, mention.side or ""): 1
            for mention in mentions
            if mention.implied_by is None and mention.concept not in near
        }
    )


def _collect_changed_concepts(graph: ConceptGraph, target: str, gone: tuple[str, ...]) -> frozenset[str]:
    """Every concept that a change may touch: its findings, their kin and signs, and what excludes them."""
    labels = implied_by_change(graph, target, gone)
    findings = [finding for finding, label in FINDING_LABELS.items() if label in labels]
    centre = [finding for finding, label in FINDING_LABELS.items() if label in (target, *gone)]
    near = {*findings}
    for finding in centre:
        signs = [relation.other(finding) for relation in graph.relations_of(finding)]
        for concept in (finding, *signs, *graph.excluded(finding)):
            near |= {concept, *graph.descendants(concept), *graph.ancestors(concept)}
    return frozenset(near)


def _list_inserted_spans(pairs: Sequence[ReadPair], seed: int) -> list[str]:
    """Inserted spans in an order that no study or patient decides."""
    found = [
        (draw(seed, f"{pair.record.record_id}\x1f{number}"), span)
        for pair in pairs[:2000]
        for number, span in enumerate(inserted_spans(pair.chosen, pair.record.counterfactual_text))
    ]
    return [span for _, span in sorted(found)]


# --- the graph, and what is given away --------------------------------------------------------


def _count_violations(pairs: Sequence[ReadPair], rules: Rules, progress: Progress) -> Violations:
    codes: Counter[str] = Counter()
    hard = 0
    audited = pairs[:AUDITED_PAIRS]
    ids = {label: finding for finding, label in FINDING_LABELS.items()}
    for number, pair in enumerate(audited, 1):
        record = pair.record
        asked = Pair(
            pair_id=record.record_id,
            factual=record.factual_text,
            candidate=record.counterfactual_text,
            target=ids[record.target],
            direction=record.direction,
            swap_from=tuple(ids[label] for label in record.swap_from),
        )
        reasons = report_pair(asked, rules.graph, rules.lexicon).reasons
        codes.update(reasons)
        hard += not HARD_CODES.isdisjoint(reasons)
        if number % 100 == 0 or number == len(audited):
            progress("audit", number, len(audited))
    return Violations(pairs=len(audited), hard=hard, by_code=ranked(codes))


def _count_relation_uses(pairs: Sequence[ReadPair], graph: ConceptGraph) -> tuple[RelationUse, ...]:
    """Signs that came with the findings that came, and what went because it excludes them."""
    ids = {label: finding for finding, label in FINDING_LABELS.items()}
    used: Counter[tuple[str, str, str]] = Counter()
    for pair in pairs:
        if pair.record.direction == "remove":
            continue
        target = ids[pair.record.target]
        before, after = (
            {mention.concept for mention in mentions if is_asserted(mention)}
            for mentions in (pair.before, pair.after)
        )
        for relation in graph.supports(target):
            if relation.other(target) in after - before:
                used[relation.source, relation.target, relation.relation] += 1
        for concept in before - after:
            barred = graph.excludes(target, concept)
            if barred is not None:
                used[barred.source, barred.target, barred.relation] += 1
    return tuple(
        RelationUse(source=source, target=other, relation=kind, count=used[source, other, kind])
        for source, other, kind in sorted(used, key=lambda key: (-used[key], key))
    )


def _measure_leakage(pairs: Sequence[ReadPair], rules: Rules) -> Leakage:
    wrapped = chosen = rejected = 0
    for pair in pairs:
        record = pair.record
        wrapped += any(WRAPPER_WORDS.search(text) for text in (pair.chosen, record.counterfactual_text))
        chosen += names_answer_first(pair.chosen, record.factual_labels, pair.before, rules.graph)
        rejected += names_answer_first(
            record.counterfactual_text, record.counterfactual_labels, pair.after, rules.graph
        )
    return Leakage(
        wrapper_in_reasoning=rate(wrapped, len(pairs)),
        chosen_names_answer_first=rate(chosen, len(pairs)),
        rejected_names_answer_first=rate(rejected, len(pairs)),
        prompts=len({rules.question}) if pairs else 0,
    )


def measure_artefacts(
    pairs: Sequence[ReadPair], rules: Rules, progress: Progress = _ignore_progress
) -> Iterable[ArtefactView]:
    """Yield every view of the artefact test.

    Beside each kind of pair stands a view of no forgery at all: it tells how much of the first is medicine.
    """
    patients = [pair.record.subject_id for pair in pairs]
    raw = [pair.chosen for pair in pairs], [pair.record.counterfactual_text for pair in pairs]
    masked = (
        [mask_findings(pair.chosen, pair.before) for pair in pairs],
        [mask_findings(pair.record.counterfactual_text, pair.after) for pair in pairs],
    )
    wrappers = (
        [wrapper_of(rules.wrap(pair.chosen, pair.record.factual_labels), pair.chosen) for pair in pairs],
        [
            wrapper_of(
                rules.wrap(pair.record.counterfactual_text, pair.record.counterfactual_labels),
                pair.record.counterfactual_text,
            )
            for pair in pairs
        ],
    )
    written = _mask_written_reports(pairs, masked[0], rules)
    reports = {pair.record.study_id: pair.record.factual_text for pair in pairs}
    records = [pair.record for pair in pairs]
    views = [
        Sides("raw words", "words", *raw, patients),
        written_sides(records, reports, seed=rules.seed, view="written reports, raw words").sides,
        Sides("findings masked", "words", *masked, patients),
        Sides("findings, sides, places and degrees masked", "words", *_mask_details(masked, rules), patients),
        Sides("length and punctuation", "shape", *raw, patients),
        Sides("wrapper alone", "characters", *wrappers, patients),
    ]
    for kind in KINDS:
        views += _compare_with_written(records, masked, written, kind, seed=rules.seed)
    for number, sides in enumerate(views, 1):
        yield measure_view(sides, seed=rules.seed)
        progress("artefacts", number, len(views))


def _compare_with_written(
    records: Sequence[Record],
    masked: tuple[list[str], list[str]],
    written: Mapping[str, str],
    kind: str,
    *,
    seed: int,
) -> tuple[Sides, Sides]:
    """Return the pairs of one kind and, for the same pairs, written reports with the same findings.

    Both are cut into the same blocks of patients and are as many, so that neither is learnt from more.
    """
    floor = written_sides(records, written, seed=seed, view=written_view(kind), kind=kind)
    sides = [[side[number] for number in floor.numbers] for side in masked]
    return Sides(forged_view(kind), "words", sides[0], sides[1], floor.sides.patients), floor.sides


def _mask_details(masked: tuple[list[str], list[str]], rules: Rules) -> tuple[list[str], list[str]]:
    chosen, rejected = ([mask_details(text, rules.graph) for text in side] for side in masked)
    return chosen, rejected


def _mask_written_reports(pairs: Sequence[ReadPair], masked: Sequence[str], rules: Rules) -> dict[str, str]:
    """The factual reports by study as they were written, masked; read again where a pair words them anew."""
    written: dict[str, str] = {}
    for pair, text in zip(pairs, masked, strict=True):
        if not pair.record.chosen_text:
            written[pair.record.study_id] = text
    for pair in pairs:
        factual = pair.record.factual_text
        if pair.record.study_id not in written:
            mentions = read_facts(factual, rules.lexicon).mentions
            written[pair.record.study_id] = mask_findings(factual, mentions)
    return written
