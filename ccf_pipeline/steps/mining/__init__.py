"""Which concepts go together in a corpus, which shun each other, and what the curated graph says of it.

concepts = minable_concepts(graph, lexicon)
tally = Tally.of(concepts)
tally.add(sight_concepts(reports, graph, lexicon, concepts))      # any number of times, in any order
rows = judge_pairs(tally, graph, Thresholds())
"""

from ccf_pipeline.concepts.mined import MinedRelation, MiningReport, Status, Thresholds
from ccf_pipeline.steps.mining.counts import Report, Sightings, Tally, minable_concepts, sight_concepts
from ccf_pipeline.steps.mining.judging import judge_pairs, pairs_tested

__all__ = [
    "MinedRelation",
    "MiningReport",
    "Report",
    "Sightings",
    "Status",
    "Tally",
    "Thresholds",
    "judge_pairs",
    "minable_concepts",
    "pairs_tested",
    "sight_concepts",
]
