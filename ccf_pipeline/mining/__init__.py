"""Find concepts of a corpus that go together or exclude each other, and compare them with the graph.

concepts = minable_concepts(graph, lexicon)
tally = Tally.of(concepts)
tally.add(sight_concepts(reports, graph, lexicon, concepts))      # any number of times, in any order
rows = judge_pairs(tally, graph, Thresholds())
"""

from ccf_pipeline.mining.counts import Report, Sightings, Tally, minable_concepts, sight_concepts
from ccf_pipeline.mining.judge import judge_pairs, pairs_tested
from ccf_pipeline.mining.mined import MinedRelation, MiningReport, Status, Thresholds

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
