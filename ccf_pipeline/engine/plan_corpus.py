"""Corpus → plans: once through for what the corpus as a whole decides, once more for the plans themselves.

The first pass keeps of each study a few numbers: the state that its report leaves it in, and what a match
of its image depends on. From these come the weights of the findings and the index of images; with them
the plans of a study depend on the study and the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ccf_pipeline.corpora import read_corpus
from ccf_pipeline.counterfactual.plan import (
    Bank,
    Gatherer,
    PlanTally,
    StudyState,
    narrow_state,
    plan_study,
    read_open_state,
)
from ccf_pipeline.counterfactual.plan.balance import Census, find_weights
from ccf_pipeline.counterfactual.plan.films import FilmReader
from ccf_pipeline.counterfactual.plan.matched_images import ImageIndex, fitting_films, with_matched_images
from ccf_pipeline.engine.materials import Progress
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Plan, PlannedStudy, Skipped, Study
from ccf_pipeline.settings import BuildSettings, PlanSettings

WITHOUT_TARGET = "no eligible counterfactual"


@dataclass(frozen=True)
class Planner:
    """Plan the studies of a corpus one by one, and count what is planned."""

    settings: PlanSettings
    graph: ConceptGraph
    lexicon: Lexicon
    films: FilmReader
    weights: dict[str, int]
    bank: Bank | None
    images: ImageIndex
    tally: PlanTally
    narrowed: dict[str, StudyState]
    """By study, the states in which less may go than the findings alone would let; few studies have one."""
    matched_qualities: list[float] = field(default_factory=list)
    """How near the matched images are, one after the other."""

    def plan(self, study: Study) -> tuple[Plan, ...]:
        """Plan the counterfactuals of one study, each with the image of a perception pair if there is one."""
        chosen = self.settings
        reading = read_facts(study.text, self.lexicon)
        state = self.narrowed.get(study.study_id) or read_open_state(study, reading, self.graph)
        film = self.films.read(reading)
        plans = plan_study(
            study,
            reading,
            self.graph,
            per_study=chosen.per_study,
            seed=chosen.seed,
            preset=chosen.preset,
            weights=self.weights,
            state=state,
            bank=self.bank,
            fits=fitting_films(study, film, self.films, self.images),
        )
        plans = with_matched_images(plans, study, film, self.films, self.images)
        self.tally.add(state, plans)
        self.matched_qualities.extend(p.matched_image.quality for p in plans if p.matched_image)
        return plans


def open_planner(
    settings: BuildSettings, graph: ConceptGraph, lexicon: Lexicon, progress: Progress
) -> Planner:
    """Look at every study of the corpus, and return a planner that knows what they decide together."""
    chosen, drawn_sentences = settings.plan, settings.expert.drawn_sentences
    census, images = Census(chosen.seed), ImageIndex(chosen.seed)
    gatherer, films = Gatherer(graph, chosen.seed), FilmReader(graph, lexicon)
    narrowed: dict[str, StudyState] = {}
    for number, study in enumerate(read_corpus(settings.corpus), 1):
        progress("survey", number, None)
        if isinstance(study, Skipped):
            continue
        reading = read_facts(study.text, lexicon)
        images.add(study, films.read(reading))
        if drawn_sentences:
            gatherer.add(study, reading)
        if chosen.preset == "balanced":
            open_state = read_open_state(study, reading, graph)
            state = narrow_state(open_state, study, reading, graph)
            if state != open_state:
                narrowed[study.study_id] = state
            census.add(study.study_id, state)
    weights = find_weights(census, graph, chosen.per_study) if chosen.preset == "balanced" else {}
    return Planner(
        settings=chosen,
        graph=graph,
        lexicon=lexicon,
        films=films,
        weights=weights,
        bank=gatherer.settle(drawn_sentences) if drawn_sentences else None,
        images=images,
        tally=PlanTally(graph, chosen.per_study, chosen.preset, weights),
        narrowed=narrowed,
    )


def plan_corpus(
    settings: BuildSettings, planner: Planner, progress: Progress
) -> Iterator[PlannedStudy | Skipped]:
    """Yield every study of the corpus with its plans, or skipped with the reason."""
    for number, found in enumerate(read_corpus(settings.corpus), 1):
        progress("studies", number, None)
        if isinstance(found, Skipped):
            yield found
            continue
        plans = planner.plan(found)
        yield (
            PlannedStudy(study=found, plans=plans)
            if plans
            else Skipped(study_id=found.study_id, reason=WITHOUT_TARGET)
        )
