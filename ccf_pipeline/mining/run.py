"""From a corpus to relations: mined by counting what the reader reads, or extracted by a language model.

Both stand beside the curated graph and never change it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ccf_pipeline.corpora import read_corpus
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.errors import ExpertError
from ccf_pipeline.experts.chat import ChatExpert, Question
from ccf_pipeline.files.worker_pool import in_portions, map_in_order
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.mining import (
    Report,
    Sightings,
    Tally,
    judge_pairs,
    minable_concepts,
    pairs_tested,
    sight_concepts,
)
from ccf_pipeline.mining.extraction import Batch, Comparison, Extraction, ExtractionAnswer, Terms, read_answer
from ccf_pipeline.mining.mined import ExtractionReport, MiningReport, Thresholds
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import Completion, ReasonCount, Skipped, Study, Template
from ccf_pipeline.settings import CorpusSettings

REPORTS_AT_ONCE = 1000
UNREADABLE_AT_MOST = 20


# --- mine -----------------------------------------------------------------------------------


def mine_corpus(
    corpus: CorpusSettings,
    graph: ConceptGraph,
    thresholds: Thresholds | None = None,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> MiningReport:
    """Count the concept pairs of a corpus and set them beside the graph; workers change nothing but time."""
    thresholds = thresholds or Thresholds()
    reader = Reader.of(graph)
    tally = Tally(reader.concepts)
    studies = _Studies(corpus)
    reports = (Report(study.text, len(study.sentences)) for study in studies)
    for sightings in map_in_order(
        in_portions(reports, REPORTS_AT_ONCE), _prepare_sighting, graph, workers=workers
    ):
        tally.add(sightings)
        progress("mining", int(tally.studies.sum()), corpus.limit)
    return MiningReport(
        corpus=corpus.kind,
        graph_version=f"{graph.name} {graph.version}",
        graph_digest=graph.digest,
        thresholds=thresholds,
        studies_read=int(tally.studies.sum()),
        studies_skipped=_sort_reasons(studies.skipped),
        concepts=len(tally.concepts),
        pairs_tested=pairs_tested(tally, thresholds),
        relations=judge_pairs(tally, graph, thresholds),
    )


@dataclass(frozen=True)
class Reader:
    """Read reports for their concepts."""

    graph: ConceptGraph
    lexicon: Lexicon
    concepts: tuple[str, ...]

    @classmethod
    def of(cls, graph: ConceptGraph) -> Reader:
        lexicon = Lexicon.from_graph(graph.file)
        return cls(graph, lexicon, minable_concepts(graph, lexicon))

    def sight(self, reports: list[Report]) -> Sightings:
        return sight_concepts(reports, self.graph, self.lexicon, self.concepts)


@dataclass
class _Studies:
    """The studies of a corpus, once through; what is read and what is skipped is counted on the way."""

    corpus: CorpusSettings
    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Study]:
        for study in read_corpus(self.corpus):
            if isinstance(study, Skipped):
                self.skipped[study.reason] += 1
            else:
                self.read += 1
                yield study


def _sort_reasons(counts: Counter[str]) -> tuple[ReasonCount, ...]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(ReasonCount(reason=reason, count=count) for reason, count in ordered)


def _prepare_sighting(graph: ConceptGraph) -> Callable[[list[Report]], Sightings]:
    """Make a process ready: once each, since a lexicon does not travel between processes."""
    return Reader.of(graph).sight


# --- extract --------------------------------------------------------------------------------


def extract_relations(
    corpus: CorpusSettings,
    graph: ConceptGraph,
    expert: ChatExpert,
    journal_path: Path,
    *,
    batch_size: int = 20,
    min_cases: int = 3,
    progress: Progress = silent,
) -> ExtractionReport:
    """Have a language model read the corpus in batches, and set what it finds beside the graph.

    Every answer is kept in the journal before it is used, so that the same command goes on where it
    stopped and asks nothing twice.
    """
    template = load_template("extract")
    studies = _Studies(corpus)
    with Journal(journal_path) as journal:
        run = _Asking(expert, journal, template, Extraction(Terms(graph, Lexicon.from_graph(graph.file))))
        todo: Iterable[Batch] = _split_studies(studies, batch_size)
        while todo:  # an answer that was cut off leaves the halves of its batch to ask about
            todo = run.ask(todo, lambda done: progress("extraction", done, corpus.limit))
    return ExtractionReport(
        corpus=corpus.kind,
        model=expert.model,
        graph_version=f"{graph.name} {graph.version}",
        graph_digest=graph.digest,
        prompt_digest=template.digest,
        min_cases=min_cases,
        studies_read=studies.read,
        studies_skipped=_sort_reasons(studies.skipped),
        studies_unreadable=run.unreadable,
        studies_left_out=run.left_out,
        cases=run.extraction.cases,
        answers_kept_before=run.kept_before,
        answers_paid_for=run.paid_for,
        tokens_in=run.tokens_in,
        tokens_out=run.tokens_out,
        unknown_terms=_sort_reasons(run.extraction.unknown),
        relations=Comparison(run.extraction, graph, min_cases).rows(),
    )


def _split_studies(studies: Iterable[Study], size: int) -> Iterator[Batch]:
    waiting = iter(studies)
    while some := list(itertools.islice(waiting, size)):
        yield Batch(tuple(study.study_id for study in some), tuple(study.text for study in some))


@dataclass
class _Asking:
    """Batches going out, answers coming in, and what has been made of them."""

    expert: ChatExpert
    journal: Journal
    template: Template
    extraction: Extraction
    in_flight: dict[str, Batch] = field(default_factory=dict)
    again: list[Batch] = field(default_factory=list)
    done: int = 0
    unreadable: int = 0
    unreadable_answers: int = 0
    left_out: int = 0
    kept_before: int = 0
    paid_for: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def ask(self, batches: Iterable[Batch], tell: Callable[[int], None]) -> list[Batch]:
        """Get every batch answered, by the journal or by the expert; returns what to ask in smaller parts."""
        self.again = []
        for completions in self.expert.answer_questions(self._list_questions(batches)):
            if completions:
                self.journal.keep(completions)
            self.paid_for += len(completions)
            for completion in completions:
                self._take_answer(self.in_flight.pop(completion.prompt_id), completion)
            tell(self.done)
        tell(self.done)
        return self.again

    def _list_questions(self, batches: Iterable[Batch]) -> Iterator[Question]:
        schema = ExtractionAnswer.model_json_schema()
        for batch in batches:
            prompt_id = batch.prompt_id(self.template)
            kept = self.journal.find([prompt_id], expert=self.expert.name, model=self.expert.model)
            if kept:
                self.kept_before += 1
                self._take_answer(batch, kept[prompt_id])
            else:
                self.in_flight[prompt_id] = batch
                yield Question(prompt_id, batch.messages(self.template), schema)

    def _take_answer(self, batch: Batch, completion: Completion) -> None:
        self.tokens_in += completion.tokens_in
        self.tokens_out += completion.tokens_out
        answer = read_answer(completion, batch)
        if answer is not None:
            self.extraction.add(answer)
            self.left_out += len(batch.texts) - len(answer.cases)
            self.done += len(batch.texts)
            return
        self.unreadable_answers += 1
        if not self.extraction.cases and self.unreadable_answers >= UNREADABLE_AT_MOST:
            raise ExpertError(
                f"{self.expert.model} was asked {self.unreadable_answers} times, never to answer in the form",
                hint="Try a smaller --batch, a server that holds to JSON schemas, or another model.",
            )
        if halves := batch.halves():
            self.again += halves
        else:
            self.unreadable += 1
            self.done += 1
