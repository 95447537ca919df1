"""Corpus → plans: once through for what the corpus as a whole decides, once more for the plans themselves.

The first pass keeps of each study a few numbers: the state that its report leaves it in, and what a match
of its image depends on. From these come the weights of the findings and the index of images; with them
the plans of a study depend on the study and the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ccf_pipeline.corpora import read_corpus
from ccf_pipeline.counterfactual.plan import Bank, Gatherer, PlanTally, plan_study, read_state
from ccf_pipeline.counterfactual.plan.balance import Census, find_weights
from ccf_pipeline.counterfactual.plan.matched_images import ImageIndex, with_matched_images
from ccf_pipeline.engine.materials import Progress
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import Reading, read_facts
from ccf_pipeline.records import Plan, PlannedStudy, Skipped, Study
from ccf_pipeline.settings import BuildSettings, PlanSettings

WITHOUT_TARGET = "no eligible counterfactual"


@dataclass
class Planner:
    """Plan the studies of a corpus one by one, and count what is planned."""

    settings: PlanSettings
    graph: ConceptGraph
    lexicon: Lexicon
    drawn_sentences: int = 0
    """How many sentences of the bank each plan draws for what is new, in each section."""
    weights: dict[str, int] = field(default_factory=dict)
    bank: Bank | None = None
    images: ImageIndex | None = None

    @cached_property
    def tally(self) -> PlanTally:
        chosen = self.settings
        return PlanTally(self.graph, chosen.per_study, chosen.preset, self.weights)

    @cached_property
    def matched_qualities(self) -> list[float]:
        """Return how near the matched images are, one after the other."""
        return []

    def survey(self, found: Iterator[Study | Skipped], progress: Progress) -> None:
        """Look at every study of the corpus, and settle what they decide together."""
        chosen = self.settings
        census, images = Census(chosen.seed), ImageIndex(chosen.seed)
        gatherer = Gatherer(self.graph, chosen.seed)
        for number, study in enumerate(found, 1):
            progress("survey", number, None)
            if isinstance(study, Skipped):
                continue
            reading = self.read(study)
            images.add(study, reading.states)
            if self.drawn_sentences:
                gatherer.add(study, reading)
            if chosen.preset == "balanced":
                census.add(study.study_id, read_state(study, reading, self.graph))
        self.images = images
        self.bank = gatherer.settle(self.drawn_sentences) if self.drawn_sentences else None
        if chosen.preset == "balanced":
            self.weights = find_weights(census, self.graph, chosen.per_study)

    def plan(self, study: Study) -> tuple[Plan, ...]:
        """The counterfactuals of one study, each with the image of a perception pair where there is one."""
        chosen = self.settings
        reading = self.read(study)
        state = read_state(study, reading, self.graph)
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
        )
        if self.images is not None:
            plans = with_matched_images(plans, study, reading.states, self.images)
        self.tally.add(state, plans)
        self.matched_qualities.extend(p.matched_image.quality for p in plans if p.matched_image)
        return plans

    def read(self, study: Study) -> Reading:
        return read_facts(study.text, self.lexicon)


def open_planner(
    settings: BuildSettings, graph: ConceptGraph, lexicon: Lexicon, progress: Progress
) -> Planner:
    """A planner that has surveyed the corpus."""
    planner = Planner(settings.plan, graph, lexicon, drawn_sentences=settings.expert.drawn_sentences)
    planner.survey(read_corpus(settings.corpus), progress)
    return planner


def plan_corpus(
    settings: BuildSettings, planner: Planner, progress: Progress
) -> Iterator[PlannedStudy | Skipped]:
    """Every study of the corpus with its plans, or skipped with the reason."""
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
